"""What was changed, by whom: of a project with all its groups, and as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Change, Edit, Project, TargetGroup
from dashboard.fielding.querysets.querysets import ChangeQuerySet, EditQuerySet
from dashboard.web.auth.permissions import Rule, person, rule
from dashboard.web.edits import history
from dashboard.web.formatting import times
from dashboard.web.tables import exports
from dashboard.web.views.groups import found
from dashboard.web.views.projects import found_project, people

ON_PAGE = 200
IN_FILE = 20_000


def _lines(
    request: HttpRequest, of: Project, most: int, zone: ZoneInfo | None = None
) -> list[history.Line]:
    """The newest changes of a project and of all its groups."""
    changes = list(ChangeQuerySet(Change).filter(group__project=of).newest()[:most])
    edits = EditQuerySet(Edit).of_projects().filter(of_project=of.pk).newest()[:most]
    names = people(request) | history.projects(of, changes)
    lines = history.lines(changes, list(edits), names, zone)
    return lines[:most]


@rule(Rule.MEMBER)
@require_safe
def project(request: HttpRequest, pk: int) -> HttpResponse:
    """The history of a project."""
    of = found_project(request, pk)
    lines = _lines(request, of, ON_PAGE, times.zone(person(request).time_zone))
    names = dict(of.target_groups.values_list("pk", "name"))
    context = {
        "project": of,
        "lines": [(line, names.get(line.group or 0, "")) for line in lines],
        "most": ON_PAGE,
        "export": f"{request.path}export.{{}}",
    }
    return render(request, "project_history.html", context)


@rule(Rule.MEMBER)
@require_safe
def project_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """The same as a file, further back."""
    of = found_project(request, pk)
    rows = _cells(_lines(request, of, IN_FILE), of, of.target_groups.in_bulk())
    name = f"history-{of.human_readable_id or of.pk}"
    return exports.answer(name, kind, exports.Sheet(exports.HISTORY_HEADINGS, rows))


@rule(Rule.MEMBER)
@require_safe
def group_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """The history of one group as a file."""
    of = found(request, pk)
    changes = list(ChangeQuerySet(Change).filter(group=of).newest()[:IN_FILE])
    edits = EditQuerySet(Edit).filter(group=of).newest()[:IN_FILE]
    names = people(request) | history.projects(of.project, changes)
    lines = history.lines(changes, list(edits), names)
    rows = _cells(lines, of.project, {of.pk: of})
    name = f"history-{of.human_readable_id or of.pk}"
    return exports.answer(name, kind, exports.Sheet(exports.HISTORY_HEADINGS, rows))


def _cells(
    lines: Iterable[history.Line], project: Project, groups: dict[int, TargetGroup]
) -> Iterator[list[exports.Cell]]:
    for line in lines:
        of = groups.get(line.group or 0)
        name, number = (of.name, of.human_readable_id) if of else ("", "")
        yield exports.history_line(line, project.name, name, number)
