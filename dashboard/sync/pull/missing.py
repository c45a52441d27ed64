"""Confirm what a list no longer shows, by a second list and by id, before it is marked as gone.

A list is read page by page and may shift in between: an item that moves to a page that was read
already is on none. So absence from one list proves nothing. If anything is missing, the list is
read once more, and the first few items that are missing again are read one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    AlreadyLaunched,
    BadAnswer,
    ExchangeError,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    NotOffered,
    Redirected,
    Refused,
    Unavailable,
)
from dashboard.exchange.pagination import PageIterator
from dashboard.exchange.shapes.groups import TargetGroupsListItem
from dashboard.exchange.shapes.projects import ProjectListItem

MAX_CONFIRMED = 20  # read by id; further ones are gone by the two lists alone
SECONDS = 30.0  # for all of them
# Not there, or not ours to read: then the two lists decide.
NOT_THERE = (NotFound, Forbidden, MethodNotAllowed, NotOffered, Redirected, Refused)
NO_EVIDENCE = (BadAnswer, Unavailable)
DRAFT = "draft"
HIDDEN = ("archived", "inactive")  # what a list may leave out for good


class Elsewhere(NamedTuple):
    """A group that its project does not list and that answers in another project, by ids."""

    group: str
    project: str


class Absent(NamedTuple):
    """Groups that are gone, by id, and groups that moved; the others are there or not known."""

    gone: Collection[str] = ()
    elsewhere: Collection[Elsewhere] = ()


def find_gone_groups(
    *,
    client: ExchangeClient,
    project: str,
    absent: Mapping[str, str],
    second_list: PageIterator[TargetGroupsListItem],
) -> Absent:
    """Which of the `absent` groups of a project (id → stored status) are gone or moved.

    `second_list`: the second reading of its list, whose ExchangeError passes through.
    """
    elsewhere = []

    def is_there(ulid: str) -> bool:
        place = _project_of_group(client, project, ulid, absent[ulid])
        if place not in ("", project):
            elsewhere.append(Elsewhere(ulid, place))
        return bool(place)

    gone = _confirm_gone(client, absent, second_list, is_there)
    return Absent(gone, elsewhere)


def find_gone_projects(
    *, client: ExchangeClient, absent: Iterable[str], second_list: PageIterator[ProjectListItem]
) -> Collection[str]:
    """Which of the `absent` projects are gone; `second_list`: the second reading of the list."""

    def is_there(ulid: str) -> bool:
        return client.project_overview(project_id=ulid).status not in HIDDEN

    return _confirm_gone(client, absent, second_list, is_there)


def _confirm_gone(
    client: ExchangeClient,
    absent: Iterable[str],
    second_list: PageIterator[TargetGroupsListItem] | PageIterator[ProjectListItem],
    is_there: Callable[[str], bool],
) -> Collection[str]:
    """Ids that the second list does not show either and that are not there when read by id."""
    shown = {row.id for row in second_list} | {bad.id for bad in second_list.quarantined}
    if (
        not second_list.complete or None in shown
    ):  # an item without a readable id may be any of them
        return ()
    missing_twice = [ulid for ulid in absent if ulid not in shown]
    gone: set[str] = set()
    with client.deadline(SECONDS):
        for ulid in missing_twice[:MAX_CONFIRMED]:
            try:
                there = is_there(ulid)
            except NOT_THERE:
                there = False
            except NO_EVIDENCE:
                continue  # not known; the next round checks again
            except ExchangeError:
                return gone
            if not there:
                gone.add(ulid)
    return gone.union(missing_twice[MAX_CONFIRMED:])


def _project_of_group(client: ExchangeClient, project: str, ulid: str, status: str) -> str:
    """The project in which a group answers; empty if it is gone, or hidden from lists."""
    if status == DRAFT:  # the overview by id is for launched groups
        try:
            client.get_target_group(project_id=project, target_group_id=ulid)
        except AlreadyLaunched:
            return project
        except NotFound:
            pass  # not in this project; it may have been launched in another one
        else:
            return project
    overview = client.get_target_group_overview_by_target_group_id(target_group_id=ulid)
    if overview.account_id != client.account_id:
        return ""
    hidden = overview.status in HIDDEN and overview.project_id == project
    return "" if hidden else overview.project_id
