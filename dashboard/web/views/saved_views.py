"""Saved views of tables: save, open, rename, open first, remove."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from dashboard.fielding.models import SavedView
from dashboard.web.auth.permissions import Permission, current_user, requires
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.tables import saved_views


class SaveForm(forms.Form):
    """A name for the table on screen."""

    page = forms.ChoiceField(choices=saved_views.PAGES.items(), widget=forms.HiddenInput)
    query = forms.CharField(
        required=False, max_length=saved_views.LONGEST_QUERY, widget=forms.HiddenInput
    )
    name = forms.CharField(max_length=80, label="Name of the view")


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: HttpRequest) -> HttpResponse:
    """The person's views; POST saves one more."""
    form = SaveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        view = saved_views.save_view(user=current_user(request), **given)
        messages.success(request, format_html("“<bdi>{}</bdi>” is saved.", view.name))
        return redirect(_back(request, view))
    stored = SavedView.objects.filter(user=current_user(request))
    parts = [
        (word, page, [one for one in stored if one.page == page])
        for page, word in saved_views.PAGES.items()
    ]
    context = {"parts": parts, "form": form, "typed": form.is_bound, "any": bool(stored)}
    return render(request, "reports/saved_views.html", context)


def _back(request: HttpRequest, view: SavedView) -> str:
    """The table that was saved."""
    path = request.POST.get("path", "")
    if not url_has_allowed_host_and_scheme(path, None):
        return reverse("views")
    return f"{path.partition('?')[0]}?{view.query}"


@requires(Permission.SIGNED_IN)
@require_http_methods(["POST"])
def change_view(request: HttpRequest) -> HttpResponse:
    """Rename a view, open it first, or remove it; somebody else's is as gone as a removed one."""
    pk = parse_row_id(request.POST.get("view", ""))
    view = SavedView.objects.filter(user=current_user(request), pk=pk).first()
    if view is None:
        messages.error(request, "This view is gone.")
        return redirect("views")
    action = request.POST.get("action")
    if action == "remove":
        view.delete()
        messages.success(request, format_html("“<bdi>{}</bdi>” is removed.", view.name))
    elif action == "first":
        saved_views.open_first(view=view, first=not view.first)
    elif action == "rename":
        _rename(request, view)
    return redirect("views")


def _rename(request: HttpRequest, view: SavedView) -> None:
    name = request.POST.get("name", "").strip()[:80]
    if not name:
        said = "“<bdi>{}</bdi>” kept its name: type a new one first."
        messages.error(request, format_html(said, view.name))
        return
    try:
        with transaction.atomic():
            SavedView.objects.filter(pk=view.pk).update(name=name)
    except IntegrityError:
        said = "“<bdi>{}</bdi>” kept its name: “<bdi>{}</bdi>” is another view's."
        messages.error(request, format_html(said, view.name, name))
