"""A project beside an earlier one, for trackers."""

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
    """Groups of the same country and name side by side, at the same age."""
    of = find_project(request, pk)
    projects = {one.pk: one for one in Project.objects.filter(account=of.account_id)}
    groups = wave_comparison.groups_of(projects)
    mine = groups.pop(of.pk, [])
    counts = wave_comparison.count_matches(
        mine, [group for some in groups.values() for group in some]
    )
    asked = parse_row_id(request.GET.get("with", ""))
    chosen = asked if asked in counts else wave_comparison.best_match(counts)
    earlier = groups.get(chosen or 0, [])
    context = {
        "project": of,
        "earlier": projects.get(chosen or 0),
        "pairs": wave_comparison.compare_groups(mine, earlier, now=datetime.now(UTC)),
        "alone": len(mine),
        "choices": sorted(
            ((pk, projects[pk].name, number) for pk, number in counts.items()),
            key=lambda choice: (-choice[2], choice[1]),
        ),
    }
    return render(request, "projects/compare.html", context)
