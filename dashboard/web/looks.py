"""What a person looks at is read first: pages tell the plan that they were opened.

A refresh of an open page is no look, and a page whose numbers are fresh asks the tables nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.http import HttpRequest

from dashboard.fielding.models import Project, TargetGroup
from dashboard.sync import plan
from dashboard.web.access import memberships
from dashboard.web.attention import Row


def at_project(request: HttpRequest, project: Project, *, now: datetime) -> None:
    """The page of a project, or of something in it, was opened."""
    fresh = project.read_at is not None and now - project.read_at < plan.LOOK_FLOOR
    if not (request.headers.get("HX-Request") or fresh):
        plan.look(Project.objects.filter(pk=project.pk), now=now)


def at_group(request: HttpRequest, group: TargetGroup, *, now: datetime) -> None:
    """The page of a group was opened; one that refused to answer is asked again."""
    at_project(request, group.project, now=now)
    if group.owed_at and group.owed_at > now and not request.headers.get("HX-Request"):
        plan.ask_again(TargetGroup.objects.filter(pk=group.pk), now=now)


def at_attention(request: HttpRequest, rows: Iterable[Row], *, now: datetime) -> None:
    """The home page was opened: the projects that need somebody are read.

    People open it all the time, so not more often than groups that move.
    """
    if request.headers.get("HX-Request"):
        return
    of = memberships(request)
    shown: dict[int, set[int]] = {}
    for row in rows:
        if row.project_pk is not None:
            shown.setdefault(row.account_pk, set()).add(row.project_pk)
    for account, projects in shown.items():
        floor = plan.poll_every(of[account].account)
        plan.look(Project.objects.filter(pk__in=projects), floor=floor, now=now)
