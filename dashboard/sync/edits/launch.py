"""Launch or schedule a draft by a job of the exchange, followed until it ends.

The edit's token is the job's idempotency key, so after a lost answer the same job is requested
again, never a second one. The job's reasons come with the field that each is about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict, cast

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import AlreadyLaunched, ExchangeError, NotFound, spoken
from dashboard.exchange.operations.base import JobRef, rfc3339
from dashboard.exchange.shapes.jobs import FieldingRunJob
from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import Edit, Project, TargetGroup, User
from dashboard.sync.connections import clients
from dashboard.sync.edits import evidence, moves, send
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.kinds.base import exchange_ids
from dashboard.sync.edits.kinds.draft import Value

LEASE = timedelta(seconds=45)
GIVEN_UP_AFTER = timedelta(minutes=30)
LONGEST = timedelta(hours=24)  # if the exchange itself asks for a wait
# Seconds to the next check, by how long the launch has been running.
CHECK_AFTER = (
    (timedelta(seconds=5), 1),
    (timedelta(seconds=20), 2),
    (timedelta(minutes=2), 10),
    (GIVEN_UP_AFTER, 30),
)
SELDOM = 600
Clock = Callable[[], datetime]
START, END = "start_fielding_at", "end_fielding_at"


def launch_draft(
    *,
    group: TargetGroup,
    seen: Value,
    start: datetime | None,
    end: datetime,
    by: User,
    token: str,
    client: ExchangeClient | None = None,
    clock: Clock = timezone.now,
) -> Edit:
    """Launch a draft now, or schedule it for `start`; once per token, which is a UUID.

    `seen`: the draft that was shown, with its passthrough members if those were shown. If the
    exchange holds another one, it is a conflict and nothing is sent. Raises EditInProgress while
    another launch of it is in progress.
    """
    if sent := Edit.objects.filter(token=token).first():
        return sent
    client = client or clients.client_for(group.account)
    edit = Edit(
        account_id=group.account_id,
        group=group,
        by=by,
        kind=Edit.Kind.LAUNCH,
        token=token,
        before={"status": "draft", "draft": dict(seen)},
        sent=False,
        wanted={
            "status": "scheduled" if start else "live",
            START: rfc3339(start) if start else None,
            END: rfc3339(end),
        },
    )
    if sent := send.claim_edit(edit, clock()):
        return sent
    with client.deadline(send.WEB_SECONDS):
        _run_step(edit, client, clock)
    return edit


def _is_unchanged(edit: Edit, client: ExchangeClient, clock: Clock) -> bool:
    """Whether the draft is still as it was shown; else the edit has ended, or waits.

    A stale reading shows nothing: the draft is read again later.
    """
    seen = cast("Value", edit.before)["draft"]
    try:
        held = moves.at_its_project(
            group=_group_of(edit),
            client=client,
            ask=lambda ids: draft.read_draft(client, ids),
            clock=clock,
        )
        if evidence.is_behind(_group_of(edit), Edit.Kind.DRAFT, held, now=clock()):
            _schedule_check(edit, clock())
            return False
    except ExchangeError as exc:
        if exc.retry_after and _is_patient(edit, exc, clock()):
            why = send.reasons_to_wait(edit, exc, clock())
            _schedule_check(edit, clock(), why=why, seconds=exc.retry_after)
            return False
        _end_edit(
            edit, Edit.State.REJECTED, clock(), why=send.refusal_reasons(exc, "Nothing was sent")
        )
        return False
    changed_passthrough = [
        name for name in draft.PASSTHROUGH if name in seen and seen[name] != held[name]
    ]
    if changed := draft.differing_fields(held, seen) + changed_passthrough:
        why = [{"name": name, "reason": "was changed in the meantime"} for name in changed]
        _end_edit(edit, Edit.State.CONFLICT, clock(), why=why)
        return False
    return True


def _run_step(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    """Create the job, or read how it is doing; check again later if it has not ended.

    The edit is `SENDING` until just before it is sent: by that the next step knows whether to
    compare the draft first or to request the same job again.
    """
    if edit.state == Edit.State.SENDING:
        if not _is_unchanged(edit, client, clock):
            return
        edit.state, edit.sent = Edit.State.UNKNOWN, True
        send.save_columns(edit, "state", "sent")
    try:
        if not edit.asked_id:
            edit.asked_id = _create_job(edit, client).id
            send.save_columns(edit, "asked_id")
        job = _read_job(edit, client)
        if job.status == "Failed":
            _end_edit(edit, Edit.State.REJECTED, clock(), why=_failure_reasons(job))
        elif job.status == "Completed":
            _read_back(edit, client, clock)
        else:
            _schedule_check(edit, clock())
    except ExchangeError as exc:
        _retry_or_fail(edit, exc, client, clock)


def _create_job(edit: Edit, client: ExchangeClient) -> JobRef:
    wanted = cast("Value", edit.wanted)
    ids = exchange_ids(_group_of(edit))
    end = datetime.fromisoformat(wanted[END])
    if wanted[START]:
        start = datetime.fromisoformat(wanted[START])
        return client.create_schedule_fielding_run_from_draft_job(
            **ids, start_fielding_at=start, end_fielding_at=end, idempotency_key=edit.token
        )
    return client.create_launch_fielding_run_from_draft_job(
        **ids, end_fielding_at=end, idempotency_key=edit.token
    )


def _read_job(edit: Edit, client: ExchangeClient) -> FieldingRunJob:
    arguments = {**exchange_ids(_group_of(edit)), "job_id": edit.asked_id}
    if cast("Value", edit.wanted)[START]:
        return client.get_schedule_fielding_run_from_draft_job(**arguments)
    return client.get_launch_fielding_run_from_draft_job(**arguments)


def _failure_reasons(job: FieldingRunJob) -> list[send.Reason]:
    """Why the job failed, field by field if it says so."""
    failure = job.failure_reason
    if failure is None:
        return [{"name": "", "reason": "Cint gives no reason"}]
    by_field: list[send.Reason] = [
        {
            "name": reason.name or "",
            "reason": spoken(reason.detail or reason.reason or send.NO_REASON),
        }
        for reason in failure.reasons
        if reason.name or reason.reason or reason.detail
    ]
    description = failure.description or spoken(failure.code or "")
    if not (description or by_field):
        description = "Cint gives no reason"
    of_job: list[send.Reason] = [{"name": "", "reason": description}] if description else []
    return [*of_job, *by_field]


class RunColumns(TypedDict):
    """The columns of a group that its fielding run sets."""

    status: str
    fielding_run_id: str
    starts_at: datetime | None
    ends_at: datetime | None
    status_changed_at: datetime


def _read_back(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    """Read the fielding run that the job created; check again later if there is none yet."""
    runs = moves.at_its_project(
        group=_group_of(edit),
        client=client,
        ask=lambda ids: client.get_fielding_runs_by_target_group_id(**ids),
        clock=clock,
    ).items
    if not runs:
        _schedule_check(edit, clock())
        return
    run = runs[0]
    wanted = cast("Value", edit.wanted)
    after = {
        "status": run.status,
        START: rfc3339(run.start_fielding_at) if run.start_fielding_at else None,
        END: rfc3339(run.end_fielding_at) if run.end_fielding_at else None,
    }
    is_as_wanted = after[END] == wanted[END] and wanted[START] in (None, after[START])
    state = Edit.State.CONFIRMED if is_as_wanted else Edit.State.CONFLICT
    columns: RunColumns = {
        "status": run.status,
        "fielding_run_id": run.id[:64],
        "starts_at": run.start_fielding_at,
        "ends_at": run.end_fielding_at,
        "status_changed_at": clock(),
    }
    _end_edit(edit, state, clock(), after=after, columns=columns)


def _retry_or_fail(edit: Edit, exc: ExchangeError, client: ExchangeClient, clock: Clock) -> None:
    """Try again where that helps; else end it as failed, or by reading the draft."""
    is_being_created = bool(edit.asked_id) and isinstance(exc, NotFound)
    may_retry = exc.waiting_helps or exc.outcome_unknown or bool(edit.asked_id)
    if may_retry and _is_patient(edit, exc, clock()):
        why = [] if is_being_created else send.reasons_to_wait(edit, exc, clock())
        _schedule_check(edit, clock(), why=why, seconds=exc.retry_after)
        return
    if may_retry:
        try:
            draft.read_draft(client, exchange_ids(_group_of(edit)))
        except AlreadyLaunched:
            _end_edit(edit, Edit.State.CONFIRMED, clock(), after={"status": "launched"})
            return
        except ExchangeError:  # not known: a person may check and close it
            _schedule_check(edit, clock(), why=send.reasons_to_wait(edit, exc, clock()))
            return
    _end_edit(edit, Edit.State.REJECTED, clock(), why=send.refusal_reasons(exc))


def _is_patient(edit: Edit, exc: ExchangeError, now: datetime) -> bool:
    """Whether to try again: for half an hour, or a day if the exchange says when."""
    return now - edit.started_at < (LONGEST if exc.retry_after else GIVEN_UP_AFTER)


def _schedule_check(
    edit: Edit,
    now: datetime,
    *,
    why: list[send.Reason] | None = None,
    seconds: float | None = None,
) -> None:
    """Plan the next check, not before `seconds` have passed if the exchange asks for them."""
    since = now - edit.started_at
    interval = next((each for span, each in CHECK_AFTER if since < span), SELDOM)
    seconds = max(interval, seconds or 0.0)
    edit.check_at, edit.reasons = now + timedelta(seconds=seconds), why or []
    send.save_columns(edit, "check_at", "reasons")


def _end_edit(
    edit: Edit,
    state: Edit.State,
    now: datetime,
    *,
    after: Value | None = None,
    why: list[send.Reason] | None = None,
    columns: RunColumns | None = None,
) -> None:
    """Store the outcome, and the group as it is now, in one commit."""
    edit.state, edit.after, edit.reasons = state, after, why or []
    edit.settled_at, edit.check_at = now, None
    group = _group_of(edit)
    with transaction.atomic():
        # Lock the project's row first, in the same order as a round that stores its groups.
        Project.objects.filter(pk=group.project_id).update(version=F("version") + 1, due_at=now)
        send.save_columns(edit, "state", "after", "reasons", "settled_at", "check_at")
        if columns:
            TargetGroup.objects.filter(pk=group.pk).update(**columns, changed_at=now)
            refresh_project_outlook(group.project_id, now=now)


def _group_of(edit: Edit) -> TargetGroup:
    return cast("TargetGroup", edit.group)


def run_due_launches(*, clock: Clock = timezone.now, limit: int = 50) -> int:
    """Take the next step of due launches; return the number of steps."""
    now = clock()
    due = Edit.objects.filter(
        kind=Edit.Kind.LAUNCH,
        state__in=Edit.OPEN,
        check_at__lte=now,
    )
    steps = 0
    for edit in due.select_related("group__project", "account").order_by("check_at")[:limit]:
        if Edit.objects.filter(pk=edit.pk, check_at=edit.check_at).update(
            check_at=now + LEASE, checks=F("checks") + 1
        ):
            client = clients.client_for(edit.account)
            with client.deadline(send.WEB_SECONDS):
                _run_step(edit, client, clock)
            steps += 1
    return steps
