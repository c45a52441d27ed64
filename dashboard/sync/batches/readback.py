"""Read back what the exchange holds of a job's groups: status or project manager.

The job's own result is no proof: each group is read until it is as requested, or until the time is
up. One request of the list covers a hundred groups; only groups without a result are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import NotFound, Refused, spoken
from dashboard.exchange.pagination import iterate_pages
from dashboard.exchange.shapes.jobs import BulkJob, FailureReason
from dashboard.fielding.models import Batch, BatchGroup, BatchJob, ExchangeUser
from dashboard.sync.edits import moves
from dashboard.sync.edits.fresh import LONGEST_LAG

# Seconds to the next reading: a result comes within a minute after the exchange's copy caught up.
LOOKS = (1, 2, 5, 10, 20, 40, 42, 40)
READ_FOR = LONGEST_LAG
AT_ONCE = 100  # short ids in one request, which are rows of one page
SHORT = 7  # characters of a short id
ENDED = frozenset({"Completed", "Failed"})
AGAIN = "Checking again."
_BEGINNINGS = {
    BatchGroup.Word.DONE: "The job reports success",
    BatchGroup.Word.FAILED: "The job reports a failure",
    BatchGroup.Word.LEFT_OUT: "The job ended without a result for this group",
}
NO_WORD = "Cint no longer reports on the job"
NO_ANSWER = "Cint's answer to the job was lost"
GOES_ON = "The job is still running"
NO_REASON = "Cint gives no reason."
RUNNING = "Processing"


@dataclass(frozen=True, slots=True)
class Held:
    """The status or manager that the exchange holds of a group; `known` is False if not shown."""

    value: str = ""
    known: bool = True


def store_job_results(rows: Iterable[BatchGroup], report: BulkJob) -> None:
    """Set on each row what a job that has ended reports of it (not saved)."""
    done = {group.target_group_id for group in report.updated_target_groups.data}
    failed = {group.target_group_id: group for group in report.failed_target_groups.data}
    for row in rows:
        ulid = row.group.exchange_id
        if ulid in failed:
            row.word = BatchGroup.Word.FAILED
            row.reason = _failure_text(failed[ulid].failure_reason)
        elif ulid in done:
            row.word = BatchGroup.Word.DONE
        elif report.status == "Failed" and not (done or failed):
            row.word = BatchGroup.Word.FAILED
            row.reason = "Cint could not do this and gives no reason."
        else:
            row.word = BatchGroup.Word.LEFT_OUT


def _failure_text(failure: FailureReason | None) -> str:
    """The exchange's reason for a failure: its description, else its code in words."""
    if failure is None:
        return NO_REASON
    return failure.description or spoken(failure.code or "") or NO_REASON


def read_groups(
    rows: Sequence[BatchGroup], client: ExchangeClient, *, action: str
) -> Iterator[tuple[BatchGroup, Held]]:
    """Yield each row with what the exchange holds of it now, in as few requests as possible."""
    listed = [row for row in rows if len(row.group.human_readable_id) == SHORT]
    unlisted = [row for row in rows if len(row.group.human_readable_id) != SHORT]
    for start in range(0, len(listed), AT_ONCE):
        part = listed[start : start + AT_ONCE]
        held = _read_list(part, client, action)
        for row in part:
            value = held.get(row.group.exchange_id)
            if value:
                yield row, Held(value)
            else:
                unlisted.append(row)
    for row in unlisted:
        yield row, _read_group(row, client, action)


def _read_list(rows: Sequence[BatchGroup], client: ExchangeClient, action: str) -> dict[str, str]:
    """Status or manager by group, from the project's list; empty if it refuses short ids."""
    project = rows[0].group.project.exchange_id
    short = [row.group.human_readable_id for row in rows]
    pages = iterate_pages(
        lambda cursor: client.get_list_target_groups(
            project_id=project, human_readable_ids=short, start_after=cursor
        ),
        max_pages=10,
    )
    try:
        items = list(pages)
    except Refused:
        return {}
    manager = action == Batch.Action.MANAGER
    return {item.id: (item.project_manager_id or "") if manager else item.status for item in items}


def _read_group(row: BatchGroup, client: ExchangeClient, action: str) -> Held:
    """Status or manager of one group that the list does not show."""
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


def set_result(row: BatchGroup, held: Held, *, job: BatchJob, last: bool) -> None:
    """Set a row's result by what was read: done, failed, not done, or still waiting (not saved)."""
    shown = _shown_clause(row, held, job)
    if held.known and _same_text(held.value, row.wanted):
        job_failed = row.word == BatchGroup.Word.FAILED
        row.state = BatchGroup.State.DONE
        row.reason = f"The job reports a failure, but {shown}." if job_failed else ""
    elif row.word == BatchGroup.Word.FAILED:
        row.state = BatchGroup.State.FAILED
    else:
        sentence = f"{_job_clause(row, job)}; {shown}."
        row.state = BatchGroup.State.NOT_SO if last else BatchGroup.State.WAITING
        row.reason = sentence if last else f"{sentence} {AGAIN}"


def _job_clause(row: BatchGroup, job: BatchJob) -> str:
    if row.word:
        return _BEGINNINGS[BatchGroup.Word(row.word)]
    if job.status == RUNNING:
        return GOES_ON
    if job.status:
        return f"Cint reports the job as “{job.status}”"
    return NO_WORD if job.exchange_id else NO_ANSWER


def _same_text(first: object, second: object) -> bool:
    return str(first).casefold() == str(second).casefold()


def _shown_clause(row: BatchGroup, held: Held, job: BatchJob) -> str:
    """What the exchange shows of a group, as a clause: its status or its project manager."""
    if not held.known:
        return "Cint does not show this group"
    still = "still shows" if _same_text(held.value, row.seen) else "shows"
    if job.batch.action != Batch.Action.MANAGER:
        return f"Cint {still} it as {held.value}"
    users = ExchangeUser.objects.filter(account=job.project.account_id, exchange_id=held.value)
    name = next((str(user) for user in users), "") or "someone else"
    return f"Cint {still} {name} as its project manager"
