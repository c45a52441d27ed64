"""A target group: the strip, why, the chart and its numbers, settings, history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Change, Edit, Incident, TargetGroup
from dashboard.fielding.queries import ChangeQuerySet, EditQuerySet, IncidentQuerySet
from dashboard.web import charts, conditional, history, quiet, series, sheet, times, trends
from dashboard.web.access import Rule, may_edit, person, rule
from dashboard.web.views.projects import people

HISTORY_ROWS = 100
CHART_DAYS = 60
MARKED = ("cpi_change", "status_change", "filling_goal_change", "filling_strategy_change")


def found(request: HttpRequest, pk: int) -> TargetGroup:
    """The group, if it is one of the person's; 404 otherwise."""
    groups = TargetGroup.objects.visible_to(person(request)).with_pulse()
    group = groups.filter(pk=pk).first()
    if group is None:
        raise Http404
    return cast("TargetGroup", group)


def _versions(group: TargetGroup) -> tuple[object, ...]:
    return group.project.version, group.pulse  # type: ignore[attr-defined]


@rule(Rule.MEMBER)
@require_safe
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """A target group."""
    of = found(request, pk)
    etag, read_at = conditional.mark(request, *_versions(of)), of.project.read_at
    if same := conditional.unchanged(request, etag, read_at):
        return same
    return conditional.page(request, "group", _context(request, of), etag=etag, read_at=read_at)


def _context(request: HttpRequest, of: TargetGroup) -> dict[str, Any]:
    user, names = person(request), people(request)
    changes = ChangeQuerySet(Change).filter(group=of).newest()[:HISTORY_ROWS]
    edits = EditQuerySet(Edit).filter(group=of).newest()[:HISTORY_ROWS]
    grid = series.grid(of, datetime.now(UTC) - timedelta(days=CHART_DAYS))
    where = times.zone_of(of)
    return {
        "group": of,
        "project": of.project,
        "strip": sheet.strip(of, user),
        "progress": sheet.progress(of),
        "status": sheet.group_status(of),
        "incidents": IncidentQuerySet(Incident).filter(group=of).open().by_urgency(),
        "mutes": quiet.of_group(of, datetime.now(UTC)),
        "may_mute": may_edit(request, of.account_id),
        "causes": sheet.causes(of),
        "settings": sheet.settings_of(of),
        "trends": trends.choices(),
        "funnel": trends.funnel(of),
        "respondents": trends.respondents(of),
        "history": history.lines(changes, list(edits), names),
        "days": series.days_in(grid, where) if grid else [],
        "zone": times.place(where),
        "remark": sheet.remark(of),
        "manager": names.get(of.project_manager_id, ""),
        "may_edit": may_edit(request, of.account_id) and of.status not in ("draft", "archived"),
    }


@rule(Rule.MEMBER)
@require_safe
def chart(request: HttpRequest, pk: int) -> HttpResponse:
    """The figure of the completes chart, as JSON for Plotly."""
    of = found(request, pk)
    etag = conditional.mark_of_part(request, *_versions(of))
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    return _json(_figure(request, of), etag)


@rule(Rule.MEMBER)
@require_safe
def trend(request: HttpRequest, pk: int) -> HttpResponse:
    """One figure over time, from our own readings, as JSON for Plotly."""
    of = found(request, pk)
    etag = conditional.mark_of_part(request, *_versions(of))
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    chosen = trends.TRENDS.get(request.GET.get("per", ""), trends.TRENDS[trends.FIRST])
    since = datetime.now(UTC) - timedelta(days=CHART_DAYS)
    figure = charts.trend(
        trends.points(of, chosen, since),
        name=chosen.label,
        unit=chosen.unit or of.currency,
        agreed=chosen.agreed(of),
        palette=_palette(request),
        zone=times.zone_of(of),
    )
    return _json(figure, etag)


def _json(figure: charts.Figure, etag: str) -> HttpResponse:
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie"}
    body = msgspec.json.encode(figure)
    return HttpResponse(body, content_type="application/json", headers=headers)


def _palette(request: HttpRequest) -> charts.Palette:
    return charts.PALETTES.get(request.GET.get("theme", ""), charts.PALETTES["light"])


def _figure(request: HttpRequest, of: TargetGroup) -> charts.Figure:
    palette = _palette(request)
    grid = series.grid(of, datetime.now(UTC) - timedelta(days=CHART_DAYS))
    steps = {"hour": 1, "day": 24}.get(request.GET.get("per", ""))
    zone = times.zone_of(of)
    if steps:
        gained = series.rates(grid, steps) if grid else None
        return charts.gained(gained, steps, palette=palette, zone=zone)
    changes = ChangeQuerySet(Change).filter(group=of, kind__in=MARKED).newest()[:HISTORY_ROWS]
    lines = history.lines(changes, [], {})
    return charts.completes(
        grid,
        goal=of.completes_goal or of.filling_goal,
        begins=of.starts_at,
        ends=of.ends_at,
        forecast=sheet.forecast(of),
        marks=[charts.Mark(line.at, f"{line.what}: {line.old} → {line.new}") for line in lines],
        palette=palette,
        zone=zone,
    )
