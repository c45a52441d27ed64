"""Target groups with completes that can still be reconciled."""

from typing import Literal

from dashboard.exchange.shapes.base import Id, Identified, Moment, MonetaryAmount, Shape, Uuid

DueMonth = Literal["current_month", "next_month"]
"""The month on whose 25th reconciliation ends."""

MAX_DIGITS = 9


class ReconciliationManager(Shape, frozen=True, kw_only=True, gc=False):
    """Who manages a group, as the list of eligible groups names them."""

    id: Uuid | None = None
    name: str | None = None
    email: str | None = None


class EligibleTargetGroup(Identified, frozen=True, kw_only=True, gc=False):
    """A group with its eligible completes, and what they cost."""

    target_group_id: Id
    project_id: Id | None = None
    name: str | None = None
    project_name: str | None = None
    status: str | None = None
    project_manager: ReconciliationManager | None = None
    last_reconciliation_date: Moment | None = None
    eligible_completes: str | int | None = None
    monetary_amount: MonetaryAmount | None = None

    _ids = ("target_group_id", "project_id")

    @property
    def completes(self) -> int | None:
        """The eligible completes, which the contract sends as text; None if they are no count."""
        text = str(self.eligible_completes or "").strip()
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
            return None
        return int(text)
