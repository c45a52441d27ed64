"""What a list no longer shows: looked for once more, and by its id, before it is called gone.

A list is read page by page, and may shift meanwhile: what moves to a page that was read already,
or follows something that was taken out, is on none. So absence from one list says nothing yet. It
costs one more look at the list, where something is missing at all, and a request each for the
first few that are missing again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

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

ASKED = 20  # of what is missing in both looks; what is beyond is gone by these alone
SECONDS = 30.0  # for all of them
# Not there, or not for us to ask: then two looks have to do. Else it answers, if badly.
NOT_THERE = (NotFound, Forbidden, MethodNotAllowed, NotOffered, Redirected, Refused)
OF_ONE = (BadAnswer, Unavailable)
DRAFT = "draft"
HIDDEN = ("archived", "inactive")  # what a list may leave out for good


class Elsewhere(NamedTuple):
    """A group that is not listed in its project and answers in another one, by their ids."""

    group: str
    project: str


class Absent(NamedTuple):
    """What is gone, by its id, and what only moved; the rest is there, or nobody can say."""

    gone: Collection[str] = ()
    elsewhere: Collection[Elsewhere] = ()


def groups(
    *,
    client: ExchangeClient,
    project: str,
    absent: Mapping[str, str],
    again: PageIterator[TargetGroupsListItem],
) -> Absent:
    """Which groups of a project are gone: `absent` are their ids with the status that we know.

    `again` is the second look at its list. An ExchangeError of that look passes through.
    """
    elsewhere = []

    def is_there(ulid: str) -> bool:
        found = _where(client, project, ulid, absent[ulid])
        if found not in ("", project):
            elsewhere.append(Elsewhere(ulid, found))
        return bool(found)

    gone = _confirmed(client, absent, again, is_there)
    return Absent(gone, elsewhere)


def projects(
    *, client: ExchangeClient, absent: Iterable[str], again: PageIterator[ProjectListItem]
) -> Collection[str]:
    """Which projects of the account are gone; `again` is the second look at its list."""

    def is_there(ulid: str) -> bool:
        return client.project_overview(project_id=ulid).status not in HIDDEN

    return _confirmed(client, absent, again, is_there)


def _confirmed(
    client: ExchangeClient,
    absent: Iterable[str],
    again: PageIterator[Any],
    is_there: Callable[[str], bool],
) -> Collection[str]:
    """What the second look does not show either, and what is not there when asked for by its id."""
    seen = {row.id for row in again} | {bad.id for bad in again.quarantined}
    if not again.complete or None in seen:  # an item without a readable id may be any of them
        return ()
    left = [ulid for ulid in absent if ulid not in seen]
    gone: set[str] = set()
    with client.deadline(SECONDS):
        for ulid in left[:ASKED]:
            try:
                there = is_there(ulid)
            except NOT_THERE:
                there = False
            except OF_ONE:
                continue  # nobody can say; the next round looks again
            except ExchangeError:
                return gone
            if not there:
                gone.add(ulid)
    return gone.union(left[ASKED:])


def _where(client: ExchangeClient, project: str, ulid: str, status: str) -> str:
    """The project in which a group answers; empty where it is gone, or hidden from lists."""
    if status == DRAFT:  # the overview by id is for launched groups
        try:
            client.get_target_group(project_id=project, target_group_id=ulid)
        except AlreadyLaunched:
            return project
        except NotFound:
            pass  # in this project; by its id alone it may answer as launched elsewhere
        else:
            return project
    overview = client.get_target_group_overview_by_target_group_id(target_group_id=ulid)
    if overview.account_id != client.account_id:
        return ""
    hidden = overview.status in HIDDEN and overview.project_id == project
    return "" if hidden else overview.project_id
