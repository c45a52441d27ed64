"""What a group of the simulated exchange was through, as its changelog tells it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from dashboard.fielding.series import daily
from dashboard.simulator.world.group import SimulatedGroup as Simulated

START = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)


def moment_of(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def statuses(group: Simulated) -> Iterator[tuple[int, str, str, str]]:
    """When, to what, by whom and why the status changed."""
    for batch in group.changelog:
        for change in batch.changes:
            if change["object"] == "status_change":
                reason = str(change.get("reason_code", ""))
                yield batch.at, str(change["new_value"]), batch.actor.type, reason


def pauses_of(group: Simulated) -> list[tuple[datetime, datetime | None]]:
    """From when to when it was not live."""
    return daily.pauses_of((moment_of(at), new) for at, new, *_ in statuses(group))
