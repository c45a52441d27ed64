"""Two workers at the same work at the same moment, on a database that lets both in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import time, timedelta

import pytest
from django.core import mail
from django.db import connection

from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.fielding.models import Incident, Mail, Membership, Notice, StatusSchedule
from tests import factories
from tests.fakes.alert_scenario import after, mails
from tests.fakes.alert_scenario import field as make_field

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 4


def together(work: Callable[[], object]) -> None:
    """Do the same in several workers that start at once."""
    gate = threading.Barrier(WORKERS)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            gate.wait()
            work()
        except BaseException as exc:
            failed.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_workers_at_one_cycle_and_one_outbox_tell_each_once() -> None:
    field = make_field()
    for number in range(5):
        field.stalled(name=f"Stalled {number}")
        field.paused(name=f"Paused {number}")
    field.cycles(0)
    cycle = factories.cycle(field.project, after(5))
    together(lambda: detect.after_cycle(cycle=cycle, now=after(5)))
    assert Incident.objects.filter(state="firing").count() == 10
    assert Notice.objects.count() == 10
    together(lambda: outbox.compose_due_mails(now=after(7)))
    assert len(mails()) == 1
    together(lambda: outbox.send_due(now=after(7)))
    assert len(mail.outbox) == 1
    assert mails()[0].attempts == 1


def test_workers_at_one_silence_open_one_incident() -> None:
    field = make_field()
    field.cycles(0)
    together(lambda: detect.check_accounts(now=after(25)))
    assert Incident.objects.count() == 1
    assert Notice.objects.count() == 2


def test_workers_at_one_scheduled_status_store_and_send_it_once() -> None:
    field = make_field()
    field.cycles(0)
    shared = factories.shared_status(field.project)
    Membership.objects.update(role="editor")
    for _ in range(3):
        factories.status_address(shared, field.pm)
    StatusSchedule.objects.update(at=time(9), changed_at=factories.NOW)
    tomorrow = factories.NOW + timedelta(days=1)
    together(lambda: outbox.compose_due_mails(now=tomorrow))
    statuses = Mail.objects.filter(purpose="status")
    assert statuses.count() == 3
    together(lambda: outbox.send_due(now=tomorrow))
    assert list(statuses.values_list("state", "attempts")) == [("sent", 1)] * 3
