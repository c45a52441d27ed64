"""A new edit from an old one: undo, while nothing changed since, or try again what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from django.db.models import Max
from django.urls import reverse

from dashboard.fielding.models import Batch, Edit, Project, TargetGroup
from dashboard.sync.batches import transitions
from dashboard.sync.edits import send
from dashboard.web.edits import form_messages
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import Form, Value
from dashboard.web.formatting.row_ids import parse_row_id

# The action that undoes a transition, by the status after it and the status before it.
_ACTIONS = {
    ("paused", "live"): Batch.Action.RESUME,
    ("live", "paused"): Batch.Action.PAUSE,
    ("live", "completed"): Batch.Action.COMPLETE,
    ("completed", "live"): Batch.Action.RELAUNCH,
}
_MAY_HAVE_CHANGED = (Edit.State.CONFIRMED, Edit.State.UNKNOWN, Edit.State.GIVEN_UP)
_FAILED = (Edit.State.REJECTED, Edit.State.CONFLICT, Edit.State.GIVEN_UP)
LATER = "It was changed again since, so it cannot be undone here."
LAUNCHED = "A launch cannot be undone: a launched group cannot become a draft or scheduled again."
COMPLETED = "Completion cannot be undone."
RELAUNCH = f"{COMPLETED} Relaunch the group to return it to field."
NOBODY = "The previous project manager is not known."


class UndoOption(NamedTuple):
    """How to undo an edit: a form's address, or an action on its group with its fields.

    `why` explains the option, or why there is none.
    """

    address: str = ""
    action: Batch.Action | None = None
    along: Mapping[str, str] = {}
    why: str = ""


def undo_option(edit: Edit, people: Mapping[str, str], now: datetime) -> UndoOption:
    """Return how to restore the value before an edit; `people`: the exchange's users by id."""
    if edit.state != Edit.State.CONFIRMED:
        return UndoOption()
    if edit.kind == Edit.Kind.LAUNCH:
        return UndoOption(why=LAUNCHED)
    if not is_newest(edit):
        return UndoOption(why=LATER)
    if edit.group and edit.kind == Edit.Kind.STATUS:
        return _undo_transition(edit, edit.group, now)
    if edit.group and edit.kind == Edit.Kind.MANAGER:
        return _undo_manager(edit, edit.group, people)
    return UndoOption(address=_form_url(edit, "undo"))


def _undo_transition(edit: Edit, group: TargetGroup, now: datetime) -> UndoOption:
    """Return the action that undoes a transition, where the exchange allows it.

    Until the group is read again, only the exchange knows whether it does.
    """
    if group.status not in (edit.before, edit.after):
        return UndoOption(why=LATER)
    action = _ACTIONS.get((str(edit.after), str(edit.before)))
    if action is None:
        return UndoOption(why=COMPLETED if edit.after == "completed" else LAUNCHED)
    obstacle = transitions.known_obstacle(action, group, now) if group.status == edit.after else ""
    if action == Batch.Action.RELAUNCH:
        reason = f"{COMPLETED} The group cannot be relaunched either: {obstacle}."
        return UndoOption(why=reason) if obstacle else UndoOption(action=action, why=RELAUNCH)
    if obstacle:
        return UndoOption(why=f"It cannot be undone now: {obstacle}.")
    return UndoOption(action=action)


def _undo_manager(edit: Edit, group: TargetGroup, people: Mapping[str, str]) -> UndoOption:
    if group.project_manager_id not in (edit.before, edit.after):
        return UndoOption(why=LATER)
    if edit.before not in people:
        return UndoOption(why=NOBODY)
    return UndoOption(
        action=Batch.Action.MANAGER, along={"typed": "1", "manager": str(edit.before)}
    )


def try_again_url(edit: Edit) -> str:
    """Return the address of the form filled in with what was wanted, of an edit that failed."""
    if edit.state not in _FAILED:
        return ""
    if edit.kind == Edit.Kind.NEW_PROJECT:
        return reverse("new-project", args=[edit.account_id]) + _query_of("again", edit)
    if edit.kind == Edit.Kind.NEW_DRAFT and edit.project_id:
        return reverse("new-draft", args=[edit.project_id]) + _query_of("again", edit)
    return _form_url(edit, "again") if edit.group else ""


def _form_url(edit: Edit, purpose: str) -> str:
    """Return the address of the form that is filled in from an edit; empty where there is none."""
    if edit.kind in (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT):
        return ""
    if not isinstance(edit.group, TargetGroup):
        page = "client-cpi" if edit.kind == Edit.Kind.CLIENT_CPI else "project-budget"
        return reverse(page, args=[edit.project_id]) + _query_of(purpose, edit)
    if edit.kind == Edit.Kind.DRAFT and edit.group.status == "draft":
        return reverse("draft", args=[edit.group_id]) + _query_of(purpose, edit)
    form = FORMS.get(edit.kind)
    if form is None or (purpose == "undo" and edit.before is None and not form.is_ours):
        return ""
    if form_messages.not_offered(edit.group, form):
        return ""
    return reverse("edit", args=[edit.group_id, form.name]) + _query_of(purpose, edit)


def _query_of(purpose: str, edit: Edit) -> str:
    return f"?{urlencode({purpose: edit.pk})}"


def edit_to_undo(group: TargetGroup, form: Form[Value], pk: str) -> Edit | None:
    """Return the edit with this id, if it is one of this group and setting."""
    return edit_of_kind(group, form.kind, pk)


def edit_of_kind(group: TargetGroup, kind: str, pk: str) -> Edit | None:
    """Return the edit with this id, if it is one of this group and kind."""
    return Edit.objects.filter(pk=parse_row_id(pk), group=group, kind=kind).first()


def failed_new_draft(project: Project, pk: str) -> Edit | None:
    """Return the edit with this id, if it was to create a draft in this project."""
    drafts = Edit.objects.filter(kind=Edit.Kind.NEW_DRAFT, project=project)
    return drafts.filter(pk=parse_row_id(pk)).first()


def is_still_held(edit: Edit, held: Value) -> bool:
    """Whether the current value is the one that the edit set."""
    return edit.state == Edit.State.CONFIRMED and send.holds_value(edit.kind, held, edit.after)


def is_newest(edit: Edit) -> bool:
    """Whether no later edit of the same setting is on record."""
    later = Edit.objects.filter(
        group=edit.group_id, project=edit.project_id, kind=edit.kind, started_at__gt=edit.started_at
    )
    return not later.filter(state__in=_MAY_HAVE_CHANGED).exists()


def groups_changed_later(edits: Sequence[Edit]) -> set[int]:
    """Return the groups of these edits of one kind that have a later one on record; one query."""
    started = {edit.group_id: edit.started_at for edit in edits if edit.group_id is not None}
    if not started:
        return set()
    same = Edit.objects.filter(group__in=started, kind=edits[0].kind, state__in=_MAY_HAVE_CHANGED)
    newest = same.values_list("group_id").annotate(Max("started_at"))
    return {group for group, at in newest if at > started[group]}
