"""Rate cards, feasibility, fielding assistant, profiles and supply allocations."""

from collections.abc import Mapping

from dashboard.exchange.decode import Versioned, Whole
from dashboard.exchange.operations.base import OperationsBase, path_segment, query_string
from dashboard.exchange.shapes.allocations import SupplyAllocation
from dashboard.exchange.shapes.assistant import (
    FieldingAssistantModulesAssignment,
    FieldingAssistantModulesAssignmentRequestModel,
)
from dashboard.exchange.shapes.pricing import (
    CalculateTargetGroupFeasibilityByIdRequest,
    CalculateTargetGroupFeasibilityRequest,
    CalculateTargetGroupFeasibilityResponse,
    RateCardShape,
    TargetGroupRateCard,
)
from dashboard.exchange.shapes.profiling import FillingGoalUpdateRequest, Profiles


class PricingOperations(OperationsBase):
    """Feasibility changes nothing and is retried like a read; writes are sent once."""

    def get_rate_card(self, *, business_unit_id: str, country_code: str) -> RateCardShape:
        """The rate card of a business unit for a country; NotFound if there is none."""
        values = query_string({"country_code": country_code})
        unit = f"/demand{self._account}/business-units/{path_segment(business_unit_id)}"
        return self._read("get_rate_card", f"{unit}/rate-card{values}", RateCardShape)

    def get_target_group_rate_card(
        self, *, project_id: str, target_group_id: str
    ) -> TargetGroupRateCard:
        """The rate card of a group: predicted until it is first live, bound from then on."""
        target = f"{self._group(project_id, target_group_id)}/rate-card"
        return self._read("get_target_group_rate_card", target, TargetGroupRateCard)

    def calculate_target_group_feasibility(
        self, *, request: CalculateTargetGroupFeasibilityRequest
    ) -> CalculateTargetGroupFeasibilityResponse:
        """The CPI and goal that the exchange suggests for a group that does not exist yet."""
        target = f"/demand{self._account}/target-groups/calculate-feasibility"
        return self._compute(
            "calculate_target_group_feasibility",
            target,
            request,
            CalculateTargetGroupFeasibilityResponse,
        )

    def calculate_target_group_feasibility_by_id(
        self,
        *,
        project_id: str,
        target_group_id: str,
        request: CalculateTargetGroupFeasibilityByIdRequest,
    ) -> CalculateTargetGroupFeasibilityResponse:
        """The CPI and goal that the exchange suggests for a group with the changes in `request`."""
        target = f"{self._group(project_id, target_group_id)}/calculate-feasibility"
        return self._compute(
            "calculate_target_group_feasibility_by_id",
            target,
            request,
            CalculateTargetGroupFeasibilityResponse,
        )

    def get_fielding_assistant_assignment(
        self, *, project_id: str, target_group_id: str
    ) -> Versioned[FieldingAssistantModulesAssignment]:
        """The fielding assistant's modules, with the ETag for a change."""
        operation = "get_fielding_assistant_assignment"
        target = f"{self._group(project_id, target_group_id)}/fielding-assistant-assignment"
        answer = self._transport.send(operation, "GET", target)
        value = self._decode(operation, answer, FieldingAssistantModulesAssignment)
        return Versioned(value=value, etag=answer.headers.get("etag"))

    def get_whole_fielding_assistant_assignment(
        self, *, project_id: str, target_group_id: str
    ) -> Whole[FieldingAssistantModulesAssignment]:
        """The fielding assistant's modules, with every member as it came, and the ETag."""
        target = f"{self._group(project_id, target_group_id)}/fielding-assistant-assignment"
        return self._read_whole(
            "get_fielding_assistant_assignment", target, FieldingAssistantModulesAssignment
        )

    def create_or_update_fielding_assistant_assignment(
        self,
        *,
        project_id: str,
        target_group_id: str,
        assignment: FieldingAssistantModulesAssignmentRequestModel | Mapping[str, object],
        etag: str | None = None,
    ) -> None:
        """Set all modules together: one left UNSET is switched off. Sent once; read back."""
        target = f"{self._group(project_id, target_group_id)}/fielding-assistant-assignment"
        operation = "create_or_update_fielding_assistant_assignment"
        self._write(operation, "PUT", target, assignment, etag=etag)

    def list_profiles(self, *, project_id: str, target_group_id: str) -> Profiles:
        """The profiles of a group with their quotas and progress."""
        target = f"{self._group(project_id, target_group_id)}/profiles"
        return self._read("list_profiles", target, Profiles)

    def update_profile_filling_goal(
        self, *, project_id: str, target_group_id: str, goals: FillingGoalUpdateRequest
    ) -> Profiles:
        """Set the goals of a group and its quotas; returns what the exchange now has. Sent once."""
        operation = "update_profile_filling_goal"
        target = f"{self._group(project_id, target_group_id)}/profiles/completes-goal"
        answer = self._write(operation, "PUT", target, goals)
        return self._decode(operation, answer, Profiles, written=True)

    def get_target_group_allocation_specification(
        self, *, project_id: str, target_group_id: str
    ) -> SupplyAllocation:
        """The suppliers' shares of a launched group, with their completes and prescreens."""
        target = f"{self._group(project_id, target_group_id)}/allocation-specification"
        return self._read("get_target_group_allocation_specification", target, SupplyAllocation)
