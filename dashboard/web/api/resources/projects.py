"""Projects: what each is, where it ends, and what it costs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.figures.project_outlook import ProjectOutlook, outlook_of_project
from dashboard.fielding.figures.project_verdict import (
    budget_of_project,
    cost_by_end,
    missing_at_end,
    project_verdict,
    projected_at_end,
)
from dashboard.fielding.models import Project
from dashboard.fielding.models.querysets.rows import ProjectQuerySet
from dashboard.web.api.access import FIELDWORK, BearerToken, may_read_spend
from dashboard.web.api.conditional import etag_of_accounts, json_answer, not_modified
from dashboard.web.api.page_addresses import page_address
from dashboard.web.api.paging import rows_after
from dashboard.web.api.values import (
    ROWS,
    ApiModel,
    Cursor,
    Key,
    KeyFilter,
    Limit,
    MoneyAmount,
    Range,
    StatusFilter,
    exact_money,
    rounded_money,
    whole_range,
)
from dashboard.web.auth.permissions import current_user


class ProjectFigures(ApiModel):
    """What the groups of a project add up to, in completes, as its page shows it."""

    worked_out_at: datetime | None
    verdict: Annotated[str, Field(description="Without the scope “spend”, budgets do not count.")]
    sentences: list[str]
    goal: int
    completes: int
    target_by_now: int | None
    projected: Annotated[Range, Field(description="Completes on the end dates.")]
    shortfall: Annotated[Range, Field(description="Completes missing on the end dates.")]
    open_groups: int
    late_groups: int
    groups_without_finish: Annotated[
        int, Field(description="Late groups whose finish is more than 90 days away.")
    ]
    days_late: Annotated[int | None, Field(description="Of the latest of the other groups.")]
    paused_groups: int
    paused_by_cint: int
    missing_in_paused: int


class CurrencyCost(ApiModel):
    """What a project costs in one currency."""

    currency: str
    to_date: MoneyAmount | None
    by_end_date: MoneyAmount | None
    if_goals_reached: MoneyAmount | None


class ProjectCost(ApiModel):
    """What a project costs; sums of different currencies are never added up."""

    by_currency: list[CurrencyCost]
    budget: MoneyAmount | None
    client_cpi: MoneyAmount | None


class ProjectResource(ApiModel):
    """A project. read_at: when its figures were last read from Cint."""

    id: int
    account: int
    exchange_id: str
    human_readable_id: str
    name: str
    reference_number: str
    status: str
    project_manager: str
    is_listed: Annotated[bool, Field(description="Whether Cint still lists it.")]
    created_at: datetime | None
    ends_at: Annotated[datetime | None, Field(description="Last end date of its open groups.")]
    last_activity_at: datetime | None
    groups: int
    live_groups: int
    open_alerts: int
    page: str
    read_at: datetime | None
    figures: Annotated[ProjectFigures | None, Field(description="Null before the first sync.")]
    cost: Annotated[ProjectCost | None, Field(description="Null without the scope “spend”.")]


class ProjectPage(ApiModel):
    """A page of projects."""

    data: list[ProjectResource]
    next_cursor: str | None


router = Router(auth=BearerToken(FIELDWORK), tags=["projects"])


@router.get("/projects", response=ProjectPage, operation_id="listProjects")
def list_projects(
    request: HttpRequest,
    *,
    cursor: Cursor = None,
    limit: Limit = ROWS,
    account: KeyFilter = None,
    status: StatusFilter = None,
) -> HttpResponse:
    """List the projects of the person's accounts."""
    etag, read_at = etag_of_accounts(request)
    if unchanged := not_modified(request, etag, read_at):
        return unchanged
    rows = _visible(request)
    if account is not None:
        rows = rows.filter(account=account)
    if status is not None:
        rows = rows.filter(status=status)
    page, next_cursor = rows_after(request, rows, cursor, limit)
    data = [_project_resource(request, project) for project in page]
    return json_answer(ProjectPage(data=data, next_cursor=next_cursor), etag, read_at)


@router.get("/projects/{key:pk}", response=ProjectResource, operation_id="getProject")
def read_project(request: HttpRequest, pk: Key) -> HttpResponse:
    """Return a project."""
    etag, read_at = etag_of_accounts(request)
    row = _visible(request).filter(pk=pk)
    if (unchanged := not_modified(request, etag, read_at)) and row.exists():
        return unchanged
    stored = row.first()
    if stored is None:
        raise Http404
    return json_answer(_project_resource(request, stored), etag, stored.read_at)


def _visible(request: HttpRequest) -> ProjectQuerySet:
    return Project.objects.visible_to(current_user(request)).for_list()


def _project_resource(request: HttpRequest, project: Project) -> ProjectResource:
    listed: Any = project  # Any: Django types no annotations
    with_money = may_read_spend(request)
    outlook = outlook_of_project(project)
    return ProjectResource(
        id=project.pk,
        account=project.account_id,
        exchange_id=project.exchange_id,
        human_readable_id=project.human_readable_id,
        name=project.name,
        reference_number=project.reference_number,
        status=project.status,
        project_manager=listed.pm_name,
        is_listed=project.missing_since is None,
        created_at=project.created_at,
        ends_at=listed.ends_at,
        last_activity_at=project.last_activity_at,
        groups=int(listed.groups),
        live_groups=int(listed.live),
        open_alerts=int(listed.firing),
        page=page_address("project", project.pk),
        read_at=project.read_at,
        figures=_figures(request, project, outlook) if outlook else None,
        cost=_cost_of_project(project, outlook) if with_money else None,
    )


def _figures(request: HttpRequest, project: Project, outlook: ProjectOutlook) -> ProjectFigures:
    """Return the figures; without the scope for money the verdict is worked out without it."""
    budget = budget_of_project(project)
    judged = outlook
    if not may_read_spend(request):
        judged, budget = msgspec.structs.replace(outlook, money={}), None
    verdict = project_verdict(judged, budget, zone=zone_named(current_user(request).time_zone))
    projected, shortfall = outlook.projected, outlook.shortfall
    middle, missing = projected_at_end(outlook), missing_at_end(outlook)
    days = outlook.late_days
    return ProjectFigures(
        worked_out_at=outlook.worked_out_at,
        verdict=verdict.kind.value,
        sentences=list(verdict.sentences),
        goal=round(outlook.goal),
        completes=round(outlook.completes),
        target_by_now=None if outlook.target is None else round(outlook.target),
        projected=whole_range(
            (projected.p10, middle, projected.p90) if projected else (middle, middle, middle)
        ),
        shortfall=whole_range(
            (shortfall.p10, missing, shortfall.p90) if shortfall else (missing, missing, missing)
        ),
        open_groups=outlook.open_groups,
        late_groups=outlook.short_groups,
        groups_without_finish=outlook.unseen_groups,
        days_late=None if days is None else max(round(days), 1),
        paused_groups=outlook.paused_groups,
        paused_by_cint=outlook.paused_by_exchange,
        missing_in_paused=round(outlook.paused),
    )


def _cost_of_project(project: Project, outlook: ProjectOutlook | None) -> ProjectCost:
    money = outlook.money if outlook else {}
    return ProjectCost(
        by_currency=[
            CurrencyCost(
                currency=code,
                to_date=exact_money(part.so_far, code),
                by_end_date=rounded_money(cost_by_end(part), code),
                if_goals_reached=rounded_money(part.if_full, code),
            )
            for code, part in sorted(money.items())
        ],
        budget=exact_money(project.budget, project.budget_currency),
        client_cpi=exact_money(project.client_cpi, project.client_cpi_currency),
    )
