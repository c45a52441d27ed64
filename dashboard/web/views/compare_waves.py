"""Compare a project with a previous wave, for trackers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Project
from dashboard.web import charts
from dashboard.web.auth.lookups import find_project
from dashboard.web.auth.permissions import Permission, requires
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.projects import wave_comparison, wave_curves


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A project, the wave it is compared with (None without any), and those to choose from."""

    project: Project
    earlier: Project | None
    pairs: list[wave_comparison.Pair]
    groups: int
    choices: list[tuple[int, str, int]]


@requires(Permission.MEMBER)
@require_safe
def compare_waves(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a wave is against the previous one, by percent of goal on the same day."""
    comparison = _compare(request, pk)
    context = {
        "project": comparison.project,
        "earlier": comparison.earlier,
        "pairs": comparison.pairs,
        "verdict": wave_comparison.wave_verdict(comparison.pairs),
        "countries": wave_comparison.country_rows(comparison.pairs),
        "alone": comparison.groups,
        "choices": comparison.choices,
    }
    return render(request, "projects/compare.html", context)


@requires(Permission.MEMBER)
@require_safe
def compare_chart_json(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the chart of both waves."""
    pairs = _compare(request, pk).pairs
    curves = wave_curves.wave_curves(pairs)
    figure = charts.wave_figure(
        curves.now,
        curves.then,
        curves.whole,
        palette=charts.PALETTES.get(request.GET.get("theme", ""), charts.PALETTES["light"]),
    )
    headers = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}
    body = msgspec.json.encode(figure)
    return HttpResponse(body, content_type="application/json", headers=headers)


def _compare(request: HttpRequest, pk: int) -> _Comparison:
    """Compare with the wave that is asked for, else with the one that has most groups of it."""
    project = find_project(request, pk)
    projects = {row.pk: row for row in Project.objects.filter(account=project.account_id)}
    groups = wave_comparison.groups_of(projects)
    own_groups = groups.pop(project.pk, [])
    counts = wave_comparison.count_matches(
        own_groups, [group for others in groups.values() for group in others]
    )
    requested = parse_row_id(request.GET.get("with", ""))
    chosen = requested if requested in counts else wave_comparison.best_match(counts)
    earlier = groups.get(chosen or 0, [])
    return _Comparison(
        project=project,
        earlier=projects.get(chosen or 0),
        pairs=wave_comparison.compare_groups(own_groups, earlier, now=datetime.now(UTC)),
        groups=len(own_groups),
        choices=sorted(
            ((pk, projects[pk].name, number) for pk, number in counts.items()),
            key=lambda choice: (-choice[2], choice[1]),
        ),
    )
