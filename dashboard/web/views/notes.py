"""Internal notes on a group: the newest is shown in its row, older ones are kept."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from dashboard.fielding.models import Note, Project, TargetGroup, User
from dashboard.web.auth.lookups import find_group
from dashboard.web.auth.permissions import Permission, current_user, require_editor, requires
from dashboard.web.http import resubmission

LONGEST = 1000


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def note_form(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the form of a new note; POST saves it."""
    group = find_group(request, pk)
    require_editor(request, group.account_id)
    text = request.POST.get("text", "").strip()
    error = ""
    if request.method == "POST" and not resubmission.is_resubmission(request):
        error = _text_error(text)
        if not error:
            _save_note(group, text, current_user(request))
            back = reverse("group", args=[group.pk])
            htmx = bool(request.headers.get("HX-Request"))
            return HttpResponseClientRedirect(back) if htmx else redirect(back)
    return _render_form(request, group, text, error)


def _render_form(request: HttpRequest, group: TargetGroup, text: str, error: str) -> HttpResponse:
    part = bool(request.headers.get("HX-Request"))
    context = {"group": group, "text": text, "error": error, "most": LONGEST}
    return render(request, "edits/note.html" if part else "groups/note.html", context)


def _text_error(text: str) -> str:
    if not text:
        return "Enter a note."
    if len(text) > LONGEST:
        return f"At most {LONGEST:,} characters ({len(text):,} entered)."
    return ""


def _save_note(group: TargetGroup, text: str, by: User) -> None:
    """Save a note; a form that is sent twice saves it once."""
    with transaction.atomic():
        Project.objects.filter(pk=group.project_id).update(version=F("version") + 1)
        newest = group.notes.newest().first()
        if newest is None or (newest.text, newest.by_id) != (text, by.pk):
            Note.objects.create(group=group, text=text, by=by, at=timezone.now())
