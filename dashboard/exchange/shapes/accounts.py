"""Accounts, people, business units and the exchange's code lists."""

from dashboard.exchange.shapes.base import Id, Identified, Shape, Uuid


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
