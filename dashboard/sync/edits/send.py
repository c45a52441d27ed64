"""Send an edit to the exchange and settle its Edit row with before, after and outcome.

Steps: claim (one edit of a kind and group at a time), read what the exchange holds now, send once,
read back. An outcome that is not clear yet is UNKNOWN and is settled by reading, never by sending
again.

A reading may come from a copy that is behind. So:
- nothing is confirmed by a reading from before the edit was sent;
- a later reading that shows the requested value confirms it immediately, unless a copy may still
  show that value from an earlier time (`Edit.was_so`): then the changelog must show the change, or
  two readings some time apart must agree; after a lost answer, for as long as a copy may lag;
- a reading that does not show it settles nothing while a copy may lag. Only a value that was never
  held before, after the exchange accepted the change, settles it sooner: the exchange rounded it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict, cast

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    AlreadyLaunched,
    ExchangeError,
    PreconditionFailed,
    Refused,
    Rejected,
)
from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.insight import compute
from dashboard.fielding.insight.group_history import JustRead
from dashboard.fielding.models import Edit, Project, TargetGroup, User
from dashboard.sync.connections import clients
from dashboard.sync.edits import evidence, fresh, local, merge, moves
from dashboard.sync.edits.kinds.base import RemoteValue, Value
from dashboard.sync.edits.kinds.registry import EDITABLE

WEB_SECONDS = 10.0
CONFLICT = 409
NO_REASON = "Cint refused this value and gives no reason"
LATE_AT_MOST = timedelta(minutes=10)  # how old an answer of the exchange can be
MOST_OVERTAKEN = 2  # how often a request is repeated on top of another person's change
LIST_SECONDS = 3.0  # a list that a form can do without
# How long after it was sent an unsettled edit is checked: first by the request that sent it, while
# the person waits, then by a worker.
CHECK_AFTER = tuple(
    timedelta(seconds=each) for each in (1, 2, 5, 10, 20, 40, 60, 90, 120, 150, 180, 210, 240)
)
IN_THE_REQUEST = (1.0, 1.0)  # seconds between its checks
SELDOM = timedelta(minutes=2)
CLAIMED_FOR = timedelta(seconds=20)  # the request that began it has it to itself
APART = timedelta(seconds=1)  # between two readings that must agree
ROUNDED_AFTER = timedelta(seconds=15)  # less than the time between two checks
GIVE_UP_AFTER = timedelta(minutes=10)
ENDS_AFTER = timedelta(days=7)
NOT_TAKEN = "Cint still has the previous value: it did not accept the change"
ENDED_BEFORE = "Nothing was sent: Fieldwatch stopped first"
BEHIND = "Cint answers with an outdated value. Nothing was sent; try again in a few minutes"
NEVER_READ = "Cint could not be read for a week"
AGAIN = "Sent, but not accepted; you can send it again"
Clock = Callable[[], datetime]
Wait = Callable[[float], None]


class Reason(TypedDict):
    """Why the exchange refused an edit: the field it is about ("" for all) and a sentence.

    A reason with `since` is why an open edit waits: its checks have failed since then.
    """

    name: str
    reason: str
    retry_after: NotRequired[float]  # seconds, where waiting helps
    status: NotRequired[int | None]
    cause: NotRequired[str]  # the sentence without its advice, where waiting helps
    since: NotRequired[str]  # ISO 8601


class EditInProgress(Exception):
    """Another edit of the same kind and group is in progress: `other`. Nothing was sent."""

    def __init__(self, other: Edit | None = None) -> None:
        super().__init__("Another change of this setting is in progress. Try again in a moment")
        self.other = other


def read_current_value(
    *,
    group: TargetGroup,
    kind: str,
    client: ExchangeClient | None = None,
    clock: Clock = timezone.now,
) -> Value:
    """The value that the exchange (or, for local kinds, our tables) holds; raises ExchangeError.

    A reading that is behind a confirmed edit is repeated once; then the edit's value counts.
    """
    if kind in local.KINDS:
        return local.current_value(group, kind)
    client = client or clients.client_for(group.account)
    with client.deadline(WEB_SECONDS):
        value = merge.bare(_read_remote(group, kind, client, clock).value)
        if not evidence.is_behind(group, kind, value, now=clock()):
            return value
        second_reading = merge.bare(_read_remote(group, kind, client, clock).value)
    own_edit = evidence.newest_edit(group, kind, now=clock())
    behind = evidence.is_behind(group, kind, second_reading, now=clock())
    return own_edit.after if behind and own_edit else second_reading


def _read_remote(
    group: TargetGroup, kind: str, client: ExchangeClient, clock: Clock
) -> RemoteValue:
    """The value that the exchange holds, in whatever project the group is now."""
    return moves.at_its_project(
        group=group, client=client, ask=lambda ids: EDITABLE[kind].read(client, ids), clock=clock
    )


def holds_value(kind: str, held: Value, wanted: Value) -> bool:
    """Whether `held` holds all that `wanted` says."""
    return (
        local.same_local_value(held, wanted)
        if kind in local.KINDS
        else EDITABLE[kind].same(held, wanted)
    )


def merged_value(edit: Edit) -> Value:
    """The requested changes on top of the value that is held now: other people's changes stay."""
    if edit.kind in local.KINDS:
        return edit.wanted
    values = (merge.bare(value) for value in (edit.before, edit.after, edit.wanted))
    return EDITABLE[edit.kind].merge(*values).value


def industry_lockouts(*, group: TargetGroup) -> list[tuple[str, str]]:
    """Codes and names of industry lockouts, read at most every six hours; none if that fails."""
    key = f"lockouts:{group.account_id}"
    lockouts: list[tuple[str, str]] | None = cache.get(key)
    if lockouts is None:
        client = clients.client_for(group.account)
        try:
            with client.deadline(LIST_SECONDS):
                items = client.get_industry_lockouts().items
        except ExchangeError:
            return []
        lockouts = [
            (str(lockout.code), str(lockout.name or lockout.code))
            for lockout in items
            if lockout.code
        ]
        cache.set(key, lockouts, timeout=6 * 3600)
    return lockouts


def send_edit(
    *,
    group: TargetGroup,
    kind: str,
    seen: Value,
    wanted: Value,
    by: User,
    token: str,
    client: ExchangeClient | None = None,
    clock: Clock = timezone.now,
    wait: Wait | None = time.sleep,
) -> Edit:
    """Send one edit, at most once per token; the returned Edit has its outcome.

    `seen`: the value that the form showed. `wait`: how to wait for the first checks; None leaves
    them to the worker. Raises EditInProgress while another edit is unsettled.
    """
    if sent := Edit.objects.filter(token=token).first():
        return sent
    if kind in local.KINDS:
        return local.save_local_edit(
            subject=group, kind=kind, seen=seen, wanted=wanted, by=by, token=token, now=clock()
        )
    client = client or clients.client_for(group.account)
    edit = Edit(
        account_id=group.account_id,
        group=group,
        by=by,
        kind=kind,
        token=token,
        before=seen,
        wanted=wanted,
        sent=False,
    )
    if sent := claim_edit(edit, clock()):
        return sent
    with client.deadline(WEB_SECONDS):
        _carry_out(edit, client, clock, wait)
    return edit


def claim_edit(edit: Edit, now: datetime) -> Edit | None:
    """Commit the row before anything is sent. Return the earlier edit of the same token, if any.

    Raises EditInProgress.
    """
    edit.started_at, edit.check_at = now, now + CLAIMED_FOR
    try:
        with transaction.atomic():
            edit.save()
    except IntegrityError as exc:
        if sent := Edit.objects.filter(token=edit.token).first():
            return sent
        same_kind = Edit.objects.filter(group=edit.group, kind=edit.kind, state__in=Edit.OPEN)
        raise EditInProgress(same_kind.first()) from exc
    return None


def _carry_out(
    edit: Edit,
    client: ExchangeClient,
    clock: Clock,
    wait: Wait | None,
    *,
    overtaken: int = MOST_OVERTAKEN,
    refused: tuple[PreconditionFailed, RemoteValue] | None = None,
) -> None:
    """Read, compare, send once, read back.

    If someone else was faster, nothing was accepted (412), and it is sent again on top of the new
    value. If the next reading is still the `refused` one, it is stale, and the edit ends.
    """
    held = _read_before(edit, client, clock, wait)
    if held is None:
        return
    if refused and _is_same_reading(edit, held, refused[1]):
        _end_overtaken(edit, client, clock, refused[0])
        return
    if not _prepare(edit, held, clock()):
        return
    if not _mark_sent(edit):
        edit.refresh_from_db()
        return
    try:
        is_out = _send_once(edit, client, held, clock, overtaken=overtaken)
    except PreconditionFailed as exc:
        _carry_out(edit, client, clock, wait, overtaken=overtaken - 1, refused=(exc, held))
        return
    if is_out:
        _look_back(edit, client, clock, wait)


def _is_same_reading(edit: Edit, held: RemoteValue, refused: RemoteValue) -> bool:
    """Whether a reading after a refusal equals the refused one, so that it is stale."""
    return held.etag == refused.etag and EDITABLE[edit.kind].same(held.value, refused.value)


def _read_before(
    edit: Edit, client: ExchangeClient, clock: Clock, wait: Wait | None
) -> RemoteValue | None:
    """The value held before sending; None if it cannot be read, and the edit has ended."""
    why = _reasons_from(BEHIND)
    try:
        if held := _read_up_to_date(edit, client, clock, wait):
            return held
    except ExchangeError as exc:
        why = refusal_reasons(exc, "Nothing was sent")
    _settle_edit(edit, Edit.State.REJECTED, reasons=why, now=clock())
    return None


def _read_up_to_date(
    edit: Edit, client: ExchangeClient, clock: Clock, wait: Wait | None
) -> RemoteValue | None:
    """A reading that is not stale; None if there is none.

    One that shows the requested value is returned in any case: sending it changes nothing.
    """
    editable = EDITABLE[edit.kind]
    for seconds in (*(IN_THE_REQUEST if wait else ()), 0.0):
        held = _read_held(edit, client, clock)
        already = editable.same(held.value, edit.wanted) and not editable.same(
            edit.before, edit.wanted
        )
        if already or not _is_behind(edit, held.value, clock()):
            return held
        if wait and seconds:
            wait(seconds)
    return None


def _prepare(edit: Edit, held: RemoteValue, now: datetime) -> bool:
    """Rebase the edit on what is held now, so that untouched members are sent as they are held.

    False if it has ended: nothing to change, or a conflict. If the exchange seems to hold the
    requested value and did not when the form was shown, it is sent all the same: the reading may be
    stale, and sending the value that is held changes nothing.
    """
    editable = EDITABLE[edit.kind]
    as_seen, already = (
        editable.same(held.value, edit.before),
        editable.same(held.value, edit.wanted),
    )
    if as_seen and already:
        _settle_edit(edit, Edit.State.CONFIRMED, after=held.value, now=now)
        return False
    if not already:
        held_value = _with_own_edits(edit, held, now)
        ready = editable.rebased(edit.before, held_value, held, edit.wanted)
        if ready.clashes:
            _settle_edit(edit, Edit.State.CONFLICT, after=held.value, now=now)
            return False
        edit.before, edit.wanted = ready.before, ready.wanted
        save_columns(edit, "before", "wanted")
        already = editable.same(held_value, edit.wanted)
    edit.was_so = already or evidence.was_held_recently(edit, edit.wanted, now=now)
    return True


def _send_once(
    edit: Edit, client: ExchangeClient, held: RemoteValue, clock: Clock, *, overtaken: int
) -> bool:
    """Send it once; False if the exchange refused it, so that it has ended.

    PreconditionFailed if nothing was accepted and it may be sent again, `overtaken` times.
    """
    try:
        moves.at_its_project(
            group=_group_of(edit),
            client=client,
            ask=lambda ids: EDITABLE[edit.kind].write(client, ids, edit.wanted, held),
            clock=clock,
        )
    except ExchangeError as exc:
        if isinstance(exc, PreconditionFailed) and overtaken:
            raise
        if isinstance(exc, PreconditionFailed) or exc.status == CONFLICT:
            _end_overtaken(edit, client, clock, exc)
            return False
        if not exc.outcome_unknown:
            _end_refused(edit, exc, clock())
            return False
        edit.reasons = refusal_reasons(exc)
    else:
        edit.taken = True
    save_columns(edit, "taken", "reasons")
    return True


def _look_back(edit: Edit, client: ExchangeClient, clock: Clock, wait: Wait | None) -> None:
    """Read it back, repeatedly while the person waits; the worker goes on from there."""
    _read_back(edit, client, clock)
    for seconds in IN_THE_REQUEST if wait else ():
        if edit.is_settled or wait is None:
            return
        wait(seconds)
        _read_back(edit, client, clock)


def _is_behind(edit: Edit, held_value: Value, now: datetime) -> bool:
    """Whether a reading is stale, so that it shows nobody's change."""
    if not evidence.is_behind(_group_of(edit), edit.kind, held_value, now=now):
        return False
    as_seen = EDITABLE[edit.kind].same(held_value, edit.before)
    return as_seen or evidence.was_held_recently(edit, held_value, now=now)


def _mark_sent(edit: Edit) -> bool:
    """Commit that it is sent, just before sending; False if it has ended in the meantime."""
    edit.sent = True
    return save_columns(edit, "sent", "was_so")


def _end_refused(edit: Edit, exc: ExchangeError, now: datetime) -> None:
    """End an edit that the exchange refused, or that never reached it."""
    edit.sent = may_have_arrived(exc)
    save_columns(edit, "sent")
    also = "Nothing was changed" if exc.waiting_helps else ""
    if not edit.sent:
        also = "Nothing was sent"
    _settle_edit(edit, Edit.State.REJECTED, reasons=refusal_reasons(exc, also), now=now)


def may_have_arrived(exc: ExchangeError) -> bool:
    """Whether a request that ended with this error reached the exchange, or may have."""
    return exc.outcome_unknown or exc.status is not None or isinstance(exc, Rejected)


def _reasons_from(sentence: str) -> list[Reason]:
    return [{"name": "", "reason": sentence}]


def _read_held(edit: Edit, client: ExchangeClient, clock: Clock) -> RemoteValue:
    """The value that the exchange holds of the edited setting."""
    return _read_remote(_group_of(edit), edit.kind, client, clock)


def _with_own_edits(edit: Edit, held: RemoteValue, now: datetime) -> Value:
    """The held value with our own confirmed changes that a stale reading does not show yet.

    Without them one person's change of a field would undo another person's change of another.
    """
    recent = Edit.objects.filter(
        group=edit.group_id,
        kind=edit.kind,
        state=Edit.State.CONFIRMED,
        settled_at__gt=now - LATE_AT_MOST,
    )
    changes = [
        (merge.bare(confirmed.before), merge.bare(confirmed.wanted))
        for confirmed in recent.exclude(kind=Edit.Kind.GOALS).order_by("pk")  # one after another
    ]
    return merge.rolled_forward(merge.bare(held.value), changes, merge.bare(edit.before))


def _end_overtaken(edit: Edit, client: ExchangeClient, clock: Clock, why: ExchangeError) -> None:
    """End an edit that was refused because someone changed the value after our reading."""
    editable = EDITABLE[edit.kind]
    edit.taken = False
    save_columns(edit, "taken")
    try:
        held_value = _read_held(edit, client, clock).value
    except ExchangeError as exc:
        _settle_edit(edit, Edit.State.REJECTED, reasons=refusal_reasons(exc, AGAIN), now=clock())
        return
    if editable.same(held_value, edit.wanted) and not edit.was_so:
        _settle_edit(edit, Edit.State.CONFIRMED, after=held_value, now=clock())
    elif editable.same(held_value, edit.before) or editable.same(held_value, edit.wanted):
        _settle_edit(edit, Edit.State.REJECTED, reasons=refusal_reasons(why, AGAIN), now=clock())
    else:
        _settle_edit(
            edit, Edit.State.CONFLICT, after=held_value, reasons=refusal_reasons(why), now=clock()
        )


def _read_back(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    editable = EDITABLE[edit.kind]
    try:
        held_value = _read_held(edit, client, clock).value
    except AlreadyLaunched as exc:
        why = refusal_reasons(exc, "Check in its settings whether this change was applied first")
        _settle_edit(edit, Edit.State.REJECTED, reasons=why, now=clock())
        return
    except ExchangeError as exc:
        _retry_reading(edit, exc, clock())
        return
    now = clock()
    if edit.after_since is None or not editable.same(held_value, edit.after):
        edit.after_since = now
    edit.after, lasted = held_value, now - edit.after_since
    over = is_past_lag(edit, now)
    wanted = edit.wanted
    if edit.taken:  # other amounts of the request may be held rounded: that is nobody's change
        wanted = merge.as_rounded(edit.wanted, before=edit.before, held=held_value)
    if editable.same(held_value, wanted):
        if _proves_it(edit, client, lasted):
            _settle_edit(edit, Edit.State.CONFIRMED, after=held_value, now=now)
        else:
            leave_unknown(edit, now, lasting_reasons(edit))
    elif over or _is_rounded(edit, held_value, lasted, now):
        _end_with_other_value(edit, client, held_value, now)
    else:
        leave_unknown(edit, now, lasting_reasons(edit))


def _proves_it(edit: Edit, client: ExchangeClient, lasted: timedelta) -> bool:
    """Whether a reading of the requested value proves the edit: an older value may equal it."""
    if not edit.was_so or evidence.changelog_confirms(edit, client):
        return True
    return lasted >= (APART if edit.taken else fresh.LONGEST_LAG)


def _is_rounded(edit: Edit, held_value: Value, lasted: timedelta, now: datetime) -> bool:
    """Whether an accepted change is held with another value for good: the exchange rounded it.

    False while the outcome is unknown: our value may still appear.
    """
    if (
        not edit.taken
        or lasted < ROUNDED_AFTER
        or EDITABLE[edit.kind].same(held_value, edit.before)
    ):
        return False
    return not evidence.was_held_recently(edit, held_value, now=now)


def _end_with_other_value(
    edit: Edit, client: ExchangeClient, held_value: Value, now: datetime
) -> None:
    """End an edit whose value is not held: not accepted, or accepted and changed again since."""
    if evidence.changelog_confirms(edit, client):
        _settle_edit(edit, Edit.State.CONFIRMED, after=edit.wanted, now=now, shown=held_value)
    elif EDITABLE[edit.kind].same(held_value, edit.before):
        reasons = [*lasting_reasons(edit), *_reasons_from(NOT_TAKEN)]
        _settle_edit(edit, Edit.State.REJECTED, after=held_value, reasons=reasons, now=now)
    else:
        _settle_edit(edit, Edit.State.CONFLICT, after=held_value, now=now)


def _retry_reading(edit: Edit, exc: ExchangeError, now: datetime) -> None:
    """Check again later; give up after a week without a reading."""
    if now - edit.started_at < ENDS_AFTER:
        leave_waiting(edit, exc, now)
        return
    edit.state, edit.settled_at, edit.check_at = Edit.State.GIVEN_UP, now, None
    edit.reasons = [*refusal_reasons(exc), *_reasons_from(NEVER_READ)]
    save_columns(edit, "state", "settled_at", "check_at", "reasons")


def is_past_lag(edit: Edit, now: datetime) -> bool:
    """Whether it was sent so long ago that no copy can lag behind it."""
    return now - edit.started_at >= fresh.LONGEST_LAG


def leave_unknown(edit: Edit, now: datetime, why: list[Reason]) -> None:
    """Leave the outcome open; the worker checks again, whatever becomes of this process."""
    edit.state = Edit.State.UNKNOWN
    edit.reasons = why
    edit.check_at = next_check_at(edit, now)
    save_columns(edit, "state", "reasons", "check_at", "after", "after_since")


def leave_waiting(edit: Edit, exc: ExchangeError, now: datetime) -> None:
    """Leave the outcome open after a check that failed."""
    leave_unknown(edit, now, reasons_to_wait(edit, exc, now))


def reasons_to_wait(edit: Edit, exc: ExchangeError, now: datetime) -> list[Reason]:
    """The reasons of an open edit after a check that failed: why, and since when checks fail."""
    since = (waiting_since(edit) or now).isoformat()
    reasons = lasting_reasons(edit)
    failures = refusal_reasons(exc) if isinstance(exc, Refused) else _reasons_from(str(exc))
    for failure in failures:
        failure["since"] = since
    return reasons + failures


def lasting_reasons(edit: Edit) -> list[Reason]:
    """The reasons of an edit without those of checks that failed: a check got through since."""
    reasons: list[Reason] = edit.reasons
    return [reason for reason in reasons if "since" not in reason]


def waiting_since(edit: Edit) -> datetime | None:
    """Since when the checks of an open edit fail; None if the last one got through."""
    times = [str(reason["since"]) for reason in edit.reasons if "since" in reason]
    return min(map(datetime.fromisoformat, times), default=None)


def next_check_at(edit: Edit, now: datetime) -> datetime:
    """When to check an open edit next: soon after it was sent, then less and less often."""
    elapsed = now - edit.started_at
    soon = next((each for each in CHECK_AFTER if each > elapsed), None)
    return edit.started_at + soon if soon else now + max(SELDOM, elapsed / 20)


def save_columns(edit: Edit, *names: str) -> bool:
    """Store these columns; False if the edit has ended in the meantime: a person closed it."""
    values = {name: getattr(edit, name) for name in names}
    return bool(Edit.objects.filter(pk=edit.pk, state__in=Edit.OPEN).update(**values))


def may_be_given_up(edit: Edit, now: datetime) -> bool:
    """Whether a person may close this open edit: it could not be settled for ten minutes."""
    return not edit.is_settled and edit.started_at <= now - GIVE_UP_AFTER


def give_up(*, edit: Edit, by: User, now: datetime) -> bool:
    """Close an open edit with its outcome unknown, for a person who checked it; False if early."""
    if not may_be_given_up(edit, now):
        return False
    edit.state, edit.given_up_by = Edit.State.GIVEN_UP, by
    edit.settled_at, edit.check_at = now, None
    projects = Project.objects.filter(Q(edits=edit) | Q(target_groups__edits=edit))
    with transaction.atomic():
        Project.objects.filter(pk__in=projects).update(version=F("version") + 1, due_at=now)
        return save_columns(edit, "state", "given_up_by", "settled_at", "check_at")


def _settle_edit(
    edit: Edit,
    state: Edit.State,
    *,
    now: datetime,
    after: Value = None,
    reasons: list[Reason] | None = None,
    shown: Value = None,
) -> None:
    """Store the outcome, and the value that the exchange holds in our tables, in one commit.

    `shown`: the value that is held now, if it is not `after`.
    """
    edit.state, edit.after, edit.settled_at, edit.check_at = state, after, now, None
    edit.reasons = reasons or []
    group, held = _group_of(edit), after if shown is None else shown
    with transaction.atomic():
        # Lock the project's row first, in the same order as a round that stores its groups.
        Project.objects.filter(pk=group.project_id).update(version=F("version") + 1, due_at=now)
        ended = save_columns(
            edit, "state", "after", "after_since", "settled_at", "check_at", "reasons"
        )
        if held is not None and ended:
            _store_value(group, edit, held, now)
        if state == Edit.State.CONFIRMED:
            others = Edit.objects.filter(group=group, state=Edit.State.UNKNOWN, check_at__gt=now)
            others.update(check_at=now)


def _store_value(group: TargetGroup, edit: Edit, held: Value, now: datetime) -> None:
    """Store the value that is held now; unless confirmed, only what no fact contradicts."""
    columns = EDITABLE[edit.kind].columns(group, held)
    if edit.state != Edit.State.CONFIRMED:
        facts = fresh.facts_of_group(group, now=now)
        columns = fresh.drop_contradicted(columns, facts, at=now).columns
    TargetGroup.objects.filter(pk=group.pk).update(**columns, changed_at=now)
    if not set(compute.DECISIVE).isdisjoint(columns):
        _renew_insight(group.pk, now)
    refresh_project_outlook(group.project_id, now=now)


def _renew_insight(pk: int, now: datetime) -> None:
    """Work out what follows from a new price, goal or end date: to the next round it is no news."""
    group = TargetGroup.objects.select_related("account", "project").get(pk=pk)
    compute.refresh_insights([group], fresh=JustRead(), now=now)
    group.save(update_fields=["insight", "short_at_end", "finish_at"])


def _group_of(edit: Edit) -> TargetGroup:
    """The group of an edit that is sent to the exchange; only local edits have none."""
    return cast("TargetGroup", edit.group)


def refusal_reasons(exc: ExchangeError, also: str = "") -> list[Reason]:
    """The exchange's reasons, field by field if it gives them, else one sentence.

    If a field comes without a reason, the sentence about all of them is included. `also`: a
    sentence to add.
    """
    if isinstance(exc, Refused) and exc.invalid_params:
        by_field: list[Reason] = [
            {"name": param.name, "reason": param.reason or NO_REASON}
            for param in exc.invalid_params
        ]
        words = exc.detail or exc.title
        lacks_reason = any(not param.reason for param in exc.invalid_params)
        return [{"name": "", "reason": words}, *by_field] if words and lacks_reason else by_field
    if exc.retry_after and not exc.outcome_unknown:
        when = f"can be sent again in {exc.retry_after:.0f} s"
        also = f"{also}; it {when}" if also else f"It {when}"
    sentence = f"{str(exc).rstrip('.')}. {also}." if also else str(exc)
    reason: Reason = {"name": "", "reason": sentence}
    if exc.retry_after and not exc.outcome_unknown:
        reason["retry_after"], reason["status"] = exc.retry_after, exc.status
        reason["cause"] = str(exc)
    return [reason]


def settle_due(*, clock: Clock = timezone.now, limit: int = 50) -> int:
    """Settle due edits whose outcome is open, by reading; return how many were checked."""
    now = clock()
    open_edits = Edit.objects.filter(
        state__in=Edit.OPEN, check_at__lte=now, kind__in=EDITABLE
    ).select_related("group__project", "account")
    checked = 0
    for edit in open_edits.order_by("check_at")[:limit]:
        lease = now + timedelta(seconds=60)
        claimed = Edit.objects.filter(pk=edit.pk, check_at=edit.check_at).update(
            check_at=lease, checks=F("checks") + 1
        )
        if claimed:
            edit.checks += 1
            _check_edit(edit, clock)
            checked += 1
    return checked


def _check_edit(edit: Edit, clock: Clock) -> None:
    """Settle one edit by reading; one that was never sent has ended."""
    if edit.state == Edit.State.SENDING and edit.sent is False:
        _settle_edit(edit, Edit.State.REJECTED, reasons=_reasons_from(ENDED_BEFORE), now=clock())
        return
    client = clients.client_for(edit.account)
    with client.deadline(WEB_SECONDS):
        _read_back(edit, client, clock)


def check_times_until(until: datetime) -> list[datetime]:
    """The times until `until` at which open edits are due for a check, each once."""
    waiting = Edit.objects.filter(state__in=Edit.OPEN, check_at__lte=until)
    return sorted({edit.check_at for edit in waiting.only("check_at") if edit.check_at})
