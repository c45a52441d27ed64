"""The page of one edit: what it was to change, how that ended, and how to undo it."""

from __future__ import annotations

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
from dashboard.web.connections.waits import known_workers
from dashboard.web.edits import form_messages, history, undo, value_labels, waits
from dashboard.web.edits.forms import goals
from dashboard.web.edits.value_labels import change_rows
from dashboard.web.formatting import labels, times
from dashboard.web.http.ticks import is_ticked


@requires(Permission.MEMBER)
@require_safe
def edit_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one edit."""
    edit = _find_edit(request, pk)
    names = names_by_exchange_id(request)
    zone = times.zone_of(edit.group) if edit.group else None
    editor = may_edit(request, edit.account_id)
    fields = goals.names_with_quotas(edit, value_labels.DRAFT)
    now = timezone.now()
    part = BatchGroup.objects.filter(edit=edit).select_related("job__batch").first()
    context: dict[str, object] = {
        "edit": edit,
        "project": edit.group.project if edit.group else edit.project,
        "running": not edit.is_settled,
        "objections": [
            (fields.get(reason["name"]) or labels.field_name(reason["name"]), reason)
            for reason in (edit.reasons if edit.is_settled else send.lasting_reasons(edit))
        ],
        "may_edit": editor,
        "line": history.edit_line(edit, names, zone),
        "rows": change_rows(edit, names, zone),
        "seconds": (edit.settled_at - edit.started_at).total_seconds() if edit.settled_at else None,
        "part": part,
        "wait": waits.list_waits([edit], known_workers(request, now=now)).get(edit.pk),
        "back": undo.undo_option(edit, names, now) if editor else undo.UndoOption(),
        "again": undo.try_again_url(edit) if editor else "",
        "every": form_messages.ask_again_after(edit.started_at, now),
        "being_made": bool(edit.asked_id),
        "starts": value_labels.format_scheduled_start(edit, zone),
        "stuck": send.may_be_given_up(edit, now),
    }
    is_part = bool(request.headers.get("HX-Request"))
    return render(request, "edits/detail_live.html" if is_part else "edits/detail.html", context)


@requires(Permission.MEMBER)
@require_safe
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """Render an edit's line for other pages; once the edit is settled, they are refreshed."""
    edit = _find_edit(request, pk)
    zone = times.zone_of(edit.group) if edit.group else None
    names, now = names_by_exchange_id(request), timezone.now()
    is_ours = may_edit(request, edit.account_id)
    back = undo.undo_option(edit, names, now).address if is_ours else ""
    context = {
        "line": form_messages.outcome_line(
            edit, names, zone, known_workers(request, now=now), undo_address=back
        ),
        "tone": history.OUTCOME_TONES.get(Edit.State(edit.state), "warn"),
    }
    response = render(request, "edits/line.html", context)
    response["Cache-Control"] = "private, no-store"
    if edit.is_settled:
        response["HX-Trigger"] = "fieldwatch:tick"
    return response


@requires(Permission.EDITOR)
@require_POST
def give_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an unconfirmed edit that a person has checked on the exchange; its result is open."""
    edit = _find_edit(request, pk)
    require_editor(request, edit.account_id)
    if not is_ticked(request.POST, "looked"):
        messages.warning(request, "Check on Cint first, then tick the box.")
    elif send.give_up(edit=edit, by=current_user(request), now=timezone.now()):
        messages.success(request, "Closed. The setting can be changed again.")
    else:
        messages.info(request, "This change has been settled, or may still be confirmed.")
    return redirect("made", pk)


def _find_edit(request: HttpRequest, pk: int) -> Edit:
    """Return an edit that the person can see; raises Http404 otherwise."""
    visible = EditQuerySet(Edit).visible_to(current_user(request))
    edit: Edit | None = (
        visible.select_related("by", "given_up_by", "group__project", "project")
        .filter(pk=pk)
        .first()
    )
    if edit is None:
        raise Http404
    return edit
