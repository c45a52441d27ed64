"""Rate cards and feasibility: CPIs, and estimates of completes."""

from msgspec import UNSET, UnsetType

from dashboard.exchange.json_types import JsonObject
from dashboard.exchange.shapes.allocations import AllocationsRequest
from dashboard.exchange.shapes.base import (
    Body,
    Count,
    MonetaryAmount,
    MonetaryAmountRequestModel,
    Shape,
)
from dashboard.exchange.shapes.drafts import TargetGroupFieldingSpecification


class RateCardData(Shape, frozen=True, kw_only=True, gc=False):
    """Prices by LOI (rows, minutes) and IR (columns, percent), in the currency's minor unit.

    The minor unit is an assumption: the contract does not name the unit of the table.
    """

    data_format: str | None = None
    length_of_interview_minutes: list[float] = []
    incidence_rate_percents: list[float] = []
    pricing_table_currency_code: str | None = None
    pricing_table_data: list[list[float]] = []


class RateCardShape(Shape, frozen=True, kw_only=True, gc=False):
    """The rate card of a business unit and country."""

    rate_card_data: RateCardData
    country_code: str | None = None
    token: str | None = None


class TargetGroupRateCard(Shape, frozen=True, kw_only=True, gc=False):
    """The rate card of a group: `predicted` until it is first live, `bound` from then on."""

    country_code: str | None = None
    predicted_rate_card_token: str | None = None
    predicted_rate_card: RateCardData | None = None
    bound_rate_card_token: str | None = None
    bound_rate_card: RateCardData | None = None

    @property
    def data(self) -> RateCardData | None:
        """The table in force: the bound one, else the predicted one."""
        return self.bound_rate_card or self.predicted_rate_card


class AmountRange(Shape, frozen=True, kw_only=True, gc=False):
    min: MonetaryAmount | None = None
    max: MonetaryAmount | None = None


class CountRange(Shape, frozen=True, kw_only=True, gc=False):
    min: Count | None = None
    max: Count | None = None


class CalculateTargetGroupFeasibilityResponse(Shape, frozen=True, kw_only=True, gc=False):
    """The exchange's estimate of completes and CPI; details stay mappings."""

    suggested_price: MonetaryAmount | None = None
    suggested_price_range: AmountRange | None = None
    suggested_completes_goal_range: CountRange | None = None
    profiles: list[JsonObject] = []
    allocations: JsonObject | None = None


class CalculateTargetGroupFeasibilityRequest(Body, kw_only=True):
    """A planned group: LOI 1-45 minutes, IR above 0 to 1, goal 1-10,000."""

    business_unit_id: int
    locale: str
    expected_incidence_rate: float
    expected_length_of_interview_minutes: int
    completes_goal: int
    fielding_specification: TargetGroupFieldingSpecification
    collects_pii: bool | UnsetType = UNSET
    step_days: float | UnsetType = UNSET
    cost_per_interview: MonetaryAmountRequestModel | UnsetType = UNSET
    price: MonetaryAmountRequestModel | UnsetType = UNSET
    rate_card_price_boost: MonetaryAmountRequestModel | UnsetType = UNSET
    profiling: JsonObject | UnsetType = UNSET
    allocations: AllocationsRequest | UnsetType = UNSET


class CalculateTargetGroupFeasibilityByIdRequest(Body, kw_only=True):
    """Planned changes of a group; empty: none."""

    locale: str | UnsetType = UNSET
    collects_pii: bool | UnsetType = UNSET
    incidence_rate: float | UnsetType = UNSET
    length_of_interview: int | UnsetType = UNSET
    completes_goal: int | UnsetType = UNSET
    start_at: str | UnsetType = UNSET
    end_at: str | UnsetType = UNSET
    step_days: float | UnsetType = UNSET
    cost_per_interview: MonetaryAmountRequestModel | UnsetType = UNSET
    price: MonetaryAmountRequestModel | UnsetType = UNSET
    rate_card_price_boost: MonetaryAmountRequestModel | UnsetType = UNSET
    profiling: JsonObject | UnsetType = UNSET
    allocations: AllocationsRequest | UnsetType = UNSET
