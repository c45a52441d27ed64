"""Accounts, their people and their business units."""

from dataclasses import dataclass

from dashboard.simulator.catalogue.seeded_random import uuid_of


@dataclass(frozen=True)
class Person:
    """A user or a service client of an account."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class SimulatedBusinessUnit:
    """The part of an account that pays, in its own currency."""

    id: int
    name: str
    currency: str
    pricing_models: tuple[str, ...]


@dataclass(frozen=True)
class SimulatedAccount:
    """A buyer on the exchange."""

    id: int
    name: str
    users: tuple[Person, ...]
    service_clients: tuple[Person, ...]
    business_units: tuple[SimulatedBusinessUnit, ...]
    has_unique_codes: bool = True  # whether one-time survey links are enabled
    has_what_if: bool = True  # whether feasibility of launched groups is enabled


def _person(name: str, company: str) -> Person:
    address = name.lower().replace(" ", ".").replace("ö", "oe").replace("é", "e")
    return Person(uuid_of("person", company, name), name, f"{address}@{company}.example")


_BOTH = ("dynamic", "rate_card")
ACCOUNTS = {
    101: SimulatedAccount(
        101,
        "Meridian Insights",
        tuple(
            _person(name, "meridian")
            for name in (
                "Ana Ribeiro",
                "Jonas Köhler",
                "Priya Raman",
                "Tom Whitfield",
                "Yuki Tanaka",
            )
        ),
        (_person("Fieldwatch Service", "meridian"),),
        (
            SimulatedBusinessUnit(1001, "Meridian US", "USD", _BOTH),
            SimulatedBusinessUnit(1002, "Meridian Europe", "EUR", _BOTH),
            SimulatedBusinessUnit(1003, "Meridian UK", "GBP", _BOTH),
            SimulatedBusinessUnit(1004, "Meridian Japan", "JPY", ("dynamic",)),
        ),
    ),
    102: SimulatedAccount(
        102,
        "Sandpiper Research",
        (_person("Chloé Martin", "sandpiper"), _person("Sam Okafor", "sandpiper")),
        (_person("Sandpiper Service", "sandpiper"),),
        (SimulatedBusinessUnit(2001, "Sandpiper", "USD", ("dynamic",)),),
        has_unique_codes=False,
        has_what_if=False,
    ),
}


def user_ids(account_id: int) -> set[str]:
    """Return the ids of the account's users and service clients."""
    account = ACCOUNTS[account_id]
    return {person.id for person in (*account.users, *account.service_clients)}


def business_unit(account_id: int, unit_id: object) -> SimulatedBusinessUnit | None:
    """The account's business unit with this id, given as number or text."""
    units = ACCOUNTS[account_id].business_units
    return next((unit for unit in units if str(unit.id) == str(unit_id)), None)
