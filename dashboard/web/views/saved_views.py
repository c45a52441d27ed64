"""Saved views of tables: save, rename, set as default, remove."""

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
    """The name under which a table is saved."""

    page = forms.ChoiceField(choices=saved_views.PAGES.items(), widget=forms.HiddenInput)
    query = forms.CharField(
        required=False, max_length=saved_views.LONGEST_QUERY, widget=forms.HiddenInput
    )
    name = forms.CharField(max_length=80, label="View name")


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def view_list(request: HttpRequest) -> HttpResponse:
    """List the person's views; POST saves a new one."""
    form = SaveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        view = saved_views.save_view(user=current_user(request), **values)
        messages.success(request, format_html("View “<bdi>{}</bdi>” saved.", view.name))
        return redirect(_table_url(request, view))
    stored = SavedView.objects.filter(user=current_user(request))
    parts = [
        (word, page, [saved for saved in stored if saved.page == page])
        for page, word in saved_views.PAGES.items()
    ]
    context = {"parts": parts, "form": form, "typed": form.is_bound, "any": bool(stored)}
    return render(request, "reports/saved_views.html", context)


def _table_url(request: HttpRequest, view: SavedView) -> str:
    """Return the URL of the saved table."""
    path = request.POST.get("path", "")
    if not url_has_allowed_host_and_scheme(path, None):
        return reverse("views")
    return f"{path.partition('?')[0]}?{view.query}"


@requires(Permission.SIGNED_IN)
@require_http_methods(["POST"])
def change_view(request: HttpRequest) -> HttpResponse:
    """Rename a view, set it as default or remove it; only the person's own."""
    pk = parse_row_id(request.POST.get("view", ""))
    view = SavedView.objects.filter(user=current_user(request), pk=pk).first()
    if view is None:
        messages.error(request, "This view no longer exists.")
        return redirect("views")
    action = request.POST.get("action")
    if action == "remove":
        view.delete()
        messages.success(request, format_html("View “<bdi>{}</bdi>” removed.", view.name))
    elif action == "first":
        saved_views.open_first(view=view, first=not view.first)
    elif action == "rename":
        _rename(request, view)
    return redirect("views")


def _rename(request: HttpRequest, view: SavedView) -> None:
    name = request.POST.get("name", "").strip()[:80]
    if not name:
        sentence = "Enter a new name for “<bdi>{}</bdi>”."
        messages.error(request, format_html(sentence, view.name))
        return
    try:
        with transaction.atomic():
            SavedView.objects.filter(pk=view.pk).update(name=name)
    except IntegrityError:
        sentence = "“<bdi>{}</bdi>” was not renamed: a view “<bdi>{}</bdi>” already exists."
        messages.error(request, format_html(sentence, view.name, name))
