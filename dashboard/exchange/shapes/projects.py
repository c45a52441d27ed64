"""Projects and their figures."""

from msgspec import UnsetType

from dashboard.exchange.shapes.base import (
    UNSET,
    Body,
    Count,
    Id,
    Identified,
    Moment,
    Rate,
    Shape,
    Uuid,
)


class ProjectStatistics(Shape, frozen=True, kw_only=True, gc=False):
    """Figures of all target groups of a project together, computed by the exchange."""

    filling_goal: Count | None = None
    current_completes: Count | None = None
    current_prescreens: Count | None = None
    incidence_rate_median: Rate | None = None
    length_of_interview_median_seconds: Count | None = None
    conversion_rate_average: Rate | None = None
    drop_off_rate_average: Rate | None = None


class ProjectListItem(Identified, frozen=True, kw_only=True, gc=False):
    """A row of an account's projects."""

    id: Id
    name: str
    human_readable_id: Id | None = None
    account_id: Id | None = None
    project_customer_reference_number: str | None = None
    highlighted_name: str | None = None
    target_group_human_readable_ids: list[str] = []
    target_group_customer_reference_numbers: list[str] = []
    target_group_count: Count | None = None
    status: str | None = None
    last_activity_at: Moment | None = None
    statistics: ProjectStatistics | None = None

    _ids = ("id", "human_readable_id", "account_id")


class ProjectOverview(Identified, frozen=True, kw_only=True, gc=False):
    """A project with its status and figures."""

    id: Id
    human_readable_id: Id | None = None
    name: str | None = None
    account_id: Id | None = None
    status: str | None = None
    statistics: ProjectStatistics | None = None
    project_manager_id: Uuid | None = None
    project_customer_reference_number: str | None = None
    created_at: Moment | None = None

    _ids = ("id", "human_readable_id", "account_id")
    _uuids = ("project_manager_id",)


class ProjectDetails(Identified, frozen=True, kw_only=True, gc=False):
    """A project without its figures."""

    id: Id
    name: str
    human_readable_id: Id | None = None
    project_manager_id: Uuid | None = None
    account_id: Id | None = None
    project_customer_reference_number: str | None = None

    _ids = ("id", "human_readable_id", "account_id")
    _uuids = ("project_manager_id",)


class ProjectId(Identified, frozen=True, kw_only=True, gc=False):
    """The id of a project that was just created."""

    id: Id
    human_readable_id: Id | None = None

    _ids = ("id", "human_readable_id")


class ProjectInfo(Body, kw_only=True):
    """A new project: name 5-128 characters, customer reference 3-128 of `[a-zA-Z0-9-_ ]`."""

    name: str
    project_manager_id: str
    project_customer_reference_number: str | UnsetType = UNSET
