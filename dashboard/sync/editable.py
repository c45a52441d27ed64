"""What can be edited on the exchange: how each kind is read, written and compared.

A value is what JSON can hold: `{"value": "2.70", "currency_code": "USD"}`, a strategy's name, or
the re-entry configuration by status and side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.base import MonetaryAmount
from dashboard.exchange.shapes.fielding import ReEntryConfiguration
from dashboard.fielding.models import Edit, TargetGroup

Value = Any


@dataclass(frozen=True)
class Editable:
    """One kind of edit: read it, write it, and its columns in our tables."""

    read: Callable[[ExchangeClient, dict[str, str]], Value]
    write: Callable[[ExchangeClient, dict[str, str], Value], object]
    columns: Callable[[Value], dict[str, Any]]
    same: Callable[[Value, Value], bool]


def ids(group: TargetGroup) -> dict[str, str]:
    """How the exchange finds a group."""
    return {"project_id": group.project.exchange_id, "target_group_id": group.exchange_id}


def _read_cpi(client: ExchangeClient, of: dict[str, str]) -> Value:
    money = client.get_target_group_overview(**of).current_cost_per_interview
    if money is None:
        return None
    return {"value": format(money.value, "f"), "currency_code": money.currency_code}


def _write_cpi(client: ExchangeClient, of: dict[str, str], value: Value) -> object:
    cpi = MonetaryAmount(value=Decimal(value["value"]), currency_code=value["currency_code"])
    return client.update_cost_per_interview(**of, cpi=cpi)


def _cpi_columns(value: Value) -> dict[str, Any]:
    if value is None:
        return {}
    return {"cpi": Decimal(value["value"]), "currency": value["currency_code"]}


def _same_cpi(one: Value, other: Value) -> bool:
    if one is None or other is None:
        return one is other
    return Decimal(one["value"]) == Decimal(other["value"]) and (
        one["currency_code"].upper() == other["currency_code"].upper()
    )


def _read_strategy(client: ExchangeClient, of: dict[str, str]) -> Value:
    return client.get_target_group_overview(**of).progress.filling_strategy


def _write_strategy(client: ExchangeClient, of: dict[str, str], value: Value) -> object:
    return client.update_filling_strategy(**of, filling_strategy=value)


def _read_re_entry(client: ExchangeClient, of: dict[str, str]) -> Value:
    return msgspec.to_builtins(client.get_re_entry_configuration(**of))


def _write_re_entry(client: ExchangeClient, of: dict[str, str], value: Value) -> object:
    configuration = msgspec.convert(value, ReEntryConfiguration)
    return client.update_re_entry_configuration(**of, configuration=configuration)


def _equal(one: Value, other: Value) -> bool:
    return bool(one == other)


EDITABLE: dict[str, Editable] = {
    Edit.Kind.CPI: Editable(_read_cpi, _write_cpi, _cpi_columns, _same_cpi),
    Edit.Kind.FILLING_STRATEGY: Editable(
        _read_strategy, _write_strategy, lambda value: {"filling_strategy": value}, _equal
    ),
    Edit.Kind.RE_ENTRY: Editable(
        _read_re_entry,
        _write_re_entry,
        lambda value: {"re_entry": value, "re_entry_offered": True},
        _equal,
    ),
}
