"""Looking things up: search, what was changed from here, what was spent, and who I am."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.fielding.models import Edit, Project, TargetGroup, User
from dashboard.fielding.queries import EditQuerySet
from dashboard.web import exports, history, spending
from dashboard.web.access import Rule, memberships, person, rule
from dashboard.web.listing import Column, Listing
from dashboard.web.views.projects import people

FOUND = 50
EDITS = {"when": Column("When", "started_at", descending=True)}
EDIT_FILTERS = {"kind": "kind", "outcome": "state", "who": "by__username"}


@rule(Rule.SIGNED_IN)
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Projects and groups by name, human-readable id, reference number or ULID."""
    text = request.GET.get("q", "").strip()[:100]
    user = person(request)
    context: dict[str, Any] = {"text": text, "projects": [], "groups": [], "most": FOUND}
    if text:
        context["projects"] = Project.objects.visible_to(user).called(text)[:FOUND]
        found = TargetGroup.objects.visible_to(user).called(text)
        context["groups"] = found.select_related("project").order_by("name", "pk")[:FOUND]
    return render(request, "search.html", context)


def _edits(request: HttpRequest) -> tuple[Listing, Any]:
    listing = Listing(request.GET, EDITS, "when", EDIT_FILTERS)
    mine = (
        EditQuerySet(Edit)
        .visible_to(person(request))
        .select_related("by", "group__project", "project")
    )
    return listing, mine


@rule(Rule.SIGNED_IN)
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """Every edit that was made through Fieldwatch."""
    listing, mine = _edits(request)
    found, total = listing.rows(mine)
    names = people(request)
    choices = {
        "kind": Edit.Kind.choices,
        "outcome": Edit.State.choices,
        "who": sorted(set(mine.order_by().values_list("by__username", "by__username").distinct())),
    }
    context = {
        "lines": [(history.edit_line(edit, names), edit) for edit in found],
        "listing": listing,
        "pages": listing.pages(total),
        "choices": [(name, words, choices[name]) for name, words in _WORDS],
    }
    return render(request, "activity.html", context)


_WORDS = [("kind", "What"), ("outcome", "Outcome"), ("who", "Who")]


@rule(Rule.SIGNED_IN)
@require_safe
def activity_csv(request: HttpRequest) -> HttpResponseBase:
    """The edits as filtered on screen, all pages."""
    listing, mine = _edits(request)
    names = people(request)
    rows = (exports.edit_line(edit, names) for edit in listing.all_rows(mine))
    return exports.as_csv("activity", exports.EDIT_HEADINGS, rows)


@rule(Rule.SIGNED_IN)
@require_safe
def spend(request: HttpRequest) -> HttpResponse:
    """Completes and money by project and country, each currency apart."""
    lines = spending.lines(TargetGroup.objects.visible_to(person(request)))
    context = {"lines": lines, "totals": spending.totals(lines)}
    return render(request, "spend.html", context)


@rule(Rule.SIGNED_IN)
@require_safe
def spend_csv(request: HttpRequest) -> HttpResponseBase:
    """The same as a file."""
    lines = spending.lines(TargetGroup.objects.visible_to(person(request)))
    return exports.as_csv("spend", spending.HEADINGS, map(spending.cells, lines))


class MeForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a person may set about themselves."""

    time_zone = forms.ChoiceField(label="Time zone")

    class Meta:
        """The columns."""

        model = User
        fields = ("first_name", "last_name", "time_zone", "theme")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
        self.fields["time_zone"].choices = [(zone, zone) for zone in zones]  # type: ignore[attr-defined]


@rule(Rule.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """Name, time zone, theme; and which accounts I am on."""
    form = MeForm(request.POST or None, instance=person(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("me")
    names = people(request)
    roles = [(one, names.get(one.exchange_user_id, "")) for one in memberships(request).values()]
    return render(request, "me.html", {"form": form, "roles": roles})


@rule(Rule.SIGNED_IN)
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """A new password; other sessions of the person end."""
    form = PasswordChangeForm(person(request), request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, "The password is changed. Other sessions of yours have ended.")
        return redirect("me")
    return render(request, "password.html", {"form": form})
