"""Bodies and ids for the example calls, with every member in use."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dashboard.exchange.shapes.allocations import (
    AllocationsRequest,
    OpenAllocationsRequest,
    OpenGroupRequest,
    PrivateAllocationsRequest,
    PrivateGroupRequest,
)
from dashboard.exchange.shapes.assistant import (
    FieldingAssistantModulesAssignmentRequestModel,
    ModulePacing,
    ModulePricingRequest,
    ModuleQuotaOverlay,
    ModuleSoftLaunch,
)
from dashboard.exchange.shapes.base import MonetaryAmountRequestModel, Money
from dashboard.exchange.shapes.drafts import (
    DraftTargetGroupRequest,
    TargetGroupFieldingSpecification,
)
from dashboard.exchange.shapes.fielding import (
    ReEntryConfiguration,
    ReEntrySides,
    TargetGroupReEntryAttributeConfig,
)
from dashboard.exchange.shapes.groups import (
    ComputeTargetGroupTransitionsFilters,
    ComputeTargetGroupTransitionsRequest,
    TargetGroupDetailsUpdateRequest,
)
from dashboard.exchange.shapes.pricing import (
    CalculateTargetGroupFeasibilityByIdRequest,
    CalculateTargetGroupFeasibilityRequest,
    SuggestDaysRequest,
)
from dashboard.exchange.shapes.profiling import (
    FillingGoalUpdateRequest,
    ProfileGoalRequest,
    QuotaGoalRequest,
    TargetGoalRequest,
)

PROJECT = "01J0000000000000000000000P"


GROUP = "01J0000000000000000000000G"


PERSON = "5f2504e0-4f89-41d3-9a0c-0305e82c3301"


KEY = "7c1d5bb2-0c4e-4bc6-a6c5-2f9b9a1f8a11"


ETAG = 'W/"3"'


START = datetime(2026, 3, 1, 8, tzinfo=UTC)


END = datetime(2026, 3, 9, 8, tzinfo=UTC)


CPI = Money(value=Decimal("2.7352"), currency_code="USD")


AMOUNT = MonetaryAmountRequestModel.of(CPI)


IN: dict[str, Any] = {"project_id": PROJECT, "target_group_id": GROUP}


RUN: dict[str, Any] = {**IN, "fielding_run_id": "run-1", "etag": ETAG}


MANY: dict[str, Any] = {
    "project_id": PROJECT,
    "target_group_ids": [GROUP],
    "idempotency_key": KEY,
}


JOB: dict[str, Any] = {"project_id": PROJECT, "job_id": "job-1"}


_YES = TargetGroupReEntryAttributeConfig(
    allow_for_current_target_group=True, allow_for_other_target_groups=False
)


_CLIENT = ReEntrySides(client_side=_YES)


_SCREENER = ReEntrySides(screener_side=_YES)


_BOTH = ReEntrySides(client_side=_YES, screener_side=_YES)


RE_ENTRY = ReEntryConfiguration(
    completes=_CLIENT,
    pre_client_survey_processes=_SCREENER,
    financial_terms=_SCREENER,
    terminates=_BOTH,
    security_failures=_BOTH,
    overquota=_BOTH,
    in_screener=_BOTH,
)


ASSISTANT = FieldingAssistantModulesAssignmentRequestModel(
    pricing=ModulePricingRequest(type="dynamic", maximum_cpi=AMOUNT, minimum_cpi=AMOUNT),
    quota_overlay=ModuleQuotaOverlay(prevent_overfill=True, balance_fill=False),
    pacing=ModulePacing(type="linear", increment_interval="PT12H"),
    soft_launch=ModuleSoftLaunch(
        end_at=END, filling_goal_percentage=10, demographics_strictness_percentage=50
    ),
)


ALLOCATIONS = AllocationsRequest(
    open_exchange_allocations=OpenAllocationsRequest(
        groups=[
            OpenGroupRequest(group_name="A", min_percentage=0, max_percentage=50, suppliers=["7"])
        ]
    ),
    private_exchange_allocations=PrivateAllocationsRequest(
        groups=[
            PrivateGroupRequest(group_name="B", min_percentage=0, max_percentage=9, supplier_id="8")
        ]
    ),
)


PERIOD = TargetGroupFieldingSpecification.of(START, END)


CONDITION = {"object": "range", "question_id": 42, "min": 18, "max": 65}


DRAFT = DraftTargetGroupRequest(
    name="Coffee drinkers",
    business_unit_id="12",
    locale="eng_us",
    collects_pii=False,
    project_manager_id=PERSON,
    fielding_specification=PERIOD,
    completes_goal=200,
    expected_length_of_interview_minutes=12,
    expected_incidence_rate=0.35,
    fielding_assistant_assignment=ASSISTANT,
    allocations=ALLOCATIONS,
    cost_per_interview=AMOUNT,
    live_url="https://survey.example/live",
    test_url="https://survey.example/test",
    re_entry_configuration=RE_ENTRY,
    profiling={
        "profile_adjustment_type": "percentage",
        "profiles": [
            {
                "object": "regular",
                "quotas_enabled": True,
                "targets": [
                    {
                        "conditions": [CONDITION],
                        "quota": {"completes_goal_percentage": Decimal("100")},
                    }
                ],
            }
        ],
    },
)


DETAILS = TargetGroupDetailsUpdateRequest(
    name="Coffee drinkers",
    project_manager_id=PERSON,
    expected_length_of_interview_minutes=12,
    expected_incidence_rate=0.35,
    industry_lockout_code="none",
    live_url="https://survey.example/live",
    test_url="https://survey.example/test",
    target_group_customer_reference_number=None,
    client_cost_per_interview_note=AMOUNT,
)


TRANSITIONS = ComputeTargetGroupTransitionsRequest(
    included_target_group_ids=[GROUP],
    filters=ComputeTargetGroupTransitionsFilters(status=["live"], country=["us"]),
)


NEW_GROUP = CalculateTargetGroupFeasibilityRequest(
    business_unit_id=12,
    locale="eng_us",
    expected_incidence_rate=0.35,
    expected_length_of_interview_minutes=12,
    completes_goal=200,
    fielding_specification=PERIOD,
    price=AMOUNT,
)


CHANGED_GROUP = CalculateTargetGroupFeasibilityByIdRequest(completes_goal=300, price=AMOUNT)


PLANNED_DAYS = SuggestDaysRequest(
    locale="pol_pl",
    price=AMOUNT,
    length_of_interview=12,
    incidence_rate=0.35,
    completes=200,
    collects_pii=False,
)


GOALS = FillingGoalUpdateRequest(
    completes_goal=300,
    profiles=[
        ProfileGoalRequest(
            profile_id="p-1",
            targets=[TargetGoalRequest(id=GROUP, quota=QuotaGoalRequest(completes_goal=150))],
        )
    ],
)
