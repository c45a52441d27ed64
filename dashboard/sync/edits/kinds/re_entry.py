"""The re-entry configuration of a group: who may enter again. It is sent whole.

A value is `{status: {side: {target: allowed}}}`, by the exchange's names.
"""

from __future__ import annotations

import msgspec

from dashboard.exchange import sendable
from dashboard.exchange.client import ExchangeClient
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.columns import limits
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds.base import (
    Editable,
    ExchangeIds,
    Members,
    RemoteValue,
    Value,
    same_whole,
)
from dashboard.sync.edits.merge import WHOLE


def _read_re_entry(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    read = client.get_whole_re_entry_configuration(**ids)
    value = msgspec.to_builtins(read.value) | {WHOLE: limits.fit_json(read.raw)}
    return RemoteValue(value, raw=read.raw)


def _re_entry_request(value: Value, held: RemoteValue) -> Members:
    changed = merge.patched(held.raw, merge.bare(held.value), merge.bare(value))
    return sendable.without(changed, ())


def _write_re_entry(
    client: ExchangeClient, ids: ExchangeIds, value: Value, held: RemoteValue
) -> object:
    configuration = _re_entry_request(value, held)
    return client.update_re_entry_configuration(**ids, configuration=configuration)


def _re_entry_columns(_group: TargetGroup, value: Value) -> Columns:
    return {"re_entry": merge.bare(value), "re_entry_offered": True}


EDITABLE = Editable(
    Edit.Kind.RE_ENTRY,
    _read_re_entry,
    _write_re_entry,
    _re_entry_columns,
    same_whole,
    owns=("re_entry", "re_entry_offered"),
    changelog=lambda _before, _wanted: [("re_entry_configuration_change", None)],
    merge=merge.three_way,
    request=_re_entry_request,
)
