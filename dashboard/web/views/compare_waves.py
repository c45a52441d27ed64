"""Compare a project with a previous wave, for trackers."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Project
from dashboard.web.auth.lookups import find_project
from dashboard.web.auth.permissions import Permission, requires
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.projects import wave_comparison


@requires(Permission.MEMBER)
@require_safe
def compare_waves(request: HttpRequest, pk: int) -> HttpResponse:
    """Show groups of the same country and name side by side, on the same day in field."""
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
    context = {
        "project": project,
        "earlier": projects.get(chosen or 0),
        "pairs": wave_comparison.compare_groups(own_groups, earlier, now=datetime.now(UTC)),
        "alone": len(own_groups),
        "choices": sorted(
            ((pk, projects[pk].name, number) for pk, number in counts.items()),
            key=lambda choice: (-choice[2], choice[1]),
        ),
    }
    return render(request, "projects/compare.html", context)
