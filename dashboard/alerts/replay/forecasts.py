"""What was foreseen of groups at moments of their past, by the same arithmetic as today.

A forecast costs more than a look at a number, so each is worked out twice a day, and before and
after something was agreed anew or the group paused; where the verdict of a rule differs between two
of these, also in between, until they are less than an hour apart.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from dashboard.alerts.replay.group_history import GroupTimeline
from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.insight import samples as trail
from dashboard.fielding.insight.assistant_modules import modules_of
from dashboard.fielding.insight.baselines import Baselines, load_baselines
from dashboard.fielding.insight.compute import forecast_histories, outcome_of_history
from dashboard.fielding.insight.document import Insight, StoredEpc
from dashboard.fielding.insight.group_history import GroupHistory, series_until
from dashboard.fielding.series import daily

EVERY, NEAR = timedelta(hours=12), timedelta(hours=1)
JUST = timedelta(seconds=1)
SAMPLED = timedelta(seconds=trail.STEP)
AT_ONCE = 400  # forecasts side by side: more need more memory and are no faster
Judged = Callable[[GroupSnapshot], Any]
Moment = tuple[GroupTimeline, datetime]


def attach_insights(
    pasts: Collection[GroupTimeline], judged: Judged, *, now: datetime, sampled: bool
) -> None:
    """Give each past the insights by which a rule is judged on it.

    judged: the rule's verdict on figures, or ASLEEP where it does not look at such a group.
    sampled: with what happened in the hours before, which only early warning reads.
    """
    pools = load_baselines([past.group for past in pasts])
    trails = {past: samples_of(past, now=now) if sampled else [] for past in pasts}
    found: dict[GroupTimeline, dict[datetime, tuple[Any, Insight]]] = {past: {} for past in pasts}
    todo = [(past, at) for past in pasts for at in _grid(past, now)]
    while todo:
        told = insights_at([(p, at) for p, at in todo if judged(p.at(at)) is None], pools, trails)
        for past, at in todo:
            f, new = past.at(at), told.get((past, at), Insight())
            found[past][at] = judged(f._replace(insight=f.insight.with_parts_of(new))), new
        todo = [(past, at) for past, looks in found.items() for at in _between(looks)]
    for past, looks in found.items():
        past.foretold = True
        past.insights = [(at, looks[at][1]) for at in sorted(looks)]


class Asleep:
    """No verdict, because the rule does not look at a group in that status."""

    seen = None


ASLEEP = Asleep()


def _grid(past: GroupTimeline, now: datetime) -> list[datetime]:
    """Twice a day, when something was agreed anew, and just before that: it may have been why."""
    start = past.start
    if start is None:
        return []
    steps = int((now - start) / EVERY) + 1
    regular = [now - EVERY * step for step in range(steps)]
    turns = [at - before for at in past.turns for before in (timedelta(0), JUST)]
    return sorted({start, *regular, *(at for at in turns if start < at <= now)})


def _between(looks: Mapping[datetime, tuple[Any, Any]]) -> Iterator[datetime]:
    """The middles of the spans in which a verdict changed."""
    for before, after in pairwise(sorted(looks)):
        one, other = looks[before][0], looks[after][0]
        asleep = ASLEEP in (one, other)
        if not asleep and _seen(one) != _seen(other) and after - before > NEAR:
            yield before + (after - before) / 2


def _seen(verdict: Any) -> Any:
    return verdict.seen if verdict is not None else None


def insights_at(
    moments: Sequence[Moment], pools: Baselines, trails: Mapping[GroupTimeline, Sequence[Any]]
) -> dict[Moment, Insight]:
    """The insight of each group at each moment, oldest first: histories of a length are as fast."""
    insights: dict[Moment, Insight] = {}
    ordered = sorted(moments, key=lambda moment: moment[1])
    for start in range(0, len(ordered), AT_ONCE):
        chunk = ordered[start : start + AT_ONCE]
        histories = [_history_at(past, at, pools, trails[past]) for past, at in chunk]
        results = forecast_histories(histories)
        for (past, at), history, result in zip(chunk, histories, results, strict=True):
            insights[past, at] = outcome_of_history(history, result, risks=bool(trails[past]))
    return insights


def _history_at(
    past: GroupTimeline, at: datetime, pools: Baselines, samples: Sequence[Any]
) -> GroupHistory:
    """The group with all that its insight is worked out from, as they were then."""
    group = past.group_at(at)
    newest = bisect_right(samples, at, key=lambda one: one[0])
    group.insight = {"trail": samples[newest - 1][1]} if newest else {}
    group.respondent_analysis = []  # not kept
    return GroupHistory(
        group=group,
        now=at,
        series=series_until(past.series, group.completes, at.timestamp()),
        pauses=daily.pauses_of(past.pauses(at)),
        zone=zone_of(group.country_code, group.time_zone),
        modules=modules_of(past.assisted(at), group.details),
        pools=pools,
    )


def samples_of(past: GroupTimeline, *, now: datetime) -> list[tuple[datetime, list[list[Any]]]]:
    """The trail of a group's figures as each quarter of a day left it."""
    if past.start is None:
        return []
    trails: list[tuple[datetime, list[list[Any]]]] = []
    samples: list[trail.Sample] = []
    at = past.start
    while at <= now:
        samples = trail.with_sample(samples, trail.sample_of(past.group_at(at), now=at))
        trails.append((at, [list(sample) for sample in samples]))
        at += SAMPLED
    return trails


def attach_usual_epc(pasts: Collection[GroupTimeline], *, now: datetime) -> None:
    """Give each past the usual EPC of its last days, as each quarter of a day left it."""
    for past in pasts:
        for at, samples in samples_of(past, now=now):
            usual = trail.usual_figure(trail.samples_from_json(samples), "epc", past.at(at).cpi)
            if usual is not None:
                past.insights.append((at, Insight(epc=StoredEpc(median=usual))))
