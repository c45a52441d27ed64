"""Writing what the machine decided: incidents and their notices, in one short transaction.

A transition is an UPDATE that must find the incident as it was read; whoever comes second finds
nothing. Notices are unique, so that writing them twice leaves the same as once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from dashboard.alerts.recipients.resolve import People
from dashboard.alerts.rules.settings import Effective
from dashboard.fielding.models import Incident, Membership, Mute, Notice

DAY = timedelta(hours=24)
FLAPS_AT = 3  # firings of one rule on one group within a day
OPEN = (Incident.State.PENDING, Incident.State.FIRING, Incident.State.RECOVERING)
TOLD = (Notice.Kind.FIRE, Notice.Kind.REPEAT, Notice.Kind.NO_DATA)


@dataclass(slots=True)
class Transition:
    """One incident as it is to be, and what is told of it. `was` is empty for a new one."""

    incident: Incident
    was: dict[str, Any] = field(default_factory=dict)
    tells: Notice.Kind | None = None
    managers: tuple[str, ...] = ()  # exchange ids of project managers, the nearest first
    in_digest: bool = False
    forgets: bool = False  # it never fired: nothing of it is kept


def open_incident(
    chosen: Effective,
    *,
    account_id: int,
    key: str,
    headline: str,
    sentence: str,
    at: datetime,
    now: datetime,
) -> Incident:
    """An incident that fires at once (not saved), as severe as its rule.

    at: when what it tells of began. Its project, group and facts are the caller's to fill in.
    """
    return Incident(
        account_id=account_id,
        rule=chosen.rule.code,
        rule_version=chosen.version,
        key=key,
        state=Incident.State.FIRING,
        severity=chosen.severity,
        headline=headline[:300],
        sentence=sentence,
        breached_at=at,
        fired_at=now,
        readings=1,
        sequence=1,
        evaluate_at=now + DAY,
    )


def close_incident(incident: Incident, reason: str, now: datetime) -> None:
    """End an incident whose cause is gone (not saved)."""
    incident.state, incident.close_reason = Incident.State.RESOLVED, reason
    incident.closed_at, incident.evaluate_at = now, None


def exchange_id_of(user_id: int | None, account_id: int) -> str:
    """A person's id on the exchange of an account; empty where it is not known."""
    membership = Membership.objects.filter(user=user_id, account_id=account_id).first()
    return membership.exchange_user_id if membership else ""


def expected_state(incident: Incident) -> dict[str, Any]:
    """What an update must still find, so that each step is taken once."""
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


def commit_transitions(moves: Sequence[Transition], *, account_id: int, now: datetime) -> int:
    """Commit moves of one account together with their notices; how many were ours to make."""
    if not moves:
        return 0
    with transaction.atomic():
        _mark_flapping(moves, account_id, now)
        made = _insert([move for move in moves if not move.was])
        made += [move for move in moves if move.was and _update(move)]
        _tell(made, account_id, now)
    return len(made)


def _insert(moves: Sequence[Transition]) -> list[Transition]:
    """New incidents; where another worker opened the same one first, that one."""
    if not moves:
        return []
    Incident.objects.bulk_create([move.incident for move in moves], ignore_conflicts=True)
    keys = [move.incident.key for move in moves]
    stored = {
        incident.key: incident for incident in Incident.objects.filter(key__in=keys, state__in=OPEN)
    }
    for move in moves:
        move.incident = stored.get(move.incident.key, move.incident)
    return [move for move in moves if move.incident.pk]


def _update(move: Transition) -> bool:
    incident = move.incident
    found = Incident.objects.filter(pk=incident.pk, **move.was)
    if move.forgets:
        return found.delete()[0] == 1
    fields = {name: getattr(incident, name) for name in _WRITTEN}
    return found.update(**fields) == 1


def _mark_flapping(moves: Sequence[Transition], account_id: int, now: datetime) -> None:
    """Mark what fires for the third time within a day."""
    firing = [
        move.incident for move in moves if move.tells in TOLD and move.incident.fired_at == now
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


def _tell(moves: Sequence[Transition], account_id: int, now: datetime) -> None:
    """Notices for everybody who must be told; none under a mute."""
    telling = [move for move in moves if move.tells]
    if not telling:
        return
    mutes = list(Mute.objects.filter(account_id=account_id, until__gt=now))
    telling = [move for move in telling if not any(mute_covers(m, move.incident) for m in mutes)]
    people = People(account_id)
    heard = _heard([move.incident for move in telling if move.tells == Notice.Kind.RECOVER])
    Notice.objects.bulk_create(
        [
            Notice(
                incident=move.incident,
                kind=str(move.tells),
                sequence=move.incident.sequence,
                recipient_id=user_id,
                created_at=now,
                in_digest=move.in_digest or move.incident.flapping,
            )
            for move in telling
            for user_id in (
                heard.get(move.incident.pk, ())
                if move.tells == Notice.Kind.RECOVER
                else people.told(move.incident, move.managers)
            )
        ],
        ignore_conflicts=True,
    )


def _heard(incidents: Sequence[Incident]) -> dict[int, set[int]]:
    """Who was told, or is about to be, that these fire."""
    heard: dict[int, set[int]] = {}
    pairs = Notice.objects.filter(
        incident__in=[incident.pk for incident in incidents], kind__in=TOLD, skipped=""
    ).values_list("incident_id", "recipient_id")
    for incident_id, user_id in pairs if incidents else ():
        heard.setdefault(incident_id, set()).add(user_id)
    return heard


def mute_covers(mute: Mute, incident: Incident) -> bool:
    """Whether a mute of the same account silences an incident."""
    return (
        mute.rule in ("", incident.rule)
        and mute.group_id in (None, incident.group_id)
        and mute.project_id in (None, incident.project_id)
    )
