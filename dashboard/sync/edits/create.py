"""Something new on the exchange, at most once for a form: a draft in a project, or a project.

The exchange takes no idempotency key for a draft. So the drafts of its name are noted before it is
sent; after a lost answer the one that came since, and holds what was sent, is it. A project has a
key, which is the form's token: after a lost answer the same request gives the same project.
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
from dashboard.sync.columns import group, limits
from dashboard.sync.connections import clients
from dashboard.sync.edits import send
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.kinds.draft import Value
from dashboard.sync.edits.merge import SENT

Clock = Callable[[], datetime]
LEASE = timedelta(seconds=60)
KINDS = (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT)
NOT_THERE = "The exchange holds no such draft: it did not take it"
ENDED_BEFORE = "Nothing was sent: this process ended before"
_ENDS = ("state", "reasons", "settled_at", "check_at", "before", "asked_id", "sent")
NEVER_SHOWN = "The exchange gave it an id and never showed it"


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
    """A new draft, sent at most once for a token; its edit tells the group once it is there.

    `wait`: how to wait for the first looks back, None for whoever leaves them to the worker.
    """
    if sent := Edit.objects.filter(token=token).first():
        return sent
    client = client or clients.client_for(project.account)
    kept = {name: wanted[name] for name in draft.FIELDS if name in wanted}
    kept[SENT] = limits.fit_json(draft.draft_request(wanted))
    edit = Edit(
        account_id=project.account_id,
        project=project,
        by=by,
        kind=Edit.Kind.NEW_DRAFT,
        token=token,
        wanted=kept,
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
    """Note what is there, send once, and read what came of it."""
    of = cast("Project", edit.project)
    try:
        edit.before = {"drafts": _drafts_called(wanted["name"], of, client)}
    except ExchangeError as exc:
        _refused(edit, send.refusal_reasons(exc, "Nothing was sent"), clock())
        return
    edit.sent = True
    edit.save(update_fields=["before", "sent"])
    try:
        ulid = client.create_target_group(
            project_id=of.exchange_id, draft=draft.draft_request(wanted)
        )
    except ExchangeError as exc:
        if exc.outcome_unknown:
            edit.reasons = send.refusal_reasons(exc)
            _look_for_draft(edit, client, clock)
        else:
            _not_made(edit, exc, clock())
        return
    _is_there(edit, ulid, client, clock)
    for seconds in send.IN_THE_REQUEST if wait else ():
        if edit.is_settled or wait is None:
            return
        wait(seconds)
        _is_there(edit, ulid, client, clock)


def _drafts_called(name: str, project: Project, client: ExchangeClient) -> list[str]:
    """The ids of the project's drafts of this name."""
    pages = iterate_pages(
        lambda cursor: client.get_list_target_groups(
            project_id=project.exchange_id, status=["draft"], start_after=cursor
        )
    )
    found = [row.id for row in pages if row.name == name]
    if not pages.complete:
        raise ExchangeError(pages.reason)
    return found


def _look_for_draft(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    """After a lost answer: the draft that came since and holds what was sent, if there is one."""
    if edit.before is None:
        _refused(edit, [{"name": "", "reason": ENDED_BEFORE}], clock())
        return
    of, wanted = cast("Project", edit.project), cast("Value", edit.wanted)
    try:
        drafts = set(_drafts_called(wanted["name"], of, client)) - set(edit.before["drafts"])
        claimed = Edit.objects.filter(kind=edit.kind, group__exchange_id__in=drafts)
        for ulid in sorted(drafts - set(claimed.values_list("group__exchange_id", flat=True))):
            try:
                told = client.get_whole_target_group(
                    project_id=of.exchange_id, target_group_id=ulid
                )
            except (AlreadyLaunched, NotFound):
                continue
            if not draft.differing_fields(draft.value_of(told.value), wanted) and _made(
                edit, ulid, told, clock()
            ):
                return
    except ExchangeError as exc:
        send.leave_unknown(edit, clock(), send.refusal_reasons(exc))
        return
    if not send.had_its_time(edit, clock()):
        send.leave_unknown(edit, clock(), edit.reasons)
    else:
        _refused(edit, [*edit.reasons, {"name": "", "reason": NOT_THERE}], clock())


def _is_there(edit: Edit, ulid: str, client: ExchangeClient, clock: Clock) -> None:
    """The exchange said its id: it is being made, and read back once it is there.

    A form whose answer was lost may have taken it for its own, if it holds the same: then that
    form's is still to be found.
    """
    edit.asked_id = ulid
    edit.save(update_fields=["asked_id"])
    of = cast("Project", edit.project)
    try:
        told = client.get_whole_target_group(project_id=of.exchange_id, target_group_id=ulid)
    except (NotFound, Forbidden) as exc:  # it is taken first, and shown a moment later
        if send.had_its_time(edit, clock()):
            _refused(edit, send.refusal_reasons(exc, NEVER_SHOWN), clock())
        else:
            send.leave_unknown(edit, clock(), [])
        return
    except ExchangeError as exc:
        if not send.had_its_time(edit, clock()) or exc.waiting_helps:
            send.leave_unknown(edit, clock(), send.refusal_reasons(exc))
        else:
            _refused(edit, send.refusal_reasons(exc), clock())
        return
    if not _made(edit, ulid, told, clock()):
        _look_for_draft(edit, client, clock)


def _made(edit: Edit, ulid: str, read: Whole[FetchTargetGroupResponse], now: datetime) -> bool:
    """The draft is there: a group of ours, and this its first change, in one commit.

    False where another form was faster to call it its own.
    """
    of, wanted = cast("Project", edit.project), cast("Value", edit.wanted)
    told, after = read.value, draft.whole_of(read)
    holds = draft.same_draft(after, wanted)
    edit.state = Edit.State.CONFIRMED if holds else Edit.State.CONFLICT
    edit.after = {name: after[name] for name in draft.FIELDS}
    edit.asked_id, edit.settled_at, edit.check_at, edit.reasons = ulid, now, None, []
    columns = {
        **draft.draft_columns(TargetGroup(details={}), after),
        **group.draft_columns(told),
        "human_readable_id": limits.fit_text(told.human_readable_id, 16),
        "created_at": told.created_at,
        "status": TargetGroup.Status.DRAFT,
        "changed_at": now,
    }
    try:
        with transaction.atomic():
            # The project's row first: a round that stores its groups holds it, so one is first.
            Project.objects.filter(pk=of.pk).update(version=F("version") + 1, due_at=now)
            edit.group, _ = TargetGroup.objects.get_or_create(
                account_id=of.account_id,
                exchange_id=ulid,
                defaults={"project_id": of.pk, **columns},
            )
            edit.project = None
            send.save_columns(edit, *_ENDS, "after", "group", "project")
    except IntegrityError:
        edit.group, edit.project, edit.after, edit.settled_at = None, of, None, None
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
    """A new project; `token` is a UUID, the idempotency key of every try. `wait` as of a draft."""
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
    """Ask for it; the same one again where an answer was lost. Then read it."""
    if not edit.asked_id:
        project = ProjectInfo(**cast("Value", edit.wanted))
        before, edit.sent = edit.sent, True
        edit.save(update_fields=["sent"])
        try:
            edit.asked_id = client.create_project(project=project, idempotency_key=edit.token).id
        except ExchangeError as exc:
            lost = exc.outcome_unknown or (before and not isinstance(exc, Rejected))
            if lost and clock() - edit.started_at < send.ENDS_AFTER:
                send.leave_unknown(edit, clock(), send.refusal_reasons(exc))
            else:
                _not_made(edit, exc, clock())
            return
        edit.save(update_fields=["asked_id"])
    try:
        told = client.get_project_by_id(project_id=edit.asked_id).value
    except (NotFound, Forbidden) as exc:  # it is taken first, and made a moment later
        if send.had_its_time(edit, clock()):
            _refused(edit, send.refusal_reasons(exc, NEVER_SHOWN), clock())
        else:
            send.leave_unknown(edit, clock(), [])
        return
    except ExchangeError as exc:
        send.leave_unknown(edit, clock(), send.refusal_reasons(exc))
        return
    after = {
        "name": told.name,
        "project_manager_id": told.project_manager_id,
        "project_customer_reference_number": told.project_customer_reference_number,
    }
    _project_made(edit, after, limits.fit_text(told.human_readable_id, 16), clock())


def _project_made(edit: Edit, after: Value, number: str, now: datetime) -> None:
    """The project is there: one of ours, due to be read, and this its first change."""
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


def _not_made(edit: Edit, exc: ExchangeError, now: datetime) -> None:
    """It was refused, or never arrived."""
    edit.sent = send.arrived(exc)
    _refused(edit, _objections(exc), now)


def _objections(exc: ExchangeError) -> list[dict[str, str]]:
    """Why it was not made; where it is to be tried again, also that nothing was."""
    if not send.arrived(exc):
        return send.refusal_reasons(exc, "Nothing was sent")
    return send.refusal_reasons(exc, "Nothing was made" if exc.waiting_helps else "")


def _refused(edit: Edit, why: list[dict[str, str]], now: datetime) -> None:
    edit.state, edit.reasons, edit.settled_at, edit.check_at = Edit.State.REJECTED, why, now, None
    send.save_columns(edit, *_ENDS)


def settle_due(*, clock: Clock = timezone.now, limit: int = 50) -> int:
    """Settle what is new and whose outcome is open; the number looked at."""
    now = clock()
    open_edits = Edit.objects.filter(kind__in=KINDS, state__in=Edit.OPEN, check_at__lte=now)
    looked = 0
    for edit in open_edits.select_related("project", "account").order_by("check_at")[:limit]:
        if Edit.objects.filter(pk=edit.pk, check_at=edit.check_at).update(
            check_at=now + LEASE, checks=F("checks") + 1
        ):
            edit.checks += 1
            client = clients.client_for(edit.account)
            with client.deadline(send.WEB_SECONDS):
                _settle(edit, client, clock)
            looked += 1
    return looked


def _settle(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    if edit.kind == Edit.Kind.NEW_PROJECT:
        _send_project(edit, client, clock)
    elif edit.asked_id:
        _is_there(edit, edit.asked_id, client, clock)
    else:
        _look_for_draft(edit, client, clock)
