"""A target group: the strip, why, completes, quotas, effects, price, settings, history."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.fielding.effects import of_changes
from dashboard.fielding.models import Change, Edit, Incident, TargetGroup
from dashboard.fielding.queries import group_page
from dashboard.sync import scheduling
from dashboard.sync.lookup import code_lists
from dashboard.web.alerts import mutes
from dashboard.web.auth.permissions import Rule, may_edit, person, rule
from dashboard.web.batches import planning
from dashboard.web.charts import series
from dashboard.web.drafts import prefill
from dashboard.web.edits import history
from dashboard.web.formatting import labels, times
from dashboard.web.groups import completes, settings, summary, trends
from dashboard.web.groups.panels import closing, details, diagnosis, effects, quotas, rate_card
from dashboard.web.http import conditional
from dashboard.web.views.projects import people

HISTORY_ROWS = 100


def found(request: HttpRequest, pk: int) -> TargetGroup:
    """The group, if it is one of the person's; 404 otherwise."""
    group = group_page.group(pk, person(request))
    if group is None:
        raise Http404
    return group


def _mark(request: HttpRequest, group: TargetGroup) -> str:
    """What changes whenever the group's page does."""
    pulse = group.pulse  # type: ignore[attr-defined]
    return conditional.mark(request, group.project.version, pulse)


@rule(Rule.MEMBER)
@require_safe
def group(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A target group."""
    if same := conditional.early(request, TargetGroup.objects.filter(pk=pk)):
        return same
    of = found(request, pk)
    etag, read_at = _mark(request, of), of.project.read_at
    known, rest = {"group": of, "project": of.project}, partial(_context, request, of)
    return conditional.page_head_first(request, "group", known, rest, etag=etag, read_at=read_at)


@rule(Rule.MEMBER)
@require_safe
def group_details(request: HttpRequest, pk: int) -> HttpResponse:
    """The details panel alone, with the names that the exchange has for its codes."""
    of = found(request, pk)
    panel = details.of_group(of, people(request), ask=True)
    if panel is None:
        raise Http404
    return render(request, "group/details.html", {"group": of, "details": panel})


def _context(request: HttpRequest, of: TargetGroup) -> dict[str, Any]:
    user, names, now = person(request), people(request), datetime.now(UTC)
    changes, edits = group_page.changes(of, HISTORY_ROWS), group_page.edits(of, HISTORY_ROWS)
    return {
        "old": scheduling.is_old(of.project, now=now) or of.owed_at is not None,
        "strip": summary.strip(of, user),
        "progress": summary.progress(of),
        "status": summary.group_status(of),
        "incidents": _incidents(of),
        "mutes": mutes.of_group(of, datetime.now(UTC)),
        "may_mute": may_edit(request, of.account_id) and of.status not in mutes.SILENT,
        "closing": closing.sheet(of, now=now),
        "causes": summary.causes(of),
        "odds": summary.odds(of),
        "risks": diagnosis.risks(of),
        "for_client": diagnosis.for_client(of, user, of.project.read_at),
        "quick": settings.quick(of),
        "transitions": planning.offered(of),
        "token": secrets.token_urlsafe(24),
        "settings": settings.settings_of(of, user, names, changes),
        "details": details.of_group(of, names),
        "draft": prefill.rows(of, names | _clients(of)) if of.status == "draft" else {},
        "funnel": trends.funnel(of),
        "respondents": trends.respondents(of),
        "quotas": quotas.cells(of),
        "unlimited": quotas.unlimited(of),
        "card": rate_card.of_group(of),
        "history_export": f"{reverse('group', args=[of.pk])}history/export.{{}}",
        "history": history.lines(
            changes, edits, names | history.projects(of.project, changes), times.zone_of(of)
        ),
        "remark": summary.remark(of),
        "manager": names.get(of.project_manager_id, ""),
        "may_edit": may_edit(request, of.account_id) and of.status not in ("draft", "archived"),
        "may_note": may_edit(request, of.account_id),
        "may_act": may_edit(request, of.account_id),
        "notes": of.notes.newest(),
        **_over_time(request, of, changes, edits, now),
    }


def _clients(of: TargetGroup) -> dict[str, str]:
    """The name of its client; asked for only where it has one."""
    return code_lists.client_names(of.account) if of.details.get("client_id") else {}


def _incidents(of: TargetGroup) -> list[tuple[Incident, str]]:
    """The open ones, the most urgent first, without the name that the page bears anyway."""
    return [(one, labels.beside(of.name, one.sentence)) for one in group_page.incidents(of)]


def _over_time(
    request: HttpRequest,
    of: TargetGroup,
    changes: Sequence[Change],
    edits: Sequence[Edit],
    now: datetime,
) -> dict[str, Any]:
    """The panels that read the group's series and readings."""
    since = now - completes.LONGEST
    days = group_page.days(of, since)
    told = of_changes.Told(changes, edits, days, group_page.readings(of, since))
    view = completes.View.asked(request.GET)
    grid = series.from_days(days)
    drawn = None
    if not request.headers.get("HX-Request") and len(changes) < HISTORY_ROWS > len(edits):
        drawn = completes.first(
            of, grid, changes, edits, view=view, theme=person(request).theme, now=now
        )
    return {
        "drawn": drawn,
        "steps": completes.table(grid, view, of, now),
        "step_hours": view.hours,
        "choices": view.choices(),
        "trends": trends.choices(request.GET),
        "effects": effects.shown(of_changes.effects_from(of, told, now=now)),
        "zone": times.place(times.zone_of(of)),
    }
