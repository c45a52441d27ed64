"""Backtest on real fieldwork, beside other forecasters in the same run.

Run by `python -m bench backtest_real`. Losses are the pinball losses of p10, p50 and p90 added
up, over the final count. Whatever is fitted is fitted on the fields of other sources.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from bench.forecast.backtest import below, naive_ends, seasonal_end
from bench.forecast.fields.chance import Floats
from bench.forecast.fields.generated_fields import PROCESSES, REAL_TRAITS, Field, field
from bench.forecast.fields.real_fields import Cut, cut_field, panel_cuts, real_fields
from bench.forecast.left_out import Outcome, leave_sources_out
from bench.forecast.peers import LEVELS, PEERS, SLOW, TAUGHT_ON, boosted_quantiles, forecast_end
from bench.shared.figure import Figure, skipped
from dashboard.fielding.forecast.group_forecast import Forecast, forecast_many
from dashboard.fielding.forecast.inputs import ForecastInput

NAIVE = ("straight line", "last 24 h", "same hours last week", "seasonal rate")
WORDS = ("low", "medium", "high")
LOW, HIGH = 0.72, 0.90
FEWEST = 15  # cuts of a panel that are told apart
BOOSTED = "LightGBM on panel fields of other sources"
PROCESS_FIELDS, SLOW_FIELDS = 400, 30  # of each made-up process
SEEDS = 20000  # apart from those of the other figures, and from those that weights were set on
_LEVELS = np.array(LEVELS)


def pinball_sum(quantiles: Floats, truth: Floats) -> Floats:
    """Pinball losses of p10, p50 and p90 (fields, 3), added up: (fields)."""
    miss = truth[:, None] - quantiles
    return np.asarray(np.maximum(_LEVELS * miss, (_LEVELS - 1) * miss).sum(axis=1))


def our_forecasts(fields: Sequence[Field], goal: Callable[[Field], float]) -> list[Forecast]:
    """The product's forecast of each field for a goal."""
    return forecast_many(
        [
            ForecastInput(
                f.history,
                goal(f),
                f.now,
                f.ends_at,
                f.zone,
                f.pauses,
                soft_launch=f.soft_launch,
            )
            for f in fields
        ]
    )


def ends_of(forecasts: Sequence[Forecast]) -> Floats:
    """p10, p50, p90 of completes at the end: (forecasts, 3)."""
    return np.array(
        [
            (f.completes_at_end_p10, f.completes_at_end_p50, f.completes_at_end_p90)
            for f in forecasts
        ]
    )


def naive_points(fields: Sequence[Field]) -> dict[str, Floats]:
    """Completes at the end by each naive line, one point as all three quantiles."""
    points = [[*naive_ends(f), seasonal_end(f)[1]] for f in fields]
    return {
        name: np.repeat(column[:, None], 3, axis=1)
        for name, column in zip(NAIVE, np.array(points).T, strict=True)
    }


def peer_ends(fields: Sequence[Field]) -> dict[str, Floats]:
    """Completes at the end by each peer that is not taught on other fields."""
    return {name: np.stack([forecast_end(peer, f) for f in fields]) for name, peer in PEERS.items()}


def boosted_ends(cuts: Sequence[Cut], *, panels_only: bool) -> Floats:
    """Completes at the end by gradient-boosted quantiles, leave one source out."""
    taught = [
        cut_field(real, share)
        for real in real_fields()
        if real.is_long and (real.is_panel or not panels_only)
        for share in TAUGHT_ON
    ]
    answer = np.zeros((len(cuts), 3))
    for source in {cut.real.source for cut in cuts}:
        rows = [row for row, cut in enumerate(cuts) if cut.real.source == source]
        others = [cut.field for cut in taught if cut.real.source != source]
        answer[rows] = boosted_quantiles(others, [cuts[row].field for row in rows])
    return answer


def is_installed() -> bool:
    """Whether the packages of requirements/bench.txt are there."""
    return all(find_spec(name) is not None for name in ("statsforecast", "lightgbm"))


def figures() -> list[Figure]:
    """Ours on real fields, the peers beside it, then the made-up fields against the same peers."""
    cuts = panel_cuts()
    fields = [cut.field for cut in cuts]
    truth = np.array([f.truth for f in fields])
    forecasts = our_forecasts(fields, lambda f: f.goal)
    ours = float((pinball_sum(ends_of(forecasts), truth) / truth).mean())
    return [
        *_coverage(cuts, forecasts, truth),
        below("real_pinball", ours, 0.38, f"{len(cuts)} cuts, share of the final count"),
        *_left_out(cuts, truth),
        *_peer_figures(cuts, truth, ours),
        *_words(),
        *_goals(fields, truth),
        *_processes(),
    ]


def _within(name: str, value: float, low: float, high: float, note: str) -> Figure:
    return Figure(name, value, f"{low:g}..{high:g}", low <= value <= high, note)


def _covered(ends: Floats, truth: Floats) -> NDArray[np.bool_]:
    return np.asarray((ends[:, 0] <= truth) & (truth <= ends[:, 2]))


def _coverage(cuts: Sequence[Cut], forecasts: Sequence[Forecast], truth: Floats) -> list[Figure]:
    covered = _covered(ends_of(forecasts), truth)
    panels = np.array([cut.real.panel for cut in cuts])
    return [
        _within("real_coverage", float(covered.mean()), LOW, HIGH, "p10 to p90, all panel cuts"),
        *(
            Figure(
                f"real_coverage_{panel}",
                share := float(covered[panels == panel].mean()),
                ">=0.6",
                share >= 0.6,
                f"{(panels == panel).sum()} cuts",
            )
            for panel in sorted(set(panels))
            if (panels == panel).sum() >= FEWEST
        ),
    ]


def _left_out(cuts: Sequence[Cut], truth: Floats) -> list[Figure]:
    """The same with what was set on real fields chosen on the fields of other sources."""
    fields = [cut.field for cut in cuts]

    def measure() -> Outcome:
        ends = ends_of(our_forecasts(fields, lambda f: f.goal))
        return Outcome(pinball_sum(ends, truth) / truth, _covered(ends, truth))

    losses, covered = leave_sources_out(cuts, measure)
    note = "waves set with the source left out"
    return [
        _within("real_coverage_left_out", float(covered.mean()), LOW, HIGH, note),
        below("real_pinball_left_out", float(losses.mean()), 0.38, note),
    ]


def _peer_figures(cuts: Sequence[Cut], truth: Floats, ours: float) -> list[Figure]:
    """Our loss over that of each peer."""
    fields = [cut.field for cut in cuts]
    ends = naive_points(fields)
    if not is_installed():
        return [
            *(_against(name, ends[name], truth, ours, 1.0) for name in ends),
            skipped("real_pinball_to_peers", "<=1", "requirements/bench.txt is not installed"),
        ]
    ends |= peer_ends(fields)
    boosted = boosted_ends(cuts, panels_only=True)
    every = boosted_ends(cuts, panels_only=False)
    return [
        *(_against(name, ends[name], truth, ours, 1.0) for name in ends),
        _against(BOOSTED, boosted, truth, ours, 1.15),
        _against("LightGBM on all fields of other sources", every, truth, ours, 1.15),
    ]


def _against(peer: str, ends: Floats, truth: Floats, ours: float, bound: float) -> Figure:
    loss = float((pinball_sum(ends, truth) / truth).mean())
    spread = (ends[:, 2] > ends[:, 0]).any()
    coverage = f", coverage {_covered(ends, truth).mean():.2f}" if spread else ", a point"
    name = "_".join(re.findall(r"\w+", peer.lower()))
    return below(f"real_pinball_to_{name}", ours / loss, bound, f"{peer}: {loss:.2f}{coverage}")


def _words() -> list[Figure]:
    """Coverage and loss of each word of confidence, at twelve cuts of each panel field."""
    fields = [cut.field for cut in panel_cuts(TAUGHT_ON)]
    truth = np.array([f.truth for f in fields])
    forecasts = our_forecasts(fields, lambda f: f.goal)
    ends = ends_of(forecasts)
    losses, covered = pinball_sum(ends, truth) / truth, _covered(ends, truth)
    words = np.array([forecast.confidence for forecast in forecasts])
    rows, before = [], np.inf
    for word in WORDS:
        picked = words == word
        if not picked.any():
            rows.append(skipped(f"real_{word}_loss", "falls", "no cut is called so"))
            continue
        loss, share = float(losses[picked].mean()), float(covered[picked].mean())
        rows.append(_within(f"real_{word}_coverage", share, 0.72, 0.88, f"{picked.sum()} cuts"))
        rows.append(Figure(f"real_{word}_loss", loss, f"<{before:.2g}", loss < before))
        before = loss
    return rows


def _goals(fields: Sequence[Field], truth: Floats) -> list[Figure]:
    """What a wrong goal does: half and double the final count, and goals that nobody has."""
    goals: dict[str, Callable[[Field], float]] = {
        "half": lambda f: max(1.0, f.goal // 2),
        "double": lambda f: 2.0 * f.goal,
        "1": lambda _: 1.0,
        "1e9": lambda _: 1e9,
    }
    return [
        below(
            f"real_pinball_goal_{name}",
            float((pinball_sum(ends_of(our_forecasts(fields, goal)), truth) / truth).mean()),
            0.5,
            "the goal is not the final count",
        )
        for name, goal in goals.items()
    ]


def _processes() -> list[Figure]:
    """The worst of the made-up processes, and of those with real traits, against its best peer."""
    names = {"made_worst_process": PROCESSES, "traits_worst_process": REAL_TRAITS}
    if not is_installed():
        return [
            skipped(name, "<=1.05", "requirements/bench.txt is not installed") for name in names
        ]
    return [_worst(name, processes) for name, processes in names.items()]


def _worst(name: str, processes: Iterable[str]) -> Figure:
    """Our loss over that of the best peer, for the process where it is highest."""
    ratios = {process: _to_best_peer(process) for process in processes}
    worst = max(ratios, key=lambda process: ratios[process][0])
    lines = ", ".join(
        f"{process} {ratio:.2f} ({best})" for process, (ratio, best) in ratios.items()
    )
    return below(name, ratios[worst][0], 1.05, f"{worst}; {lines}")


def _to_best_peer(process: str) -> tuple[float, str]:
    """Our loss over that of the best peer, and which one that is. The slow peers forecast the
    first fields only, and are held against our loss on those."""
    fields = [field(process, SEEDS + seed) for seed in range(PROCESS_FIELDS)]
    goal = np.array([f.goal for f in fields])
    truth = np.array([f.truth for f in fields])
    ours = pinball_sum(ends_of(our_forecasts(fields, lambda f: f.goal)), truth) / goal
    peers = naive_points(fields)
    for name, peer in PEERS.items():
        number = SLOW_FIELDS if name in SLOW else PROCESS_FIELDS
        peers[name] = np.stack([forecast_end(peer, f) for f in fields[:number]])
    ratios = {}
    for name, ends in peers.items():
        theirs = pinball_sum(ends, truth[: len(ends)]) / goal[: len(ends)]
        ratios[name] = float(ours[: len(ends)].mean() / theirs.mean())
    best = max(ratios, key=lambda name: ratios[name])
    return ratios[best], best
