"""Facts of the changelog: what somebody else changed on the exchange.

Each entry is told once and stands for a day, or until somebody acknowledges it. What was changed
through Fieldwatch is no news; a pause by the exchange is told by its own rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dashboard.alerts.incidents.store import DAY, Transition, open_incident
from dashboard.alerts.recipients.resolve import managers_of
from dashboard.alerts.rules.catalogue import (
    CPI_CHANGED,
    EDIT_UNCONFIRMED,
    STATUS_CHANGED,
    STRATEGY_CHANGED,
)
from dashboard.alerts.rules.judges.status import AUTOMATION, THE_EXCHANGE
from dashboard.alerts.rules.settings import Effective, RuleSet
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE
from dashboard.alerts.text import format_percent, one_line
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.models import (
    Change,
    Edit,
    ExchangeUser,
    Incident,
    Notice,
    Project,
    TargetGroup,
)

KINDS: dict[str, str] = {
    ChangelogKind.CPI: CPI_CHANGED.code,
    ChangelogKind.USER_REQUESTED_CPI: CPI_CHANGED.code,
    ChangelogKind.STATUS: STATUS_CHANGED.code,
    ChangelogKind.FILLING_STRATEGY: STRATEGY_CHANGED.code,
    ChangelogKind.RE_ENTRY_CONFIGURATION: STRATEGY_CHANGED.code,
}
CODES = frozenset({*KINDS.values(), EDIT_UNCONFIRMED.code})  # what happened, not what is
_EDITS: dict[str, str] = {
    ChangelogKind.CPI: Edit.Kind.CPI,
    ChangelogKind.USER_REQUESTED_CPI: Edit.Kind.CPI,
    ChangelogKind.FILLING_STRATEGY: Edit.Kind.FILLING_STRATEGY,
    ChangelogKind.RE_ENTRY_CONFIGURATION: Edit.Kind.RE_ENTRY,
    ChangelogKind.STATUS: Edit.Kind.STATUS,
}
BEGINS = ("scheduled", "live")
Names = Mapping[str, str]
NOBODY: Names = {}
AROUND = timedelta(minutes=10)  # clocks apart, and the time that an edit takes to settle
# Saves 0.8 to 1.3 ms of a round.
_BETWEEN = CompiledQuery(
    lambda: Change.objects.filter(
        account_id=Param("account"),
        group__project=Param("project"),
        kind__in=list(KINDS),
        occurred_at__gt=Param("after"),
        occurred_at__lte=Param("until"),
    ).order_by("occurred_at", "pk")
)


@dataclass(frozen=True, slots=True)
class Recent:
    """The last day's changes of a project that a rule is about."""

    changes: list[Change] = field(default_factory=list)
    cpi_changed_at: dict[int, datetime] = field(default_factory=dict)


def recent_changes(project: Project, now: datetime) -> Recent:
    """The changes of a project's groups within the last day, oldest first."""
    rows = _BETWEEN(
        account=project.account_id, project=project.pk, after=now - DAY, until=now + AROUND
    )
    found = Recent(told_once(rows))
    for change in found.changes:
        if KINDS[change.kind] == CPI_CHANGED.code:
            found.cpi_changed_at[change.group_id] = change.occurred_at
    return found


def told_once(changes: Iterable[Change]) -> list[Change]:
    """Each change once, where the changelog tells one of price under two kinds."""
    kept: dict[tuple[object, ...], Change] = {}
    for change in changes:
        same = (change.group_id, KINDS[change.kind], change.occurred_at, repr(change.new))
        kept.setdefault(same, change)
    return list(kept.values())


def transitions_for_changes(
    project: Project, found: Recent, *, book: RuleSet, now: datetime
) -> list[Transition]:
    """An incident for each change by somebody else that has none yet."""
    if not found.changes:
        return []
    keys = {_key(project, change): change for change in found.changes}
    known = set(Incident.objects.filter(key__in=list(keys)).values_list("key", flat=True))
    fresh = [change for key, change in keys.items() if key not in known]
    theirs = list(not_ours(fresh))
    groups = TargetGroup.objects.in_bulk({change.group_id for change in theirs})
    names = _names(project, theirs)
    made = (
        _move(project, change, groups[change.group_id], book, names=names, now=now)
        for change in theirs
        if change.group_id in groups
    )
    return [move for move in made if move]


def _names(project: Project, changes: Iterable[Change]) -> Names:
    """Who made changes, by their exchange ids, as far as the exchange names them."""
    ids = {change.actor_id for change in changes} - {""}
    if not ids:
        return {}
    known = ExchangeUser.objects.filter(account=project.account_id, exchange_id__in=ids)
    return {one.exchange_id: one_line(str(one)) for one in known}


def _key(project: Project, change: Change) -> str:
    code = KINDS[change.kind]
    return f"{project.account_id}:{project.pk}:{change.group_id}:{code}:change-{change.pk}"


def not_ours(changes: Iterable[Change]) -> Iterator[Change]:
    """Changes that no edit through Fieldwatch explains."""
    listed = list(changes)
    if not listed:
        return
    edits = list(
        Edit.objects.filter(
            group__in={change.group_id for change in listed},
            started_at__gte=listed[0].occurred_at - AROUND - DAY,
        )
    )
    for change in listed:
        if not any(_explains(edit, change) for edit in edits):
            yield change


def _explains(edit: Edit, change: Change) -> bool:
    """Whether an edit is what the changelog tells: same setting, same time."""
    if edit.group_id != change.group_id or edit.kind != _EDITS.get(change.kind):
        return False
    if edit.state in (Edit.State.REJECTED, Edit.State.CONFLICT):
        return False
    if edit.kind == Edit.Kind.STATUS and change.new != edit.wanted:
        return False
    known = edit.settled_at if edit.state == Edit.State.CONFIRMED else None
    until = (known or edit.started_at) + AROUND
    return edit.started_at - AROUND <= change.occurred_at <= until


def _move(
    project: Project,
    change: Change,
    group: TargetGroup,
    book: RuleSet,
    *,
    names: Names,
    now: datetime,
) -> Transition | None:
    chosen = book.one(KINDS[change.kind], project.pk, group.pk)
    said = change_alert(change, group, chosen, names) if chosen.enabled else None
    if said is None:
        return None
    severity, sentence = said
    incident = open_incident(
        chosen,
        account_id=project.account_id,
        key=_key(project, change),
        headline=sentence,
        sentence=sentence + ".",
        at=change.occurred_at,
        now=now,
    )
    incident.project, incident.group, incident.severity = project, group, severity
    incident.facts = {"figures": []}  # the sentence holds both
    managers = managers_of(group, project)
    digest = chosen.in_digest or change.actor_type == AUTOMATION
    return Transition(incident, {}, Notice.Kind.FIRE, managers, digest)


def change_alert(
    change: Change, group: TargetGroup, chosen: Effective, names: Names = NOBODY
) -> tuple[int, str] | None:
    """How bad a change is, and its sentence; None where it is not worth one."""
    theirs = change.actor_type in THE_EXCHANGE
    who = "the exchange" if theirs else names.get(change.actor_id, "somebody")
    span, name = f"{_shown(change.old)} → {_shown(change.new)}", one_line(group.name)
    if chosen.rule is STATUS_CHANGED:
        if theirs and (change.new == "paused" or (change.old, change.new) == BEGINS):
            return None  # a pause has a rule of its own; a start is what was planned
        severity = NOTICE if theirs and change.new == "completed" else chosen.severity
        return severity, f"{name}: {who} changed the status, {span}"
    if chosen.rule is STRATEGY_CHANGED:
        what = "re-entry" if "re_entry" in change.kind else "the filling strategy"
        return chosen.severity, f"{name}: {who} changed {what}, {span}"
    old, new = price_from_changelog(change.old), price_from_changelog(change.new)
    if not old or new is None:
        return None
    share = float(abs(new - old) / old)
    if share < chosen.settings["fires"]:
        return None
    severity = CRITICAL if share >= chosen.settings["critical"] else chosen.severity
    by = f"{'+' if new > old else '−'}{format_percent(share)}"
    return severity, f"{name}: {who} changed the CPI, {span} {group.currency} ({by})"


def _shown(value: Any) -> str:
    """A value of the changelog in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        price = price_from_changelog(value)
        return str(price) if price is not None else "other settings"
    return one_line(str(value), 40)
