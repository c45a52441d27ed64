"""Notes on a group, for colleagues: the newest stands in its row, the older ones stay."""

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
    """The form of a new note."""
    group = find_group(request, pk)
    require_editor(request, group.account_id)
    text = request.POST.get("text", "").strip()
    error = ""
    if request.method == "POST" and not resubmission.is_resubmission(request):
        error = _wrong(text)
        if not error:
            _write(group, text, current_user(request))
            back = reverse("group", args=[group.pk])
            htmx = bool(request.headers.get("HX-Request"))
            return HttpResponseClientRedirect(back) if htmx else redirect(back)
    return _show(request, group, text, error)


def _show(request: HttpRequest, group: TargetGroup, text: str, error: str) -> HttpResponse:
    part = bool(request.headers.get("HX-Request"))
    context = {"group": group, "text": text, "error": error, "most": LONGEST}
    return render(request, "edits/note.html" if part else "groups/note.html", context)


def _wrong(text: str) -> str:
    if not text:
        return "Write something first."
    if len(text) > LONGEST:
        return f"A note has at most {LONGEST} characters; this one has {len(text)}."
    return ""


def _write(group: TargetGroup, text: str, by: User) -> None:
    """Store a note, once however often its form is sent."""
    with transaction.atomic():
        Project.objects.filter(pk=group.project_id).update(version=F("version") + 1)
        newest = group.notes.newest().first()
        if newest is None or (newest.text, newest.by_id) != (text, by.pk):
            Note.objects.create(group=group, text=text, by=by, at=timezone.now())
