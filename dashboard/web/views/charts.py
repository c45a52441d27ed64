"""Charts as JSON for Plotly, and the data table of the project chart."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Edit, Project, TargetGroup
from dashboard.fielding.models.querysets.rows import EditQuerySet
from dashboard.fielding.queries import group_chart
from dashboard.web import charts
from dashboard.web.auth.lookups import find_project
from dashboard.web.auth.permissions import Permission, current_user, requires
from dashboard.web.formatting import times
from dashboard.web.groups import completes, trends
from dashboard.web.http import conditional
from dashboard.web.projects import completes_by_group

MAX_MARKS = 100


@requires(Permission.MEMBER)
@require_safe
def group_chart_json(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the chart of a group's completes."""
    group = _find_charted_group(request, pk)
    etag = conditional.partial_etag(request, group.version)  # type: ignore[attr-defined]
    return _not_modified(request, etag) or _figure_response(_completes_figure(request, group), etag)


@requires(Permission.MEMBER)
@require_safe
def group_trend_json(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the chart of one metric of a group, from Fieldwatch's readings."""
    group = _find_charted_group(request, pk)
    etag = conditional.partial_etag(request, group.version)  # type: ignore[attr-defined]
    return _not_modified(request, etag) or _figure_response(_trend_figure(request, group), etag)


@requires(Permission.MEMBER)
@require_safe
def project_chart_json(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the chart of a project's completes: their sum, or with `per=group` by group."""
    project = find_project(request, pk)
    etag = conditional.partial_etag(request, project.version)
    return _not_modified(request, etag) or _figure_response(_project_figure(request, project), etag)


@requires(Permission.MEMBER)
@require_safe
def project_numbers(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the data of the project chart, as a page or as a part for htmx."""
    project = find_project(request, pk)
    zone = zone_named(current_user(request).time_zone)
    group_shares = completes_by_group.completes_by_group(project, now=datetime.now(UTC))
    context = {
        "project": project,
        "zone": times.zone_city(zone),
        "table": completes_by_group.completes_table(group_shares, zone),
    }
    part = bool(request.headers.get("HX-Request"))
    template = "partials/project_numbers.html" if part else "projects/numbers.html"
    return render(request, template, context)


def _find_charted_group(request: HttpRequest, pk: int) -> TargetGroup:
    """Return the group, or raise 404 if the person may not see it."""
    group = group_chart.group_for_chart(pk, current_user(request))
    if group is None:
        raise Http404
    return group


def _not_modified(request: HttpRequest, etag: str) -> HttpResponse | None:
    """Return 304 if the browser has this chart already; else None."""
    if request.headers.get("If-None-Match") != etag:
        return None
    return HttpResponse(status=304, headers={"ETag": etag})


def _figure_response(figure: charts.Figure, etag: str) -> HttpResponse:
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie"}
    body = msgspec.json.encode(figure)
    return HttpResponse(body, content_type="application/json", headers=headers)


def _palette(request: HttpRequest) -> charts.Palette:
    return charts.PALETTES.get(request.GET.get("theme", ""), charts.PALETTES["light"])


def _completes_figure(request: HttpRequest, group: TargetGroup) -> charts.Figure:
    now = datetime.now(UTC)
    edits_shown: list[Edit] = []
    if group.edited:  # type: ignore[attr-defined]
        edits = EditQuerySet(Edit).filter(
            group=group, kind__in=completes.MARKED_EDITS, state=Edit.State.CONFIRMED
        )
        edits_shown = list(edits.newest().for_lines()[:MAX_MARKS])
    return completes.group_figure(
        group,
        completes.grid_of(group, now),
        group_chart.changes_for_chart(group, completes.SHOWN_CHANGE_KINDS, MAX_MARKS),
        edits_shown,
        view=completes.ChartView.from_query(request.GET),
        palette=_palette(request),
        now=now,
    )


def _trend_figure(request: HttpRequest, group: TargetGroup) -> charts.Figure:
    trend, zone = trends.chosen_trend(request.GET), times.zone_of(group)
    since = trends.trend_start(group, datetime.now(UTC))
    return charts.trend_figure(
        trends.readings_to_show(trends.trend_points(group, trend, since), zone),
        name=trend.label,
        unit=trend.unit or group.currency,
        bid=trend.bid(group),
        palette=_palette(request),
        zone=zone,
    )


def _project_figure(request: HttpRequest, project: Project) -> charts.Figure:
    group_shares = completes_by_group.completes_by_group(project, now=datetime.now(UTC))
    palette, zone = _palette(request), zone_named(current_user(request).time_zone)
    if request.GET.get("per") == "group":
        return charts.project_figure(
            group_shares.start,
            group_shares.shares,
            required=group_shares.required,
            forecast=group_shares.forecast,
            palette=palette,
            zone=zone,
        )
    return charts.project_sum_figure(
        group_shares.start,
        charts.ProjectSum(group_shares.total, group_shares.goal, group_shares.ends_at),
        target=group_shares.required,
        forecast=group_shares.forecast,
        palette=palette,
        zone=zone,
    )
