"""What a group of the simulated exchange was through, as its changelog tells it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from dashboard.simulator.group import TargetGroup as Simulated

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
    pauses: list[tuple[datetime, datetime | None]] = []
    since: int | None = None
    for at, new, _, _ in sorted(statuses(group)):
        if new == "live" and since is not None:
            pauses.append((moment_of(since), moment_of(at)))
            since = None
        elif new != "live" and since is None:
            since = at
    return pauses
