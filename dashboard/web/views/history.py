"""The change history of a project with all its groups, on a page and as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Change, Edit, Project, TargetGroup
from dashboard.fielding.models.querysets.rows import ChangeQuerySet, EditQuerySet
from dashboard.web.auth.lookups import find_group, find_project, names_by_exchange_id
from dashboard.web.auth.permissions import Permission, current_user, requires
from dashboard.web.connections.waits import known_workers
from dashboard.web.edits import history, history_export
from dashboard.web.edits.waits import list_waits
from dashboard.web.tables import exports

ON_PAGE = 200
IN_FILE = 20_000


def _history_lines(
    request: HttpRequest, project: Project, limit: int, zone: ZoneInfo | None = None
) -> list[history.HistoryLine]:
    """Return the newest changes of a project and its groups.

    `zone`: the person's, for a page, which also says what open edits wait for; none for a file.
    """
    changes = list(ChangeQuerySet(Change).filter(group__project=project).newest()[:limit])
    edits = list(EditQuerySet(Edit).in_project(project.pk).newest()[:limit])
    names = names_by_exchange_id(request) | history.project_names(project, changes)
    waits = list_waits(edits, known_workers(request, now=timezone.now())) if zone else {}
    lines = history.history_lines(changes, edits, names, zone, waits=waits)
    return lines[:limit]


@requires(Permission.MEMBER)
@require_safe
def project_history(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the history of a project."""
    project = find_project(request, pk)
    lines = _history_lines(request, project, ON_PAGE, zone_named(current_user(request).time_zone))
    names = dict(project.target_groups.values_list("pk", "name"))
    context = {
        "project": project,
        "lines": [(line, names.get(line.group or 0, "")) for line in lines],
        "most": ON_PAGE,
        "export": f"{request.path}export.{{}}",
    }
    return render(request, "projects/history.html", context)


@requires(Permission.MEMBER)
@require_safe
def project_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Download the history of a project, which reaches further back."""
    project = find_project(request, pk)
    rows = _history_cells(
        _history_lines(request, project, IN_FILE), project, project.target_groups.in_bulk()
    )
    name = f"history-{project.human_readable_id or project.pk}"
    return exports.download_sheet(name, kind, exports.Sheet(history_export.HISTORY_HEADINGS, rows))


@requires(Permission.MEMBER)
@require_safe
def group_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Download the history of one group."""
    group = find_group(request, pk)
    changes = list(ChangeQuerySet(Change).filter(group=group).newest()[:IN_FILE])
    edits = EditQuerySet(Edit).filter(group=group).newest()[:IN_FILE]
    names = names_by_exchange_id(request) | history.project_names(group.project, changes)
    lines = history.history_lines(changes, list(edits), names)
    rows = _history_cells(lines, group.project, {group.pk: group})
    name = f"history-{group.human_readable_id or group.pk}"
    return exports.download_sheet(name, kind, exports.Sheet(history_export.HISTORY_HEADINGS, rows))


def _history_cells(
    lines: Iterable[history.HistoryLine], project: Project, groups: dict[int, TargetGroup]
) -> Iterator[list[exports.Cell]]:
    for line in lines:
        group = groups.get(line.group or 0)
        name, number = (group.name, group.human_readable_id) if group else ("", "")
        yield history_export.history_line(line, project.name, name, number)
