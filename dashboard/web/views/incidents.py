"""Incidents: the list, the page of each, and the forms that acknowledge and mute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
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
from dashboard.alerts.mail import action_links
from dashboard.alerts.rules.catalogue import rule_title
from dashboard.fielding.models import AuditKind, Incident, Item, Mute
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
    memberships_of,
    require_editor,
    requires,
)
from dashboard.web.formatting import times
from dashboard.web.home.todo import item_lines, item_rows

A_PAGE, IN_BELL = 50, 8
FORM = ["GET", "HEAD", "POST"]


@requires(Permission.SIGNED_IN)
@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    """List the open incidents, most urgent first, or the closed ones, newest first."""
    visible = (
        IncidentQuerySet(Incident)
        .visible_to(current_user(request))
        .select_related(*INCIDENT_RELATIONS)
    )
    closed = request.GET.get("show") == "closed"
    rows = visible.filter(state="resolved", fired_at__isnull=False).order_by("-closed_at", "-pk")
    sheet = Paginator(rows if closed else visible.open().by_urgency(), A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "rows": _with_titles(sheet.object_list),
        "closed": closed,
        "pages": _page_links(sheet, closed),
    }
    return render(request, "alerts/incidents.html", context)


def _page_links(sheet: Page[Incident], closed: bool) -> dict[str, object]:
    """Return the rows of a page, and the addresses of the pages before and after it."""

    def address(number: int) -> str:
        return "?" + urlencode({"show": "closed", "page": number} if closed else {"page": number})

    return {
        "total": sheet.paginator.count,
        "first_row": sheet.start_index(),
        "last_row": sheet.end_index(),
        "before": address(sheet.previous_page_number()) if sheet.has_previous() else "",
        "after": address(sheet.next_page_number()) if sheet.has_next() else "",
    }


def _with_titles(rows: Iterable[Incident]) -> list[tuple[Incident, str]]:
    return [(incident, rule_title(incident.rule)) for incident in rows]


@requires(Permission.SIGNED_IN)
@require_safe
def bell_box(request: HttpRequest) -> HttpResponse:
    """Render what the person has to do first, for the box under the bell."""
    rows = item_rows(Item.objects.to_do(current_user(request))[: IN_BELL + 1])
    lines = item_lines(rows[:IN_BELL], memberships_of(request), now=timezone.now())
    context = {"lines": lines, "more": len(rows) > IN_BELL}
    return render(request, "partials/bell_box.html", context)


@requires(Permission.MEMBER)
@require_safe
def incident_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one incident: its figures, what happened, and who was notified."""
    incident = find_incident(request, pk)
    notices = list(incident.notices.select_related("recipient", "channel", "mail").order_by("-pk"))
    editor = may_edit(request, incident.account_id)
    context = {
        "incident": incident,
        "title": rule_title(incident.rule),
        "steps": incident_page.incident_steps(incident, notices),
        "tellings": incident_page.notices_with_mails(notices, current_user(request).pk),
        "curve": incident_page.judged_curve(incident, incident.group) if incident.group else None,
        "zone": times.zone_city(times.zone_of(incident.group)) if incident.group else "",
        "open": incident.state in ("firing", "recovering"),
        "mutes": mutes.mutes_over_incident(incident, timezone.now()),
        "may_edit": editor,
        "helps": incident_page.suggested_links(incident),
    }
    return render(request, "alerts/incident.html", context)


@requires(Permission.MEMBER)
@require_safe
def incident_chart_json(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the chart of an incident, as JSON for Plotly."""
    incident = find_incident(request, pk)
    if incident.group is None:
        raise Http404
    palette = charts.PALETTES.get(request.GET.get("theme", ""), charts.PALETTES["light"])
    figure = incident_page.incident_chart(incident, incident.group, palette, timezone.now())
    headers = {"Cache-Control": "private, no-store"}
    body = msgspec.json.encode(figure)
    return HttpResponse(body, content_type="application/json", headers=headers)


@requires(Permission.EDITOR)
@require_http_methods(FORM)
def acknowledge_incident(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once, then stop the repeats of an incident."""
    incident = find_incident(request, pk)
    require_editor(request, incident.account_id)
    if request.method == "POST":
        if acknowledge_and_mute.acknowledge_incident(
            incident=incident, by=current_user(request), now=timezone.now()
        ):
            messages.success(request, "Acknowledged. No repeat alerts unless it gets worse.")
        else:
            messages.info(request, "This alert was already closed.")
        return redirect("incident", pk)
    return render(request, "alerts/acknowledge.html", {"incident": incident})


@requires(Permission.EDITOR)
@require_http_methods(FORM)
def mute_incident(request: HttpRequest, pk: int) -> HttpResponse:
    """Mute the rule of an incident, in the incident's scope."""
    incident = find_incident(request, pk)
    scope = Scope(incident.account, incident.project, incident.group)
    return _show_mute_form(request, scope, incident.rule, reverse("incident", args=[pk]))


@requires(Permission.EDITOR)
@require_http_methods(FORM)
def mute_scope(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Mute a connection, a project or a group."""
    scope = find_scope(request, kind, pk)
    back = {"groups": "group", "projects": "project"}.get(kind)
    rules_url = reverse("rules-of", kwargs={"kind": kind, "pk": pk})
    return _show_mute_form(request, scope, "", reverse(back, args=[pk]) if back else rules_url)


def _show_mute_form(request: HttpRequest, scope: Scope, code: str, back: str) -> HttpResponse:
    require_editor(request, scope.account.pk)
    user, now = current_user(request), timezone.now()
    is_wide = scope.group is None
    form = mutes.MuteForm(user, now, request.POST or None, rule=code, is_wide=is_wide)
    if request.method == "POST" and form.is_valid():
        until, code = form.cleaned_data["until"], form.cleaned_data["rule"]
        target = scope.name if scope.project else ""
        details = {
            "until": f"{until.astimezone(UTC):%Y-%m-%d %H:%MZ}",
            "rule": code or "all alerts",
        }
        with transaction.atomic():
            acknowledge_and_mute.mute_scope(
                account=scope.account, by=user, until=until, now=now, rule=code, **scope.inner
            )
            audit.record(
                request, AuditKind.MUTED, account=scope.account, target=target, details=details
            )
        what = rule_title(code) if code else "All alerts"
        messages.success(request, f"Muted: {what} of {scope.name}, until {form.format_until()}.")
        return redirect(back)
    return render(request, "alerts/mute.html", {"of": scope, "form": form, "back": back})


@requires(Permission.EDITOR)
@require_POST
def end_mute(request: HttpRequest, pk: int) -> HttpResponse:
    """End a mute now."""
    visible = Mute.objects.filter(account__memberships__user=current_user(request))
    mute = get_object_or_404(visible, pk=pk)
    require_editor(request, mute.account_id)
    subject = mute.group or mute.project
    details = {"rule": mute.rule or "all alerts"}
    with transaction.atomic():
        acknowledge_and_mute.end_mute(mute=mute, now=timezone.now())
        audit.record(
            request,
            AuditKind.UNMUTED,
            account=mute.account,
            target=subject.name if subject else "",
            details=details,
        )
    messages.success(request, "Unmuted. Open alerts are sent within a minute.")
    return redirect(mutes.rules_page_of(mute))


@requires(Permission.MEMBER)
@require_safe
def follow_action_link(request: HttpRequest, token: str) -> HttpResponse:
    """Follow a link of an email to the form that it names, which asks for confirmation."""
    link = action_links.read_action_token(token)
    if link is None:
        raise Http404
    incident = find_incident(request, link.incident)
    if link.expired:
        messages.info(
            request, "That link has expired: links are valid for a week. This is the current state."
        )
        return redirect("incident", incident.pk)
    if link.form in action_links.FORMS and incident.group_id:
        return redirect("edit", incident.group_id, link.form)
    if link.form == action_links.CONNECTION:
        return redirect("connection", incident.account_id)
    if link.form == action_links.RESUME and incident.group_id:
        return redirect(incident_page.resume_url(incident))
    return redirect(
        "mute-incident" if link.form == action_links.MUTE else "acknowledge", incident.pk
    )
