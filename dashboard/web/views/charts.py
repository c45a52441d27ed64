"""The figures of the charts as JSON for Plotly, and the numbers behind the project's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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

TREND_DAYS = 60
MARKS = 100


@requires(Permission.MEMBER)
@require_safe
def group_chart_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The figure of a group's completes."""
    of = _charted(request, pk)
    etag = conditional.mark_of_part(request, of.version)  # type: ignore[attr-defined]
    return _unchanged(request, etag) or _json(_completes(request, of), etag)


@requires(Permission.MEMBER)
@require_safe
def group_trend_json(request: HttpRequest, pk: int) -> HttpResponse:
    """One figure of a group over time, from our own readings."""
    of = _charted(request, pk)
    etag = conditional.mark_of_part(request, of.version)  # type: ignore[attr-defined]
    return _unchanged(request, etag) or _json(_trend(request, of), etag)


@requires(Permission.MEMBER)
@require_safe
def project_chart_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The figure of a project's completes, by group."""
    of = find_project(request, pk)
    etag = conditional.mark_of_part(request, of.version)
    return _unchanged(request, etag) or _json(_project(request, of), etag)


@requires(Permission.MEMBER)
@require_safe
def project_numbers(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as a table: a page of its own, or what htmx puts behind the chart."""
    of = find_project(request, pk)
    zone = zone_named(current_user(request).time_zone)
    told = completes_by_group.completes_by_group(of, now=datetime.now(UTC))
    context = {
        "project": of,
        "zone": times.zone_city(zone),
        "table": completes_by_group.completes_table(told, zone),
    }
    part = bool(request.headers.get("HX-Request"))
    template = "partials/project_numbers.html" if part else "projects/numbers.html"
    return render(request, template, context)


def _charted(request: HttpRequest, pk: int) -> TargetGroup:
    """The group, if it is one of the person's; 404 otherwise."""
    of = group_chart.group_for_chart(pk, current_user(request))
    if of is None:
        raise Http404
    return of


def _unchanged(request: HttpRequest, etag: str) -> HttpResponse | None:
    """A 304 if the browser has this figure."""
    if request.headers.get("If-None-Match") != etag:
        return None
    return HttpResponse(status=304, headers={"ETag": etag})


def _json(figure: charts.Figure, etag: str) -> HttpResponse:
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie"}
    body = msgspec.json.encode(figure)
    return HttpResponse(body, content_type="application/json", headers=headers)


def _palette(request: HttpRequest) -> charts.Palette:
    return charts.PALETTES.get(request.GET.get("theme", ""), charts.PALETTES["light"])


def _completes(request: HttpRequest, of: TargetGroup) -> charts.Figure:
    now = datetime.now(UTC)
    made: list[Edit] = []
    if of.edited:  # type: ignore[attr-defined]
        edits = EditQuerySet(Edit).filter(
            group=of, kind__in=completes.MARKED_EDITS, state=Edit.State.CONFIRMED
        )
        made = list(edits.newest().for_lines()[:MARKS])
    return completes.group_figure(
        of,
        completes.grid_of(of, now),
        group_chart.changes_for_chart(of, completes.SHOWN_CHANGE_KINDS, MARKS),
        made,
        view=completes.ChartView.asked(request.GET),
        palette=_palette(request),
        now=now,
    )


def _trend(request: HttpRequest, of: TargetGroup) -> charts.Figure:
    chosen = trends.chosen_trend(request.GET)
    since = datetime.now(UTC) - timedelta(days=TREND_DAYS)
    return charts.trend_figure(
        trends.trend_points(of, chosen, since),
        name=chosen.label,
        unit=chosen.unit or of.currency,
        agreed=chosen.agreed(of),
        palette=_palette(request),
        zone=times.zone_of(of),
    )


def _project(request: HttpRequest, of: Project) -> charts.Figure:
    told = completes_by_group.completes_by_group(of, now=datetime.now(UTC))
    given: dict[str, Any] = {"required": told.required, "forecast": told.forecast}
    zone = zone_named(current_user(request).time_zone)
    return charts.project_figure(
        told.start, told.shares, **given, palette=_palette(request), zone=zone
    )
