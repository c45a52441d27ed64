"""Drafts of target groups: read, created, sent back changed."""

from datetime import datetime
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from dashboard.exchange.shapes.allocations import AllocationsRequest, SupplyAllocation
from dashboard.exchange.shapes.assistant import (
    FieldingAssistantModulesAssignment,
    FieldingAssistantModulesAssignmentRequestModel,
    amount_to_send,
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
from dashboard.exchange.shapes.profiling import profiling_request

T = TypeVar("T")


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
    """A whole draft, created or replaced: name 5-128 characters, LOI 1-45 minutes, IR 0-1.

    Only what has no default is required; a text or mapping left UNSET is not sent.
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
    exclusion: dict[str, Any] | UnsetType = UNSET
    respondent_activity_exclusions: list[dict[str, Any]] | UnsetType = UNSET
    live_url: str | UnsetType | None = UNSET
    test_url: str | UnsetType | None = UNSET
    profiling: dict[str, Any] | UnsetType = UNSET
    re_entry_configuration: ReEntryConfiguration | UnsetType = UNSET
    target_group_customer_reference_number: str | UnsetType | None = UNSET


class FetchTargetGroupResponse(Identified, frozen=True, kw_only=True, gc=False):
    """A draft as the exchange has it; what the contract leaves open stays a mapping."""

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
    exclusion: dict[str, Any] | None = None
    respondent_activity_exclusions: list[dict[str, Any]] | None = None
    industry_lockout_code: str | None = None
    live_url: str | None = None
    test_url: str | None = None
    fielding_assistant_assignment: FieldingAssistantModulesAssignment | None = None
    created_at: Moment | None = None
    profiling: dict[str, Any] | None = None
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
        for profile in (self.profiling or {}).get("profiles") or []:
            require_flag(profile, "quotas_enabled")

    def as_request(self) -> DraftTargetGroupRequest:
        """The same draft, ready to be sent back; ValueError names what it lacks."""
        plan = self.fielding_specification or DraftFieldingSpecification()
        assistant = self.fielding_assistant_assignment or FieldingAssistantModulesAssignment()
        client = self.client_id
        by_rate_card = self.pricing_model == "rate_card"  # a CPI would ask for dynamic pricing
        return DraftTargetGroupRequest(
            name=_needed(self.name, "name"),
            business_unit_id=_needed(self.business_unit_id, "business unit"),
            locale=_needed(self.locale, "locale"),
            collects_pii=_needed(self.collects_pii, "whether it collects PII"),
            project_manager_id=_needed(self.project_manager_id, "project manager"),
            fielding_specification=TargetGroupFieldingSpecification.of(
                _needed(plan.start_at, "start date"), _needed(plan.end_at, "end date")
            ),
            completes_goal=_needed(self.completes_goal, "goal"),
            expected_length_of_interview_minutes=_needed(
                self.expected_length_of_interview_minutes, "expected LOI"
            ),
            expected_incidence_rate=_needed(self.expected_incidence_rate, "expected IR"),
            fielding_assistant_assignment=assistant.as_request(),
            allocations=(self.allocations or SupplyAllocation()).as_request(),
            study_type_code=_sent(self.study_type_code),
            industry_code=_sent(self.industry_code),
            industry_lockout_code=_sent(self.industry_lockout_code),
            cost_per_interview=UNSET if by_rate_card else amount_to_send(self.cost_per_interview),
            client_cost_per_interview_note=(
                UNSET if by_rate_card else amount_to_send(self.client_cost_per_interview_note)
            ),
            client_id=int(client) if client and client.isdigit() else UNSET,
            exclusion=_sent(self.exclusion),
            respondent_activity_exclusions=_sent(self.respondent_activity_exclusions),
            live_url=_sent(self.live_url),
            test_url=_sent(self.test_url),
            profiling=profiling_request(self.profiling) if self.profiling else UNSET,
            re_entry_configuration=_sent(self.re_entry_configuration),
            target_group_customer_reference_number=_sent(
                self.target_group_customer_reference_number
            ),
        )


def _needed(value: T | None, what: str) -> T:
    if value is None:
        raise ValueError(f"The exchange's draft has no {what}")
    return value


def _sent(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value
