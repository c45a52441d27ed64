"""Target groups: rows, overview, details, performance, completes, changelog."""

from typing import ClassVar, Generic, TypeVar

from msgspec import UNSET, UnsetType

from dashboard.exchange.json_types import JsonValue
from dashboard.exchange.shapes.base import (
    Body,
    Count,
    Id,
    Identified,
    Moment,
    MonetaryAmount,
    MonetaryAmountRequestModel,
    Rate,
    Shape,
    Uuid,
)

T = TypeVar("T")


class TargetGroupProgress(Shape, frozen=True, kw_only=True, gc=False):
    """The progress of a group; `filling_strategy` decides which count applies to the goal."""

    current_completes: Count
    current_prescreens: Count
    filling_goal: Count
    filling_strategy: str | None = None


class IssueText(Shape, frozen=True, kw_only=True, gc=False):
    """A reason or a suggestion of the exchange: code and description."""

    code: str | None = None
    description: str | None = None


class TargetGroupStatisticIssue(Shape, frozen=True, kw_only=True, gc=False):
    """A problem that the exchange reports with a figure: `issue_type` warning or error."""

    issue_type: str | None = None
    reason: IssueText | None = None
    suggestions: list[IssueText] = []


class Statistic(Shape, Generic[T], frozen=True, kw_only=True, gc=False):
    """One figure of a row, with the problems that the exchange reports."""

    value: T | None = None
    issues: list[TargetGroupStatisticIssue] = []


class ProgressStatistic(Shape, frozen=True, kw_only=True, gc=False):
    value: TargetGroupProgress
    issues: list[TargetGroupStatisticIssue] = []


class TargetGroupStatistics(Shape, frozen=True, kw_only=True, gc=False):
    """The figures of a row, since the group's launch."""

    progress: ProgressStatistic
    last_complete_date: Statistic[Moment] | None = None
    earnings_per_click: Statistic[MonetaryAmount] | None = None
    earnings_per_click_per_minute: Statistic[MonetaryAmount] | None = None
    average_cost_per_interview: Statistic[MonetaryAmount] | None = None
    median_length_of_interview_seconds: Statistic[Count] | None = None
    incidence_rate: Statistic[Rate] | None = None
    drop_off_rate: Statistic[Rate] | None = None
    conversion_rate: Statistic[Rate] | None = None


class TargetGroupsListItem(Identified, frozen=True, kw_only=True, gc=False):
    """A row of a project's target groups."""

    id: Id
    name: str
    status: str
    statistics: TargetGroupStatistics
    human_readable_id: Id | None = None
    highlighted_name: str | None = None
    project_manager_id: Uuid | None = None
    exclusion_enabled: bool | None = None
    locale: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    target_group_customer_reference_number: str | None = None

    _ids = ("id", "human_readable_id")
    _uuids = ("project_manager_id",)


class TargetGroupOverview(Identified, frozen=True, kw_only=True, gc=False):
    """Status, progress, CPI, cost and rates of one group."""

    status: str
    progress: TargetGroupProgress
    project_name: str | None = None
    target_group_name: str | None = None
    human_readable_id: Id | None = None
    project_manager_id: Uuid | None = None
    pricing_model: str | None = None
    is_pricing_restricted: bool | None = None
    current_cost_per_interview: MonetaryAmount | None = None
    average_cost_per_interview: MonetaryAmount | None = None
    current_cost: MonetaryAmount | None = None
    country_code: str | None = None
    language_code: str | None = None
    conversion_rate: Rate | None = None
    drop_off_rate: Rate | None = None
    incidence_rate: Rate | None = None
    median_length_of_interview_seconds: Count | None = None
    study_type_code: str | None = None
    target_group_customer_reference_number: str | None = None
    created_at: Moment | None = None

    _ids: ClassVar[tuple[str, ...]] = ("human_readable_id",)
    _uuids = ("project_manager_id",)


class TargetGroupOverviewByTargetGroupId(TargetGroupOverview, frozen=True, kw_only=True, gc=False):
    """An overview with the group's account and project."""

    account_id: Id
    project_id: Id

    _ids = ("human_readable_id", "account_id", "project_id")


class Links(Shape, frozen=True, kw_only=True, gc=False):
    """Addresses to test the group's survey."""

    test_screener: str | None = None
    test_client_survey: str | None = None


class TargetGroupDetails(Identified, frozen=True, kw_only=True, gc=False):
    """The settings of a launched group: LOI in whole minutes, IR 0-1."""

    name: str
    id: Id | None = None
    human_readable_id: Id | None = None
    account_name: str | None = None
    business_unit_id: Id | None = None
    project_manager_id: Uuid | None = None
    study_type_code: str | None = None
    industry_code: str | None = None
    locale: str | None = None
    completes_goal: Count | None = None
    expected_length_of_interview_minutes: Count | None = None
    expected_incidence_rate: Rate | None = None
    industry_lockout_code: str | None = None
    client_cost_per_interview_note: MonetaryAmount | None = None
    client_id: Id | None = None
    collects_pii: bool | None = None
    live_url: str | None = None
    test_url: str | None = None
    created_at: Moment | None = None
    target_group_customer_reference_number: str | None = None
    links: Links | None = None

    _ids = ("id", "human_readable_id", "business_unit_id", "client_id")
    _uuids = ("project_manager_id",)


class TargetGroupDetailsUpdateRequest(Body, kw_only=True):
    """New details of a launched group. The exchange may clear members left UNSET: send them all.

    Name 5-128 characters, LOI 1-45 minutes, IR 0-1 in steps of 0.01, both URLs https.
    """

    name: str
    project_manager_id: str
    expected_length_of_interview_minutes: int
    expected_incidence_rate: float
    industry_lockout_code: str
    live_url: str
    test_url: str
    target_group_customer_reference_number: str | UnsetType | None = UNSET
    client_cost_per_interview_note: MonetaryAmountRequestModel | UnsetType = UNSET


class RespondentAnalysisStatusCodes(Shape, frozen=True, kw_only=True, gc=False):
    """The number of respondents with one exit status."""

    status: str | None = None
    label: str | None = None
    description: str | None = None
    count: Count | None = None


class RespondentAnalysis(Shape, frozen=True, kw_only=True, gc=False):
    live: list[RespondentAnalysisStatusCodes] = []
    test: list[RespondentAnalysisStatusCodes] = []


class TargetGroupPerformance(Shape, frozen=True, kw_only=True, gc=False):
    """Counts, cost and rates of one group since launch."""

    entrants: Count
    prescreens: Count
    completes: Count
    completes_cost: MonetaryAmount | None = None
    first_complete: Moment | None = None
    last_complete: Moment | None = None
    incidence_rate: Rate | None = None
    drop_off_rate: Rate | None = None
    conversion_rate: Rate | None = None
    respondent_analysis: RespondentAnalysis | None = None


class CompletesPoint(Shape, frozen=True, kw_only=True, gc=False):
    """A point of the completes series: `timestamp` ends its interval, `count` is cumulative."""

    timestamp: Moment
    count: Count


class ComputeTargetGroupTransitionsResponse(Shape, frozen=True, kw_only=True, gc=False):
    """The groups that match the query, and which actions all of them allow; None: not given."""

    target_groups: list[str] | None = None
    is_launch_allowed: bool | None = None
    is_pause_allowed: bool | None = None
    is_resume_allowed: bool | None = None
    is_relaunch_allowed: bool | None = None
    is_finish_allowed: bool | None = None


class ComputeTargetGroupTransitionsFilters(Body, kw_only=True):
    status: list[str] | UnsetType = UNSET
    country: list[str] | UnsetType = UNSET
    language: list[str] | UnsetType = UNSET


class ComputeTargetGroupTransitionsRequest(Body, kw_only=True):
    """A query for groups of a project: by ids, by filters or by search."""

    search_string: str | UnsetType = UNSET
    filters: ComputeTargetGroupTransitionsFilters | UnsetType = UNSET
    included_target_group_ids: list[str] | UnsetType = UNSET
    excluded_target_group_ids: list[str] | UnsetType = UNSET


class GetLiveRespondentUniqueCodesStatsResponse(Shape, frozen=True, kw_only=True, gc=False):
    """The one-time survey links of a group: how many were uploaded, and how many are unused."""

    total_count: Count
    unconsumed_count: Count


class ChangelogUser(Identified, frozen=True, kw_only=True, gc=False):
    """Who made a change: `las_user` (a person), `system_marketplace_user` or `system_user`."""

    type: str | None = None
    las_user_id: Uuid | None = None

    _ids = ()
    _uuids = ("las_user_id",)


class TargetGroupChangelogItem(Identified, frozen=True, kw_only=True, gc=False):
    """One changed value; `object` is the kind of change, unknown kinds included.

    The values are as the exchange wrote them: text, number, bool, money as a mapping, or None.
    """

    object: str | None = None
    new_value: JsonValue = None  # `object` is a member here
    old_value: JsonValue = None
    reason_code: str | None = None
    supplier_id: Id | None = None

    _ids = ("supplier_id",)


class TargetGroupChangelogBatch(Identified, frozen=True, kw_only=True, gc=False):
    """Changes made together; without an id, told apart by time, actor and values."""

    occurred_at: Moment
    id: Id | None = None
    user: ChangelogUser | None = None
    changes: list[TargetGroupChangelogItem] = []


class TargetGroupChangelogList(Shape, frozen=True, kw_only=True, gc=False):
    changelog: list[TargetGroupChangelogBatch] = []
    next_cursor: str | None = None
