"""Drafts of target groups."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from dashboard.exchange.json_types import JsonObject, objects_in
from dashboard.exchange.shapes.allocations import AllocationsRequest, SupplyAllocation
from dashboard.exchange.shapes.assistant import (
    FieldingAssistantModulesAssignment,
    FieldingAssistantModulesAssignmentRequestModel,
)
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
    require_flag,
    rfc3339,
)
from dashboard.exchange.shapes.fielding import ReEntryConfiguration
from dashboard.exchange.shapes.groups import Links


class CreatedDraftTargetGroupResponse(Identified, frozen=True, kw_only=True, gc=False):
    id: Id


class DraftFieldingSpecification(Shape, frozen=True, kw_only=True, gc=False):
    start_at: Moment | None = None
    end_at: Moment | None = None


class TargetGroupFieldingSpecification(Body, kw_only=True):
    """The planned fielding period, as the exchange writes moments."""

    start_at: str
    end_at: str

    @classmethod
    def of(cls, start: datetime, end: datetime) -> "TargetGroupFieldingSpecification":
        """From two aware moments."""
        return cls(start_at=rfc3339(start), end_at=rfc3339(end))


class DraftTargetGroupRequest(Body, kw_only=True):
    """A whole draft, to create or replace: name 5-128 characters, LOI 1-45 minutes, IR 0-1.

    Members without a default are required; a member left UNSET is not sent.
    """

    name: str
    business_unit_id: str
    locale: str
    collects_pii: bool
    project_manager_id: str
    fielding_specification: TargetGroupFieldingSpecification
    completes_goal: int
    expected_length_of_interview_minutes: int
    expected_incidence_rate: float
    fielding_assistant_assignment: FieldingAssistantModulesAssignmentRequestModel
    allocations: AllocationsRequest
    study_type_code: str | UnsetType = UNSET
    industry_code: str | UnsetType = UNSET
    industry_lockout_code: str | UnsetType = UNSET
    cost_per_interview: MonetaryAmountRequestModel | UnsetType = UNSET
    client_cost_per_interview_note: MonetaryAmountRequestModel | UnsetType = UNSET
    client_id: int | UnsetType | None = UNSET
    exclusion: JsonObject | UnsetType = UNSET
    respondent_activity_exclusions: list[JsonObject] | UnsetType = UNSET
    live_url: str | UnsetType | None = UNSET
    test_url: str | UnsetType | None = UNSET
    profiling: JsonObject | UnsetType = UNSET
    re_entry_configuration: ReEntryConfiguration | UnsetType = UNSET
    target_group_customer_reference_number: str | UnsetType | None = UNSET


class FetchTargetGroupResponse(Identified, frozen=True, kw_only=True, gc=False):
    """A draft as the exchange has it; members that the contract leaves open stay mappings."""

    human_readable_id: Id | None = None
    name: str | None = None
    business_unit_id: Id | None = None
    locale: str | None = None
    collects_pii: bool | None = None
    study_type_code: str | None = None
    industry_code: str | None = None
    pricing_model: str | None = None
    cost_per_interview: MonetaryAmount | None = None
    client_cost_per_interview_note: MonetaryAmount | None = None
    client_id: Id | None = None
    project_manager_id: Uuid | None = None
    fielding_specification: DraftFieldingSpecification | None = None
    completes_goal: Count | None = None
    expected_length_of_interview_minutes: Count | None = None
    expected_incidence_rate: Rate | None = None
    exclusion: JsonObject | None = None
    respondent_activity_exclusions: list[JsonObject] | None = None
    industry_lockout_code: str | None = None
    live_url: str | None = None
    test_url: str | None = None
    fielding_assistant_assignment: FieldingAssistantModulesAssignment | None = None
    created_at: Moment | None = None
    profiling: JsonObject | None = None
    allocations: SupplyAllocation | None = None
    re_entry_configuration: ReEntryConfiguration | None = None
    target_group_customer_reference_number: str | None = None
    links: Links | None = None

    _ids = ("human_readable_id", "business_unit_id", "client_id")
    _uuids = ("project_manager_id",)
    _strict = frozenset(DraftTargetGroupRequest.__struct_fields__)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_flag(self.exclusion or {}, "enabled")
        for profile in objects_in(self.profiling or {}, "profiles"):
            require_flag(profile, "quotas_enabled")
