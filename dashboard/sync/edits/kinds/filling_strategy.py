"""The filling strategy of a group: whether its goal counts completes or prescreens.

A value is the strategy's name.
"""

from __future__ import annotations

from dashboard.exchange.client import ExchangeClient
from dashboard.fielding.models import Edit
from dashboard.sync.edits.kinds.base import (
    Editable,
    ExchangeIds,
    RemoteValue,
    Value,
    same_plain,
)


def _read_strategy(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    return RemoteValue(client.get_target_group_overview(**ids).progress.filling_strategy)


def _write_strategy(
    client: ExchangeClient, ids: ExchangeIds, value: Value, _held: RemoteValue
) -> object:
    return client.update_filling_strategy(**ids, filling_strategy=value)


EDITABLE = Editable(
    Edit.Kind.FILLING_STRATEGY,
    _read_strategy,
    _write_strategy,
    lambda _group, value: {"filling_strategy": value},
    same_plain,
    owns=("filling_strategy",),
    changelog=lambda _before, wanted: [("filling_strategy_change", wanted)],
)
