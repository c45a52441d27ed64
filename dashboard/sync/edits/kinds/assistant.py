"""The fielding assistant of a group: which modules are on, and their settings.

A value is `{"pricing", "pacing", "quota_overlay", "soft_launch"}`, each the module as the exchange
has it, or None if it is off. All modules are sent together: a missing one is switched off.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.models import Edit
from dashboard.sync.columns import limits
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds.base import (
    ChangelogEntry,
    Editable,
    ExchangeIds,
    Members,
    RemoteValue,
    Value,
    money_value,
    same_whole,
)
from dashboard.sync.edits.merge import WHOLE

AMOUNTS = ("total_budget", "maximum_cpi", "minimum_cpi", "boost_cpi")


def _read_assistant(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    """The modules of a group, their ETag or "", and the whole object as it came."""
    held = client.get_whole_fielding_assistant_assignment(**ids)
    whole = {WHOLE: limits.fit_json(sendable.assistant(held.raw))}
    return RemoteValue(_modules_value(held.value) | whole, held.etag or "", raw=held.raw)


def _modules_value(modules: FieldingAssistantModulesAssignment) -> Value:
    soft_launch = modules.soft_launch
    return {
        "pricing": _pricing_value(modules.pricing) if modules.pricing else None,
        "pacing": msgspec.to_builtins(modules.pacing) if modules.pacing else None,
        "quota_overlay": _quotas_value(modules.quota_overlay) if modules.quota_overlay else None,
        "soft_launch": _soft_launch_value(soft_launch) if soft_launch else None,
    }


def _pricing_value(pricing: ModulePricing) -> Value:
    amounts: Mapping[str, MonetaryAmount | None] = {
        name: getattr(pricing, name) for name in AMOUNTS
    }
    return {"type": pricing.type} | {
        name: money_value(amount) for name, amount in amounts.items() if amount
    }


def _quotas_value(quotas: ModuleQuotaOverlay) -> Value:
    """Both switches; a missing one is off."""
    return {
        "prevent_overfill": quotas.prevent_overfill is True,
        "balance_fill": quotas.balance_fill is True,
    }


def _soft_launch_value(soft_launch: ModuleSoftLaunch) -> Value:
    return msgspec.to_builtins(soft_launch) | {"end_at": rfc3339(soft_launch.end_at)}


def _assistant_request(value: Value, held: RemoteValue) -> Members:
    """All modules together, on top of what was read."""
    was, wanted = merge.bare(held.value), merge.bare(value)
    return dict(merge.patched(sendable.assistant(held.raw), was, wanted))


def _write_assistant(
    client: ExchangeClient, ids: ExchangeIds, value: Value, held: RemoteValue
) -> None:
    client.create_or_update_fielding_assistant_assignment(
        **ids, assignment=_assistant_request(value, held), etag=held.etag or None
    )


def _assistant_changelog(before: Value, wanted: Value) -> list[ChangelogEntry]:
    """Each setting that differs, with any value."""
    was = assistant_modules.as_changes(before or {})
    now = assistant_modules.as_changes(wanted)
    return [(kind, None) for kind in {**was, **now} if was.get(kind) != now.get(kind)]


EDITABLE = Editable(
    Edit.Kind.ASSISTANT,
    _read_assistant,
    _write_assistant,
    lambda _group, _value: {},  # read again from the changelog
    same_whole,
    owns=(),
    changelog=_assistant_changelog,
    merge=merge.three_way,
    request=_assistant_request,
)
