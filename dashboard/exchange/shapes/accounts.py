"""Accounts, people, business units, code lists, and what an account can still reconcile."""

from typing import Literal

from dashboard.exchange.shapes.base import Id, Identified, Moment, MonetaryAmount, Shape, Uuid


class AccountShape(Identified, frozen=True, kw_only=True, gc=False):
    """An account that the credentials give access to."""

    id: Id
    name: str | None = None


class AccountsList(Shape, frozen=True, kw_only=True, gc=False):
    accounts: list[AccountShape] = []


class ExchangeUserShape(Identified, frozen=True, kw_only=True, gc=False):
    """A person or a service client of an account."""

    id: Uuid
    email: str | None = None
    name: str | None = None

    _ids = ()
    _uuids = ("id",)


class UsersList(Shape, frozen=True, kw_only=True, gc=False):
    users: list[ExchangeUserShape] = []


class BusinessUnitShape(Identified, frozen=True, kw_only=True, gc=False):
    """A part of the account with its own currency and pricing models."""

    id: Id
    name: str | None = None
    currency_code: str | None = None
    pricing_models: list[str] = []


class Client(Identified, frozen=True, kw_only=True, gc=False):
    """A client of the account (`ClientListItem`)."""

    id: Id
    name: str | None = None


class Definition(Identified, frozen=True, kw_only=True, gc=False):
    """An entry of a code list: industry, lockout or study type."""

    id: Id | None = None
    code: str | None = None
    name: str | None = None
    description: str | None = None


class LocaleCountry(Shape, frozen=True, kw_only=True, gc=False):
    code: str | None = None
    name: str | None = None


class LocaleLanguage(Shape, frozen=True, kw_only=True, gc=False):
    code: str | None = None
    name: str | None = None
    is_preferred: bool | None = None


class LocaleShape(Shape, frozen=True, kw_only=True, gc=False):
    """A country with its survey languages."""

    country: LocaleCountry | None = None
    languages: list[LocaleLanguage] = []


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
