"""Store transitions: incidents, their items and their notices, in one short transaction.

A transition is an UPDATE that must find the incident as it was read; the second of two workers
finds nothing. Notices are unique, so writing them twice has the same result as writing them once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypedDict

from django.db import transaction
from django.db.models import F, Q

from dashboard.alerts.items.refresh import refresh_items
from dashboard.alerts.recipients.resolve import People, managers_of
from dashboard.alerts.rules.settings import Effective
from dashboard.fielding.models import Incident, Membership, Mute, Notice

DAY = timedelta(hours=24)
FLAPS_AT = 3  # firings of one rule on one group within a day
OPEN = (Incident.State.PENDING, Incident.State.FIRING, Incident.State.RECOVERING)
ALERTING = (Notice.Kind.FIRE, Notice.Kind.REPEAT, Notice.Kind.NO_DATA)


class ExpectedState(TypedDict, total=False):
    """The columns of an incident that an update must find as they were read."""

    state: str
    sequence: int
    readings: int
    severity: int


@dataclass(slots=True)
class Transition:
    """An incident as it is to be stored, and its notice. `expected` is empty for a new one."""

    incident: Incident
    expected: ExpectedState = field(default_factory=ExpectedState)
    notice_kind: Notice.Kind | None = None
    managers: tuple[str, ...] = ()  # exchange ids of project managers, the nearest first
    in_digest: bool = False
    drop_if_never_fired: bool = False  # it was only pending, so the row is deleted


def open_incident(
    effective: Effective,
    *,
    account_id: int,
    key: str,
    headline: str,
    sentence: str,
    at: datetime,
    now: datetime,
) -> Incident:
    """Return an incident (not saved) that fires immediately, with the severity of its rule.

    at: when the breach began. The caller sets its project, group and facts.
    """
    return Incident(
        account_id=account_id,
        rule=effective.rule.code,
        rule_version=effective.version,
        key=key,
        state=Incident.State.FIRING,
        severity=effective.severity,
        headline=headline[:300],
        sentence=sentence,
        breached_at=at,
        fired_at=now,
        readings=1,
        sequence=1,
        evaluate_at=now + DAY,
    )


def close_incident(incident: Incident, reason: str, now: datetime) -> None:
    """Resolve an incident whose cause is gone (not saved)."""
    incident.state, incident.close_reason = Incident.State.RESOLVED, reason
    incident.closed_at, incident.evaluate_at = now, None


def exchange_id_of(user_id: int | None, account_id: int) -> str:
    """Return a person's exchange user id on an account; empty if not known."""
    membership = Membership.objects.filter(user=user_id, account_id=account_id).first()
    return membership.exchange_user_id if membership else ""


def expected_state(incident: Incident) -> ExpectedState:
    """Return the columns that an update must still find, so that each step is taken once."""
    return {
        "state": incident.state,
        "sequence": incident.sequence,
        "readings": incident.readings,
        "severity": incident.severity,
    }


_WRITTEN = (
    "state",
    "severity",
    "headline",
    "sentence",
    "facts",
    "breached_at",
    "fired_at",
    "clear_since",
    "closed_at",
    "close_reason",
    "readings",
    "cycle",
    "evaluate_at",
    "sequence",
    "flapping",
    "acknowledged_by_id",
    "acknowledged_at",
)


def commit_transitions(
    transitions: Sequence[Transition],
    *,
    account_id: int,
    now: datetime,
    groups: Collection[int | None] = (),
) -> int:
    """Commit transitions of one account with their items and notices.

    groups: others whose items are brought up to date. Return the number of transitions that this
    worker won.
    """
    if not transitions and not groups:
        return 0
    with transaction.atomic():
        _mark_flapping(transitions, account_id, now)
        won = _insert_incidents([each for each in transitions if not each.expected])
        won += [each for each in transitions if each.expected and _update_incident(each)]
        moved = {each.incident.group_id for each in won if each.incident.fired_at}
        turned = refresh_items(account_id, {*moved, *groups}, now=now)
        again = _fire_again(turned, won, now) if turned else []
        _create_notices([*won, *again], account_id, now)
    return len(won)


def _fire_again(
    turned: Sequence[Incident], won: Sequence[Transition], now: datetime
) -> list[Transition]:
    """Return a notice for each incident whose item turned critical after its alert was sent.

    Not for one that fires now, or whose notices all wait for a message: that is urgent now. Where
    one person's notice waits and another's was sent, both get it, each in one message.
    """
    noticed = {each.incident.pk for each in won if each.notice_kind in ALERTING}
    noticed |= _all_waiting([incident.pk for incident in turned])
    again = []
    for incident in turned:
        if incident.pk in noticed:
            continue
        row = Incident.objects.select_related("project").filter(pk=incident.pk, state__in=OPEN)
        if not row.update(
            sequence=F("sequence") + 1,
            evaluate_at=now + DAY,
            acknowledged_by=None,
            acknowledged_at=None,
        ):
            continue
        stored = row.get()
        managers = managers_of(incident.group, stored.project)
        again.append(Transition(stored, notice_kind=Notice.Kind.FIRE, managers=managers))
    return again


def _all_waiting(incidents: Sequence[int]) -> set[int]:
    """Return the incidents with a person's notice in no mail yet, where nobody has had another."""
    waiting: dict[int, set[tuple[int | None, int | None]]] = {}
    sent: dict[int, set[tuple[int | None, int | None]]] = {}
    rows = Notice.objects.filter(incident__in=incidents, skipped="")
    for pk, user, channel, mail in rows.values_list("incident", "recipient", "channel", "mail"):
        pairs = waiting if mail is None else sent
        pairs.setdefault(pk, set()).add((user, channel))
    return {
        pk
        for pk, pairs in waiting.items()
        if any(channel is None for _, channel in pairs) and not sent.get(pk, set()) - pairs
    }


def _insert_incidents(transitions: Sequence[Transition]) -> list[Transition]:
    """Insert new incidents; take over the one that another worker opened first."""
    if not transitions:
        return []
    Incident.objects.bulk_create(
        [transition.incident for transition in transitions], ignore_conflicts=True
    )
    keys = [transition.incident.key for transition in transitions]
    stored = {
        incident.key: incident for incident in Incident.objects.filter(key__in=keys, state__in=OPEN)
    }
    for transition in transitions:
        transition.incident = stored.get(transition.incident.key, transition.incident)
    return [transition for transition in transitions if transition.incident.pk]


def _update_incident(transition: Transition) -> bool:
    """Update (or drop) an incident that is still as it was read; return whether it was."""
    incident = transition.incident
    rows = Incident.objects.filter(pk=incident.pk, **transition.expected)
    if transition.drop_if_never_fired:
        return rows.delete()[0] == 1
    fields = {name: getattr(incident, name) for name in _WRITTEN}
    return rows.update(**fields) == 1


def _mark_flapping(transitions: Sequence[Transition], account_id: int, now: datetime) -> None:
    """Mark incidents that fire for the third time within a day."""
    firing = [
        transition.incident
        for transition in transitions
        if transition.notice_kind in ALERTING and transition.incident.fired_at == now
    ]
    if not firing:
        return
    groups = {incident.group_id for incident in firing}
    earlier: Counter[tuple[int | None, str]] = Counter(
        Incident.objects.filter(
            Q(group_id__in=groups - {None}) | Q(group=None),
            account_id=account_id,
            rule__in={incident.rule for incident in firing},
            fired_at__gt=now - DAY,
        )
        .exclude(pk__in=[incident.pk for incident in firing if incident.pk])
        .values_list("group_id", "rule")
    )
    for incident in firing:
        incident.flapping = earlier[incident.group_id, incident.rule] >= FLAPS_AT - 1


def _create_notices(transitions: Sequence[Transition], account_id: int, now: datetime) -> None:
    """Create the notices to all recipients; none under a mute."""
    notifying = [transition for transition in transitions if transition.notice_kind]
    if not notifying:
        return
    mutes = list(Mute.objects.filter(account_id=account_id, until__gt=now))
    notifying = [
        transition
        for transition in notifying
        if not any(mute_covers(mute, transition.incident) for mute in mutes)
    ]
    people = People(account_id)
    notified = _notified_before(
        [each.incident for each in notifying if each.notice_kind == Notice.Kind.RECOVER]
    )
    Notice.objects.bulk_create(
        [
            Notice(
                incident=transition.incident,
                kind=str(transition.notice_kind),
                sequence=transition.incident.sequence,
                recipient_id=user_id,
                channel_id=channel_id,
                created_at=now,
                in_digest=transition.in_digest or transition.incident.flapping,
            )
            for transition in notifying
            for user_id, channel_id in (
                notified.get(transition.incident.pk, ())
                if transition.notice_kind == Notice.Kind.RECOVER
                else _notified_now(transition, people)
            )
        ],
        ignore_conflicts=True,
    )


def _notified_now(transition: Transition, people: People) -> list[tuple[int | None, int | None]]:
    """Return whom an incident is notified to, as pairs of a user and a channel: one of them."""
    users = people.recipients_of(transition.incident, transition.managers)
    channels = people.channels_of(transition.incident, users)
    return [*((user, None) for user in users), *((None, channel) for channel in channels)]


def _notified_before(
    incidents: Sequence[Incident],
) -> dict[int, set[tuple[int | None, int | None]]]:
    """Return the users and channels that were, or will be, notified that these incidents fire."""
    notified: dict[int, set[tuple[int | None, int | None]]] = {}
    pairs = Notice.objects.filter(
        incident__in=[incident.pk for incident in incidents], kind__in=ALERTING, skipped=""
    ).values_list("incident_id", "recipient_id", "channel_id")
    for incident_id, *pair in pairs if incidents else ():
        notified.setdefault(incident_id, set()).add((pair[0], pair[1]))
    return notified


def mute_covers(mute: Mute, incident: Incident) -> bool:
    """Return whether a mute of the same account covers an incident."""
    return (
        mute.rule in ("", incident.rule)
        and mute.group_id in (None, incident.group_id)
        and mute.project_id in (None, incident.project_id)
    )
