"""Which notices become which mails."""

from __future__ import annotations

from datetime import timedelta

from dashboard.alerts.mail import compose, immediate, outbox
from dashboard.fielding.models import MailPreferences, Notice
from tests import factories
from tests.fakes.alert_scenario import Field, after, change, mails, update


def test_two_composers_make_one_mail(field: Field) -> None:
    field.paused()
    field.cycles(0)
    notice = Notice.objects.get()
    words = compose.compose_alert(field.pm, [notice], now=after(1))
    assert immediate.store_mail(field.pm, [notice], words, now=after(1))
    assert not immediate.store_mail(field.pm, [notice], words, now=after(1))
    assert len(mails()) == 1


def test_what_is_over_before_it_was_told_is_one_mail(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    update(group, status="live", last_complete_at=after(0.5))
    field.cycles(0.5)
    assert outbox.compose_due_mails(now=after(2)) == 1
    mail = mails()[0]
    assert mail.subject.startswith("Resolved: Paused: Japan")
    for body in (mail.text, mail.html):
        assert "Fri 11:00 UTC to Fri 12:00 UTC (1 h)" in body
        assert "The group is live now." in body
        assert "Fix:" not in body
        assert "should be" not in body
    assert Notice.objects.filter(mail=None).count() == 0


def test_a_pause_has_its_own_time_and_the_rest_is_told_since_we_saw_it(field: Field) -> None:
    field.paused()
    field.group(name="Stuck", last_complete_at=factories.NOW - timedelta(hours=45))
    field.cycles(0, 15, 30)
    outbox.compose_due_mails(now=after(45))
    told = mails()[0].text
    assert "  paused since Fri 11:00 UTC" in told
    assert "  open since Fri 12:00 UTC" in told


def test_who_left_the_account_is_told_nothing(field: Field) -> None:
    field.paused()
    field.cycles(0)
    field.pm.memberships.all().delete()
    assert outbox.compose_due_mails(now=after(2)) == 0
    assert Notice.objects.get().skipped == "no longer a member"


def test_twelve_of_fourteen_groups_are_one_line(field: Field) -> None:
    for number in range(12):
        field.paused(name=f"Group {number}")
    field.group()
    field.group()
    field.cycles(0)
    outbox.compose_due_mails(now=after(2))
    assert mails()[0].subject == "Tracker W23: 12 of 14 groups in field, paused by Cint"


def test_notices_that_nobody_wants_by_mail_are_given_up_after_days(field: Field) -> None:
    MailPreferences.objects.create(user=field.pm, digest=False)
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    outbox.compose_due_mails(now=after(3 * 24 * 60))
    assert Notice.objects.get().skipped == ""
    outbox.compose_due_mails(now=after(6 * 24 * 60))
    assert Notice.objects.get().skipped == "switched off by the recipient"


def test_a_group_that_stands_still_leads_a_mail_before_a_change_of_price(field: Field) -> None:
    change(field.group(name="Germany"), -60, new={"value": "3.00"})
    field.paused()
    field.cycles(0)
    outbox.compose_due_mails(now=after(2))
    assert mails()[0].subject.startswith("Paused: Japan")


def test_a_mail_of_many_begins_with_how_many_of_what(field: Field) -> None:
    for number in range(3):
        field.paused(name=f"Group {number}")
    field.stalled()
    field.cycles(0, 5)
    outbox.compose_due_mails(now=after(7))
    mail = mails()[0]
    assert mail.subject.startswith(
        "3 paused by Cint, 1 stalled – worst: Paused: Group 0, LOI well above"
    )
    summary = "3 paused by Cint · 1 stalled"
    assert summary in mail.text
    assert summary in mail.html


def test_what_is_short_for_something_stays_in_capitals(field: Field) -> None:
    for name in ("Germany", "Spain", "Italy"):
        change(field.group(name=name), -60, new={"value": "3.00"})
    field.cycles(0)
    notices = list(Notice.objects.filter(recipient=field.pm).select_related("incident__project"))
    assert (
        compose.summary_line(notices)
        == "Tracker W23: 3 of 3 groups in field, CPI changed outside Fieldwatch"
    )


def test_of_two_that_are_as_grave_the_one_with_more_at_risk_leads(field: Field) -> None:
    field.stalled(name="Spain", short_at_end=9.0)
    field.stalled(name="Italy", short_at_end=782.0)
    field.cycles(0, 5)
    notices = list(Notice.objects.filter(recipient=field.pm).select_related("incident__group"))
    names = [
        n.incident.group.name for n in compose.latest_per_incident(notices) if n.incident.group
    ]
    assert names == ["Italy", "Spain"]


def test_a_warning_leads_a_digest_before_what_somebody_changed(field: Field) -> None:
    change(field.group(name="Germany"), -600, new={"value": "2.20"})
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    notices = list(Notice.objects.filter(recipient=field.pm).select_related("incident"))
    assert [n.incident.rule for n in compose.latest_per_incident(notices)] == [
        "drop_off",
        "cpi_changed",
    ]
