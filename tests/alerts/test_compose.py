"""Which notices become which mails."""

from __future__ import annotations

from dashboard.alerts import bundle, deliver, letter
from dashboard.fielding.models import MailChoice, Notice
from tests.alerts.field import Field, after, change, mails, update


def test_two_composers_make_one_mail(field: Field) -> None:
    field.paused()
    field.cycles(0)
    notice = Notice.objects.get()
    words = letter.alert(field.pm, [notice], now=after(1))
    assert bundle.freeze(field.pm, [notice], words, now=after(1))
    assert not bundle.freeze(field.pm, [notice], words, now=after(1))
    assert len(mails()) == 1


def test_what_is_over_before_it_was_told_is_one_mail(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    update(group, status="live", last_complete_at=after(0.5))
    field.cycles(0.5)
    assert deliver.compose(now=after(2)) == 1
    assert mails()[0].subject.startswith("Recovered: Paused: Japan")
    assert Notice.objects.filter(mail=None).count() == 0


def test_who_left_the_account_is_told_nothing(field: Field) -> None:
    field.paused()
    field.cycles(0)
    field.pm.memberships.all().delete()
    assert deliver.compose(now=after(2)) == 0
    assert Notice.objects.get().skipped == "no longer a member"


def test_twelve_of_fourteen_groups_are_one_line(field: Field) -> None:
    for number in range(12):
        field.paused(name=f"Group {number}")
    field.group()
    field.group()
    field.cycles(0)
    deliver.compose(now=after(2))
    assert mails()[0].subject == "Tracker W23: 12 of 14 groups, paused by the exchange"


def test_notices_that_nobody_wants_by_mail_are_given_up_after_days(field: Field) -> None:
    MailChoice.objects.create(user=field.pm, digest=False)
    field.group(drop_off_rate=0.4)
    field.cycles(*range(0, 61, 15))
    deliver.compose(now=after(3 * 24 * 60))
    assert Notice.objects.get().skipped == ""
    deliver.compose(now=after(6 * 24 * 60))
    assert Notice.objects.get().skipped == "not wanted by mail"


def test_a_group_that_stands_still_leads_a_mail_before_a_change_of_price(field: Field) -> None:
    change(field.group(name="Germany"), -60, new={"value": "3.00"})
    field.paused()
    field.cycles(0)
    deliver.compose(now=after(2))
    assert mails()[0].subject.startswith("Paused: Japan")
