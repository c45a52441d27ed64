"""Edits to check: unconfirmed, refused after their user had left the page, or without a result.

An edit that was refused while its user waited (`checks` is 0) does not alert. Nothing here needs a
reading of the exchange, so it also works while the exchange cannot be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet

from dashboard.alerts.incidents.store import (
    DAY,
    OPEN,
    Transition,
    close_incident,
    commit_transitions,
    exchange_id_of,
    expected_state,
    open_incident,
)
from dashboard.alerts.recipients.resolve import managers_of
from dashboard.alerts.rules.catalogue import EDIT_UNCONFIRMED
from dashboard.alerts.rules.settings import Effective, RuleSet
from dashboard.alerts.text import one_line
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.models import Edit, Incident, Notice

# Reading back settles an edit within four minutes if the exchange can be read.
ALERT_AFTER = timedelta(minutes=10)
_FAILED = (Edit.State.REJECTED, Edit.State.CONFLICT)


def _to_check() -> QuerySet[Edit]:
    """Return the edits that failed lately, and those that have been open for long."""
    failed = Q(settled_at__gt=Param("failed_since"), checks__gt=0, state__in=_FAILED)
    long_open = Q(settled_at=None, state__in=Edit.OPEN, started_at__lt=Param("started_before"))
    # A job that the exchange asked to wait was not sent; its page shows that.
    is_waiting = Q(batch_group__job__wait_until__gt=Param("started_before"))
    rows = Edit.objects.filter(failed | (long_open & ~is_waiting))
    return rows.select_related("group__project", "project", "account", "by")


# Each saves 2 to 3 ms of an idle beat.
_TO_CHECK = CompiledQuery(_to_check)
_OPEN_NOW = CompiledQuery(
    lambda: Incident.objects.filter(
        rule=EDIT_UNCONFIRMED.code, state__in=OPEN, facts__has_key="edit"
    ).select_related("project", "group")
)


def check_unconfirmed_edits(*, now: datetime) -> None:
    """Open an incident for each edit to check that has none; update or close the open ones."""
    transitions = _follow_open(now)
    edits = _TO_CHECK(failed_since=now - DAY, started_before=now - ALERT_AFTER)
    if edits:
        transitions += _open_new(edits, now)
    for account_id in {transition.incident.account_id for transition in transitions}:
        rows = [each for each in transitions if each.incident.account_id == account_id]
        commit_transitions(rows, account_id=account_id, now=now)


def is_edit_open(incident: Incident) -> bool:
    """Return whether the edit of an incident has no result yet."""
    if "edit" not in incident.facts:
        return False
    return Edit.objects.filter(pk=int(incident.facts["edit"]), state__in=Edit.OPEN).exists()


def _follow_open(now: datetime) -> list[Transition]:
    """Close incidents whose edit was confirmed or abandoned; update the text of the others."""
    incidents = _OPEN_NOW()
    edits = Edit.objects.select_related("group", "project", "account", "by").in_bulk(
        [incident.facts["edit"] for incident in incidents]
    )
    superseded = _superseded_edits(edits.values())
    transitions = []
    for incident in incidents:
        edit = edits.get(incident.facts["edit"])
        transition = Transition(incident, expected_state(incident))
        if edit is None or edit.state in (Edit.State.CONFIRMED, Edit.State.GIVEN_UP):
            close_incident(incident, edit.get_state_display() if edit else "deleted", now)
            is_confirmed = edit is not None and edit.state == Edit.State.CONFIRMED
            transition.notice_kind = Notice.Kind.RECOVER if is_confirmed else None
        elif edit.pk in superseded:
            close_incident(incident, "the same setting has been changed again", now)
        elif (problem := describe_edit_problem(edit)) + "." != incident.sentence:
            incident.headline, incident.sentence = problem[:300], problem + "."
        else:
            continue
        transitions.append(transition)
    return transitions


def _superseded_edits(edits: Iterable[Edit]) -> set[int]:
    """Return failed edits whose setting a later, confirmed edit changed."""
    failed = [edit for edit in edits if edit.state in _FAILED and edit.group_id]
    later = Edit.objects.filter(
        group__in=[edit.group_id for edit in failed], state=Edit.State.CONFIRMED
    ).values_list("group_id", "kind", "started_at")
    newest: dict[tuple[int | None, str], datetime] = {}
    for group, kind, at in later if failed else ():
        newest[group, kind] = max(at, newest.get((group, kind), at))
    never = datetime.min.replace(tzinfo=UTC)
    return {
        edit.pk
        for edit in failed
        if newest.get((edit.group_id, edit.kind), never) > edit.started_at
    }


def _open_new(edits: Iterable[Edit], now: datetime) -> list[Transition]:
    keys = {_incident_key(edit): edit for edit in edits}
    groups = {edit.group_id for edit in keys.values()}
    known = set(
        Incident.objects.filter(
            Q(group__in=groups - {None}) | Q(group=None), key__in=list(keys)
        ).values_list("key", flat=True)
    )
    rule_sets: dict[int, RuleSet] = {}
    transitions = []
    for key, edit in keys.items():
        if key in known:
            continue
        if edit.account_id not in rule_sets:
            rule_sets[edit.account_id] = RuleSet.of(edit.account_id)
        effective = rule_sets[edit.account_id].rule_for(
            EDIT_UNCONFIRMED.code, _project_id(edit), edit.group_id
        )
        if effective.enabled:
            incident = _new_incident(edit, effective, key, now)
            transitions.append(
                Transition(
                    incident, {}, Notice.Kind.FIRE, _user_and_managers(edit), effective.in_digest
                )
            )
    return transitions


def alerted_at(edit: Edit, now: datetime) -> datetime | None:
    """Return when a past edit alerted; None if it did not."""
    due = edit.started_at + ALERT_AFTER
    if due < (edit.settled_at or now):
        return due
    has_failed = edit.checks > 0 and edit.state in _FAILED
    return edit.settled_at or edit.started_at if has_failed else None


def _project_id(edit: Edit) -> int | None:
    return edit.group.project_id if edit.group else edit.project_id


def _incident_key(edit: Edit) -> str:
    where = f"{edit.account_id}:{_project_id(edit) or ''}:{edit.group_id or ''}"
    return f"{where}:{EDIT_UNCONFIRMED.code}:edit-{edit.pk}"


def _new_incident(edit: Edit, effective: Effective, key: str, now: datetime) -> Incident:
    problem = describe_edit_problem(edit)
    incident = open_incident(
        effective,
        account_id=edit.account_id,
        key=key,
        headline=problem,
        sentence=problem + ".",
        at=edit.started_at,
        now=now,
    )
    incident.project_id, incident.group = _project_id(edit), edit.group
    incident.facts = {"edit": edit.pk}
    return incident


def _user_and_managers(edit: Edit) -> tuple[str, ...]:
    """Return the exchange ids of the user who made it, then of the group's and project's PMs."""
    project = edit.group.project if edit.group else edit.project
    return (exchange_id_of(edit.by_id, edit.account_id), *managers_of(edit.group, project))


def describe_edit_problem(edit: Edit) -> str:
    """Return what went wrong with an edit, or that it has no result yet, without a full stop."""
    who = f"{one_line(str(edit.by))}'s" if edit.by else "the"
    name = edit.of.name if edit.of else edit.account.name
    return f"{one_line(name)}: {who} {_DESCRIBE_BY_KIND.get(edit.kind, _describe_change)(edit)}"


def _describe_change(edit: Edit) -> str:
    change = f"{edit.kind_label.lower() if edit.kind != Edit.Kind.CPI else 'CPI'} change"
    outcomes = {
        Edit.State.REJECTED: "Cint still has the previous value",
        Edit.State.CONFLICT: "Cint has a different value now",
    }
    if edit.state in _FAILED and edit.sent is False:
        return f"{change} was not sent{_last_reason(edit)}"
    if edit.state in _FAILED and edit.sent and edit.taken is False:
        return f"{change} was sent and refused because someone else had changed it first"
    outcome = outcomes.get(Edit.State(edit.state), "it could not be read back yet")
    return f"{change} was sent but not confirmed: {outcome}"


def _describe_creation(edit: Edit) -> str:
    noun = "target group" if edit.kind == Edit.Kind.NEW_DRAFT else "project"
    new = f"new {noun} “{one_line(str((edit.wanted or {}).get('name', '')))}”"
    if edit.state == Edit.State.CONFLICT:
        return f"{new} is on Cint, but differs from what was sent"
    if edit.state == Edit.State.REJECTED:
        return f"{new} was not created{_last_reason(edit)}"
    return f"{new} was sent, but Cint has not confirmed it yet{_last_reason(edit)}"


def _describe_launch(edit: Edit) -> str:
    action = "scheduled launch" if edit.is_scheduling else "launch"
    if edit.state == Edit.State.CONFLICT and edit.after:
        return f"{action} went through, but with different dates than requested"
    if edit.state == Edit.State.CONFLICT:
        return f"{action} was not sent: the draft was changed in the meantime"
    if edit.state == Edit.State.REJECTED:
        return f"{action} failed{_last_reason(edit)}"
    return f"{action} has no result yet{_last_reason(edit)}"


def _last_reason(edit: Edit) -> str:
    """Return the last reason that the exchange gave, after a colon; empty without one."""
    reason = str(edit.reasons[-1].get("reason", "")) if edit.reasons else ""
    return f": {one_line(reason, 200).rstrip('.')}" if reason else ""


_DESCRIBE_BY_KIND: dict[str, Callable[[Edit], str]] = {
    Edit.Kind.NEW_DRAFT: _describe_creation,
    Edit.Kind.NEW_PROJECT: _describe_creation,
    Edit.Kind.LAUNCH: _describe_launch,
}
