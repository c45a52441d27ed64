"""A day without the exchange: few mails, and nothing that only seems to recover."""

from __future__ import annotations

from collections import Counter

from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.fielding.models import ExchangeAccount, Incident, Notice
from tests.fakes.alert_scenario import Field, after, mails, update

DAY = 24 * 60  # minutes


def test_a_day_without_the_exchange_is_three_mails_at_most_and_no_false_recovery(
    field: Field,
) -> None:
    field.paused()
    field.stalled(name="Brazil women")
    field.cycles(0, 5)
    update(field.account, health=ExchangeAccount.Health.ERROR)
    for minute in range(10, DAY, 10):
        detect.evaluate_by_time(now=after(minute))
        detect.check_accounts(now=after(minute))
        outbox.compose_due_mails(now=after(minute))
    assert not Notice.objects.filter(kind="recover").exists()
    assert set(Incident.objects.values_list("rule", "state")) == {
        ("paused_by_exchange", "firing"),
        ("stalled", "firing"),
        ("no_data", "firing"),
    }
    counted = Counter(mail.recipient_id for mail in mails())
    assert set(counted) == {field.pm.pk, field.admin.pk}
    assert max(counted.values()) <= 3
    told = {m.recipient_id: m.text for m in mails() if m.subject.startswith("No data")}
    assert "age of the data: 25 min (limit 20 min)" in told[field.admin.pk]
    assert "Check connection: http" in told[field.admin.pk]
    assert "Check connection" not in told[field.pm.pk]  # who edits sees none


def test_an_unchanged_group_is_looked_at_in_every_quarter_of_an_hour(field: Field) -> None:
    field.cycles(0)
    field.stalled(changed_at=after(-60))
    field.cycles(1)
    assert not Incident.objects.exists()
    field.cycles(15)
    assert Incident.objects.get().rule == "stalled"
