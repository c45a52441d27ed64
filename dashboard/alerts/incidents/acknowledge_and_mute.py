"""Repeats, and what stops them: acknowledging an incident, muting a place for a while."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from dashboard.alerts.incidents import unconfirmed_edits
from dashboard.alerts.incidents.changelog import CODES
from dashboard.alerts.incidents.store import (
    DAY,
    OPEN,
    TOLD,
    Transition,
    close_incident,
    commit_transitions,
    expected_state,
    mute_covers,
)
from dashboard.alerts.recipients.resolve import managers_of
from dashboard.alerts.rules.catalogue import NO_DATA, RULES
from dashboard.alerts.rules.settings import RuleSet
from dashboard.fielding.models import (
    ExchangeAccount,
    Incident,
    Mute,
    Notice,
    Project,
    TargetGroup,
    User,
)

LONGEST_MUTE = timedelta(days=30)


def acknowledge_incident(*, incident: Incident, by: User, now: datetime) -> bool:
    """Stop repeats until it is resolved or worse; a changelog's fact ends. False if it was over."""
    open_now = Incident.objects.filter(pk=incident.pk, state__in=OPEN)
    if incident.rule in CODES:
        ends = {"state": Incident.State.RESOLVED, "closed_at": now, "close_reason": "acknowledged"}
        return bool(
            open_now.update(**ends, acknowledged_by=by, acknowledged_at=now, evaluate_at=None)
        )
    return bool(open_now.update(acknowledged_by=by, acknowledged_at=now))


def mute_scope(
    *,
    account: ExchangeAccount,
    by: User,
    until: datetime,
    now: datetime,
    project: Project | None = None,
    group: TargetGroup | None = None,
    rule: str = "",
) -> Mute:
    """Tell nobody of an account, a project or a group (of one rule, if named) until then.

    ValueError for an end that has passed or is more than 30 days away, or for an unknown rule.
    """
    if not now < until <= now + LONGEST_MUTE:
        raise ValueError("a mute ends in the future, within 30 days")
    if rule and rule not in RULES:
        raise ValueError(f"no rule is called {rule}")
    return Mute.objects.create(
        account=account, project=project, group=group, rule=rule, by=by, created_at=now, until=until
    )


def end_mute(*, mute: Mute, now: datetime) -> None:
    """End a mute now; what still fires is told at the next round."""
    Mute.objects.filter(pk=mute.pk, ended_at=None, until__gt=now).update(until=now)


def end_mutes(*, now: datetime) -> None:
    """Tell what still fires where a mute has run out."""
    for over in Mute.objects.filter(until__lte=now, ended_at=None).order_by("pk"):
        with transaction.atomic():
            if Mute.objects.filter(pk=over.pk, ended_at=None).update(ended_at=now):
                book = RuleSet.of(over.account_id)
                moves = [
                    _repeat(each, book, now) for each in _untold(over) if mute_covers(over, each)
                ]
                commit_transitions(moves, account_id=over.account_id, now=now)


def _untold(over: Mute) -> QuerySet[Incident]:
    """What still fires, and what only seems to recover and was told to nobody: it may go on."""
    told = Notice.objects.filter(incident=OuterRef("pk"), kind__in=TOLD)
    quiet = Q(state=Incident.State.RECOVERING) & ~Exists(told)
    rows = Incident.objects.filter(Q(state=Incident.State.FIRING) | quiet, acknowledged_at=None)
    return rows.filter(account=over.account_id).select_related("project", "group")


def repeat_or_end(account: ExchangeAccount, due: Iterable[Incident], *, now: datetime) -> None:
    """A day after it was told: end what only happened, repeat what nobody acknowledged.

    What a project is to be told again within half a day comes along: one mail, not one each.
    """
    book, moves = RuleSet.of(account.pk), list[Transition]()
    firing = list(due)
    firing += _along(firing, now=now)
    silent = Incident.objects.filter(
        account=account, rule=NO_DATA.code, state=Incident.State.FIRING
    ).exists()
    for incident in firing:
        if incident.rule in CODES and not unconfirmed_edits.is_edit_open(incident):
            moves.append(_end(incident, now))
        elif incident.acknowledged_at is None and (not silent or incident.rule == NO_DATA.code):
            moves.append(_repeat(incident, book, now))
        else:
            moves.append(_later(incident, now))
    commit_transitions(moves, account_id=account.pk, now=now)


def _along(due: Sequence[Incident], *, now: datetime) -> list[Incident]:
    """What still fires in the projects of a repeat and would be repeated within half a day."""
    again = [one for one in due if one.rule not in CODES and one.acknowledged_at is None]
    projects = {one.project_id for one in again} - {None}
    if not projects:
        return []
    rows = Incident.objects.filter(
        project__in=projects,
        state=Incident.State.FIRING,
        acknowledged_at=None,
        evaluate_at__lte=now + DAY / 2,
    )
    others = rows.exclude(rule__in=CODES).exclude(pk__in=[one.pk for one in due])
    return list(others.select_related("project", "group").order_by("pk"))


def _repeat(incident: Incident, book: RuleSet, now: datetime) -> Transition:
    move = Transition(incident, expected_state(incident), Notice.Kind.REPEAT)
    move.managers = managers_of(incident.group, incident.project)
    chosen = book.one(incident.rule, incident.project_id, incident.group_id)
    move.in_digest = chosen.in_digest
    incident.sequence += 1
    incident.evaluate_at = now + DAY
    return move


def _end(incident: Incident, now: datetime) -> Transition:
    move = Transition(incident, expected_state(incident))
    close_incident(incident, "a day has passed", now)
    return move


def _later(incident: Incident, now: datetime) -> Transition:
    move = Transition(incident, expected_state(incident))
    incident.evaluate_at = now + DAY
    return move
