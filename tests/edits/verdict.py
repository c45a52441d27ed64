"""What the exchange kept against what the product said of every edit."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from dashboard.fielding.models import TargetGroup
from dashboard.simulator.server.truth import differences
from tests.edits import kinds
from tests.edits.trial import LAGS, Trial, Try

SETTLED_WITHIN = 60_000  # milliseconds after the lag has ended
RACE = 10_000  # milliseconds in which nobody can have heard of a colleague's edit


@dataclass
class Verdict:
    """What was wrong, a sentence each, by the kind of wrong; and how everything ended."""

    untouched: list[str] = field(default_factory=list)
    raced: list[str] = field(default_factory=list)
    falsely_confirmed: list[str] = field(default_factory=list)
    falsely_refused: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    stored_otherwise: list[str] = field(default_factory=list)
    formless: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """Every wrong, for a person to read."""
        return [
            f"{name}: {sentence}" for name, wrongs in self.wrongs().items() for sentence in wrongs
        ]

    def wrongs(self) -> dict[str, list[str]]:
        """The sentences by the kind of wrong."""
        return {name: value for name, value in vars(self).items() if isinstance(value, list)}


def judge(trial: Trial) -> Verdict:
    """The verdict on a trial that has ended."""
    verdict = Verdict(crashes=list(trial.crashes))
    verdict.violations = [
        f"{v['operation']}: {v['reasons']} {v['body'][:300]}" for v in trial.simulator.violations()
    ]
    states = {g: trial.simulator.states(g) for g in {attempt.group for attempt in trial.tries}}
    log = [e for e in trial.simulator.edits() if e["by"] == "client"]
    for attempt in trial.tries:
        end, at = ("", 0) if attempt.outcome else trial.end_of(attempt)
        verdict.counts[f"{attempt.kind}: {attempt.outcome or end}"] += 1
        if attempt.outcome == "no form":
            _judge_form(verdict, trial, attempt, states[attempt.group])
        if not attempt.outcome:
            _judge_end(verdict, trial, attempt, states[attempt.group])
            _judge_times(verdict, trial, attempt, log, at)
    for group, group_states in states.items():
        _judge_untouched(verdict, trial, group, group_states)
    _judge_tables(verdict, trial, states)
    return verdict


def _said(trial: Trial, attempt: Try) -> str:
    edit = trial.edit_of(attempt)
    change = attempt.change
    words = (
        f"seed {trial.seed} try {attempt.number} {attempt.kind} of {attempt.group}, {change.name}"
    )
    words += (
        f"={change.typed!r}{' again' if attempt.again else ''}, lag {_lag(trial, attempt.began)} s"
    )
    if edit is not None:
        words += f", edit {edit.pk} {edit.state}, checks {edit.checks}"
        words += f", reasons {edit.reasons}" if edit.reasons else ""
    return words


def _lag(trial: Trial, at: int) -> float:
    index = bisect_right([phase.since for phase in trial.phases], at) - 1
    return trial.phases[max(0, index)].lag


def _most_lag(trial: Trial, since: int, until: int) -> float:
    later = [phase.lag for phase in trial.phases if since <= phase.since <= until]
    return max([_lag(trial, since), *later])


def holds(trial: Trial, attempt: Try, settings: dict[str, Any]) -> bool:
    """Whether a group is set to what a try wanted."""
    if attempt.change.holds is not None:
        return attempt.change.holds(settings)
    edit = trial.edit_of(attempt)
    wanted: Any = edit.wanted if edit else {}
    end = wanted.get("end_fielding_at") or wanted.get("fielding_specification", {}).get("end_at")
    return end is not None and datetime.fromisoformat(settings["end"]) == datetime.fromisoformat(
        end
    )


def _between(states: list[dict[str, Any]], since: int, until: int) -> list[dict[str, Any]]:
    """The states that a group was in between two moments."""
    first = max(0, bisect_right([state["at"] for state in states], since) - 1)
    return [state for state in states[first:] if state["at"] <= until]


def _judge_end(verdict: Verdict, trial: Trial, attempt: Try, states: list[dict[str, Any]]) -> None:
    """Whether the product's word on a try is true, and came in time."""
    end, at = trial.end_of(attempt)
    later = [
        state for state in states if attempt.began <= state["at"] and (not at or state["at"] <= at)
    ]
    base = max([attempt.began, *(state["at"] for state in later)])
    arrived = any(holds(trial, attempt, state["settings"]) for state in later)
    # Where nothing arrived nobody can tell that from the longest lag.
    lag = _most_lag(trial, attempt.began, base) if arrived else max(LAGS)
    late = base + int(lag * 1000) + SETTLED_WITHIN
    if end in ("sending", "unknown", "waiting") or at > late:
        after = f"{(at - base) / 1000:.0f} s after the last change" if at else "never"
        verdict.unsettled.append(f"{_said(trial, attempt)}: settled {after}")
    if not at:
        return
    lived = _between(states, attempt.began, at)
    held = [holds(trial, attempt, state["settings"]) for state in lived]
    if end == "confirmed" and not any(held):
        verdict.falsely_confirmed.append(f"{_said(trial, attempt)}: Cint never held it")
    own_states = [
        state
        for state in lived
        if state["at"] >= attempt.began and state["cause"]["by"] == "client"
    ]
    taken = any(
        state["cause"].get("operation") == kinds.SENT_BY.get(attempt.kind) for state in own_states
    )
    rounded = attempt.kind == "draft" and len({state["settings"]["cpi"] for state in lived}) > 1
    if end in ("rejected", "conflict") and taken and all(held[1:]) and not rounded:
        verdict.falsely_refused.append(f"{_said(trial, attempt)}: Cint took it and holds it")


def _judge_form(verdict: Verdict, trial: Trial, attempt: Try, states: list[dict[str, Any]]) -> None:
    """Whether a group that was moved is still asked for where it was."""
    moves = [
        after["at"]
        for before, after in pairwise(states)
        if before["settings"]["project_id"] != after["settings"]["project_id"]
        and after["at"] <= attempt.began
    ]
    known = int(_lag(trial, attempt.began) * 1000) + SETTLED_WITHIN
    lost = "not found" in attempt.why or "no longer lists" in attempt.why
    if moves and lost and attempt.began - moves[-1] > known:
        since = (attempt.began - moves[-1]) // 1000
        verdict.formless.append(f"{_said(trial, attempt)}: moved {since} s before; {attempt.why}")


def _judge_times(
    verdict: Verdict, trial: Trial, attempt: Try, log: list[dict[str, Any]], at: int
) -> None:
    operation = kinds.SENT_BY.get(kinds_of(attempt.kind))
    until = at or trial.shift.ms()
    if operation is None:
        return
    sent = [
        e
        for e in log
        if e["operation"] == operation
        and e["target_group_id"] == attempt.group
        and attempt.began <= e["at"] <= until
        and e["status"] < 300
    ]
    own_requests = [e for e in sent if owner(trial, attempt.group, operation, e["at"]) is attempt]
    if len(own_requests) > 1:
        verdict.twice.append(f"{_said(trial, attempt)}: sent {len(own_requests)} times")


def kinds_of(kind: str) -> str:
    """The kind of edit that a kind of try makes."""
    return {"bulk_cpi": "cpi", "bulk_end": "dates"}.get(kind, kind)


def owner(trial: Trial, group: str, operation: str, at: int) -> Try | None:
    """Whose request it was: that of the last try of the group that sends such."""
    own_requests = [
        t
        for t in trial.tries
        if t.group == group
        and t.outcome in ("", "not sent")
        and kinds.SENT_BY.get(kinds_of(t.kind)) == operation
        and t.began <= at
    ]
    return own_requests[-1] if own_requests else None


def _judge_untouched(
    verdict: Verdict, trial: Trial, group: str, states: list[dict[str, Any]]
) -> None:
    by_person: dict[str, int] = {}
    for before, after in pairwise(states):
        changed = differences(before["settings"], after["settings"])
        cause = after["cause"]
        if cause["by"] == "person":
            by_person |= dict.fromkeys(changed, after["at"])
        if cause["by"] != "client":
            continue
        attempt = owner(trial, group, cause["operation"], after["at"])
        wrong = {
            path: pair
            for path, pair in changed.items()
            if (attempt is None or not attempt.change.allows(path)) and not _is_rounded(path, *pair)
        }
        if not wrong:
            continue
        words = _said(trial, attempt) if attempt else f"nobody's {cause['operation']} of {group}"
        heard = all(after["at"] - by_person.get(path, 0) > RACE for path in wrong)
        (verdict.untouched if heard else verdict.raced).append(f"{words}: also changed {wrong}")


def _is_rounded(path: str, before: Any, after: Any) -> bool:
    """Whether a price was only sent back, and the exchange rounds prices."""
    if path != "cpi":
        return False
    steps = (Decimal("0.01"), Decimal("0.0001"))
    return any(Decimal(before).quantize(step, ROUND_HALF_UP) == Decimal(after) for step in steps)


def _judge_tables(verdict: Verdict, trial: Trial, states: dict[str, list[dict[str, Any]]]) -> None:
    """Whether our tables hold what the exchange does, a minute after the lag has ended."""
    for row in TargetGroup.objects.filter(exchange_id__in=states).select_related("project"):
        truth = states[row.exchange_id][-1]["settings"]
        pairs: dict[str, tuple[Any, Any]] = {
            "name": (row.name, truth["name"]),
            "status": (row.status, truth["status"]),
            "project": (row.project.exchange_id, truth["project_id"]),
            "manager": (row.project_manager_id, truth["project_manager_id"]),
        }
        if row.status != "draft":
            pairs["strategy"] = (row.filling_strategy, truth["filling_strategy"])
        if row.cpi is not None and row.status != "draft":
            pairs["cpi"] = (f"{row.cpi:.4f}", f"{float(truth['cpi']):.4f}")
        wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        if wrong:
            verdict.stored_otherwise.append(f"{row.exchange_id}: {wrong}")
