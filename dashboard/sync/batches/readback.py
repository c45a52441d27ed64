"""What the exchange holds of a job's groups, whatever the job says: status or manager, read back.

A job's word is no proof: each group is read until it is as wanted, or until the time is up. One
request of the list tells a hundred groups; only those are asked about that are not settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import NotFound, Refused, spoken
from dashboard.exchange.pagination import iterate_pages
from dashboard.exchange.shapes.jobs import BulkJob
from dashboard.fielding.models import Batch, BatchGroup, BatchJob, ExchangeUser
from dashboard.sync.edits import moves
from dashboard.sync.edits.fresh import LONGEST_LAG

# Seconds to the next look: a reading that lags is over within a minute of its lag's end.
LOOKS = (1, 2, 5, 10, 20, 40, 42, 40)
READ_FOR = LONGEST_LAG
AT_ONCE = 100  # short ids in one request, which are rows of one page
SHORT = 7  # characters of a short id
ENDED = frozenset({"Completed", "Failed"})
AGAIN = "It is read again."
_BEGINNINGS = {
    BatchGroup.Word.DONE: "The job says done",
    BatchGroup.Word.FAILED: "The job says failed",
    BatchGroup.Word.LEFT_OUT: "The job ended without naming this group",
}
NO_WORD = "The exchange tells nothing more of the job"
NO_ANSWER = "The answer to the job was lost"
GOES_ON = "The job goes on"
RUNNING = "Processing"


@dataclass(frozen=True, slots=True)
class Held:
    """What the exchange holds of a group now; `known` is False for a group it does not show."""

    value: str = ""
    known: bool = True


def take_words(rows: Iterable[BatchGroup], report: BulkJob) -> None:
    """Store on each row what a job that has ended says of it (not saved)."""
    done = {one.target_group_id for one in report.updated_target_groups.data}
    failed = {one.target_group_id: one for one in report.failed_target_groups.data}
    for row in rows:
        name = row.group.exchange_id
        if name in failed:
            row.word = BatchGroup.Word.FAILED
            row.reason = _reason(failed[name].failure_reason)
        elif name in done:
            row.word = BatchGroup.Word.DONE
        elif report.status == "Failed" and not (done or failed):
            row.word = BatchGroup.Word.FAILED
            row.reason = "The exchange could not carry this out and says no more."
        else:
            row.word = BatchGroup.Word.LEFT_OUT


def _reason(told: Any) -> str:
    """What the exchange says of a failure, code and words."""
    if told is None:
        return "The exchange gives no reason."
    return str(told.description or spoken(told.code or "") or "The exchange gives no reason.")


def read_groups(
    rows: Sequence[BatchGroup], client: ExchangeClient, *, action: str
) -> Iterator[tuple[BatchGroup, Held]]:
    """Each row with what the exchange holds of it now, by as few requests as that takes."""
    listed = [row for row in rows if len(row.group.human_readable_id) == SHORT]
    alone = [row for row in rows if len(row.group.human_readable_id) != SHORT]
    for start in range(0, len(listed), AT_ONCE):
        part = listed[start : start + AT_ONCE]
        held = _listed(part, client, action)
        for row in part:
            value = held.get(row.group.exchange_id)
            if value:
                yield row, Held(value)
            else:
                alone.append(row)
    for row in alone:
        yield row, _alone(row, client, action)


def _listed(rows: Sequence[BatchGroup], client: ExchangeClient, action: str) -> dict[str, str]:
    """Status or manager by group, from the project's list; none where it takes no short ids."""
    project = rows[0].group.project.exchange_id
    short = [row.group.human_readable_id for row in rows]
    pages = iterate_pages(
        lambda cursor: client.get_list_target_groups(
            project_id=project, human_readable_ids=short, start_after=cursor
        ),
        most_pages=10,
    )
    try:
        items = list(pages)
    except Refused:
        return {}
    manager = action == Batch.Action.MANAGER
    return {item.id: (item.project_manager_id or "") if manager else item.status for item in items}


def _alone(row: BatchGroup, client: ExchangeClient, action: str) -> Held:
    """The same of one group that the list does not show."""
    try:
        if action == Batch.Action.MANAGER:
            details = moves.at_its_project(
                group=row.group,
                client=client,
                ask=lambda ids: client.get_target_group_details(**ids),
            )
            return Held(details.project_manager_id or "")
        overview = client.get_target_group_overview_by_target_group_id(
            target_group_id=row.group.exchange_id
        )
    except NotFound:
        return Held(known=False)
    return Held(overview.status)


def judge(row: BatchGroup, held: Held, *, job: BatchJob, last: bool) -> None:
    """How a row stands by what was read: done, refused, not done, or still open (not saved)."""
    shows = _shows(row, held, job)
    if held.known and _same(held.value, row.wanted):
        word = row.word == BatchGroup.Word.FAILED
        row.state = BatchGroup.State.DONE
        row.reason = f"The job says failed; {shows} all the same." if word else ""
    elif row.word == BatchGroup.Word.FAILED:
        row.state = BatchGroup.State.FAILED
    else:
        sentence = f"{_beginning(row, job)}; {shows}."
        row.state = BatchGroup.State.NOT_SO if last else BatchGroup.State.WAITING
        row.reason = sentence if last else f"{sentence} {AGAIN}"


def _beginning(row: BatchGroup, job: BatchJob) -> str:
    if row.word:
        return _BEGINNINGS[BatchGroup.Word(row.word)]
    if job.status == RUNNING:
        return GOES_ON
    if job.status:
        return f"The exchange says “{job.status}” of the job"
    return NO_WORD if job.exchange_id else NO_ANSWER


def _same(one: Any, other: Any) -> bool:
    return str(one).casefold() == str(other).casefold()


def _shows(row: BatchGroup, held: Held, job: BatchJob) -> str:
    if not held.known:
        return "the exchange does not show this group"
    still = "still shows" if _same(held.value, row.seen) else "shows"
    if job.batch.action != Batch.Action.MANAGER:
        return f"the exchange {still} it {held.value}"
    names = ExchangeUser.objects.filter(account=job.project.account_id, exchange_id=held.value)
    name = next((str(one) for one in names), "") or "somebody else"
    return f"the exchange {still} it with {name}"
