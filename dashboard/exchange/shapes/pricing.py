"""Rate cards, feasibility and the intelligent calendar: CPIs, completes, days in field."""

from msgspec import UNSET, UnsetType

from dashboard.exchange.json_types import JsonObject
from dashboard.exchange.shapes.allocations import AllocationsRequest
from dashboard.exchange.shapes.base import (
    Body,
    Count,
    Moment,
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


class FeasibilityCompletesProjection(Shape, frozen=True, kw_only=True, gc=False):
    """Completes of a quota: as a share of the group's (0-100), and as a number."""

    projected_completes_percentage: float | None = None
    projected_completes_goal: float | None = None


class FeasibilityQuotaRange(Shape, frozen=True, kw_only=True, gc=False):
    """The least and the most completes of a quota."""

    min_completes: FeasibilityCompletesProjection | None = None
    max_completes: FeasibilityCompletesProjection | None = None


class FeasibilityQuotaDetails(Shape, frozen=True, kw_only=True, gc=False):
    """A quota by its conditions, which stay mappings."""

    conditions: list[JsonObject] = []
    quota: FeasibilityQuotaRange | None = None


class FeasibilityProfile(Shape, frozen=True, kw_only=True, gc=False):
    """A profile with the estimate of each of its quotas."""

    object: str | None = None
    blended_type: str | None = None
    targets: list[FeasibilityQuotaDetails] = []


class FeasibilitySupplierGroup(Shape, frozen=True, kw_only=True, gc=False):
    """The least and the most completes of a group of suppliers."""

    group_name: str | None = None
    min_completes: int | None = None
    max_completes: int | None = None


class FeasibilityOpenExchange(Shape, frozen=True, kw_only=True, gc=False):
    """The estimate for the open exchange, and for each of its groups of suppliers."""

    min_completes: int | None = None
    max_completes: int | None = None
    groups: list[FeasibilitySupplierGroup] = []


class FeasibilityPrivateExchange(Shape, frozen=True, kw_only=True, gc=False):
    groups: list[FeasibilitySupplierGroup] = []


class FeasibilityAllocations(Shape, frozen=True, kw_only=True, gc=False):
    """The estimate by supply."""

    open_exchange_allocations: FeasibilityOpenExchange | None = None
    private_exchange_allocations: FeasibilityPrivateExchange | None = None


class CalculateTargetGroupFeasibilityResponse(Shape, frozen=True, kw_only=True, gc=False):
    """The exchange's estimate of completes and CPI, by quota and supply where it has them."""

    suggested_price: MonetaryAmount | None = None
    suggested_price_range: AmountRange | None = None
    suggested_completes_goal_range: CountRange | None = None
    profiles: list[FeasibilityProfile] = []
    allocations: FeasibilityAllocations | None = None


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


class SuggestDaysRequest(Body, kw_only=True):
    """A planned group: `price` is its CPI, LOI 1-45 minutes, IR 0-1, completes from 1."""

    locale: str
    price: MonetaryAmountRequestModel
    length_of_interview: int
    incidence_rate: float
    completes: int
    collects_pii: bool | UnsetType = UNSET


class SuggestDaysResponse(Shape, frozen=True, kw_only=True, gc=False):
    """The days in field that the exchange suggests."""

    days: Count | None = None


class SuggestedHoliday(Shape, frozen=True, kw_only=True, gc=False):
    """A holiday; the rates are relative to a normal day (1.0). `date`: YYYY-MM-DD."""

    date: str | None = None
    name: str | None = None
    respondent_rate: float | None = None
    completes_rate: float | None = None


class SuggestedTimeRangeResponse(Shape, frozen=True, kw_only=True, gc=False):
    """A suggested time in field with the holidays in it. `timezone`: an IANA name."""

    start: Moment | None = None
    end: Moment | None = None
    holidays: list[SuggestedHoliday] = []
    timezone: str | None = None
