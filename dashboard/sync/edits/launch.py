"""A draft → the field: the exchange's job of launching or scheduling it, followed to its end.

The edit's token is the job's idempotency key, so after a lost answer the same job is asked for
again, never a second one. The job's reasons come with the field that each is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import AlreadyLaunched, ExchangeError, NotFound, spoken
from dashboard.exchange.operations.base import JobRef, rfc3339
from dashboard.exchange.shapes.jobs import FieldingRunJob
from dashboard.fielding.models import Edit, Project, TargetGroup, User
from dashboard.sync.connections import clients
from dashboard.sync.edits import evidence, moves, send
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.kinds.base import exchange_ids
from dashboard.sync.edits.kinds.draft import Value

LEASE = timedelta(seconds=45)
GIVEN_UP_AFTER = timedelta(minutes=30)
LONGEST = timedelta(hours=24)  # where the exchange itself asks to wait
# How soon to look again, by how long it goes on already.
LOOK = (
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
    """Launch a draft now, or schedule it for `start`; once for a token, which is a UUID.

    `seen` is the draft that was shown, with what goes along if that was: where the exchange holds
    another, it is a conflict and nothing is sent. Raises Busy while another launch of it goes on.
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
        _step(edit, client, clock)
    return edit


def _is_as_seen(edit: Edit, client: ExchangeClient, clock: Clock) -> bool:
    """Whether the draft is what its person looked at; else the edit has ended, or is to wait.

    A reading that is older than what is known shows nothing: then it is read again later.
    """
    seen = cast("Value", edit.before)["draft"]
    try:
        theirs = moves.at_its_project(
            group=_group(edit),
            client=client,
            ask=lambda ids: draft.read_draft(client, ids),
            clock=clock,
        )
        if evidence.is_behind(_group(edit), Edit.Kind.DRAFT, theirs, now=clock()):
            _later(edit, clock())
            return False
    except ExchangeError as exc:
        if exc.retry_after and _is_patient(edit, exc, clock()):
            _later(edit, clock(), why=send.refusal_reasons(exc), seconds=exc.retry_after)
            return False
        _end(edit, Edit.State.REJECTED, clock(), why=send.refusal_reasons(exc, "Nothing was sent"))
        return False
    along = [name for name in draft.CARRIED if name in seen and seen[name] != theirs[name]]
    if changed := draft.differing_fields(theirs, seen) + along:
        why = [{"name": name, "reason": "was changed meanwhile"} for name in changed]
        _end(edit, Edit.State.CONFLICT, clock(), why=why)
        return False
    return True


def _step(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    """Ask for the job, or how it does; what cannot be told now is looked at again.

    It is `SENDING` until just before it is sent: whatever takes the next step knows by that whether
    the draft must be compared first, or the same job asked for again.
    """
    if edit.state == Edit.State.SENDING:
        if not _is_as_seen(edit, client, clock):
            return
        edit.state, edit.sent = Edit.State.UNKNOWN, True
        send.save_columns(edit, "state", "sent")
    try:
        if not edit.asked_id:
            edit.asked_id = _ask(edit, client).id
            send.save_columns(edit, "asked_id")
        job = _job(edit, client)
        if job.status == "Failed":
            _end(edit, Edit.State.REJECTED, clock(), why=_why(job))
        elif job.status == "Completed":
            _read_back(edit, client, clock)
        else:
            _later(edit, clock())
    except ExchangeError as exc:
        _not_now(edit, exc, client, clock)


def _ask(edit: Edit, client: ExchangeClient) -> JobRef:
    wanted = cast("Value", edit.wanted)
    arguments: dict[str, Any] = {
        **exchange_ids(_group(edit)),
        END: datetime.fromisoformat(wanted[END]),
        "idempotency_key": edit.token,
    }
    if wanted[START]:
        start = datetime.fromisoformat(wanted[START])
        return client.create_schedule_fielding_run_from_draft_job(
            **arguments, start_fielding_at=start
        )
    return client.create_launch_fielding_run_from_draft_job(**arguments)


def _job(edit: Edit, client: ExchangeClient) -> FieldingRunJob:
    arguments = {**exchange_ids(_group(edit)), "job_id": edit.asked_id}
    if cast("Value", edit.wanted)[START]:
        return client.get_schedule_fielding_run_from_draft_job(**arguments)
    return client.get_launch_fielding_run_from_draft_job(**arguments)


def _why(job: FieldingRunJob) -> list[dict[str, str]]:
    """What the job failed for, field by field where it says so."""
    failure = job.failure_reason
    if failure is None:
        return [{"name": "", "reason": "The exchange gives no reason"}]
    by_field = [
        {
            "name": reason.name or "",
            "reason": spoken(reason.detail or reason.reason or send.NO_REASON),
        }
        for reason in failure.reasons
        if reason.name or reason.reason or reason.detail
    ]
    description = failure.description or spoken(failure.code or "")
    if not (description or by_field):
        description = "The exchange gives no reason"
    return [*([{"name": "", "reason": description}] if description else []), *by_field]


def _read_back(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    """The run that came of it; a job that ended well without one is looked at again."""
    runs = moves.at_its_project(
        group=_group(edit),
        client=client,
        ask=lambda of: client.get_fielding_runs_by_target_group_id(**of),
        clock=clock,
    ).items
    if not runs:
        _later(edit, clock())
        return
    run = runs[0]
    wanted = cast("Value", edit.wanted)
    after = {
        "status": run.status,
        START: rfc3339(run.start_fielding_at) if run.start_fielding_at else None,
        END: rfc3339(run.end_fielding_at) if run.end_fielding_at else None,
    }
    alike = after[END] == wanted[END] and wanted[START] in (None, after[START])
    state = Edit.State.CONFIRMED if alike else Edit.State.CONFLICT
    columns = {
        "status": run.status,
        "fielding_run_id": run.id[:64],
        "starts_at": run.start_fielding_at,
        "ends_at": run.end_fielding_at,
        "status_changed_at": clock(),
    }
    _end(edit, state, clock(), after=after, columns=columns)


def _not_now(edit: Edit, exc: ExchangeError, client: ExchangeClient, clock: Clock) -> None:
    """Try again where that helps; else it has failed, or nobody can say and it is read."""
    being_made = bool(edit.asked_id) and isinstance(exc, NotFound)
    again = exc.waiting_helps or exc.outcome_unknown or bool(edit.asked_id)
    if again and _is_patient(edit, exc, clock()):
        why = [] if being_made else send.refusal_reasons(exc)
        _later(edit, clock(), why=why, seconds=exc.retry_after)
        return
    if again:
        try:
            draft.read_draft(client, exchange_ids(_group(edit)))
        except AlreadyLaunched:
            _end(edit, Edit.State.CONFIRMED, clock(), after={"status": "launched"})
            return
        except ExchangeError:  # nobody can say: a person may look and give it up
            _later(edit, clock(), why=send.refusal_reasons(exc))
            return
    _end(edit, Edit.State.REJECTED, clock(), why=send.refusal_reasons(exc))


def _is_patient(edit: Edit, exc: ExchangeError, now: datetime) -> bool:
    """Whether to try again; for a day where the exchange says when."""
    return now - edit.started_at < (LONGEST if exc.retry_after else GIVEN_UP_AFTER)


def _later(
    edit: Edit,
    now: datetime,
    *,
    why: list[dict[str, Any]] | None = None,
    seconds: float | None = None,
) -> None:
    """The next step, not before `seconds` have passed where the exchange asks for them."""
    since = now - edit.started_at
    usual = next((each for span, each in LOOK if since < span), SELDOM)
    seconds = max(usual, seconds or 0.0)
    edit.check_at, edit.reasons = now + timedelta(seconds=seconds), why or []
    send.save_columns(edit, "check_at", "reasons")


def _end(
    edit: Edit,
    state: Edit.State,
    now: datetime,
    *,
    after: Value | None = None,
    why: list[dict[str, Any]] | None = None,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """How it ended, and the group as it is now, in one commit."""
    edit.state, edit.after, edit.reasons = state, after, why or []
    edit.settled_at, edit.check_at = now, None
    group = _group(edit)
    with transaction.atomic():
        # The project's row first: a round that stores its groups holds it, so one is first.
        Project.objects.filter(pk=group.project_id).update(version=F("version") + 1, due_at=now)
        send.save_columns(edit, "state", "after", "reasons", "settled_at", "check_at")
        if columns:
            TargetGroup.objects.filter(pk=group.pk).update(**columns, changed_at=now)


def _group(edit: Edit) -> TargetGroup:
    return cast("TargetGroup", edit.group)


def run_due_launches(*, clock: Clock = timezone.now, limit: int = 50) -> int:
    """Take the next step of launches that are due; the number of steps."""
    now = clock()
    due = Edit.objects.filter(
        kind=Edit.Kind.LAUNCH,
        state__in=Edit.OPEN,
        check_at__lte=now,
    )
    taken = 0
    for edit in due.select_related("group__project", "account").order_by("check_at")[:limit]:
        if Edit.objects.filter(pk=edit.pk, check_at=edit.check_at).update(
            check_at=now + LEASE, checks=F("checks") + 1
        ):
            client = clients.client_for(edit.account)
            with client.deadline(send.WEB_SECONDS):
                _step(edit, client, clock)
            taken += 1
    return taken
