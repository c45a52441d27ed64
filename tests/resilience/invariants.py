"""The tables held against the exchange itself, and against themselves."""

from __future__ import annotations

import itertools
import json
import struct
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.contract.validate import VERSION
from tests.resilience.environment import Stand

FIGURES = "completes, prescreens, entrants, cpi, cost, status, median_loi_seconds"


def _get(stand: Stand, path: str) -> Any:
    request = urllib.request.Request(
        f"{stand.simulator.base_url}/v1/demand/accounts/101{path}",
        headers={"Authorization": "key", "Cint-API-Version": VERSION},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def series(stand: Stand, project: str, group: str) -> dict[datetime, int]:
    """The exchange's completes of a group by the hour."""
    path = f"/projects/{project}/target-groups/{group}/completes-aggregated-by-interval"
    points = _get(stand, f"{path}?aggregation_interval=PT1H")["aggregated_completes_intervals"]
    return {_moment(point["timestamp"]): point["count"] for point in points}


def changelog(stand: Stand, project: str, group: str) -> set[tuple[str, int]]:
    """The exchange's changes of a group: batch and position."""
    path = f"/projects/{project}/target-groups/{group}/changelog?page_size=50"
    found, cursor = set(), ""
    while True:
        page = _get(stand, path + cursor)
        for batch in page["changelog"]:
            found |= {(batch["id"], place) for place, _ in enumerate(batch["changes"])}
        if not page.get("next_cursor") or not page["changelog"]:
            return found
        cursor = f"&start_after={page['next_cursor']}"


def stored_series(stand: Stand) -> dict[str, dict[datetime, int]]:
    """The tables' completes of every group by the hour."""
    found: dict[str, dict[datetime, int]] = {}
    for ulid, day, hours, odd in stand.query(
        "SELECT g.exchange_id, d.day, d.hours, d.odd FROM fielding_completesday d "
        "JOIN fielding_targetgroup g ON g.id = d.group_id"
    ):
        points = found.setdefault(ulid, {})
        start = datetime.fromisoformat(str(day)).replace(tzinfo=UTC)
        for hour, count in enumerate(struct.unpack("<24i", bytes(hours))):
            if count >= 0:
                points[start + timedelta(hours=hour + 1)] = count
        for stamp, count in (json.loads(odd) if isinstance(odd, str) else odd) or ():
            points[_moment(stamp)] = count
    return found


def stored_changes(stand: Stand) -> dict[str, list[tuple[str, int]]]:
    """The tables' changes of every group, each as often as it is there."""
    found: dict[str, list[tuple[str, int]]] = {}
    for ulid, batch, place in stand.query(
        "SELECT g.exchange_id, c.batch_id, c.position FROM fielding_change c "
        "JOIN fielding_targetgroup g ON g.id = c.group_id"
    ):
        found.setdefault(ulid, []).append((batch, place))
    return found


def readings(stand: Stand) -> dict[int, list[tuple[Any, ...]]]:
    """The figures of every group's readings in their order."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for pk, *figures in stand.query(
        f"SELECT group_id, {FIGURES} FROM fielding_reading ORDER BY group_id, at"
    ):
        found.setdefault(pk, []).append(tuple(figures))
    return found


def halves(stand: Stand) -> list[str]:
    """What of a cycle is there by halves: rows that one transaction writes and that disagree."""
    wrong = []
    read = readings(stand)
    for pk, *figures in stand.query(f"SELECT id, {FIGURES} FROM fielding_targetgroup"):
        if read.get(pk, [()])[-1] != tuple(figures):
            wrong.append(f"group {pk} holds {figures}, its last reading {read.get(pk, [()])[-1]}")
    wrong += [
        f"project {pk} was read at {read_at}, its last whole list at {started}"
        for pk, read_at, started in stand.query(
            "SELECT p.id, p.read_at, (SELECT max(c.started_at) FROM fielding_cycle c "
            "WHERE c.project_id = p.id AND c.listed) FROM fielding_project p"
        )
        if read_at != started
    ]
    if unfinished := stand.cycles("finished_at IS NULL"):
        wrong.append(f"{unfinished} cycles without an end")
    return wrong


def doubles(stand: Stand) -> list[str]:
    """What is there twice: readings that say the same as the one before, alerts, changes."""
    wrong = [
        f"group {pk} has the reading {one} twice"
        for pk, rows in readings(stand).items()
        for one, other in itertools.pairwise(rows)
        if one == other
    ]
    for ulid, changes in stored_changes(stand).items():
        if len(changes) != len(set(changes)):
            wrong.append(f"group {ulid} has a change twice")
    wrong += [
        f"{number} incidents of {key} at one moment"
        for key, number in stand.query(
            "SELECT key, count(*) FROM fielding_incident GROUP BY key, breached_at "
            "HAVING count(*) > 1"
        )
    ]
    wrong += [
        f"{number} notices of incident {incident} to one person"
        for incident, number in stand.query(
            "SELECT incident_id, count(*) FROM fielding_notice "
            "GROUP BY incident_id, recipient_id, kind, sequence HAVING count(*) > 1"
        )
    ]
    return wrong


def losses(stand: Stand) -> list[str]:
    """Where the tables and the exchange disagree, with nothing due."""
    wrong = []
    days, changes = stored_series(stand), stored_changes(stand)
    held = {
        ulid: tuple(rest)
        for ulid, *rest in stand.query(
            "SELECT exchange_id, status, completes, filling_goal FROM fielding_targetgroup"
        )
    }
    for group in stand.simulator.groups():
        ulid, project = group["id"], group["project_id"]
        true = (group["status"], group["completes"], group["goal"])
        if held.get(ulid) != true:
            wrong.append(f"{ulid} holds {held.get(ulid)}, is {true}")
        if group["status"] == "draft":
            continue
        kept, there = days.get(ulid, {}), series(stand, project, ulid)
        last = max(kept, default=None)
        # A group at rest is not asked again: its series ends where it last moved.
        rest = {at: n for at, n in there.items() if last and at > last and n == kept[last]}
        if differ := set((kept | rest).items()) ^ set(there.items()):
            wrong.append(f"{ulid}: {len(differ)} points differ, {sorted(differ)[:3]}")
        if lost := changelog(stand, project, ulid) - set(changes.get(ulid, ())):
            wrong.append(f"{ulid}: {len(lost)} changes are lost")
    return wrong
