"""What was changed, by whom: of a project with all its groups, and as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Change, Edit, Project, TargetGroup
from dashboard.fielding.models.querysets.rows import ChangeQuerySet, EditQuerySet
from dashboard.web.auth.lookups import find_group, find_project, names_by_exchange_id
from dashboard.web.auth.permissions import Permission, current_user, requires
from dashboard.web.edits import history, history_export
from dashboard.web.tables import exports

ON_PAGE = 200
IN_FILE = 20_000


def _lines(
    request: HttpRequest, of: Project, most: int, zone: ZoneInfo | None = None
) -> list[history.HistoryLine]:
    """The newest changes of a project and of all its groups."""
    changes = list(ChangeQuerySet(Change).filter(group__project=of).newest()[:most])
    edits = EditQuerySet(Edit).in_project(of.pk).newest()[:most]
    names = names_by_exchange_id(request) | history.project_names(of, changes)
    lines = history.history_lines(changes, list(edits), names, zone)
    return lines[:most]


@requires(Permission.MEMBER)
@require_safe
def project_history(request: HttpRequest, pk: int) -> HttpResponse:
    """The history of a project."""
    of = find_project(request, pk)
    lines = _lines(request, of, ON_PAGE, zone_named(current_user(request).time_zone))
    names = dict(of.target_groups.values_list("pk", "name"))
    context = {
        "project": of,
        "lines": [(line, names.get(line.group or 0, "")) for line in lines],
        "most": ON_PAGE,
        "export": f"{request.path}export.{{}}",
    }
    return render(request, "projects/history.html", context)


@requires(Permission.MEMBER)
@require_safe
def project_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """The same as a file, further back."""
    of = find_project(request, pk)
    rows = _cells(_lines(request, of, IN_FILE), of, of.target_groups.in_bulk())
    name = f"history-{of.human_readable_id or of.pk}"
    return exports.download_sheet(name, kind, exports.Sheet(history_export.HISTORY_HEADINGS, rows))


@requires(Permission.MEMBER)
@require_safe
def group_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """The history of one group as a file."""
    of = find_group(request, pk)
    changes = list(ChangeQuerySet(Change).filter(group=of).newest()[:IN_FILE])
    edits = EditQuerySet(Edit).filter(group=of).newest()[:IN_FILE]
    names = names_by_exchange_id(request) | history.project_names(of.project, changes)
    lines = history.history_lines(changes, list(edits), names)
    rows = _cells(lines, of.project, {of.pk: of})
    name = f"history-{of.human_readable_id or of.pk}"
    return exports.download_sheet(name, kind, exports.Sheet(history_export.HISTORY_HEADINGS, rows))


def _cells(
    lines: Iterable[history.HistoryLine], project: Project, groups: dict[int, TargetGroup]
) -> Iterator[list[exports.Cell]]:
    for line in lines:
        of = groups.get(line.group or 0)
        name, number = (of.name, of.human_readable_id) if of else ("", "")
        yield history_export.history_line(line, project.name, name, number)
