"""Handing groups over, of which the exchange tells nothing but who manages each now.

Its job takes no key and compares nothing: so what somebody else handed over meanwhile is left as it
is, and a lost answer is settled by reading.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import NotFound, Redirected
from dashboard.exchange.walk import walk
from dashboard.fielding.models import BatchGroup
from dashboard.sync import moves

OVERTAKEN = "Somebody else handed it over meanwhile; nothing was sent."
NOT_TAKEN = "The exchange did not take it: the group is still managed by somebody else."


def spare(rows: Sequence[BatchGroup], client: ExchangeClient) -> None:
    """Leave out the groups of one project that moved since they were shown."""
    if not rows:
        return
    project = rows[0].group.project.exchange_id
    pages = walk(
        lambda cursor: client.get_list_target_groups(project_id=project, start_after=cursor)
    )
    held = {row.id: row.project_manager_id for row in pages}
    for row in rows:
        now_with = held.get(row.group.exchange_id) or _manager(row, client)
        if row.seen and now_with and now_with not in (row.seen, row.wanted):
            row.state, row.reason = BatchGroup.State.FAILED, OVERTAKEN
    BatchGroup.objects.bulk_update(rows, ["state", "reason"])


def _manager(row: BatchGroup, client: ExchangeClient) -> str | None:
    """Who manages a group that the list did not show: it may have shifted while it was read."""
    try:
        details = moves.at_its_project(
            group=row.group,
            client=client,
            ask=lambda ids: client.get_target_group_details(**ids),
        )
    except (NotFound, Redirected):  # a draft, or gone: its job says so
        return None
    return details.project_manager_id


def settle(rows: Sequence[BatchGroup], client: ExchangeClient, *, last: bool) -> bool:
    """Who was handed over, by reading; True once it is told of all, by the `last` look at least."""
    for row in rows:
        details = moves.at_its_project(
            group=row.group,
            client=client,
            ask=lambda of: client.get_target_group_details(**of),
        )
        if details.project_manager_id == row.wanted:
            row.state = BatchGroup.State.DONE
    left = [row for row in rows if row.state != BatchGroup.State.DONE]
    if left and not last:
        return False
    for row in left:
        row.state, row.reason = BatchGroup.State.FAILED, NOT_TAKEN
    return True
