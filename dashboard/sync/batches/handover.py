"""Reassigning project managers: groups that someone else reassigned in between are left alone.

The exchange's job compares nothing, so each group's manager is read before the job is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.exchange.client import ExchangeClient
from dashboard.fielding.models import Batch, BatchGroup
from dashboard.sync.batches import readback

OVERTAKEN = "Someone else reassigned this group. Nothing was sent."


def skip_groups_that_moved(rows: Sequence[BatchGroup], client: ExchangeClient) -> None:
    """Fail the groups of one project whose manager changed after they were shown."""
    if not rows:
        return
    for row, held in readback.read_groups(rows, client, action=Batch.Action.MANAGER):
        if row.seen and held.value and held.value not in (row.seen, row.wanted):
            row.state, row.reason = BatchGroup.State.FAILED, OVERTAKEN
    BatchGroup.objects.bulk_update(rows, ["state", "reason"])
