"""Which notices become which mails."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from dashboard.alerts.items.needed_cpi import cpi_sentences, load_needed_cpis
from dashboard.alerts.mail import compose, immediate, outbox
from dashboard.fielding.models import Incident, LearnedElasticity, MailPreferences, Notice
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
    assert mail.subject.startswith("Tracker W23 – Resolved: Paused: Japan")
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


def test_an_email_says_in_which_role_somebody_gets_it(field: Field) -> None:
    field.paused()
    field.cycles(0)
    incident = Incident.objects.get()
    for role in ("editor", "administrator"):
        person = factories.person(role, on=field.account)
        reason = compose.reason_for_mail(person, incident)
        assert reason == f"You get this because you are an {role} on “{field.account.name}”."
    manager = compose.reason_for_mail(field.pm, incident)
    assert manager == f"You get this because you are the project manager on “{field.account.name}”."


def test_who_left_the_account_is_told_nothing(field: Field) -> None:
    field.paused()
    field.cycles(0)
    field.pm.memberships.all().delete()
    assert outbox.compose_due_mails(now=after(2)) == 0
    assert Notice.objects.get().skipped == "no longer a member"


def test_twelve_groups_with_one_cause_are_one_line(field: Field) -> None:
    for number in range(12):
        field.paused(name=f"Group {number}")
    field.group()
    field.group()
    field.cycles(0)
    outbox.compose_due_mails(now=after(2))
    assert mails()[0].subject == "Tracker W23 – 12 × LOI above bid (1,200 completes at risk)"


def test_notices_that_nobody_wants_by_mail_are_given_up_after_days(field: Field) -> None:
    MailPreferences.objects.create(user=field.pm, digest=False)
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    outbox.compose_due_mails(now=after(7 * 24 * 60))
    assert Notice.objects.get().skipped == ""
    outbox.compose_due_mails(now=after(9 * 24 * 60))
    assert Notice.objects.get().skipped == "switched off by the recipient"


def test_a_group_that_stands_still_leads_a_mail_before_a_change_of_price(field: Field) -> None:
    change(field.group(name="Germany"), -60, new={"value": "3.00"})
    field.paused()
    field.cycles(0)
    outbox.compose_due_mails(now=after(2))
    assert mails()[0].subject.startswith("Tracker W23 – Paused: Japan")


def test_a_mail_of_many_is_three_lines_by_remedy_and_the_worst_group(field: Field) -> None:
    for number in range(5):
        field.paused(name=f"Group {number}", completes=10 * number)
    for reason in ("low_epc", "excessive_redirect_errors", "high_drop_rates"):
        field.paused(name=reason, status_reason=reason, completes=100 - len(reason))
    field.cycles(0)
    assert outbox.compose_due_mails(now=after(2)) == 1
    (mail,) = mails()
    assert mail.subject == (
        "Tracker W23 – 5 × LOI above bid, 1 × redirect errors, 1 × high drop-off and 1 more "
        "(1,247 completes at risk)"
    )
    lines = mail.text.splitlines()
    assert lines[0] == "Tracker W23"
    assert lines[1] == (
        "- LOI above bid: shorten the surveys or re-bid LOI (5 groups, 900 at risk)"
    )
    assert lines[4] == "- 1 more"
    assert "Worst: Group 0" in lines
    assert len(lines) <= 18
    assert max(len(line) for line in lines) <= 140
    assert "LOI above bid: shorten" in mail.html


def test_a_hundred_groups_paused_at_once_are_one_mail_that_fits_a_phone(field: Field) -> None:
    for number in range(100):
        field.paused(name=f"Group {number}", status_reason="excessive_encryption_errors")
    field.cycles(0)
    for minute in (2, 8, 30):
        outbox.compose_due_mails(now=after(minute))
    (mail,) = mails()
    assert mail.subject == "Tracker W23 – 100 × encryption errors (10,000 completes at risk)"
    assert len(mail.text.splitlines()) <= 14


BEHIND = {"forecast": {"at_end": [170, 190, 215], "chance": 0.35}}
AHEAD = {"forecast": {"at_end": [260, 280, 300], "chance": 0.99}}


def notice_of_item(field: Field, remedy: str, **fields: Any) -> Notice:
    """A notice to the project manager about a group whose item has this remedy."""
    group = field.group(cpi=Decimal("2.70"), country_code="pl", **fields)
    incident = Incident.objects.create(
        account=group.account,
        project=group.project,
        group=group,
        item=factories.item(group, remedy=remedy),
        rule="behind_pace",
        key=f"{group.pk}",
        state=Incident.State.FIRING,
        severity=1,
        headline="Behind pace",
        sentence="Projected 40 short.",
        breached_at=factories.NOW,
    )
    return Notice.objects.create(
        incident=incident,
        recipient=field.pm,
        kind=Notice.Kind.FIRE,
        sequence=1,
        created_at=factories.NOW,
    )


def test_a_mail_names_the_price_that_a_group_needs(field: Field) -> None:
    LearnedElasticity.objects.create(
        account=field.account, mean=1.2, sd=0.2, in_country=41, learned_at=factories.NOW
    )
    raised = notice_of_item(field, "raise_cpi", insight=BEHIND)
    lowered = notice_of_item(field, "lower_cpi_or_leave", insight=AHEAD)
    told = compose.compose_alert(field.pm, [raised, lowered], now=after(1))
    mail = " ".join(told.text.split())
    raise_it = re.search(
        r"Raising the CPI to about ([\d.]+) USD \(\+(\d+) %\) gives a chance of "
        r"8\d % to meet the deadline: \+\d+ to \+\d+ % completes an hour \(from 41 changes in "
        r"Poland\)\.",
        mail,
    )
    assert raise_it is not None, mail
    needed = load_needed_cpis([raised.incident.group_id or 0], now=after(1))
    assert [str(price.cpi) for price in needed.values()] == [raise_it[1]]
    lower_it = re.search(r"At a CPI of about [\d.]+ USD \(−\d+ %\) .* stays 9\d %: −\d+ to", mail)
    assert lower_it is not None, mail
    for sentence in (raise_it[0], lower_it[0]):
        assert sentence in unescape(" ".join(told.html.split()))


@pytest.mark.parametrize(("remedy", "queries"), [("raise_cpi", 5), ("resume", 0)])
def test_prices_cost_the_same_few_queries_and_none_without_need(
    field: Field, remedy: str, queries: int, django_assert_num_queries: Any
) -> None:
    for number in (1, 5):
        items = [notice_of_item(field, remedy, insight=BEHIND).incident.item for _ in range(number)]
        rows = [item for item in items if item is not None]
        with django_assert_num_queries(queries):
            assert len(cpi_sentences(rows, now=after(1))) == (number if queries else 0)


def test_the_worst_group_of_many_has_its_price(field: Field) -> None:
    notices = [notice_of_item(field, "raise_cpi", insight=BEHIND) for _ in range(5)]
    told = compose.compose_alert(field.pm, notices, now=after(1))
    for body in (told.text, told.html):
        assert body.count("gives a chance of ") == 1
    assert max(len(line) for line in told.text.splitlines()) <= 180


def test_what_can_wait_is_not_mailed_at_once(field: Field) -> None:
    field.paused(ends_at=factories.NOW + timedelta(days=14))
    field.cycles(0)
    assert outbox.compose_due_mails(now=after(30)) == 0
    assert Notice.objects.get().mail is None


def test_a_price_that_a_colleague_changed_interrupts_nobody(field: Field) -> None:
    change(field.group(name="Germany"), -60, new={"value": "3.00"})
    field.cycles(0)
    assert outbox.compose_due_mails(now=after(30)) == 0
    assert Notice.objects.exists()


def test_what_is_short_for_something_stays_in_capitals(field: Field) -> None:
    MailPreferences.objects.create(user=field.pm, now=MailPreferences.Now.EVERYTHING)
    for name in ("Germany", "Spain", "Italy", "Norway"):
        change(field.group(name=name), -60, new={"value": "3.00"})
    field.cycles(0)
    outbox.compose_due_mails(now=after(2))
    subjects = [mail.subject for mail in mails() if mail.recipient == field.pm]
    assert subjects == ["Tracker W23 – 4 × CPI changed by half or more"]


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
