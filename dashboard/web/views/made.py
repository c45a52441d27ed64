"""The page of one edit: what it was to change, how that ended, and the way back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.fielding.models import BatchGroup, Edit, TargetGroup
from dashboard.fielding.queries import EditQuerySet
from dashboard.web import editing, history, parts, times, undo
from dashboard.web.access import Rule, may_edit, person, rule
from dashboard.web.forms import FORMS
from dashboard.web.parts import changes
from dashboard.web.views.projects import people

NO_WAY_BACK = (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT, Edit.Kind.LAUNCH)


@rule(Rule.MEMBER)
@require_safe
def made(request: HttpRequest, pk: int) -> HttpResponse:
    """One edit."""
    mine = EditQuerySet(Edit).visible_to(person(request))
    of = mine.select_related("by", "group__project", "project").filter(pk=pk).first()
    if of is None:
        raise Http404
    names = people(request)
    zone = times.zone_of(of.group) if of.group else None
    context: dict[str, Any] = {
        "edit": of,
        "project": of.group.project if of.group else of.project,
        "running": not of.is_settled,
        "objections": [(parts.DRAFT.get(one["name"], one["name"]), one) for one in of.reasons],
        "may_edit": may_edit(request, of.account_id),
        "line": history.edit_line(of, names),
        "rows": changes(of, names, zone),
        "seconds": (of.settled_at - of.started_at).total_seconds() if of.settled_at else None,
        "part": BatchGroup.objects.filter(edit=of).select_related("job__batch").first(),
        "undo": _undo(of) if may_edit(request, of.account_id) else "",
    }
    part = bool(request.headers.get("HX-Request"))
    return render(request, "made_live.html" if part else "made.html", context)


def _undo(of: Edit) -> str:
    """The address of the form with the value from before; empty where there is no way back."""
    if of.state != Edit.State.CONFIRMED or of.kind in NO_WAY_BACK or not undo.is_newest(of):
        return ""
    asked = f"?{urlencode({'undo': of.pk})}"
    if of.kind == Edit.Kind.DRAFT and of.group and of.group.status == "draft":
        return reverse("draft", args=[of.group_id]) + asked
    if not isinstance(of.group, TargetGroup):
        return reverse("project-budget", args=[of.project_id]) + asked
    form = next((one for one in FORMS.values() if one.kind == of.kind), None)
    if form is None or (of.before is None and not form.is_ours):
        return ""
    if editing.not_offered(of.group, form):
        return ""
    return reverse("edit", args=[of.group_id, form.name]) + asked
