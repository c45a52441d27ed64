"""Incidents: the open ones, each on its page, and the forms that acknowledge and mute."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.alerts.incidents import acknowledge_and_mute
from dashboard.alerts.mail import action_links as acting
from dashboard.alerts.rules.catalogue import rule_title
from dashboard.fielding.models import AuditKind, Incident, Mute
from dashboard.fielding.models.querysets.rows import IncidentQuerySet
from dashboard.web import charts
from dashboard.web.alerts import incident_page, mutes
from dashboard.web.alerts.scopes import Scope, find_scope
from dashboard.web.auth import audit
from dashboard.web.auth.lookups import INCIDENT_RELATIONS, find_incident
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    may_edit,
    require_editor,
    requires,
)
from dashboard.web.formatting import times

A_PAGE, IN_BELL = 50, 8
FORM = ["GET", "HEAD", "POST"]


@requires(Permission.SIGNED_IN)
@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    """Everything that is open, the most urgent first; or what closed last."""
    mine = (
        IncidentQuerySet(Incident)
        .visible_to(current_user(request))
        .select_related(*INCIDENT_RELATIONS)
    )
    closed = request.GET.get("show") == "closed"
    rows = mine.filter(state="resolved", fired_at__isnull=False).order_by("-closed_at", "-pk")
    sheet = Paginator(rows if closed else mine.open().by_urgency(), A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"rows": _titled(sheet.object_list), "closed": closed, "pages": _pages(sheet, closed)}
    return render(request, "alerts/incidents.html", context)


def _pages(sheet: Page[Any], closed: bool) -> dict[str, Any]:
    """Where a page stands among the others."""

    def address(number: int) -> str:
        return "?" + urlencode({"show": "closed", "page": number} if closed else {"page": number})

    return {
        "total": sheet.paginator.count,
        "first_row": sheet.start_index(),
        "last_row": sheet.end_index(),
        "before": address(sheet.previous_page_number()) if sheet.has_previous() else "",
        "after": address(sheet.next_page_number()) if sheet.has_next() else "",
    }


def _titled(rows: Any) -> list[tuple[Incident, str]]:
    return [(one, rule_title(one.rule)) for one in rows]


@requires(Permission.SIGNED_IN)
@require_safe
def bell_box(request: HttpRequest) -> HttpResponse:
    """The most urgent open incidents, for the box under the bell."""
    mine = IncidentQuerySet(Incident).visible_to(current_user(request)).open().by_urgency()
    rows = mine.select_related("project", "group", "account")[: IN_BELL + 1]
    context = {"rows": list(rows)[:IN_BELL], "more": len(rows) > IN_BELL}
    return render(request, "partials/bell_box.html", context)


@requires(Permission.MEMBER)
@require_safe
def incident_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One incident: its numbers, what happened, and who was told."""
    one = find_incident(request, pk)
    notices = list(one.notices.select_related("recipient", "mail").order_by("-pk"))
    editor = may_edit(request, one.account_id)
    context = {
        "incident": one,
        "title": rule_title(one.rule),
        "steps": incident_page.incident_steps(one, notices),
        "tellings": incident_page.notices_with_mails(notices, current_user(request).pk),
        "curve": incident_page.judged_curve(one, one.group) if one.group else None,
        "zone": times.zone_city(times.zone_of(one.group)) if one.group else "",
        "open": one.state in ("firing", "recovering"),
        "mutes": mutes.mutes_over_incident(one, timezone.now()),
        "may_edit": editor,
        "helps": incident_page.suggested_links(one),
    }
    return render(request, "alerts/incident.html", context)


@requires(Permission.MEMBER)
@require_safe
def incident_chart_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The figure of an incident, as JSON for Plotly."""
    one = find_incident(request, pk)
    if one.group is None:
        raise Http404
    palette = charts.PALETTES.get(request.GET.get("theme", ""), charts.PALETTES["light"])
    made = incident_page.incident_chart(one, one.group, palette, timezone.now())
    headers = {"Cache-Control": "private, no-store"}
    body = msgspec.json.encode(made)
    return HttpResponse(body, content_type="application/json", headers=headers)


@requires(Permission.EDITOR)
@require_http_methods(FORM)
def acknowledge_incident(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks once, then stops the repeats of an incident."""
    one = find_incident(request, pk)
    require_editor(request, one.account_id)
    if request.method == "POST":
        if acknowledge_and_mute.acknowledge_incident(
            incident=one, by=current_user(request), now=timezone.now()
        ):
            messages.success(request, "Acknowledged: no repeats until it is over or worse.")
        else:
            messages.info(request, "It was over already.")
        return redirect("incident", pk)
    return render(request, "alerts/acknowledge.html", {"incident": one})


@requires(Permission.EDITOR)
@require_http_methods(FORM)
def mute_incident(request: HttpRequest, pk: int) -> HttpResponse:
    """Mutes the rule of an incident, where it fired."""
    one = find_incident(request, pk)
    of = Scope(one.account, one.project, one.group)
    return _mute(request, of, one.rule, reverse("incident", args=[pk]))


@requires(Permission.EDITOR)
@require_http_methods(FORM)
def mute_scope(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Mutes a connection, a project or a group."""
    of = find_scope(request, kind, pk)
    back = {"groups": "group", "projects": "project"}.get(kind)
    here = reverse("rules-of", kwargs={"kind": kind, "pk": pk})
    return _mute(request, of, "", reverse(back, args=[pk]) if back else here)


def _mute(request: HttpRequest, of: Scope, code: str, back: str) -> HttpResponse:
    require_editor(request, of.account.pk)
    user, now = current_user(request), timezone.now()
    form = mutes.MuteForm(user, now, request.POST or None, initial={"rule": code})
    if request.method == "POST" and form.is_valid():
        until, code = form.cleaned_data["until"], form.cleaned_data["rule"]
        target = of.name if of.project else ""
        details = {
            "until": f"{until.astimezone(UTC):%Y-%m-%d %H:%MZ}",
            "rule": code or "every rule",
        }
        with transaction.atomic():
            acknowledge_and_mute.mute_scope(
                account=of.account, by=user, until=until, now=now, rule=code, **of.inner
            )
            audit.record(
                request, AuditKind.MUTED, account=of.account, target=target, details=details
            )
        messages.success(request, f"Muted until {form.said()}. What still fires then is told.")
        return redirect(back)
    return render(request, "alerts/mute.html", {"of": of, "form": form, "back": back})


@requires(Permission.EDITOR)
@require_POST
def end_mute(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a mute now."""
    mine = Mute.objects.filter(account__memberships__user=current_user(request))
    one = get_object_or_404(mine, pk=pk)
    require_editor(request, one.account_id)
    place = one.group or one.project
    details = {"rule": one.rule or "every rule"}
    with transaction.atomic():
        acknowledge_and_mute.end_mute(mute=one, now=timezone.now())
        audit.record(
            request,
            AuditKind.UNMUTED,
            account=one.account,
            target=place.name if place else "",
            details=details,
        )
    messages.success(request, "The mute is over. What still fires is told within a minute.")
    return redirect(mutes.rules_page_of(one))


@requires(Permission.MEMBER)
@require_safe
def follow_action_link(request: HttpRequest, token: str) -> HttpResponse:
    """A link of a mail: on to the form that it names, which asks once whoever may."""
    errand = acting.read_action_token(token)
    if errand is None:
        raise Http404
    one = find_incident(request, errand.incident)
    if errand.expired:
        messages.info(request, "That link was good for a week. This is how it stands now.")
        return redirect("incident", one.pk)
    if errand.form in acting.FORMS and one.group_id:
        return redirect("edit", one.group_id, errand.form)
    if errand.form == acting.CONNECTION:
        return redirect("connection", one.account_id)
    if errand.form == acting.RESUME and one.group_id:
        return redirect(incident_page.resume_url(one))
    return redirect("mute-incident" if errand.form == acting.MUTE else "acknowledge", one.pk)
