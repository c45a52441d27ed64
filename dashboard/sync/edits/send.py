"""An edit → the exchange → an Edit row with before, after and outcome.

The way: claim (one edit of a kind and group at a time) → read what the exchange holds now → send
once → read back. What cannot be told at once is UNKNOWN, and is settled by reading: never by
sending again.

A reading may come from a copy that is behind. So:
- nothing is confirmed by what was read before it was sent;
- a reading after it that shows what was wanted confirms it at once, unless that value may be an
  older one that a copy still shows (`Edit.was_so`): then the changelog must tell of the change, or
  two readings apart must agree; after a lost answer, for as long as a copy may be behind;
- a reading that does not show it ends nothing before a copy can no longer be behind. Only another
  value than any from before, held where the exchange took the change, ends it sooner: it rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

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
from dashboard.fielding.models import Edit, Project, TargetGroup, User
from dashboard.sync.connections import clients
from dashboard.sync.edits import evidence, fresh, local, merge, moves
from dashboard.sync.edits.kinds.base import RemoteValue, Value
from dashboard.sync.edits.kinds.registry import EDITABLE

WEB_SECONDS = 10.0
CONFLICT = 409
NO_REASON = "The exchange does not take this value and gives no reason"
LATE_AT_MOST = timedelta(minutes=10)  # how old an answer of the exchange can be
MOST_OVERTAKEN = 2  # times that a request is made again over what somebody else changed
LIST_SECONDS = 3.0  # a list that a form can do without
# An unsettled edit is looked at so long after it was sent: by the request that sent it while its
# person waits, then by a worker.
CHECK_AFTER = tuple(
    timedelta(seconds=each) for each in (1, 2, 5, 10, 20, 40, 60, 90, 120, 150, 180, 210, 240)
)
IN_THE_REQUEST = (1.0, 1.0)  # seconds between its looks
SELDOM = timedelta(minutes=2)
CLAIMED_FOR = timedelta(seconds=20)  # whoever began it has it for himself
APART = timedelta(seconds=1)  # two readings that are to agree
ROUNDED_AFTER = timedelta(seconds=15)  # less than two looks are apart
GIVE_UP_AFTER = timedelta(minutes=10)
ENDS_AFTER = timedelta(days=7)
NOT_TAKEN = "The exchange still holds the value from before: it did not take the change"
ENDED_BEFORE = "Nothing was sent: this process ended before"
BEHIND = (
    "The exchange answers with an older value than it had already. Nothing was sent; try again in "
    "a few minutes"
)
NEVER_READ = "The exchange could not be asked about it for a week"
AGAIN = "Sent, and not taken; you can send it again"
Clock = Callable[[], datetime]
Wait = Callable[[float], None]


class EditInProgress(Exception):
    """Another edit of the same kind and group is on its way: this one; nothing was sent."""

    def __init__(self, other: Edit | None = None) -> None:
        super().__init__("Another change of this setting is on its way; look again in a moment")
        self.other = other


def read_current_value(
    *,
    group: TargetGroup,
    kind: str,
    client: ExchangeClient | None = None,
    clock: Clock = timezone.now,
) -> Value:
    """What the exchange holds now, or we of what is ours; raises ExchangeError.

    An answer that is behind a confirmed edit is asked for once more, then that edit counts.
    """
    if kind in local.KINDS:
        return local.current_value(group, kind)
    client = client or clients.client_for(group.account)
    with client.deadline(WEB_SECONDS):
        value = merge.bare(_read_remote(group, kind, client, clock).value)
        if not evidence.is_behind(group, kind, value, now=clock()):
            return value
        again = merge.bare(_read_remote(group, kind, client, clock).value)
    ours_of_it = evidence.newest_edit(group, kind, now=clock())
    behind = evidence.is_behind(group, kind, again, now=clock())
    return ours_of_it.after if behind and ours_of_it else again


def _read_remote(
    group: TargetGroup, kind: str, client: ExchangeClient, clock: Clock
) -> RemoteValue:
    """What the exchange says that it holds, under whatever project the group is now."""
    return moves.at_its_project(
        group=group, client=client, ask=lambda ids: EDITABLE[kind].read(client, ids), clock=clock
    )


def holds_value(kind: str, held: Value, wanted: Value) -> bool:
    """Whether the first value of a kind holds all that the second says."""
    return (
        local.same_local_value(held, wanted)
        if kind in local.KINDS
        else EDITABLE[kind].same(held, wanted)
    )


def joined(edit: Edit) -> Value:
    """What was wanted, over what is held instead of what was shown: what only somebody else
    changed is theirs.
    """
    if edit.kind in local.KINDS:
        return edit.wanted
    values = (merge.bare(value) for value in (edit.before, edit.after, edit.wanted))
    return EDITABLE[edit.kind].merge(*values).value


def industry_lockouts(*, group: TargetGroup) -> list[tuple[str, str]]:
    """The industry lockouts by code, asked at most every six hours; none if that fails."""
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
    """Send one edit, at most once for a token; the Edit row says how it ended.

    `seen` is what the form showed; `wait`: how to wait for the first looks back, None for whoever
    leaves them to the worker. Raises Busy where another edit is unsettled.
    """
    if sent := Edit.objects.filter(token=token).first():
        return sent
    if kind in local.KINDS:
        return local.save_local_edit(
            of=group, kind=kind, seen=seen, wanted=wanted, by=by, token=token, now=clock()
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
    """Commit the row before anything is sent; where its form was sent already, that edit."""
    edit.started_at, edit.check_at = now, now + CLAIMED_FOR
    try:
        with transaction.atomic():
            edit.save()
    except IntegrityError as exc:
        if sent := Edit.objects.filter(token=edit.token).first():
            return sent
        of_same = Edit.objects.filter(group=edit.group, kind=edit.kind, state__in=Edit.OPEN)
        raise EditInProgress(of_same.first()) from exc
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

    Where somebody else was faster nothing was taken (412): over what is held then, once more. A
    reading that is still the one which was `refused` is behind, and it ends there.
    """
    held = _read_before(edit, client, clock, wait)
    if held is None:
        return
    if refused and _is_same_reading(edit, held, refused[1]):
        _overtaken(edit, client, clock, refused[0])
        return
    if not _is_to_be_sent(edit, held, clock()):
        return
    if not _goes_out(edit):
        edit.refresh_from_db()
        return
    try:
        is_out = _send(edit, client, held, clock, overtaken=overtaken)
    except PreconditionFailed as exc:
        _carry_out(edit, client, clock, wait, overtaken=overtaken - 1, refused=(exc, held))
        return
    if is_out:
        _look_back(edit, client, clock, wait)


def _is_same_reading(edit: Edit, held: RemoteValue, refused: RemoteValue) -> bool:
    """Whether a reading after a refusal is the one that was refused: it is behind."""
    return held.etag == refused.etag and EDITABLE[edit.kind].same(held.value, refused.value)


def _read_before(
    edit: Edit, client: ExchangeClient, clock: Clock, wait: Wait | None
) -> RemoteValue | None:
    """What is held before it is sent; None where that cannot be told, and so the edit has ended."""
    why = _reason(BEHIND)
    try:
        if held := _up_to_date(edit, client, clock, wait):
            return held
    except ExchangeError as exc:
        why = refusal_reasons(exc, "Nothing was sent")
    _settle(edit, Edit.State.REJECTED, reasons=why, now=clock())
    return None


def _up_to_date(
    edit: Edit, client: ExchangeClient, clock: Clock, wait: Wait | None
) -> RemoteValue | None:
    """A reading that is not behind what is known; None where there is none.

    One that shows what is wanted may be behind: it is sent even so.
    """
    editable = EDITABLE[edit.kind]
    for seconds in (*(IN_THE_REQUEST if wait else ()), 0.0):
        held = _read(edit, client, clock)
        already = editable.same(held.value, edit.wanted) and not editable.same(
            edit.before, edit.wanted
        )
        if already or not _is_behind(edit, held.value, clock()):
            return held
        if wait and seconds:
            wait(seconds)
    return None


def _is_to_be_sent(edit: Edit, held: RemoteValue, now: datetime) -> bool:
    """Put the edit over what is held now: what nobody touched is sent as it is held.

    False where it has ended: nothing is to be changed, or both changed the same. Where the exchange
    seems to hold what is wanted, and did not when the form was shown, it is sent all the same: the
    reading may be behind, and sending what is held changes nothing.
    """
    editable = EDITABLE[edit.kind]
    as_seen, already = (
        editable.same(held.value, edit.before),
        editable.same(held.value, edit.wanted),
    )
    if as_seen and already:
        _settle(edit, Edit.State.CONFIRMED, after=held.value, now=now)
        return False
    if not already:
        theirs = _caught_up(edit, held, now)
        ready = editable.rebased(edit.before, theirs, held, edit.wanted)
        if ready.clashes:
            _settle(edit, Edit.State.CONFLICT, after=held.value, now=now)
            return False
        edit.before, edit.wanted = ready.before, ready.wanted
        save_columns(edit, "before", "wanted")
        already = editable.same(theirs, edit.wanted)
    edit.was_so = already or evidence.was_lately(edit, edit.wanted, now=now)
    return True


def _send(
    edit: Edit, client: ExchangeClient, held: RemoteValue, clock: Clock, *, overtaken: int
) -> bool:
    """Send it once; False where the exchange said no, so that it has ended.

    PreconditionFailed where nothing was taken and it may be sent again, `overtaken` times.
    """
    try:
        moves.at_its_project(
            group=_group(edit),
            client=client,
            ask=lambda ids: EDITABLE[edit.kind].write(client, ids, edit.wanted, held),
            clock=clock,
        )
    except ExchangeError as exc:
        if isinstance(exc, PreconditionFailed) and overtaken:
            raise
        if isinstance(exc, PreconditionFailed) or exc.status == CONFLICT:
            _overtaken(edit, client, clock, exc)
            return False
        if not exc.outcome_unknown:
            _not_taken(edit, exc, clock())
            return False
        edit.reasons = refusal_reasons(exc)
    else:
        edit.taken = True
    save_columns(edit, "taken", "reasons")
    return True


def _look_back(edit: Edit, client: ExchangeClient, clock: Clock, wait: Wait | None) -> None:
    """Read it back, and again while its person waits; the worker goes on."""
    _read_back(edit, client, clock)
    for seconds in IN_THE_REQUEST if wait else ():
        if edit.is_settled or wait is None:
            return
        wait(seconds)
        _read_back(edit, client, clock)


def _is_behind(edit: Edit, theirs: Value, now: datetime) -> bool:
    """Whether a reading is older than what is known, so that it shows nobody's change."""
    if not evidence.is_behind(_group(edit), edit.kind, theirs, now=now):
        return False
    as_seen = EDITABLE[edit.kind].same(theirs, edit.before)
    return as_seen or evidence.was_lately(edit, theirs, now=now)


def _goes_out(edit: Edit) -> bool:
    """Commit that it is sent, just before; False where it has ended meanwhile."""
    edit.sent = True
    return save_columns(edit, "sent", "was_so")


def _not_taken(edit: Edit, exc: ExchangeError, now: datetime) -> None:
    """It was refused, or never arrived: then nothing was sent, and nobody refused it."""
    edit.sent = arrived(exc)
    save_columns(edit, "sent")
    also = "Nothing was changed" if exc.waiting_helps else ""
    if not edit.sent:
        also = "Nothing was sent"
    _settle(edit, Edit.State.REJECTED, reasons=refusal_reasons(exc, also), now=now)


def arrived(exc: ExchangeError) -> bool:
    """Whether a request that ended so reached the exchange, or may have."""
    return exc.outcome_unknown or exc.status is not None or isinstance(exc, Rejected)


def _reason(sentence: str) -> list[dict[str, str]]:
    return [{"name": "", "reason": sentence}]


def _read(edit: Edit, client: ExchangeClient, clock: Clock) -> RemoteValue:
    """What the exchange says that it holds of what an edit changes."""
    return _read_remote(_group(edit), edit.kind, client, clock)


def _caught_up(edit: Edit, held: RemoteValue, now: datetime) -> Value:
    """What is held, with our own confirmed changes that a late answer does not show yet.

    Else one person's change of a field would take back another's of another field.
    """
    theirs, shown = merge.bare(held.value), merge.bare(edit.before)
    recent = Edit.objects.filter(
        group=edit.group_id,
        kind=edit.kind,
        state=Edit.State.CONFIRMED,
        settled_at__gt=now - LATE_AT_MOST,
    )
    for confirmed in recent.exclude(kind=Edit.Kind.GOALS).order_by("settled_at"):
        old, new = merge.bare(confirmed.before), merge.bare(confirmed.wanted)
        theirs = merge.rolled_forward(theirs, old, new, shown)
    return theirs


def _overtaken(edit: Edit, client: ExchangeClient, clock: Clock, why: ExchangeError) -> None:
    """It was sent and refused: somebody changed it between our reading and our sending."""
    editable = EDITABLE[edit.kind]
    edit.taken = False
    save_columns(edit, "taken")
    try:
        theirs = _read(edit, client, clock).value
    except ExchangeError as exc:
        _settle(edit, Edit.State.REJECTED, reasons=refusal_reasons(exc, AGAIN), now=clock())
        return
    if editable.same(theirs, edit.wanted) and not edit.was_so:
        _settle(edit, Edit.State.CONFIRMED, after=theirs, now=clock())
    elif editable.same(theirs, edit.before) or editable.same(theirs, edit.wanted):
        _settle(edit, Edit.State.REJECTED, reasons=refusal_reasons(why, AGAIN), now=clock())
    else:
        _settle(edit, Edit.State.CONFLICT, after=theirs, reasons=refusal_reasons(why), now=clock())


def _read_back(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    editable = EDITABLE[edit.kind]
    try:
        theirs = _read(edit, client, clock).value
    except AlreadyLaunched as exc:
        why = refusal_reasons(exc, "Its settings show whether this change came before")
        _settle(edit, Edit.State.REJECTED, reasons=why, now=clock())
        return
    except ExchangeError as exc:
        _not_read(edit, exc, clock())
        return
    now = clock()
    if edit.after_since is None or not editable.same(theirs, edit.after):
        edit.after_since = now
    edit.after, lasted = theirs, now - edit.after_since
    over = had_its_time(edit, now)
    wanted = edit.wanted
    if edit.taken:  # an amount that went along may be held rounded: that is nobody's change
        wanted = merge.as_rounded(edit.wanted, before=edit.before, held=theirs)
    if editable.same(theirs, wanted):
        if _is_proof(edit, client, lasted):
            _settle(edit, Edit.State.CONFIRMED, after=theirs, now=now)
        else:
            leave_unknown(edit, now, edit.reasons)
    elif over or _is_rounded(edit, theirs, lasted, now):
        _ends_otherwise(edit, client, theirs, now)
    else:
        leave_unknown(edit, now, edit.reasons)


def _is_proof(edit: Edit, client: ExchangeClient, lasted: timedelta) -> bool:
    """Whether reading what was wanted shows that it was taken: an older value may be the same."""
    if not edit.was_so or evidence.tells_of(edit, client):
        return True
    return lasted >= (APART if edit.taken else fresh.LONGEST_LAG)


def _is_rounded(edit: Edit, theirs: Value, lasted: timedelta, now: datetime) -> bool:
    """Whether what was taken is held otherwise for good, and not as it was before.

    The exchange rounds, too. Where the outcome is unknown ours may still come.
    """
    if not edit.taken or lasted < ROUNDED_AFTER or EDITABLE[edit.kind].same(theirs, edit.before):
        return False
    return not evidence.was_lately(edit, theirs, now=now)


def _ends_otherwise(edit: Edit, client: ExchangeClient, theirs: Value, now: datetime) -> None:
    """Something else is held for good: it was not taken, or taken and changed again since."""
    if evidence.tells_of(edit, client):
        _settle(edit, Edit.State.CONFIRMED, after=edit.wanted, now=now, shown=theirs)
    elif EDITABLE[edit.kind].same(theirs, edit.before):
        reasons = [*edit.reasons, *_reason(NOT_TAKEN)]
        _settle(edit, Edit.State.REJECTED, after=theirs, reasons=reasons, now=now)
    else:
        _settle(edit, Edit.State.CONFLICT, after=theirs, now=now)


def _not_read(edit: Edit, exc: ExchangeError, now: datetime) -> None:
    """Look again later; what could not be read for a week will not be read any more."""
    if now - edit.started_at < ENDS_AFTER:
        leave_unknown(edit, now, refusal_reasons(exc))
        return
    edit.state, edit.settled_at, edit.check_at = Edit.State.GIVEN_UP, now, None
    edit.reasons = [*refusal_reasons(exc), *_reason(NEVER_READ)]
    save_columns(edit, "state", "settled_at", "check_at", "reasons")


def had_its_time(edit: Edit, now: datetime) -> bool:
    """Whether no reading can be behind it any more."""
    return now - edit.started_at >= fresh.LONGEST_LAG


def leave_unknown(edit: Edit, now: datetime, why: list[dict[str, str]]) -> None:
    """Look again later; the worker does, whatever becomes of this process."""
    edit.state = Edit.State.UNKNOWN
    edit.reasons = why
    edit.check_at = next_look(edit, now)
    save_columns(edit, "state", "reasons", "check_at", "after", "after_since")


def next_look(edit: Edit, now: datetime) -> datetime:
    """Soon after it was sent, then ever rarer."""
    elapsed = now - edit.started_at
    soon = next((each for each in CHECK_AFTER if each > elapsed), None)
    return edit.started_at + soon if soon else now + max(SELDOM, elapsed / 20)


def save_columns(edit: Edit, *names: str) -> bool:
    """Store these columns; False where it has ended meanwhile: a person gave it up."""
    values = {name: getattr(edit, name) for name in names}
    return bool(Edit.objects.filter(pk=edit.pk, state__in=Edit.OPEN).update(**values))


def may_be_given_up(edit: Edit, now: datetime) -> bool:
    """Whether reading had its time, and in vain."""
    return not edit.is_settled and edit.started_at <= now - GIVE_UP_AFTER


def give_up(*, edit: Edit, by: User, now: datetime) -> bool:
    """A person looked and goes on: it ends, its outcome unknown. False where it cannot be."""
    if not may_be_given_up(edit, now):
        return False
    edit.state, edit.given_up_by = Edit.State.GIVEN_UP, by
    edit.settled_at, edit.check_at = now, None
    projects = Project.objects.filter(Q(edits=edit) | Q(target_groups__edits=edit))
    with transaction.atomic():
        Project.objects.filter(pk__in=projects).update(version=F("version") + 1, due_at=now)
        return save_columns(edit, "state", "given_up_by", "settled_at", "check_at")


def _settle(
    edit: Edit,
    state: Edit.State,
    *,
    now: datetime,
    after: Value = None,
    reasons: list[dict[str, str]] | None = None,
    shown: Value = None,
) -> None:
    """How it ended, and what the exchange holds now in our own tables, in one commit.

    `shown`: what is held now, where that is not `after`.
    """
    edit.state, edit.after, edit.settled_at, edit.check_at = state, after, now, None
    edit.reasons = reasons or []
    group, held = _group(edit), after if shown is None else shown
    with transaction.atomic():
        # The project's row first: a round that stores its groups holds it, so one is first.
        Project.objects.filter(pk=group.project_id).update(version=F("version") + 1, due_at=now)
        ended = save_columns(
            edit, "state", "after", "after_since", "settled_at", "check_at", "reasons"
        )
        if held is not None and ended:
            _store(group, edit, held, now)
        if state == Edit.State.CONFIRMED:
            others = Edit.objects.filter(group=group, state=Edit.State.UNKNOWN, check_at__gt=now)
            others.update(check_at=now)


def _store(group: TargetGroup, edit: Edit, held: Value, now: datetime) -> None:
    """What is held now; only a confirmed edit outdoes what is known better."""
    columns = EDITABLE[edit.kind].columns(group, held)
    if edit.state != Edit.State.CONFIRMED:
        facts = fresh.of_group(group, now=now)
        columns = fresh.sift(columns, facts, at=now).columns
    TargetGroup.objects.filter(pk=group.pk).update(**columns, changed_at=now)


def _group(edit: Edit) -> TargetGroup:
    """The group of an edit that goes to the exchange; a project has none of these."""
    return cast("TargetGroup", edit.group)


def refusal_reasons(exc: ExchangeError, also: str = "") -> list[dict[str, Any]]:
    """What the exchange objects to, field by field, else its sentence.

    Where a field comes without a reason, the sentence about them all goes with it.
    """
    if isinstance(exc, Refused) and exc.invalid_params:
        by_field = [
            {"name": param.name, "reason": param.reason or NO_REASON}
            for param in exc.invalid_params
        ]
        words = exc.detail or exc.title
        silent = any(not param.reason for param in exc.invalid_params)
        return [{"name": "", "reason": words}, *by_field] if words and silent else by_field
    if exc.retry_after and not exc.outcome_unknown:
        when = f"can be sent again in {exc.retry_after:.0f} s"
        also = f"{also}; it {when}" if also else f"It {when}"
    sentence = f"{str(exc).rstrip('.')}. {also}." if also else str(exc)
    waits: dict[str, Any] = {}
    if exc.retry_after and not exc.outcome_unknown:
        waits = {"retry_after": exc.retry_after, "status": exc.status}
    return [{"name": "", "reason": sentence, **waits}]


def settle_due(*, clock: Clock = timezone.now, limit: int = 50) -> int:
    """Settle edits whose outcome is open, by reading; the number looked at."""
    now = clock()
    open_edits = Edit.objects.filter(
        state__in=Edit.OPEN, check_at__lte=now, kind__in=EDITABLE
    ).select_related("group__project", "account")
    looked = 0
    for edit in open_edits.order_by("check_at")[:limit]:
        lease = now + timedelta(seconds=60)
        claimed = Edit.objects.filter(pk=edit.pk, check_at=edit.check_at).update(
            check_at=lease, checks=F("checks") + 1
        )
        if claimed:
            edit.checks += 1
            _look(edit, clock)
            looked += 1
    return looked


def _look(edit: Edit, clock: Clock) -> None:
    """Settle one edit by reading; one that nobody sent has ended."""
    if edit.state == Edit.State.SENDING and edit.sent is False:
        _settle(edit, Edit.State.REJECTED, reasons=_reason(ENDED_BEFORE), now=clock())
        return
    client = clients.client_for(edit.account)
    with client.deadline(WEB_SECONDS):
        _read_back(edit, client, clock)


def looks_until(until: datetime) -> list[datetime]:
    """When edits whose outcome is open are looked at until a moment, each once."""
    waiting = Edit.objects.filter(state__in=Edit.OPEN, check_at__lte=until)
    return sorted({edit.check_at for edit in waiting.only("check_at") if edit.check_at})
