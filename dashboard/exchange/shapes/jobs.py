"""Jobs on many target groups, or the launch of a draft; polled until Completed or Failed."""

from dashboard.exchange.shapes.base import Id, Identified, Moment, Shape, Uuid


class FailureReason(Shape, frozen=True, kw_only=True, gc=False):
    """The reason for which a target group failed."""

    code: str | None = None
    description: str | None = None


class FailedTargetGroup(Identified, frozen=True, kw_only=True, gc=False):
    target_group_id: Id
    failure_reason: FailureReason | None = None

    _ids = ("target_group_id",)


class UpdatedTargetGroup(Identified, frozen=True, kw_only=True, gc=False):
    target_group_id: Id

    _ids = ("target_group_id",)


class BulkFailedTargetGroups(Shape, frozen=True, kw_only=True, gc=False):
    data: list[FailedTargetGroup] = []


class BulkUpdatedTargetGroups(Shape, frozen=True, kw_only=True, gc=False):
    data: list[UpdatedTargetGroup] = []


class BulkJob(Identified, frozen=True, kw_only=True, gc=False):
    """A job on many groups: `Processing`, `Completed` or `Failed`, and the result of each group."""

    status: str
    job_id: Id | None = None
    created_at: Moment | None = None
    created_by: Uuid | None = None
    project_manager_id: Uuid | None = None
    updated_target_groups: BulkUpdatedTargetGroups = BulkUpdatedTargetGroups()
    failed_target_groups: BulkFailedTargetGroups = BulkFailedTargetGroups()

    _ids = ("job_id",)
    _uuids = ("created_by", "project_manager_id")


class FieldingRunJobFailureReasonDetail(Shape, frozen=True, kw_only=True, gc=False):
    name: str | None = None
    reason: str | None = None
    detail: str | None = None


class FieldingRunJobFailureReason(Shape, frozen=True, kw_only=True, gc=False):
    code: str | None = None
    description: str | None = None
    reasons: list[FieldingRunJobFailureReasonDetail] = []


class FieldingRunJob(Identified, frozen=True, kw_only=True, gc=False):
    """The launch or scheduling of one draft, and the fielding run that it created."""

    status: str
    job_id: Id | None = None
    created_fielding_run_id: Id | None = None
    created_at: Moment | None = None
    created_by: Uuid | None = None
    failure_reason: FieldingRunJobFailureReason | None = None
    job_trace_id: Id | None = None

    _ids = ("job_id", "created_fielding_run_id", "job_trace_id")
    _uuids = ("created_by",)
