"""A new edit from an old one: the value from before it, while nothing else changed since; or, where
it failed, what was wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.fielding.models import Batch, Edit, Project, TargetGroup
from dashboard.sync.batches import transitions
from dashboard.sync.edits import send
from dashboard.web.edits import messages
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import Form
from dashboard.web.formatting.row_ids import parse_row_id

# Which action puts back what another made of a group, by the status that it has and that it had.
_ACTIONS = {
    ("paused", "live"): Batch.Action.RESUME,
    ("live", "paused"): Batch.Action.PAUSE,
    ("live", "completed"): Batch.Action.COMPLETE,
    ("completed", "live"): Batch.Action.RELAUNCH,
}
_FAILED = (Edit.State.REJECTED, Edit.State.CONFLICT, Edit.State.GIVEN_UP)
LATER = "It was changed again since, so it is not put back from here."
LAUNCHED = "A launch cannot be undone: a group never becomes a draft or scheduled again."
COMPLETED = "Completing cannot be undone."
RELAUNCH = f"{COMPLETED} Relaunching puts the group back into the field."
NOBODY = "Nobody on the exchange is known who managed it before."


class Back(NamedTuple):
    """The way back from an edit: a form's address, or an action on its group and what goes along.

    `why`: what there is to know of it, or why there is no way back.
    """

    address: str = ""
    action: Batch.Action | None = None
    along: Mapping[str, str] = {}
    why: str = ""


def way_back(made: Edit, people: Mapping[str, str], now: datetime) -> Back:
    """How the value before an edit is put back; `people`: the exchange's, by id."""
    if made.state != Edit.State.CONFIRMED:
        return Back()
    if made.kind == Edit.Kind.LAUNCH:
        return Back(why=LAUNCHED)
    if not is_newest(made):
        return Back(why=LATER)
    if made.group and made.kind == Edit.Kind.STATUS:
        return _status(made, made.group, now)
    if made.group and made.kind == Edit.Kind.MANAGER:
        return _manager(made, made.group, people)
    return Back(address=_form(made, "undo"))


def _status(made: Edit, group: TargetGroup, now: datetime) -> Back:
    """What the exchange allows of going back; until the group was read again, it says itself."""
    if group.status not in (made.before, made.after):
        return Back(why=LATER)
    action = _ACTIONS.get((str(made.after), str(made.before)))
    if action is None:
        return Back(why=COMPLETED if made.after == "completed" else LAUNCHED)
    because = transitions.known_obstacle(action, group, now) if group.status == made.after else ""
    if action == Batch.Action.RELAUNCH:
        no = f"{COMPLETED} Nor can the group be relaunched: {because}."
        return Back(why=no) if because else Back(action=action, why=RELAUNCH)
    if because:
        return Back(why=f"It cannot be put back now: {because}.")
    return Back(action=action)


def _manager(made: Edit, group: TargetGroup, people: Mapping[str, str]) -> Back:
    if group.project_manager_id not in (made.before, made.after):
        return Back(why=LATER)
    if made.before not in people:
        return Back(why=NOBODY)
    return Back(action=Batch.Action.MANAGER, along={"typed": "1", "manager": str(made.before)})


def try_again_url(made: Edit) -> str:
    """The address of the form with what was wanted, where that came to nothing; else empty."""
    if made.state not in _FAILED:
        return ""
    if made.kind == Edit.Kind.NEW_PROJECT:
        return reverse("new-project", args=[made.account_id]) + _asked("again", made)
    if made.kind == Edit.Kind.NEW_DRAFT and made.project_id:
        return reverse("new-draft", args=[made.project_id]) + _asked("again", made)
    return _form(made, "again") if made.group else ""


def _form(made: Edit, how: str) -> str:
    """The address of the form that fills itself in from an edit; empty where there is none."""
    if made.kind in (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT):
        return ""
    if not isinstance(made.group, TargetGroup):
        return reverse("project-budget", args=[made.project_id]) + _asked(how, made)
    if made.kind == Edit.Kind.DRAFT and made.group.status == "draft":
        return reverse("draft", args=[made.group_id]) + _asked(how, made)
    form = FORMS.get(made.kind)
    if form is None or (how == "undo" and made.before is None and not form.is_ours):
        return ""
    if messages.not_offered(made.group, form):
        return ""
    return reverse("edit", args=[made.group_id, form.name]) + _asked(how, made)


def _asked(how: str, made: Edit) -> str:
    return f"?{urlencode({how: made.pk})}"


def of_group(group: TargetGroup, form: Form, pk: str) -> Edit | None:
    """The edit that is to be undone, if it is one of this group and setting."""
    return of_kind(group, form.kind, pk)


def of_kind(group: TargetGroup, kind: str, pk: str) -> Edit | None:
    """The edit with this number, if it is one of this group and kind."""
    return Edit.objects.filter(pk=parse_row_id(pk), group=group, kind=kind).first()


def of_project(project: Project, pk: str) -> Edit | None:
    """The new draft with this number that was to be made in this project."""
    new = Edit.objects.filter(kind=Edit.Kind.NEW_DRAFT, project=project)
    return new.filter(pk=parse_row_id(pk)).first()


def still_so(made: Edit, held: Any) -> bool:
    """Whether what is held now is what the edit made of it."""
    return made.state == Edit.State.CONFIRMED and send.holds_value(made.kind, held, made.after)


def is_newest(made: Edit) -> bool:
    """Whether no later change of the same setting is on record."""
    later = Edit.objects.filter(
        group=made.group_id, project=made.project_id, kind=made.kind, started_at__gt=made.started_at
    )
    maybe = (Edit.State.CONFIRMED, Edit.State.UNKNOWN, Edit.State.GIVEN_UP)
    return not later.filter(state__in=maybe).exists()
