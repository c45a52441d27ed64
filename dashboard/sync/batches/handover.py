"""Handing groups over: what somebody else handed over meanwhile is left as it is.

The exchange's job compares nothing, so who manages each group is read before it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.exchange.client import ExchangeClient
from dashboard.fielding.models import Batch, BatchGroup
from dashboard.sync.batches import readback

OVERTAKEN = "Somebody else handed it over meanwhile; nothing was sent."


def skip_groups_that_moved(rows: Sequence[BatchGroup], client: ExchangeClient) -> None:
    """Leave out the groups of one project that moved since they were shown."""
    if not rows:
        return
    for row, held in readback.read_groups(rows, client, action=Batch.Action.MANAGER):
        if row.seen and held.value and held.value not in (row.seen, row.wanted):
            row.state, row.reason = BatchGroup.State.FAILED, OVERTAKEN
    BatchGroup.objects.bulk_update(rows, ["state", "reason"])
