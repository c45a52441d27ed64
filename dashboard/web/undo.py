"""Undo: the value from before an edit, as a new edit, while nothing else changed since."""

from __future__ import annotations

from typing import Any

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync import push
from dashboard.web.forms.base import Form


def of_group(group: TargetGroup, form: Form, pk: str) -> Edit | None:
    """The edit that is to be undone, if it is one of this group and setting."""
    return of_kind(group, form.kind, pk)


def of_kind(group: TargetGroup, kind: str, pk: str) -> Edit | None:
    """The edit with this number, if it is one of this group and kind."""
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        return None
    return Edit.objects.filter(pk=int(pk), group=group, kind=kind).first()


def still_so(made: Edit, held: Any) -> bool:
    """Whether what is held now is what the edit made of it."""
    return made.state == Edit.State.CONFIRMED and push.same(made.kind, held, made.after)


def is_newest(made: Edit) -> bool:
    """Whether no later change of the same setting is on record."""
    later = Edit.objects.filter(
        group=made.group_id, project=made.project_id, kind=made.kind, started_at__gt=made.started_at
    )
    return not later.filter(state__in=[Edit.State.CONFIRMED, Edit.State.UNKNOWN]).exists()
