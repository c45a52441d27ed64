"""Edits that need a look: not confirmed, refused after their person had gone, or without an end.

What was refused to a person's face (`checks` is 0) is no news. What is told needs no reading of the
exchange, so time alone finds it, also while the exchange is away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from django.db.models import Q

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
from dashboard.fielding.models import Edit, Incident, Notice

# Reading back settles an edit within four minutes, while the exchange can be read.
OPEN_FOR = timedelta(minutes=10)
_FAILED = (Edit.State.REJECTED, Edit.State.CONFLICT)


def check_unconfirmed_edits(*, now: datetime) -> None:
    """Open an incident for each edit that needs a look and has none; take the open ones further."""
    moves = _followed(now)
    ended = Q(settled_at__gt=now - DAY, checks__gt=0, state__in=_FAILED)
    waits = Q(settled_at=None, state__in=Edit.OPEN, started_at__lt=now - OPEN_FOR)
    # A job that the exchange asked to wait was not sent, which its page tells.
    told_to_wait = Q(batch_group__job__wait_until__gt=now - OPEN_FOR)
    edits = list(
        Edit.objects.filter(ended | (waits & ~told_to_wait)).select_related(
            "group__project", "project", "account", "by"
        )
    )
    if edits:
        moves += _fresh(edits, now)
    for account_id in {move.incident.account_id for move in moves}:
        mine = [move for move in moves if move.incident.account_id == account_id]
        commit_transitions(mine, account_id=account_id, now=now)


def is_edit_open(incident: Incident) -> bool:
    """Whether nobody knows yet how the edit of an incident ended."""
    if "edit" not in incident.facts:
        return False
    return Edit.objects.filter(pk=int(incident.facts["edit"]), state__in=Edit.OPEN).exists()


def _followed(now: datetime) -> list[Transition]:
    """Open incidents whose edit was confirmed or given up end; others say how it stands."""
    rows = Incident.objects.filter(
        rule=EDIT_UNCONFIRMED.code, state__in=OPEN, facts__has_key="edit"
    )
    incidents = list(rows.select_related("project", "group"))
    edits = Edit.objects.select_related("group", "project", "account", "by").in_bulk(
        [one.facts["edit"] for one in incidents]
    )
    again = _changed_again(edits.values())
    moves = []
    for one in incidents:
        edit, move = edits.get(one.facts["edit"]), Transition(one, expected_state(one))
        if edit is None or edit.state in (Edit.State.CONFIRMED, Edit.State.GIVEN_UP):
            close_incident(one, edit.get_state_display() if edit else "it is gone", now)
            confirmed = edit is not None and edit.state == Edit.State.CONFIRMED
            move.tells = Notice.Kind.RECOVER if confirmed else None
        elif edit.pk in again:
            close_incident(one, "the same setting was changed again since", now)
        elif (said := describe_edit_problem(edit)) + "." != one.sentence:
            one.headline, one.sentence = said[:300], said + "."
        else:
            continue
        moves.append(move)
    return moves


def _changed_again(edits: Iterable[Edit]) -> set[int]:
    """Edits that failed, and whose setting a later edit changed: what they wanted is past."""
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


def _fresh(edits: Iterable[Edit], now: datetime) -> list[Transition]:
    keys = {_key(edit): edit for edit in edits}
    groups = {edit.group_id for edit in keys.values()}
    known = set(
        Incident.objects.filter(
            Q(group__in=groups - {None}) | Q(group=None), key__in=list(keys)
        ).values_list("key", flat=True)
    )
    books: dict[int, RuleSet] = {}
    moves = []
    for key, edit in keys.items():
        if key in known:
            continue
        if edit.account_id not in books:
            books[edit.account_id] = RuleSet.of(edit.account_id)
        chosen = books[edit.account_id].one(EDIT_UNCONFIRMED.code, _project_id(edit), edit.group_id)
        if chosen.enabled:
            incident = _incident(edit, chosen, key, now)
            digest = chosen.in_digest
            moves.append(Transition(incident, {}, Notice.Kind.FIRE, _told_first(edit), digest))
    return moves


def told_at(edit: Edit, now: datetime) -> datetime | None:
    """When an edit of the past was told; None where it was not."""
    waited = edit.started_at + OPEN_FOR
    if waited < (edit.settled_at or now):
        return waited
    vain = edit.checks > 0 and edit.state in _FAILED
    return edit.settled_at or edit.started_at if vain else None


def _project_id(edit: Edit) -> int | None:
    return edit.group.project_id if edit.group else edit.project_id


def _key(edit: Edit) -> str:
    where = f"{edit.account_id}:{_project_id(edit) or ''}:{edit.group_id or ''}"
    return f"{where}:{EDIT_UNCONFIRMED.code}:edit-{edit.pk}"


def _incident(edit: Edit, chosen: Effective, key: str, now: datetime) -> Incident:
    problem = describe_edit_problem(edit)
    incident = open_incident(
        chosen,
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


def _told_first(edit: Edit) -> tuple[str, ...]:
    """Who made it, else the group's and the project's managers."""
    project = edit.group.project if edit.group else edit.project
    return (exchange_id_of(edit.by_id, edit.account_id), *managers_of(edit.group, project))


def describe_edit_problem(edit: Edit) -> str:
    """What there is to say of an edit that did not end well, or that has no end yet."""
    who = one_line(str(edit.by)) if edit.by else "somebody"
    of = edit.of.name if edit.of else edit.account.name
    return f"{one_line(of)}: {who}'s {_WORDS.get(edit.kind, _change)(edit)}"


def _change(edit: Edit) -> str:
    what = edit.kind_label.lower() if edit.kind != Edit.Kind.CPI else "CPI"
    ends = {
        Edit.State.REJECTED: "the exchange still holds the value from before",
        Edit.State.CONFLICT: "the exchange holds something else now",
    }
    if edit.state in _FAILED and edit.sent is False:
        return f"change ({what}) was not sent{_why(edit)}"
    if edit.state in _FAILED and edit.sent and edit.taken is False:
        return f"change ({what}) was sent and refused, because somebody changed it meanwhile"
    end = ends.get(Edit.State(edit.state), "it cannot be read back yet")
    return f"change ({what}) was sent but not confirmed; {end}"


def _creation(edit: Edit) -> str:
    what = "target group" if edit.kind == Edit.Kind.NEW_DRAFT else "project"
    made = f"new {what} “{one_line(str((edit.wanted or {}).get('name', '')))}”"
    if edit.state == Edit.State.CONFLICT:
        return f"{made} is on the exchange, but otherwise than it was sent"
    if edit.state == Edit.State.REJECTED:
        return f"{made} was not made{_why(edit)}"
    return f"{made} was sent, and it is not known yet whether the exchange has it{_why(edit)}"


def _launch(edit: Edit) -> str:
    what = "scheduling of the launch" if edit.is_scheduling else "launch"
    if edit.state == Edit.State.CONFLICT and edit.after:
        return f"{what} went through, but with other dates than were asked for"
    if edit.state == Edit.State.CONFLICT:
        return f"{what} was not sent: the draft was changed meanwhile"
    if edit.state == Edit.State.REJECTED:
        return f"{what} failed{_why(edit)}"
    return f"{what} has no end yet{_why(edit)}"


def _why(edit: Edit) -> str:
    """The exchange's words, the last of them."""
    said = str(edit.reasons[-1].get("reason", "")) if edit.reasons else ""
    return f": {one_line(said, 200).rstrip('.')}" if said else ""


_WORDS: dict[str, Callable[[Edit], str]] = {
    Edit.Kind.NEW_DRAFT: _creation,
    Edit.Kind.NEW_PROJECT: _creation,
    Edit.Kind.LAUNCH: _launch,
}
