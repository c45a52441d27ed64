"""The page of one edit: what it was to change, how that ended, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.fielding.models import BatchGroup, Edit
from dashboard.fielding.models.querysets.rows import EditQuerySet
from dashboard.sync.edits import send
from dashboard.web.auth.lookups import names_by_exchange_id
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    may_edit,
    require_editor,
    requires,
)
from dashboard.web.edits import history, undo, value_labels
from dashboard.web.edits import messages as editing
from dashboard.web.edits.forms import goals
from dashboard.web.edits.value_labels import change_rows
from dashboard.web.formatting import labels, times
from dashboard.web.http.ticks import is_ticked


@requires(Permission.MEMBER)
@require_safe
def edit_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One edit."""
    of = _found(request, pk)
    names = names_by_exchange_id(request)
    zone = times.zone_of(of.group) if of.group else None
    editor = may_edit(request, of.account_id)
    fields = goals.names_with_quotas(of, value_labels.DRAFT)
    context: dict[str, Any] = {
        "edit": of,
        "project": of.group.project if of.group else of.project,
        "running": not of.is_settled,
        "objections": [
            (fields.get(one["name"]) or labels.field_name(one["name"]), one) for one in of.reasons
        ],
        "may_edit": editor,
        "line": history.edit_line(of, names, zone),
        "rows": change_rows(of, names, zone),
        "seconds": (of.settled_at - of.started_at).total_seconds() if of.settled_at else None,
        "part": BatchGroup.objects.filter(edit=of).select_related("job__batch").first(),
        "back": undo.way_back(of, names, timezone.now()) if editor else undo.Back(),
        "again": undo.try_again_url(of) if editor else "",
        "every": editing.ask_again_after(of.started_at, timezone.now()),
        "being_made": bool(of.asked_id),
        "starts": value_labels.starts(of, zone),
        "stuck": send.may_be_given_up(of, timezone.now()),
    }
    part = bool(request.headers.get("HX-Request"))
    return render(request, "edits/detail_live.html" if part else "edits/detail.html", context)


@requires(Permission.MEMBER)
@require_safe
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """The line on other pages that tells how one edit ends; once it does, they are drawn anew."""
    of = _found(request, pk)
    zone = times.zone_of(of.group) if of.group else None
    context = {
        "line": editing.line(of, names_by_exchange_id(request), zone, timezone.now()),
        "tone": history.OUTCOME_TONES.get(Edit.State(of.state), "warn"),
    }
    response = render(request, "edits/line.html", context)
    response["Cache-Control"] = "private, no-store"
    if of.is_settled:
        response["HX-Trigger"] = "fieldwatch:tick"
    return response


@requires(Permission.EDITOR)
@require_POST
def give_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody looked at the exchange and goes on: the edit ends, its outcome unknown."""
    of = _found(request, pk)
    require_editor(request, of.account_id)
    if not is_ticked(request.POST, "looked"):
        messages.warning(request, "Look at the exchange first, and say that you did.")
    elif send.give_up(edit=of, by=current_user(request), now=timezone.now()):
        messages.success(request, "Given up. The setting can be changed again.")
    else:
        messages.info(request, "This change has ended, or may still end by itself.")
    return redirect("made", pk)


def _found(request: HttpRequest, pk: int) -> Edit:
    """An edit of an account of the person."""
    mine = EditQuerySet(Edit).visible_to(current_user(request))
    of: Edit | None = (
        mine.select_related("by", "given_up_by", "group__project", "project").filter(pk=pk).first()
    )
    if of is None:
        raise Http404
    return of
