"""The fielding assistant, which changes price, pace and quotas automatically."""

from msgspec import UNSET, Struct, UnsetType

from dashboard.exchange.shapes.base import (
    Body,
    Moment,
    MonetaryAmount,
    MonetaryAmountRequestModel,
    Shape,
)


class ModulePricing(Shape, frozen=True, kw_only=True, gc=False):
    """Pricing: `dynamic` (budget, CPI from and to) or `rate_card` (CPI to, boost)."""

    type: str
    total_budget: MonetaryAmount | None = None
    maximum_cpi: MonetaryAmount | None = None
    minimum_cpi: MonetaryAmount | None = None
    boost_cpi: MonetaryAmount | None = None


class ModulePricingRequest(Body, kw_only=True):
    """Pricing as it is sent, with only the members of its `type`."""

    type: str
    total_budget: MonetaryAmountRequestModel | UnsetType = UNSET
    maximum_cpi: MonetaryAmountRequestModel | UnsetType = UNSET
    minimum_cpi: MonetaryAmountRequestModel | UnsetType = UNSET
    boost_cpi: MonetaryAmountRequestModel | UnsetType = UNSET


class ModulePacing(Struct, frozen=True, kw_only=True, gc=False):
    """Pacing: `linear` or `adaptive` (at an ISO 8601 interval), or `gemini` (like a group)."""

    type: str
    increment_interval: str | UnsetType = UNSET
    exposed_target_group_id: str | UnsetType = UNSET


class ModuleQuotaOverlay(Struct, frozen=True, kw_only=True, gc=False):
    """Quotas: prevent overfill, and fill them evenly."""

    prevent_overfill: bool | UnsetType = UNSET
    balance_fill: bool | UnsetType = UNSET

    def as_request(self) -> "ModuleQuotaOverlay":
        """Both switches, as they must be sent; a missing one is off."""
        return ModuleQuotaOverlay(
            prevent_overfill=self.prevent_overfill is True, balance_fill=self.balance_fill is True
        )


class ModuleSoftLaunch(Struct, frozen=True, kw_only=True, gc=False):
    """Soft launch: its end, and its share of the goal in whole percent."""

    end_at: Moment
    filling_goal_percentage: int
    demographics_strictness_percentage: int


class FieldingAssistantModulesAssignmentRequestModel(Body, kw_only=True):
    """All modules together: one left UNSET is switched off."""

    pricing: ModulePricingRequest | UnsetType = UNSET
    quota_overlay: ModuleQuotaOverlay | UnsetType = UNSET
    pacing: ModulePacing | UnsetType = UNSET
    soft_launch: ModuleSoftLaunch | UnsetType = UNSET


class FieldingAssistantModulesAssignment(Shape, frozen=True, kw_only=True, gc=False):
    """The modules; None: off."""

    pricing: ModulePricing | None = None
    quota_overlay: ModuleQuotaOverlay | None = None
    pacing: ModulePacing | None = None
    soft_launch: ModuleSoftLaunch | None = None

    _strict = frozenset({"pricing", "quota_overlay", "pacing", "soft_launch"})

    def as_request(self) -> FieldingAssistantModulesAssignmentRequestModel:
        """The same modules as they are sent."""
        pricing: ModulePricingRequest | UnsetType = UNSET
        if self.pricing is not None:
            pricing = ModulePricingRequest(
                type=self.pricing.type,
                total_budget=amount_to_send(self.pricing.total_budget),
                maximum_cpi=amount_to_send(self.pricing.maximum_cpi),
                minimum_cpi=amount_to_send(self.pricing.minimum_cpi),
                boost_cpi=amount_to_send(self.pricing.boost_cpi),
            )
        return FieldingAssistantModulesAssignmentRequestModel(
            pricing=pricing,
            quota_overlay=UNSET if self.quota_overlay is None else self.quota_overlay.as_request(),
            pacing=UNSET if self.pacing is None else self.pacing,
            soft_launch=UNSET if self.soft_launch is None else self.soft_launch,
        )


def amount_to_send(money: MonetaryAmount | None) -> MonetaryAmountRequestModel | UnsetType:
    """`money` as it is sent, UNSET for None."""
    return UNSET if money is None else MonetaryAmountRequestModel.of(money)
