"""The page of a target group: figures, causes, completes, quotas, price, history."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.fielding.effects import of_changes
from dashboard.fielding.figures.definitions import CALIBRATED_ON
from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.fielding.models.querysets.expressions import IN_FIELD
from dashboard.fielding.queries import group_page
from dashboard.sync import scheduling
from dashboard.sync.lookup import code_lists
from dashboard.web.alerts import mutes
from dashboard.web.auth.lookups import find_group, names_by_exchange_id
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    may_edit,
    memberships_of,
    requires,
)
from dashboard.web.batches import planning
from dashboard.web.charts import series
from dashboard.web.connections.waits import known_workers, refresh_wait
from dashboard.web.drafts import prefill
from dashboard.web.edits import history
from dashboard.web.edits.price.followed import foretold_of_group
from dashboard.web.edits.waits import list_waits
from dashboard.web.formatting import times
from dashboard.web.groups import completes, settings, summary, trends, verdict
from dashboard.web.groups.panels import (
    closing,
    details,
    diagnosis,
    effects,
    history_filter,
    quotas,
    rate_card,
    suppliers,
    to_do,
)
from dashboard.web.http import conditional

HISTORY_ROWS = 100


class PageRecords(NamedTuple):
    """What the chart and the panels of a group read: its history, its days and their grid."""

    changes: Sequence[Change]
    edits: Sequence[Edit]
    days: Sequence[group_page.StoredDay]
    grid: series.Grid | None


def _page_etag(request: HttpRequest, group: TargetGroup) -> str:
    """Return the ETag of the group's page."""
    version_token = group.version_token  # type: ignore[attr-defined]
    check_due_at = group.check_due_at  # type: ignore[attr-defined]
    project = group.project
    late = conditional.late_work(project.due_at, project.urgency, check_due_at)
    return conditional.page_etag(request, project.version, version_token, *late)


@requires(Permission.MEMBER)
@require_safe
def group_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show a target group."""
    if not_modified := conditional.not_modified_early(request, TargetGroup.objects.filter(pk=pk)):
        return not_modified
    group = find_group(request, pk)
    etag, read_at = _page_etag(request, group), group.project.read_at
    now = datetime.now(UTC)
    records = _read_records(group, now)
    head = {
        "group": group,
        "project": group.project,
        "drawn": _first_figure(request, group, records, now),
    }
    rest = partial(_page_context, request, group, records, now)
    return conditional.streamed_page(
        request, "groups/detail", head, rest, etag=etag, read_at=read_at
    )


@requires(Permission.MEMBER)
@require_safe
def group_details(request: HttpRequest, pk: int) -> HttpResponse:
    """Render the details panel alone, with names looked up on the exchange."""
    group = find_group(request, pk)
    panel = details.details_panel(group, names_by_exchange_id(request), look_up=True)
    if panel is None:
        raise Http404
    return render(request, "groups/panels/details.html", {"group": group, "details": panel})


@requires(Permission.MEMBER)
@require_safe
def group_suppliers(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the suppliers of a launched group as Cint has them now, as a page or as a part."""
    group = find_group(request, pk)
    if group.status == TargetGroup.Status.DRAFT:
        raise Http404
    part = bool(request.headers.get("HX-Request"))
    template = "groups/panels/supplier_lines.html" if part else "groups/suppliers.html"
    panel = suppliers.suppliers_panel(group)
    return render(request, template, {"group": group, "suppliers": panel})


def _read_records(group: TargetGroup, now: datetime) -> PageRecords:
    since = now - completes.LONGEST
    days = group_page.completes_days(group, since)
    return PageRecords(
        group_page.newest_changes(group, HISTORY_ROWS),
        group_page.newest_edits(group, HISTORY_ROWS),
        days,
        series.grid_since(group, days, since),
    )


def _first_figure(
    request: HttpRequest, group: TargetGroup, records: PageRecords, now: datetime
) -> completes.DrawnFigure | None:
    """Return the chart that comes with the page; None for a refresh, and for a long history."""
    changes, edits = records.changes, records.edits
    is_whole = len(changes) < HISTORY_ROWS > len(edits)
    is_page = not request.headers.get("HX-Request") and group.status != TargetGroup.Status.DRAFT
    if not is_whole or not is_page:
        return None
    view, theme = completes.ChartView.from_query(request.GET), current_user(request).theme
    return completes.first_figure(
        group, records.grid, changes, edits, view=view, theme=theme, now=now
    )


def _page_context(
    request: HttpRequest, group: TargetGroup, records: PageRecords, now: datetime
) -> dict[str, object]:
    user, names = current_user(request), names_by_exchange_id(request)
    changes, edits = records.changes, records.edits
    workers = known_workers(request, now=now)
    return {
        "old": scheduling.is_old(group.project, now=now) or group.retry_at is not None,
        **_answers_context(request, group, now),
        "strip": summary.summary_figures(group, user),
        "progress": summary.progress_of_group(group),
        "status": summary.group_status(group),
        "mutes": mutes.mutes_over_group(group, datetime.now(UTC)),
        "may_mute": may_edit(request, group.account_id)
        and group.status not in mutes.STATUSES_WITHOUT_RULES,
        "closing": closing.closing_lines(group, now=now),
        "odds": summary.goal_chance(group),
        "risks": diagnosis.nearest_risks(group),
        "calibrated_on": CALIBRATED_ON,
        "for_client": diagnosis.for_client(group, user, group.project.read_at),
        "quick": settings.quick_changes(group),
        "transitions": planning.offered_transitions(group),
        "token": secrets.token_urlsafe(24),
        "settings": settings.settings_of(group, user, names, changes),
        "details": details.details_panel(group, names),
        "draft": prefill.draft_rows(group, names | _client_names(group))
        if group.status == "draft"
        else {},
        "funnel": trends.funnel_steps(group),
        "respondents": trends.respondent_counts(group),
        "quotas": (cells := quotas.quota_cells(group)),
        "quotas_forecast": any(cell.at_end for cell in cells),
        "quota_unit": quotas.unit_of_quotas(group),
        "unlimited": quotas.profiles_without_quotas(group),
        "quotas_unread": group.status in IN_FIELD and group.completes_read_at is None,
        "card": rate_card.rate_card_table(group),
        "history_export": f"{reverse('group', args=[group.pk])}history/export.{{}}",
        "history": history_filter.filter_history(
            history.history_lines(
                changes,
                edits,
                names | history.project_names(group.project, changes),
                times.zone_of(group),
                waits=list_waits(edits, workers),
            ),
            request.GET,
        ),
        "remark": summary.reading_problem(group),
        "refresh_wait": refresh_wait(group.project, workers),
        "manager": names.get(group.project_manager_id, ""),
        "may_edit": may_edit(request, group.account_id)
        and group.status not in ("draft", "archived"),
        "may_note": may_edit(request, group.account_id),
        "may_act": may_edit(request, group.account_id),
        "notes": group.notes.newest(),
        **_series_context(request, group, records, now),
    }


def _client_names(group: TargetGroup) -> dict[str, str]:
    """Return the names of clients; looked up only for a group that has one."""
    return code_lists.client_names(group.account) if group.details.get("client_id") else {}


def _answers_context(request: HttpRequest, group: TargetGroup, now: datetime) -> dict[str, object]:
    """Return the verdict, what to do, and the causes that are not said there already.

    A draft, and what is put away, needs nothing to be done; a completed group only what is open.
    """
    said = verdict.group_verdict(group, now=now)
    causes = summary.likely_causes(group)
    if group.status in (TargetGroup.Status.DRAFT, TargetGroup.Status.ARCHIVED):
        return {"verdict": said, "causes": causes}
    steps = to_do.group_to_do(group, memberships_of(request), said, causes, now=now)
    is_done = group.status == TargetGroup.Status.COMPLETED and steps.nothing
    return {
        "verdict": said,
        "to_do": None if is_done else steps,
        "causes": [cause for cause in causes if cause is not steps.cause],
    }


def _series_context(
    request: HttpRequest, group: TargetGroup, records: PageRecords, now: datetime
) -> dict[str, object]:
    """Return the context of the panels that read the group's series and readings."""
    changes, edits, days, grid = records
    assistant = assistant_modules.modules_of(
        [(c.occurred_at, c.kind, c.new) for c in changes if c.kind in assistant_modules.KINDS],
        group.details,
    )
    panels = quotas.sheet_of(group)
    of_group = of_changes.GroupRecords(
        changes,
        edits,
        days,
        group_page.entrant_readings(group, now - completes.LONGEST),
        assistant.soft_launch,
        assistant.pacing,
        panels.profiles if panels else (),
    )
    chart_view = completes.ChartView.from_query(request.GET)
    return {
        "steps": (steps := completes.newest_steps(grid, chart_view, group, now)),
        "has_gap": any(step.gap for step in steps),
        "between_hours": completes.has_interpolated_starts(grid, chart_view, group),
        "step_hours": chart_view.hours,
        "choices": chart_view.choices(),
        "trends": trends.trend_choices(request.GET),
        "effects": effects.effect_rows(
            of_changes.effects_of_changes(group, of_group, now=now), foretold_of_group(group)
        ),
        "zone": times.zone_city(times.zone_of(group)),
    }
