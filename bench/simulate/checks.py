"""What must hold in a simulated installation: after every step, and once all is calm.

Each check returns sentences about what is wrong; none if all is well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from bench.simulate.network import Arrived, price_text
from dashboard.fielding.models import Edit, Incident, Mail, Notice, TargetGroup

FIRST_TAKEN = range(200, 300)
SURELY_NOT_TAKEN = range(400, 500)
DAYTIME = range(8, 18)  # UTC: outside of everybody's quiet hours

_GONE = (
    "SELECT g.exchange_id, p.exchange_id FROM fielding_targetgroup g "
    "JOIN fielding_project p ON p.id = g.project_id WHERE g.missing_since IS NOT NULL"
)


def rows(sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement, outside of every actor."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


class Checks:
    """The checks of one story."""

    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived
        self._changes_checked = 0
        self._taken: set[tuple[str, str]] = set()
        self._shown: dict[str, int] = {}  # the newest true completes that the tables had, by place

    def after_step(self) -> Iterator[str]:
        """What must hold whenever an actor has ended."""
        yield from self._edits_sent_twice()
        yield from self._mails_sent_twice()
        yield from self._groups_marked_gone()
        yield from self._alerts_doubled()
        yield from self._untrue_figures()

    def _edits_sent_twice(self) -> Iterator[str]:
        """Each value is of one edit: it may arrive again only if it was surely not taken."""
        for group, value, status in self._arrived.changes[self._changes_checked :]:
            if (group, value) in self._taken:
                yield f"{value} for {group} was sent again after it may have been taken"
            if status not in SURELY_NOT_TAKEN:
                self._taken.add((group, value))
        self._changes_checked = len(self._arrived.changes)

    def _mails_sent_twice(self) -> Iterator[str]:
        """A mail may arrive again only if the sender could not know that it had arrived."""
        for message_id, tries in self._arrived.mails.items():
            if any(tries[:-1]):
                yield f"the mail {message_id} was sent again after it had been taken"
        for message_id, attempts in self._arrived.messages.items():
            if any(known for known, _ in attempts[:-1]):
                yield f"the message {message_id} was sent again after it had been taken"
            if not all(says_again for _, says_again in attempts[1:]):
                yield f"the message {message_id} came again and did not say so"

    def _groups_marked_gone(self) -> Iterator[str]:
        """No group ever leaves the simulated exchange; some are left out of lists for a while.

        A draft that moved to another project is gone from its own until that one is read: the
        exchange finds no draft by its id alone.
        """
        for group, project in rows(_GONE):
            if self._arrived.projects.get(group) == project:
                yield f"{group} is marked as gone and is there"

    def _alerts_doubled(self) -> Iterator[str]:
        """One problem has one open alert, and nobody is told the same thing in two mails."""
        for key, number in rows(
            "SELECT key, count(*) FROM fielding_incident WHERE closed_at IS NULL "
            "GROUP BY key HAVING count(*) > 1"
        ):
            yield f"{number} alerts of {key} are open at once"

    def _untrue_figures(self) -> Iterator[str]:
        """What the tables say of a group was true at some time, and never goes back in time."""
        for group, completes in rows("SELECT exchange_id, completes FROM fielding_targetgroup"):
            seen = self._arrived.seen[group]
            before = self._shown.get(group, 0)
            if completes is None or seen[before].completes == completes:
                continue
            place = next((n for n, s in enumerate(seen) if s.completes == completes), None)
            if place is None:
                yield f"{group} shows {completes} completes, which it never had"
            else:
                self._shown[group] = place

    def at_the_end(self, *, calm_since: datetime, now: datetime) -> Iterator[str]:
        """What must hold when faults are over, everything was read again and all is settled."""
        yield from self._unsettled_edits()
        yield from (f"{group} is marked as gone though all is calm" for group, _ in rows(_GONE))
        yield from self._stale_figures(calm_since, now)
        yield from self._lost_alerts(now)
        yield from self._pauses_without_alert()

    def _unsettled_edits(self) -> Iterator[str]:
        for edit in Edit.objects.select_related("group").order_by("pk"):
            assert edit.group is not None
            wanted = edit.wanted or {}
            is_price = edit.kind == Edit.Kind.CPI
            value = price_text(wanted["value"]) if is_price else wanted["name"]
            sent = (edit.group.exchange_id, value)
            statuses = [s.status for s in self._arrived.changes if (s.group, s.value) == sent]
            was_taken = any(status in FIRST_TAKEN for status in statuses)
            where = f"edit {edit.pk} of {edit.group.exchange_id} to {value}"
            if edit.state in Edit.OPEN:
                yield f"{where} is {edit.state} though all is calm"
            elif edit.state == Edit.State.CONFIRMED and not was_taken:
                yield f"{where} is called confirmed and was not taken"
            elif edit.state == Edit.State.REJECTED and was_taken:
                yield f"{where} is called refused and was taken"

    def _stale_figures(self, calm_since: datetime, now: datetime) -> Iterator[str]:
        """Every group was read since, and shows what it was from then on.

        Not those that the exchange refused within the last hour, nor those of a project that is
        set aside for an hour: three workers in a row died of it, and its page says so.
        """
        groups = TargetGroup.objects.select_related("project").exclude(status="draft")
        is_set_aside = Q(project__lease="", project__leased_until__gt=now)
        for group in groups.exclude(retry_at__gt=now).exclude(is_set_aside):
            read_at = group.project.read_at
            if read_at is None or read_at < calm_since:
                yield f"the project of {group.exchange_id} was read last at {read_at}"
                continue
            shown = (group.status, group.completes or 0, group.cpi, group.filling_goal)
            seen = self._arrived.seen[group.exchange_id]
            first = max((n for n, each in enumerate(seen) if each.at <= read_at), default=0)
            # One by one: a price that was set since is known before the next reading.
            since = [each[1:] for each in seen[first:]]
            for place, figure in enumerate(shown):
                if figure not in (each[place] for each in since):
                    yield f"{group.exchange_id} shows {figure}, was {since} since {read_at}"

    def _lost_alerts(self, now: datetime) -> Iterator[str]:
        """Each alert that fired has notices, each notice its mail, each mail arrived."""
        told = set(Notice.objects.values_list("incident_id", flat=True))
        for pk, rule in Incident.objects.exclude(fired_at=None).values_list("pk", "rule"):
            if pk not in told:
                yield f"nobody is to be told of alert {pk} ({rule})"
        waiting = Notice.objects.filter(mail=None, skipped="", in_digest=False, kind="fire")
        waiting = waiting.filter(incident__since_before=False, incident__item__critical=True)
        for notice in waiting.filter(created_at__lt=now - timedelta(minutes=10)):
            if now.hour in DAYTIME:
                yield f"notice {notice.pk} waits since {notice.created_at}"
        for mail in Mail.objects.exclude(state=Mail.State.DEAD):
            arrived = self._arrived.mails if mail.channel_id is None else self._arrived.messages
            if mail.state != Mail.State.SENT:
                yield f"mail {mail.pk} is {mail.state} though all is calm"
            elif not arrived.get(mail.message_id):
                yield f"mail {mail.pk} is called sent and never arrived"
        doubled = Counter(
            Notice.objects.exclude(mail=None).values_list(
                "incident_id", "kind", "sequence", "recipient_id", "channel_id"
            )
        )
        yield from (f"notice {key} is told {n} times" for key, n in doubled.items() if n > 1)

    def _pauses_without_alert(self) -> Iterator[str]:
        """A group that the exchange paused before the calm has an open alert."""
        paused = TargetGroup.objects.filter(status="paused", status_changed_by="system_user")
        for group in paused:
            if not group.incidents.filter(rule="paused_by_exchange", closed_at=None).exists():
                yield f"{group.exchange_id} is paused by the exchange, and no alert says so"
