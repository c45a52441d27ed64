"""Create a draft or a project on the exchange, at most once per form.

The exchange takes no idempotency key for a draft. So the ids of drafts with its name are stored
before it is sent; after a lost answer, a draft that appeared since and holds what was sent is the
one. A project has a key, the form's token: after a lost answer the same request gives the same
project.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import Whole
from dashboard.exchange.errors import AlreadyLaunched, ExchangeError, Forbidden, NotFound, Rejected
from dashboard.exchange.pagination import iterate_pages
from dashboard.exchange.shapes.drafts import FetchTargetGroupResponse
from dashboard.exchange.shapes.projects import ProjectInfo
from dashboard.fielding.models import Edit, ExchangeAccount, Project, TargetGroup, User
from dashboard.sync.columns import group_columns, limits
from dashboard.sync.connections import clients
from dashboard.sync.edits import send
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.kinds.draft import Value
from dashboard.sync.edits.merge import SENT

Clock = Callable[[], datetime]
LEASE = timedelta(seconds=60)
KINDS = (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT)
NOT_CREATED = "Cint did not accept it: it has no such draft"
ENDED_BEFORE = "Nothing was sent: Fieldwatch stopped first"
_ENDS = ("state", "reasons", "settled_at", "check_at", "before", "asked_id", "sent")
NEVER_SHOWN = "Cint assigned an ID but never listed it"


def new_draft(
    *,
    project: Project,
    wanted: Value,
    by: User,
    token: str,
    client: ExchangeClient | None = None,
    clock: Clock = timezone.now,
    wait: send.Wait | None = time.sleep,
) -> Edit:
    """Create a draft, sent at most once per token; the edit has its group once it is there.

    `wait`: how to wait for the first checks; None leaves them to the worker.
    """
    if sent := Edit.objects.filter(token=token).first():
        return sent
    client = client or clients.client_for(project.account)
    stored = {name: wanted[name] for name in draft.FIELDS if name in wanted}
    stored[SENT] = limits.fit_json(draft.draft_request(wanted))
    edit = Edit(
        account_id=project.account_id,
        project=project,
        by=by,
        kind=Edit.Kind.NEW_DRAFT,
        token=token,
        wanted=stored,
        sent=False,
    )
    if sent := send.claim_edit(edit, clock()):
        return sent
    with client.deadline(send.WEB_SECONDS):
        _send_draft(edit, wanted, client, clock, wait)
    return edit


def _send_draft(
    edit: Edit, wanted: Value, client: ExchangeClient, clock: Clock, wait: send.Wait | None
) -> None:
    """Store which drafts of this name exist, send once, and read the result."""
    project = cast("Project", edit.project)
    try:
        edit.before = {"drafts": _draft_ids_named(wanted["name"], project, client)}
    except ExchangeError as exc:
        _end_refused(edit, send.refusal_reasons(exc, "Nothing was sent"), clock())
        return
    edit.sent = True
    edit.save(update_fields=["before", "sent"])
    try:
        ulid = client.create_target_group(
            project_id=project.exchange_id, draft=draft.draft_request(wanted)
        )
    except ExchangeError as exc:
        if exc.outcome_unknown:
            edit.reasons = send.refusal_reasons(exc)
            _find_lost_draft(edit, client, clock)
        else:
            _end_not_created(edit, exc, clock())
        return
    _read_back_draft(edit, ulid, client, clock)
    for seconds in send.IN_THE_REQUEST if wait else ():
        if edit.is_settled or wait is None:
            return
        wait(seconds)
        _read_back_draft(edit, ulid, client, clock)


def _draft_ids_named(name: str, project: Project, client: ExchangeClient) -> list[str]:
    """The ids of the project's drafts of this name."""
    pages = iterate_pages(
        lambda cursor: client.get_list_target_groups(
            project_id=project.exchange_id, status=["draft"], start_after=cursor
        )
    )
    ids = [row.id for row in pages if row.name == name]
    if not pages.complete:
        raise ExchangeError(pages.reason)
    return ids


def _find_lost_draft(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    """After a lost answer, adopt the draft that appeared since and holds what was sent, if any."""
    if edit.before is None:
        _end_refused(edit, [{"name": "", "reason": ENDED_BEFORE}], clock())
        return
    project, wanted = cast("Project", edit.project), cast("Value", edit.wanted)
    try:
        drafts = set(_draft_ids_named(wanted["name"], project, client)) - set(edit.before["drafts"])
        claimed = Edit.objects.filter(kind=edit.kind, group__exchange_id__in=drafts)
        for ulid in sorted(drafts - set(claimed.values_list("group__exchange_id", flat=True))):
            try:
                read = client.get_whole_target_group(
                    project_id=project.exchange_id, target_group_id=ulid
                )
            except (AlreadyLaunched, NotFound):
                continue
            if not draft.differing_fields(draft.value_of(read.value), wanted) and _adopt_draft(
                edit, ulid, read, clock()
            ):
                return
    except ExchangeError as exc:
        send.leave_waiting(edit, exc, clock())
        return
    if not send.is_past_lag(edit, clock()):
        send.leave_unknown(edit, clock(), send.lasting_reasons(edit))
    else:
        why: list[send.Reason] = [*send.lasting_reasons(edit), {"name": "", "reason": NOT_CREATED}]
        _end_refused(edit, why, clock())


def _read_back_draft(edit: Edit, ulid: str, client: ExchangeClient, clock: Clock) -> None:
    """Read back the draft with this id, which the exchange gave; adopt it once it is there.

    Another form whose answer was lost may have adopted it, if it holds the same: then the other
    form's draft is still to be found.
    """
    edit.asked_id = ulid
    edit.save(update_fields=["asked_id"])
    project = cast("Project", edit.project)
    try:
        read = client.get_whole_target_group(project_id=project.exchange_id, target_group_id=ulid)
    except (NotFound, Forbidden) as exc:  # it is accepted first and shown a moment later
        if send.is_past_lag(edit, clock()):
            _end_refused(edit, send.refusal_reasons(exc, NEVER_SHOWN), clock())
        else:
            send.leave_unknown(edit, clock(), [])
        return
    except ExchangeError as exc:
        if not send.is_past_lag(edit, clock()) or exc.waiting_helps:
            send.leave_waiting(edit, exc, clock())
        else:
            _end_refused(edit, send.refusal_reasons(exc), clock())
        return
    if not _adopt_draft(edit, ulid, read, clock()):
        _find_lost_draft(edit, client, clock)


def _adopt_draft(
    edit: Edit, ulid: str, read: Whole[FetchTargetGroupResponse], now: datetime
) -> bool:
    """Store the draft as a group with this edit as its first, in one commit.

    False if another form has adopted it already.
    """
    project, wanted = cast("Project", edit.project), cast("Value", edit.wanted)
    shape, after = read.value, draft.whole_of(read)
    holds = draft.same_draft(after, wanted)
    edit.state = Edit.State.CONFIRMED if holds else Edit.State.CONFLICT
    edit.after = {name: after[name] for name in draft.FIELDS}
    edit.asked_id, edit.settled_at, edit.check_at, edit.reasons = ulid, now, None, []
    columns = {
        **draft.draft_columns(TargetGroup(details={}), after),
        **group_columns.draft_columns(shape),
        "human_readable_id": limits.fit_text(shape.human_readable_id, 16),
        "created_at": shape.created_at,
        "status": TargetGroup.Status.DRAFT,
        "changed_at": now,
    }
    try:
        with transaction.atomic():
            # Lock the project's row first, in the same order as a round that stores its groups.
            Project.objects.filter(pk=project.pk).update(version=F("version") + 1, due_at=now)
            edit.group, _ = TargetGroup.objects.get_or_create(
                account_id=project.account_id,
                exchange_id=ulid,
                defaults={"project_id": project.pk, **columns},
            )
            edit.project = None
            send.save_columns(edit, *_ENDS, "after", "group", "project")
    except IntegrityError:
        edit.group, edit.project, edit.after, edit.settled_at = None, project, None, None
        edit.asked_id = ""
        return False
    return True


def new_project(
    *,
    account: ExchangeAccount,
    wanted: Value,
    by: User,
    token: str,
    client: ExchangeClient | None = None,
    clock: Clock = timezone.now,
    wait: send.Wait | None = time.sleep,
) -> Edit:
    """Create a project. `token`: a UUID, the idempotency key. `wait`: as for `new_draft`."""
    if sent := Edit.objects.filter(token=token).first():
        return sent
    client = client or clients.client_for(account)
    kind = Edit.Kind.NEW_PROJECT
    edit = Edit(account=account, by=by, kind=kind, token=token, wanted=wanted, sent=False)
    if sent := send.claim_edit(edit, clock()):
        return sent
    with client.deadline(send.WEB_SECONDS):
        _send_project(edit, client, clock)
        for seconds in send.IN_THE_REQUEST if wait else ():
            if edit.is_settled or not edit.asked_id or wait is None:
                break
            wait(seconds)
            _send_project(edit, client, clock)
    return edit


def _send_project(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    """Request the project, the same one again after a lost answer; then read it."""
    if not edit.asked_id:
        project = ProjectInfo(**cast("Value", edit.wanted))
        before, edit.sent = edit.sent, True
        edit.save(update_fields=["sent"])
        try:
            edit.asked_id = client.create_project(project=project, idempotency_key=edit.token).id
        except ExchangeError as exc:
            is_lost = exc.outcome_unknown or (before and not isinstance(exc, Rejected))
            if is_lost and clock() - edit.started_at < send.ENDS_AFTER:
                send.leave_waiting(edit, exc, clock())
            else:
                _end_not_created(edit, exc, clock())
            return
        edit.save(update_fields=["asked_id"])
    try:
        read = client.get_project_by_id(project_id=edit.asked_id).value
    except (NotFound, Forbidden) as exc:  # it is accepted first and created a moment later
        if send.is_past_lag(edit, clock()):
            _end_refused(edit, send.refusal_reasons(exc, NEVER_SHOWN), clock())
        else:
            send.leave_unknown(edit, clock(), [])
        return
    except ExchangeError as exc:
        send.leave_waiting(edit, exc, clock())
        return
    after = {
        "name": read.name,
        "project_manager_id": read.project_manager_id,
        "project_customer_reference_number": read.project_customer_reference_number,
    }
    _adopt_project(edit, after, limits.fit_text(read.human_readable_id, 16), clock())


def _adopt_project(edit: Edit, after: Value, number: str, now: datetime) -> None:
    """Store the project with this edit as its first, and make it due."""
    wanted = cast("Value", edit.wanted)
    holds = all(after[name] == value for name, value in wanted.items())
    edit.state = Edit.State.CONFIRMED if holds else Edit.State.CONFLICT
    edit.after, edit.settled_at, edit.check_at, edit.reasons = after, now, None, []
    columns = {
        "name": limits.fit_text(after["name"]),
        "human_readable_id": number,
        "project_manager_id": after["project_manager_id"] or "",
        "reference_number": limits.fit_text(after["project_customer_reference_number"], 200),
        "status": "active",
        "created_at": now,
        "due_at": now,
    }
    with transaction.atomic():
        edit.project, _ = Project.objects.get_or_create(
            account_id=edit.account_id, exchange_id=edit.asked_id, defaults=columns
        )
        send.save_columns(edit, *_ENDS, "after", "project")


def _end_not_created(edit: Edit, exc: ExchangeError, now: datetime) -> None:
    """End an edit that was refused or never reached the exchange."""
    edit.sent = send.may_have_arrived(exc)
    _end_refused(edit, _reasons_not_created(exc), now)


def _reasons_not_created(exc: ExchangeError) -> list[send.Reason]:
    """Why nothing was created, and whether anything was sent."""
    if not send.may_have_arrived(exc):
        return send.refusal_reasons(exc, "Nothing was sent")
    return send.refusal_reasons(exc, "Nothing was created" if exc.waiting_helps else "")


def _end_refused(edit: Edit, why: list[send.Reason], now: datetime) -> None:
    edit.state, edit.reasons, edit.settled_at, edit.check_at = Edit.State.REJECTED, why, now, None
    send.save_columns(edit, *_ENDS)


def settle_due(*, clock: Clock = timezone.now, limit: int = 50) -> int:
    """Settle due creations whose outcome is open; return how many were checked."""
    now = clock()
    open_edits = Edit.objects.filter(kind__in=KINDS, state__in=Edit.OPEN, check_at__lte=now)
    checked = 0
    for edit in open_edits.select_related("project", "account").order_by("check_at")[:limit]:
        if Edit.objects.filter(pk=edit.pk, check_at=edit.check_at).update(
            check_at=now + LEASE, checks=F("checks") + 1
        ):
            edit.checks += 1
            client = clients.client_for(edit.account)
            with client.deadline(send.WEB_SECONDS):
                _settle_edit(edit, client, clock)
            checked += 1
    return checked


def _settle_edit(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    if edit.kind == Edit.Kind.NEW_PROJECT:
        _send_project(edit, client, clock)
    elif edit.asked_id:
        _read_back_draft(edit, edit.asked_id, client, clock)
    else:
        _find_lost_draft(edit, client, clock)
