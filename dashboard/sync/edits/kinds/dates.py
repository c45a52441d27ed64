"""The fielding period of a group. A value is both ends, as the exchange writes moments.

The dates are those of the group's first fielding run, which is sent whole with its ETag.
"""

from __future__ import annotations

from datetime import datetime

from dashboard.exchange import sendable
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import NotFound
from dashboard.exchange.operations.base import rfc3339
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds.base import Editable, ExchangeIds, RemoteValue, Value

START, END = "start_fielding_at", "end_fielding_at"


def _read_dates(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    runs = client.get_fielding_runs_by_target_group_id(**ids).items
    if not runs:
        raise NotFound("Cint has no fielding run for this group")
    run = client.get_whole_fielding_run(**ids, fielding_run_id=runs[0].id)
    start, end = run.value.start_fielding_at, run.value.end_fielding_at
    value = {START: rfc3339(start) if start else None, END: rfc3339(end) if end else None}
    return RemoteValue(value, run.etag or run.value.etag or "*", runs[0].id, run.raw)


def _write_dates(
    client: ExchangeClient, ids: ExchangeIds, value: Value, held: RemoteValue
) -> object:
    """Send both dates; an unchanged one as the exchange wrote it."""
    held_dates = {name: held.raw.get(name) for name in (START, END)}
    dates = merge.patched(held_dates, held.value, value)
    return client.update_fielding_run(
        **ids,
        fielding_run_id=held.run_id,
        start_fielding_at=dates[START],
        end_fielding_at=dates[END],
        etag=held.etag,
        other_members=sendable.fielding_run(held.raw),
    )


def _dates_columns(_group: TargetGroup, value: Value) -> Columns:
    return {
        column: datetime.fromisoformat(value[name]) if value[name] else None
        for column, name in (("starts_at", START), ("ends_at", END))
    }


EDITABLE = Editable(
    Edit.Kind.DATES,
    _read_dates,
    _write_dates,
    _dates_columns,
    merge.alike,
    owns=("starts_at", "ends_at"),
    changelog=lambda _before, wanted: [
        ("fielding_period_start_date_change", wanted[START]),
        ("fielding_period_end_date_change", wanted[END]),
    ],
    merge=merge.three_way,
)
