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
from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.models import Change, Edit, Incident, TargetGroup
from dashboard.fielding.queries import group_page
from dashboard.sync import scheduling
from dashboard.sync.lookup import code_lists
from dashboard.web.alerts import mutes
from dashboard.web.auth.lookups import find_group, names_by_exchange_id
from dashboard.web.auth.permissions import Permission, current_user, may_edit, requires
from dashboard.web.batches import planning
from dashboard.web.charts import series
from dashboard.web.drafts import prefill
from dashboard.web.edits import history
from dashboard.web.formatting import labels, times
from dashboard.web.groups import completes, settings, summary, trends
from dashboard.web.groups.panels import closing, details, diagnosis, effects, quotas, rate_card
from dashboard.web.http import conditional

HISTORY_ROWS = 100


def _mark(request: HttpRequest, group: TargetGroup) -> str:
    """What changes whenever the group's page does."""
    version_token = group.version_token  # type: ignore[attr-defined]
    return conditional.page_etag(request, group.project.version, version_token)


@requires(Permission.MEMBER)
@require_safe
def group_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A target group."""
    if same := conditional.not_modified_early(request, TargetGroup.objects.filter(pk=pk)):
        return same
    of = find_group(request, pk)
    etag, read_at = _mark(request, of), of.project.read_at
    known, rest = {"group": of, "project": of.project}, partial(_context, request, of)
    return conditional.streamed_page(
        request, "groups/detail", known, rest, etag=etag, read_at=read_at
    )


@requires(Permission.MEMBER)
@require_safe
def group_details(request: HttpRequest, pk: int) -> HttpResponse:
    """The details panel alone, with the names that the exchange has for its codes."""
    of = find_group(request, pk)
    panel = details.of_group(of, names_by_exchange_id(request), ask=True)
    if panel is None:
        raise Http404
    return render(request, "groups/panels/details.html", {"group": of, "details": panel})


def _context(request: HttpRequest, of: TargetGroup) -> dict[str, Any]:
    user, names, now = current_user(request), names_by_exchange_id(request), datetime.now(UTC)
    changes, edits = (
        group_page.newest_changes(of, HISTORY_ROWS),
        group_page.newest_edits(of, HISTORY_ROWS),
    )
    return {
        "old": scheduling.is_old(of.project, now=now) or of.retry_at is not None,
        "strip": summary.summary_figures(of, user),
        "progress": summary.progress_of_group(of),
        "status": summary.group_status(of),
        "incidents": _incidents(of),
        "mutes": mutes.mutes_over_group(of, datetime.now(UTC)),
        "may_mute": may_edit(request, of.account_id) and of.status not in mutes.SILENT,
        "closing": closing.closing_lines(of, now=now),
        "causes": summary.likely_causes(of),
        "odds": summary.goal_chance(of),
        "risks": diagnosis.nearest_risks(of),
        "for_client": diagnosis.for_client(of, user, of.project.read_at),
        "quick": settings.quick_changes(of),
        "transitions": planning.offered_transitions(of),
        "token": secrets.token_urlsafe(24),
        "settings": settings.settings_of(of, user, names, changes),
        "details": details.of_group(of, names),
        "draft": prefill.draft_rows(of, names | _clients(of)) if of.status == "draft" else {},
        "funnel": trends.funnel_steps(of),
        "respondents": trends.respondent_counts(of),
        "quotas": quotas.quota_cells(of),
        "unlimited": quotas.profiles_without_quotas(of),
        "card": rate_card.of_group(of),
        "history_export": f"{reverse('group', args=[of.pk])}history/export.{{}}",
        "history": history.history_lines(
            changes, edits, names | history.project_names(of.project, changes), times.zone_of(of)
        ),
        "remark": summary.reading_problem(of),
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
    return [
        (one, labels.without_group_name(of.name, one.sentence))
        for one in group_page.open_incidents(of)
    ]


def _over_time(
    request: HttpRequest,
    of: TargetGroup,
    changes: Sequence[Change],
    edits: Sequence[Edit],
    now: datetime,
) -> dict[str, Any]:
    """The panels that read the group's series and readings."""
    since = now - completes.LONGEST
    days = group_page.completes_days(of, since)
    assistant = assistant_modules.modules_of(
        [(c.occurred_at, c.kind, c.new) for c in changes if c.kind in assistant_modules.KINDS],
        of.details,
    )
    stored = quotas.sheet_of(of)
    told = of_changes.GroupRecords(
        changes,
        edits,
        days,
        group_page.entrant_readings(of, since),
        assistant.soft_launch,
        assistant.pacing,
        stored.profiles if stored else (),
    )
    view = completes.ChartView.asked(request.GET)
    grid = series.from_days(days)
    drawn = None
    if not request.headers.get("HX-Request") and len(changes) < HISTORY_ROWS > len(edits):
        drawn = completes.first_figure(
            of, grid, changes, edits, view=view, theme=current_user(request).theme, now=now
        )
    return {
        "drawn": drawn,
        "steps": completes.newest_steps(grid, view, of, now),
        "step_hours": view.hours,
        "choices": view.choices(),
        "trends": trends.trend_choices(request.GET),
        "effects": effects.effect_rows(of_changes.effects_of_changes(of, told, now=now)),
        "zone": times.zone_city(times.zone_of(of)),
    }
