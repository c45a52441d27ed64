"""Repeat notifications; acknowledge incidents; mute accounts, projects and groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from dashboard.alerts.incidents import unconfirmed_edits
from dashboard.alerts.incidents.changelog import CODES
from dashboard.alerts.incidents.store import (
    ALERTING,
    DAY,
    OPEN,
    Transition,
    close_incident,
    commit_transitions,
    expected_state,
    mute_covers,
)
from dashboard.alerts.items.refresh import refresh_items
from dashboard.alerts.items.waiting import acknowledge_items
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
    """Stop repeats until the incident resolves or gets worse; resolve one about a past change.

    Its item waits for a day.

    Return False if it was resolved already.
    """
    open_now = Incident.objects.filter(pk=incident.pk, state__in=OPEN)
    with transaction.atomic():
        if incident.rule in CODES:
            closed = open_now.update(
                state=Incident.State.RESOLVED,
                closed_at=now,
                close_reason="acknowledged",
                acknowledged_by=by,
                acknowledged_at=now,
                evaluate_at=None,
            )
            refresh_items(incident.account_id, {incident.group_id}, now=now)
            return bool(closed)
        acknowledged = open_now.update(acknowledged_by=by, acknowledged_at=now)
        if acknowledged and incident.item:
            acknowledge_items([incident.item], by=by, now=now)
    return bool(acknowledged)


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
    """Send no alerts of an account, a project or a group (or of one rule there) until then.

    ValueError for an end that has passed or is more than 30 days away, or for an unknown rule.
    """
    if not now < until <= now + LONGEST_MUTE:
        raise ValueError("the end of a mute must be in the future, at most 30 days from now")
    if rule and rule not in RULES:
        raise ValueError(f"there is no rule “{rule}”")
    return Mute.objects.create(
        account=account, project=project, group=group, rule=rule, by=by, created_at=now, until=until
    )


def end_mute(*, mute: Mute, now: datetime) -> None:
    """End a mute now; alerts that are still open are sent in the next round."""
    Mute.objects.filter(pk=mute.pk, ended_at=None, until__gt=now).update(until=now)


def end_mutes(*, now: datetime) -> None:
    """Send the alerts that are still open where a mute has run out."""
    for mute in Mute.objects.filter(until__lte=now, ended_at=None).order_by("pk"):
        with transaction.atomic():
            if Mute.objects.filter(pk=mute.pk, ended_at=None).update(ended_at=now):
                rules = RuleSet.of(mute.account_id)
                transitions = [
                    _repeat(incident, rules, now)
                    for incident in _still_alerting(mute)
                    if mute_covers(mute, incident)
                ]
                commit_transitions(transitions, account_id=mute.account_id, now=now)


def _still_alerting(mute: Mute) -> QuerySet[Incident]:
    """Return incidents that still fire, and those recovering of which nobody was notified."""
    notices = Notice.objects.filter(incident=OuterRef("pk"), kind__in=ALERTING)
    unsent = Q(state=Incident.State.RECOVERING) & ~Exists(notices)
    rows = Incident.objects.filter(Q(state=Incident.State.FIRING) | unsent, acknowledged_at=None)
    return rows.filter(account=mute.account_id).select_related("project", "group")


def repeat_or_close(account: ExchangeAccount, due: Iterable[Incident], *, now: datetime) -> None:
    """A day after the last notice: close incidents about past changes, repeat unacknowledged ones.

    Repeats of the same projects that are due within half a day are included, to save mails.
    """
    rules, transitions = RuleSet.of(account.pk), list[Transition]()
    firing = list(due)
    firing += _repeats_due_soon(firing, now=now)
    has_no_data = Incident.objects.filter(
        account=account, rule=NO_DATA.code, state=Incident.State.FIRING
    ).exists()
    for incident in firing:
        if incident.rule in CODES and not unconfirmed_edits.is_edit_open(incident):
            transitions.append(_close(incident, now))
        elif incident.acknowledged_at is None and (
            not has_no_data or incident.rule == NO_DATA.code
        ):
            transitions.append(_repeat(incident, rules, now))
        else:
            transitions.append(_postpone(incident, now))
    commit_transitions(transitions, account_id=account.pk, now=now)


def _repeats_due_soon(due: Sequence[Incident], *, now: datetime) -> list[Incident]:
    """Return the projects' other firing incidents whose repeat is due within half a day."""
    repeated = [
        incident
        for incident in due
        if incident.rule not in CODES and incident.acknowledged_at is None
    ]
    projects = {incident.project_id for incident in repeated} - {None}
    if not projects:
        return []
    rows = Incident.objects.filter(
        project__in=projects,
        state=Incident.State.FIRING,
        acknowledged_at=None,
        evaluate_at__lte=now + DAY / 2,
    )
    others = rows.exclude(rule__in=CODES).exclude(pk__in=[incident.pk for incident in due])
    return list(others.select_related("project", "group").order_by("pk"))


def _repeat(incident: Incident, rules: RuleSet, now: datetime) -> Transition:
    transition = Transition(incident, expected_state(incident), Notice.Kind.REPEAT)
    transition.managers = managers_of(incident.group, incident.project)
    effective = rules.rule_for(incident.rule, incident.project_id, incident.group_id)
    transition.in_digest = effective.in_digest
    incident.sequence += 1
    incident.evaluate_at = now + DAY
    return transition


def _close(incident: Incident, now: datetime) -> Transition:
    transition = Transition(incident, expected_state(incident))
    close_incident(incident, "a day has passed", now)
    return transition


def _postpone(incident: Incident, now: datetime) -> Transition:
    transition = Transition(incident, expected_state(incident))
    incident.evaluate_at = now + DAY
    return transition
