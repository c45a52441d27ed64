"""Target groups: settings, counts, figures and cost; and the completes of each over time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.scope import is_in_plan, is_open
from dashboard.fielding.figures.goal_cost import cost_if_goal_reached
from dashboard.fielding.insight.at_end import group_at_end
from dashboard.fielding.insight.document import Insight, StoredCost, StoredForecast, StoredPace
from dashboard.fielding.insight.launch_phase import phase_of_group
from dashboard.fielding.models import CompletesDay, TargetGroup
from dashboard.fielding.models.querysets.expressions import pm_name
from dashboard.fielding.models.querysets.rows import TargetGroupQuerySet
from dashboard.fielding.series.completes import as_packed_day, points_of_days
from dashboard.web.api.access import FIELDWORK, BearerToken, may_read_spend
from dashboard.web.api.conditional import etag_of_accounts, json_answer, not_modified
from dashboard.web.api.page_addresses import page_address
from dashboard.web.api.paging import rows_after
from dashboard.web.api.values import (
    ROWS,
    ApiModel,
    Cursor,
    IsoDate,
    Key,
    KeyFilter,
    Limit,
    MoneyAmount,
    Range,
    StatusFilter,
    TimeRange,
    exact_money,
    whole_range,
)
from dashboard.web.auth.permissions import current_user

DAYS = 14  # of a series, unless the request says
MOST_DAYS = 92
Share = Annotated[float | None, Field(ge=0, description="From 0 to 1.")]


class PaceResource(ApiModel):
    """How a group fills against its plan: the band, the count, and the one expected by now."""

    band: str | None
    actual: float | None
    expected: float | None


class GroupFigures(ApiModel):
    """What Fieldwatch works out for a group, as its page shows it."""

    worked_out_at: datetime | None
    phase: Annotated[str, Field(description="Of its launch.")]
    goal: Annotated[int | None, Field(description="In completes.")]
    projected: Annotated[
        Range | None, Field(description="Completes on the end date; they can exceed the goal.")
    ]
    shortfall: Annotated[int | None, Field(description="Completes missing on the end date.")]
    finish: TimeRange | None
    chance: Annotated[float | None, Field(description="That the goal is reached, from 0 to 1.")]
    pace: PaceResource | None


class GroupCost(ApiModel):
    """The price of a group and what it costs."""

    cpi: MoneyAmount | None
    average_cpi: MoneyAmount | None
    epc: MoneyAmount | None
    epcm: MoneyAmount | None
    to_date: MoneyAmount | None
    by_end_date: MoneyAmount | None
    if_goal_reached: MoneyAmount | None
    budget: MoneyAmount | None


class GroupResource(ApiModel):
    """A target group. read_at: when its counts were last read from Cint."""

    id: int
    account: int
    project: int
    exchange_id: str
    human_readable_id: str
    name: str
    reference_number: str
    status: str
    status_reason: Annotated[str, Field(description="Cint's code, such as that of a pause.")]
    status_changed_at: datetime | None
    is_listed: Annotated[bool, Field(description="Whether Cint still lists it.")]
    country_code: str
    locale: str
    project_manager: str
    starts_at: datetime | None
    ends_at: datetime | None
    filling_strategy: str
    filling_goal: int | None
    completes: int | None
    prescreens: int | None
    entrants: int | None
    last_complete_at: datetime | None
    incidence_rate: Share
    expected_incidence_rate: Share
    conversion_rate: Share
    drop_off_rate: Share
    median_loi_seconds: int | None
    expected_loi_minutes: int | None
    page: str
    read_at: datetime | None
    figures: GroupFigures
    cost: Annotated[GroupCost | None, Field(description="Null without the scope “spend”.")]


class GroupPage(ApiModel):
    """A page of target groups."""

    data: list[GroupResource]
    next_cursor: str | None


class SeriesPoint(ApiModel):
    """How many completes a group had at a time, since its launch."""

    at: datetime
    completes: int


class CompletesSeries(ApiModel):
    """The completes of a group over whole days (UTC), oldest first; hours that are not known are
    left out. read_at: when the series was last read from Cint."""

    group: int
    first_day: date
    last_day: date
    read_at: datetime | None
    data: list[SeriesPoint]


router = Router(auth=BearerToken(FIELDWORK), tags=["groups"])


@router.get("/groups", response=GroupPage, operation_id="listGroups")
def list_groups(
    request: HttpRequest,
    *,
    cursor: Cursor = None,
    limit: Limit = ROWS,
    account: KeyFilter = None,
    project: KeyFilter = None,
    status: StatusFilter = None,
) -> HttpResponse:
    """List the target groups of the person's accounts."""
    etag, read_at = etag_of_accounts(request)
    if unchanged := not_modified(request, etag, read_at):
        return unchanged
    given = {"account": account, "project": project, "status": status}
    rows = _visible(request).filter(
        **{name: value for name, value in given.items() if value is not None}
    )
    page, next_cursor = rows_after(request, rows, cursor, limit)
    data = [_group_resource(request, group) for group in page]
    return json_answer(GroupPage(data=data, next_cursor=next_cursor), etag, read_at)


@router.get("/groups/{key:pk}", response=GroupResource, operation_id="getGroup")
def read_group(request: HttpRequest, pk: Key) -> HttpResponse:
    """Return a target group."""
    etag, read_at = etag_of_accounts(request)
    row = _visible(request).filter(pk=pk)
    if (unchanged := not_modified(request, etag, read_at)) and row.exists():
        return unchanged
    stored = row.first()
    if stored is None:
        raise Http404
    return json_answer(_group_resource(request, stored), etag, _read_at(stored))


@router.get(
    "/groups/{key:pk}/completes", response=CompletesSeries, operation_id="getGroupCompletes"
)
def read_completes(
    request: HttpRequest,
    pk: Key,
    *,
    last_day: Annotated[IsoDate | None, Query(description="UTC. By default today.")] = None,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="Up to the last day.")] = DAYS,
) -> HttpResponse:
    """Return the completes of a target group over time: a count an hour."""
    etag, _ = etag_of_accounts(request)
    rows = TargetGroup.objects.visible_to(current_user(request)).filter(pk=pk)
    read_at = rows.values_list("completes_read_at").first()
    if read_at is None:
        raise Http404
    if unchanged := not_modified(request, etag, read_at[0]):
        return unchanged
    last = last_day or datetime.now(UTC).date()
    first = date.fromordinal(max(last.toordinal() - days + 1, 1))
    stored = CompletesDay.objects.filter(group=pk, day__lte=last).since(first)
    packed = {
        day: as_packed_day(hours, odd)
        for day, hours, odd in stored.values_list("day", "hours", "odd")
    }
    points = [SeriesPoint(at=at, completes=count) for at, count in points_of_days(packed)]
    series = CompletesSeries(
        group=pk, first_day=first, last_day=last, read_at=read_at[0], data=points
    )
    return json_answer(series, etag, read_at[0])


def _visible(request: HttpRequest) -> TargetGroupQuerySet:
    rows = TargetGroup.objects.visible_to(current_user(request)).defer("details", "row_hash")
    return rows.annotate(pm_name=pm_name(), project_read_at=F("project__read_at"))


def _read_at(group: TargetGroup) -> datetime | None:
    listed: Any = group  # Any: Django types no annotations
    read_at: datetime | None = listed.project_read_at
    return read_at


def _group_resource(request: HttpRequest, group: TargetGroup) -> GroupResource:
    listed: Any = group  # Any: Django types no annotations
    same = {name: getattr(group, name) for name in _SAME_NAMES}
    return GroupResource(
        id=group.pk,
        account=group.account_id,
        project=group.project_id,
        is_listed=group.missing_since is None,
        project_manager=listed.pm_name,
        page=page_address("group", group.pk),
        read_at=_read_at(group),
        figures=_figures(group),
        cost=_cost_of_group(group) if may_read_spend(request) else None,
        **same,
    )


# Members that are columns.
_SAME_NAMES = (
    "exchange_id",
    "human_readable_id",
    "name",
    "reference_number",
    "status",
    "status_reason",
    "status_changed_at",
    "country_code",
    "locale",
    "starts_at",
    "ends_at",
    "filling_strategy",
    "filling_goal",
    "completes",
    "prescreens",
    "entrants",
    "last_complete_at",
    "incidence_rate",
    "expected_incidence_rate",
    "conversion_rate",
    "drop_off_rate",
    "median_loi_seconds",
    "expected_loi_minutes",
)


def _figures(group: TargetGroup) -> GroupFigures:
    """Return the figures as of the last reading; nothing is projected before the full launch."""
    now = datetime.now(UTC)
    insight, phase = Insight.of(group), phase_of_group(group, now=now)
    forecast, pace = insight.forecast or StoredForecast(), insight.pace or StoredPace()
    at_end = group_at_end(group, insight.completes_at_end, now=_read_at(group) or now)
    is_projected = at_end.is_projected and is_in_plan(group) and phase.is_full_launch
    early, _, late = insight.finish_dates
    short = group.short_at_end
    return GroupFigures(
        worked_out_at=insight.worked_out_at,
        phase=str(phase.phase),
        goal=completes_target(group),
        projected=whole_range((at_end.p10, at_end.p50, at_end.p90)) if is_projected else None,
        shortfall=None if short is None else round(short),
        finish=TimeRange(p10=early, p50=group.finish_at, p90=late) if is_projected else None,
        chance=forecast.chance if phase.is_full_launch else None,
        pace=PaceResource(band=pace.band, actual=pace.actual, expected=pace.required)
        if pace.band
        else None,
    )


def _cost_of_group(group: TargetGroup) -> GroupCost:
    now, code = datetime.now(UTC), group.currency
    phase = phase_of_group(group, now=now)
    by_end = (Insight.of(group).cost or StoredCost()).p50 if phase.is_full_launch else None
    at_goal = cost_if_goal_reached(group) if is_open(group, _read_at(group) or now) else None
    exact: Mapping[str, Any] = {
        name: exact_money(getattr(group, name), code)
        for name in ("cpi", "average_cpi", "epc", "epcm", "budget")
    }
    return GroupCost(
        to_date=exact_money(group.cost, code),
        by_end_date=exact_money(by_end, code),
        if_goal_reached=exact_money(at_goal.total if at_goal else None, code),
        **exact,
    )
