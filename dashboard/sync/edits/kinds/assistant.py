"""The fielding assistant of a group: which modules are on, and with what.

A value is `{"pricing", "pacing", "quota_overlay", "soft_launch"}`, each the module as the exchange
has it or None where it is off. All that the exchange holds goes back together, since what is
missing goes off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dashboard.exchange import sendable
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.operations.base import rfc3339
from dashboard.exchange.shapes.assistant import (
    FieldingAssistantModulesAssignment,
    ModulePricing,
    ModuleQuotaOverlay,
    ModuleSoftLaunch,
)
from dashboard.exchange.shapes.base import MonetaryAmount
from dashboard.sync.columns import limits
from dashboard.sync.edits import merge
from dashboard.sync.edits.merge import SENT, WHOLE

Value = Any
AMOUNTS = ("total_budget", "maximum_cpi", "minimum_cpi", "boost_cpi")


def read_assistant(client: ExchangeClient, of: dict[str, str]) -> tuple[Value, str, dict[str, Any]]:
    """The modules of a group, the ETag for a change of them or "", and all of it as it came."""
    held = client.get_whole_fielding_assistant_assignment(**of)
    whole = {WHOLE: limits.fit_json(sendable.assistant(held.raw))}
    return _value(held.value) | whole, held.etag or "", held.raw


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


def changed(value: Value, held: Value, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The request that makes `value` of what was read as `held`; `raw`: all of that."""
    body = merge.patched(sendable.assistant(raw), merge.bare(held), merge.bare(value))
    return dict(body)


def write_assistant(
    client: ExchangeClient, of: dict[str, str], body: Mapping[str, Any], etag: str
) -> None:
    """All modules at once, over what was read."""
    client.create_or_update_fielding_assistant_assignment(**of, assignment=body, etag=etag or None)


def same_assistant(one: Value, other: Value) -> bool:
    """Whether the same modules are on with the same settings, however each is written, and the
    exchange (first) holds all that was sent.
    """
    if SENT in other and WHOLE in one and not merge.holds(one[WHOLE], other[SENT]):
        return False
    return merge.alike(merge.bare(one), merge.bare(other))
