"""The fielding assistant of a group: which modules are on, and with what.

A value is `{"pricing", "pacing", "quota_overlay", "soft_launch"}`, each the module as the exchange
has it or None where it is off. All four go back together, since what is missing goes off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.operations.asking import rfc3339
from dashboard.exchange.shapes.assistant import (
    FieldingAssistantModulesAssignment,
    ModulePricing,
    ModuleQuotaOverlay,
    ModuleSoftLaunch,
)
from dashboard.exchange.shapes.base import MonetaryAmount
from dashboard.fielding import modules

Value = Any
AMOUNTS = ("total_budget", "maximum_cpi", "minimum_cpi", "boost_cpi")


def read(client: ExchangeClient, of: dict[str, str]) -> tuple[Value, str]:
    """The modules of a group, and the ETag for a change of them; "" without one."""
    held = client.get_fielding_assistant_assignment(**of)
    return _value(held.value), held.etag or ""


def _value(told: FieldingAssistantModulesAssignment) -> Value:
    return {
        "pricing": _pricing(told.pricing) if told.pricing else None,
        "pacing": msgspec.to_builtins(told.pacing) if told.pacing else None,
        "quota_overlay": _quotas(told.quota_overlay) if told.quota_overlay else None,
        "soft_launch": _soft_launch(told.soft_launch) if told.soft_launch else None,
    }


def _pricing(told: ModulePricing) -> Value:
    amounts: Mapping[str, MonetaryAmount | None] = {name: getattr(told, name) for name in AMOUNTS}
    return {"type": told.type} | {
        name: {"value": format(money.value, "f"), "currency_code": money.currency_code}
        for name, money in amounts.items()
        if money
    }


def _quotas(told: ModuleQuotaOverlay) -> Value:
    """Both switches: one that is missing is off."""
    return {
        "prevent_overfill": told.prevent_overfill is True,
        "balance_fill": told.balance_fill is True,
    }


def _soft_launch(told: ModuleSoftLaunch) -> Value:
    return msgspec.to_builtins(told) | {"end_at": rfc3339(told.end_at)}


def write(client: ExchangeClient, of: dict[str, str], value: Value, etag: str) -> None:
    """All modules at once, over what was read."""
    assignment = msgspec.convert(value, FieldingAssistantModulesAssignment)
    client.create_or_update_fielding_assistant_assignment(
        **of, assignment=assignment.as_request(), etag=etag or None
    )


def same(one: Value, other: Value) -> bool:
    """Whether the same modules are on with the same settings, however each is written."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Value) -> Value:
    """Amounts, durations and moments by what they are."""
    if not isinstance(value, Mapping):
        return value
    if "currency_code" in value:
        return Decimal(value["value"]), value["currency_code"].upper()
    plain = {name: _plain(each) for name, each in value.items() if each is not None}
    if step := modules.length(plain.get("increment_interval")):
        plain["increment_interval"] = step
    if "end_at" in plain:
        plain["end_at"] = datetime.fromisoformat(plain["end_at"])
    return plain
