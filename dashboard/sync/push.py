"""An edit → the exchange → an Edit row with before, after and outcome.

The way: claim (one edit of a kind and group at a time) → read what the exchange holds now → send
once → read back. What cannot be told at once is UNKNOWN, and is settled by reading: never by
sending again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError, Launched, PreconditionFailed, Refused
from dashboard.fielding.models import Edit, Project, TargetGroup, User
from dashboard.sync import connect, merge, ours
from dashboard.sync.editable import EDITABLE, Held, Value, ids

WEB_SECONDS = 10.0
CONFLICT = 409
LATE_AT_MOST = timedelta(minutes=10)  # how old an answer of the exchange can be
MOST_OVERTAKEN = 2  # times that a request is made again over what somebody else changed
LIST_SECONDS = 3.0  # a list that a form can do without
# The worker looks at an unsettled edit after these waits; after the last it is called settled.
CHECK_AFTER = (timedelta(seconds=20), timedelta(seconds=40), timedelta(minutes=2))
GIVE_UP_AFTER = timedelta(minutes=10)
Clock = Callable[[], datetime]


class Busy(Exception):
    """Another edit of the same kind and group is on its way: this one; nothing was sent."""

    def __init__(self, other: Edit | None = None) -> None:
        super().__init__("Another change of this setting is on its way; look again in a moment")
        self.other = other


def present(*, group: TargetGroup, kind: str, client: ExchangeClient | None = None) -> Value:
    """What the exchange holds now, or we of what is ours; raises ExchangeError."""
    if kind in ours.KINDS:
        return ours.present(group, kind)
    client = client or connect.client_for(group.account)
    with client.deadline(WEB_SECONDS):
        return merge.bare(EDITABLE[kind].read(client, ids(group)).value)


def same(kind: str, one: Value, other: Value) -> bool:
    """Whether the first value of a kind holds all that the second says."""
    return ours.same(one, other) if kind in ours.KINDS else EDITABLE[kind].same(one, other)


def joined(edit: Edit) -> Value:
    """What was wanted, over what is held instead of what was shown: what only somebody else
    changed is theirs.
    """
    if edit.kind in ours.KINDS:
        return edit.wanted
    values = (merge.bare(value) for value in (edit.before, edit.after, edit.wanted))
    return EDITABLE[edit.kind].merge(*values).value


def lockouts(*, group: TargetGroup) -> list[tuple[str, str]]:
    """The industry lockouts by code, asked at most every six hours; none if that fails."""
    key = f"lockouts:{group.account_id}"
    found: list[tuple[str, str]] | None = cache.get(key)
    if found is None:
        client = connect.client_for(group.account)
        try:
            with client.deadline(LIST_SECONDS):
                items = client.get_industry_lockouts().items
        except ExchangeError:
            return []
        found = [(str(one.code), str(one.name or one.code)) for one in items if one.code]
        cache.set(key, found, timeout=6 * 3600)
    return found


def push(
    *,
    group: TargetGroup,
    kind: str,
    seen: Value,
    wanted: Value,
    by: User,
    token: str,
    client: ExchangeClient | None = None,
    clock: Clock = timezone.now,
) -> Edit:
    """Send one edit, at most once for a token; the Edit row says how it ended.

    `seen` is what the form showed. Raises Busy where another edit is unsettled.
    """
    if sent := Edit.objects.filter(token=token).first():
        return sent
    if kind in ours.KINDS:
        return ours.keep(
            of=group, kind=kind, seen=seen, wanted=wanted, by=by, token=token, now=clock()
        )
    client = client or connect.client_for(group.account)
    edit = Edit(
        account_id=group.account_id,
        group=group,
        by=by,
        kind=kind,
        token=token,
        before=seen,
        wanted=wanted,
    )
    if sent := claim(edit, clock()):
        return sent
    with client.deadline(WEB_SECONDS):
        _carry_out(edit, client, clock)
    return edit


def claim(edit: Edit, now: datetime) -> Edit | None:
    """Commit the row before anything is sent; where its form was sent already, that edit."""
    edit.started_at, edit.check_at = now, now + CHECK_AFTER[0]
    try:
        with transaction.atomic():
            edit.save()
    except IntegrityError as exc:
        if sent := Edit.objects.filter(token=edit.token).first():
            return sent
        of_same = Edit.objects.filter(group=edit.group, kind=edit.kind, state__in=Edit.OPEN)
        raise Busy(of_same.first()) from exc
    return None


def _carry_out(
    edit: Edit, client: ExchangeClient, clock: Clock, *, overtaken: int = MOST_OVERTAKEN
) -> None:
    """Read, compare, send once, read back.

    Where somebody else was faster nothing was taken (412): over what is held then, once more.
    """
    how, of = EDITABLE[edit.kind], ids(_group(edit))
    try:
        held = how.read(client, of)
    except ExchangeError as exc:
        _settle(edit, Edit.State.REJECTED, reasons=objections(exc, "Nothing was sent"), now=clock())
        return
    theirs = held.value
    if how.same(theirs, edit.wanted):
        _settle(edit, Edit.State.CONFIRMED, after=theirs, now=clock())
        return
    if not _is_ready(edit, held, clock):
        return
    try:
        how.write(client, of, edit.wanted, held)
    except ExchangeError as exc:
        if isinstance(exc, PreconditionFailed) and overtaken:
            _carry_out(edit, client, clock, overtaken=overtaken - 1)
            return
        if isinstance(exc, PreconditionFailed) or exc.status == CONFLICT:
            _overtaken(edit, client, clock, exc)
            return
        if not exc.outcome_unknown:
            also = "Nothing was changed" if exc.waiting_helps else ""
            _settle(edit, Edit.State.REJECTED, reasons=objections(exc, also), now=clock())
            return
        edit.reasons = objections(exc)
    _read_back(edit, client, clock)


def _is_ready(edit: Edit, held: Held, clock: Clock) -> bool:
    """Put the edit over what is held now: what nobody touched is sent as it is held. False where it
    has ended: both changed the same, or somebody else has made the same change.
    """
    how, theirs = EDITABLE[edit.kind], _caught_up(edit, held, clock())
    ready = how.rebased(edit.before, theirs, held, edit.wanted)
    if ready.clashes:
        _settle(edit, Edit.State.CONFLICT, after=held.value, now=clock())
        return False
    edit.before, edit.wanted = ready.before, ready.wanted
    keep(edit, "before", "wanted")
    if how.same(theirs, edit.wanted):
        _settle(edit, Edit.State.CONFIRMED, after=held.value, now=clock())
        return False
    return True


def _caught_up(edit: Edit, held: Held, now: datetime) -> Value:
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
    for made in recent.exclude(kind=Edit.Kind.GOALS).order_by("settled_at"):
        old, new = merge.bare(made.before), merge.bare(made.wanted)
        theirs = merge.rolled_forward(theirs, old, new, shown)
    return theirs


def _overtaken(edit: Edit, client: ExchangeClient, clock: Clock, why: ExchangeError) -> None:
    """It changed between our reading and our sending, so nothing was taken."""
    how = EDITABLE[edit.kind]
    try:
        theirs = how.read(client, ids(_group(edit))).value
    except ExchangeError as exc:
        _settle(
            edit, Edit.State.REJECTED, reasons=objections(exc, "Nothing was taken"), now=clock()
        )
        return
    if how.same(theirs, edit.before):
        reasons = objections(why, "Nothing was taken; you can send it again")
        _settle(edit, Edit.State.REJECTED, after=theirs, reasons=reasons, now=clock())
        return
    alike = how.same(theirs, edit.wanted)
    state = Edit.State.CONFIRMED if alike else Edit.State.CONFLICT
    _settle(edit, state, after=theirs, now=clock())


def _read_back(edit: Edit, client: ExchangeClient, clock: Clock) -> None:
    how = EDITABLE[edit.kind]
    try:
        theirs = how.read(client, ids(_group(edit))).value
    except Launched as exc:
        why = objections(exc, "Its settings show whether this change came before")
        _settle(edit, Edit.State.REJECTED, reasons=why, now=clock())
        return
    except ExchangeError as exc:
        leave_unknown(edit, clock(), objections(exc))
        return
    if how.same(theirs, edit.wanted):
        _settle(edit, Edit.State.CONFIRMED, after=theirs, now=clock())
    elif edit.checks < len(CHECK_AFTER) and not _is_final(edit, theirs):
        edit.after = theirs
        leave_unknown(edit, clock(), edit.reasons)
    elif how.same(theirs, edit.before):
        words = "The exchange still holds the value from before: it did not take the change"
        reasons = [*edit.reasons, {"name": "", "reason": words}]
        _settle(edit, Edit.State.REJECTED, after=theirs, reasons=reasons, now=clock())
    else:
        _settle(edit, Edit.State.CONFLICT, after=theirs, now=clock())


def _is_final(edit: Edit, theirs: Value) -> bool:
    """Whether what was taken is held otherwise for good: read twice, and not what was there before.

    The exchange rounds, too. Where the outcome is unknown ours may still come.
    """
    how, twice = EDITABLE[edit.kind], edit.after is not None and not edit.reasons
    return twice and how.same(theirs, edit.after) and not how.same(theirs, edit.before)


def leave_unknown(edit: Edit, now: datetime, why: list[dict[str, str]]) -> None:
    """Look again later; the worker does, whatever becomes of this process."""
    edit.state = Edit.State.UNKNOWN
    edit.reasons = why
    wait = CHECK_AFTER[min(edit.checks, len(CHECK_AFTER) - 1)]
    edit.check_at = now + max(wait, (now - edit.started_at) / 20)  # what is days old, ever rarer
    keep(edit, "state", "reasons", "check_at", "after")


def keep(edit: Edit, *names: str) -> bool:
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
    of = Project.objects.filter(Q(edits=edit) | Q(target_groups__edits=edit))
    with transaction.atomic():
        Project.objects.filter(pk__in=of).update(version=F("version") + 1, due_at=now)
        return keep(edit, "state", "given_up_by", "settled_at", "check_at")


def _settle(
    edit: Edit,
    state: Edit.State,
    *,
    now: datetime,
    after: Value = None,
    reasons: list[dict[str, str]] | None = None,
) -> None:
    """How it ended, and what the exchange holds now in our own tables, in one commit."""
    edit.state, edit.after, edit.settled_at, edit.check_at = state, after, now, None
    edit.reasons = reasons or []
    group = _group(edit)
    with transaction.atomic():
        keep(edit, "state", "after", "settled_at", "check_at", "reasons")
        if after is not None:
            columns = EDITABLE[edit.kind].columns(group, after)
            TargetGroup.objects.filter(pk=group.pk).update(**columns, changed_at=now)
        Project.objects.filter(pk=group.project_id).update(version=F("version") + 1, due_at=now)


def _group(edit: Edit) -> TargetGroup:
    """The group of an edit that goes to the exchange; a project has none of these."""
    return cast("TargetGroup", edit.group)


def objections(exc: ExchangeError, also: str = "") -> list[dict[str, Any]]:
    """What the exchange objects to, field by field, else its sentence."""
    if isinstance(exc, Refused) and exc.invalid_params:
        return [{"name": one.name, "reason": one.reason} for one in exc.invalid_params]
    if exc.retry_after and not exc.outcome_unknown:
        when = f"can be sent again in {exc.retry_after:.0f} s"
        also = f"{also}; it {when}" if also else f"It {when}"
    sentence = f"{str(exc).rstrip('.')}. {also}." if also else str(exc)
    return [{"name": "", "reason": sentence}]


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
            client = connect.client_for(edit.account)
            with client.deadline(WEB_SECONDS):
                _read_back(edit, client, clock)
            looked += 1
    return looked
