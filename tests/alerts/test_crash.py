"""A worker that dies at any statement: what is run again loses nothing and doubles nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import connection

from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox as deliver
from dashboard.fielding.models import Incident, Mail, Notice
from tests import factories
from tests.fakes.alert_scenario import Field, after, mails


class Died(Exception):
    """The worker is gone."""


class Reaper:
    """Lets so many statements through, and none after."""

    def __init__(self, survives: int) -> None:
        self.left = survives

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):  # ways out, not steps
            return execute(sql, params, many, context)
        self.left -= 1
        if self.left < 0:
            raise Died
        return execute(sql, params, many, context)


def dying(survives: int, work: Callable[[], Any]) -> bool:
    """Do some work that dies after so many statements; whether it died."""
    with connection.execute_wrapper(Reaper(survives)):
        try:
            work()
        except Died:
            connection.set_rollback(False)  # the statement was never run: nothing to undo
            return True
    return False


def breaches(field: Field) -> None:
    """Two groups in trouble, one of them since a cycle ago."""
    field.stalled(name="Brazil women")
    field.cycles(0)
    field.paused()


def told() -> list[tuple[str, str, int]]:
    """Incidents and whom they are told, whatever the keys."""
    rows = Notice.objects.order_by("incident__rule", "recipient_id")
    return list(rows.values_list("incident__rule", "kind", "sequence"))


@pytest.mark.parametrize("survives", range(34))
def test_judging_again_after_a_death_tells_each_once(field: Field, survives: int) -> None:
    breaches(field)
    cycle = factories.cycle(field.project, after(5))
    dying(survives, lambda: detect.after_cycle(cycle=cycle, now=after(5)))
    detect.after_cycle(cycle=cycle, now=after(5))
    assert told() == [("paused_by_exchange", "fire", 1), ("stalled", "fire", 1)]
    assert Incident.objects.filter(state="firing").count() == 2


@pytest.mark.parametrize("survives", range(24))
def test_an_incident_is_never_without_its_notice_and_its_item(field: Field, survives: int) -> None:
    breaches(field)
    cycle = factories.cycle(field.project, after(5))
    dying(survives, lambda: detect.after_cycle(cycle=cycle, now=after(5)))
    for incident in Incident.objects.filter(state="firing"):
        assert incident.notices.count() == 1
        assert incident.item is not None


@pytest.mark.parametrize("survives", range(16))
def test_composing_again_after_a_death_makes_one_mail(field: Field, survives: int) -> None:
    breaches(field)
    field.cycles(5)
    dying(survives, lambda: deliver.compose_due_mails(now=after(7)))
    deliver.compose_due_mails(now=after(7))
    assert len(mails()) == 1
    assert not Notice.objects.filter(mail=None).exists()


@pytest.mark.parametrize("survives", range(10))
def test_sending_again_after_a_death_repeats_at_most_once_under_one_id(
    field: Field, survives: int
) -> None:
    breaches(field)
    field.cycles(5)
    deliver.compose_due_mails(now=after(7))
    dying(survives, lambda: deliver.send_due(now=after(7)))
    deliver.send_due(now=after(13))
    assert 1 <= len(outbox.outbox) <= 2
    assert len({sent.extra_headers["Message-ID"] for sent in outbox.outbox}) == 1
    assert mails()[0].state == Mail.State.SENT


def test_the_deaths_above_reach_past_the_last_statement(field: Field) -> None:
    breaches(field)
    cycle = factories.cycle(field.project, after(5))
    assert not dying(34, lambda: detect.after_cycle(cycle=cycle, now=after(5)))
    assert not dying(16, lambda: deliver.compose_due_mails(now=after(7)))
    assert not dying(10, lambda: deliver.send_due(now=after(7)))


def test_replaying_the_same_cycles_opens_the_same_incidents(field: Field) -> None:
    def replayed() -> list[tuple[Any, ...]]:
        Incident.objects.all().delete()
        group = field.stalled(name="Brazil women")
        for minute in range(0, 600, 15):
            changed = {"drop_off_rate": 0.2 + 0.2 * ((minute // 90) % 2), "completes": 100 + minute}
            type(group).objects.filter(pk=group.pk).update(**changed)
            field.cycle(after(minute))
        rows = Incident.objects.order_by("breached_at", "rule", "pk")
        found = list(rows.values_list("rule", "state", "breached_at", "fired_at", "closed_at"))
        group.delete()
        return found

    first = replayed()
    assert len(first) >= 3
    assert replayed() == first
