"""What a person's emails are about: it narrows what the recipient settings send, at one place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.alerts.incidents import detect, no_data
from dashboard.alerts.mail import outbox
from dashboard.alerts.mail.about import NOT_CHOSEN, AboutFilter
from dashboard.alerts.recipients.settings import RecipientChoice, set_recipients
from dashboard.alerts.rules.catalogue import EDIT_UNCONFIRMED
from dashboard.fielding.models import (
    Downtime,
    Incident,
    Item,
    Mail,
    MailPreferences,
    Notice,
    Project,
    User,
)
from tests import factories
from tests.fakes.alert_scenario import Field, after, mails, update

MONDAY_8 = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
About = MailPreferences.About


@pytest.fixture
def field(field: Field) -> Field:
    """A field whose alerts all editors get, the project manager among them."""
    set_recipients(
        account=field.account,
        choice=RecipientChoice(managers=True, roles=("editor",)),
        by=field.admin,
        now=factories.NOW,
    )
    factories.person("viewer", field.account, exchange_user_id="pm-2")
    return field


def choose(field: Field, about: About, *projects: Project, **fields: Any) -> MailPreferences:
    chosen = {"about": about, "chosen_projects": [project.pk for project in projects]}
    choice, _ = MailPreferences.objects.update_or_create(user=field.pm, defaults=chosen | fields)
    return choice


def to_pm(field: Field) -> list[Mail]:
    return [mail for mail in mails() if mail.recipient == field.pm]


def groups_told(field: Field) -> set[str]:
    """The names of the groups that emails to the project manager tell of."""
    told = Notice.objects.filter(recipient=field.pm, mail__isnull=False)
    return set(told.values_list("incident__group__name", flat=True))


def pause_in(project: Project, **fields: Any) -> None:
    """A group that Cint paused in another project, and the reading that finds it."""
    paused = {
        "status": "paused",
        "status_reason": "high_median_loi",
        "status_changed_by": "system_user",
        "median_loi_seconds": 852,
        "expected_loi_minutes": 9,
        "ends_at": after(70 * 60),
        "insight": {"rhythm": {"rate": 3.0, "hours": [1.0] * 24, "days": [1.0] * 7}},
        "conversion_rate": 0.2,
    }
    factories.group(project, **(paused | fields))
    detect.after_cycle(cycle=factories.cycle(project, after(0)), now=after(0))


@pytest.mark.parametrize(
    ("about", "told"),
    [
        (About.GROUPS, {"Own", "Nobody's in own project"}),
        (About.PROJECTS, {"Own", "Nobody's in own project", "Colleague's in own project"}),
        (About.CHOSEN, {"Colleague's elsewhere"}),
        (
            About.EVERYTHING,
            {
                "Own",
                "Nobody's in own project",
                "Colleague's in own project",
                "Colleague's elsewhere",
            },
        ),
    ],
)
def test_each_choice_covers_its_groups(field: Field, about: About, told: set[str]) -> None:
    update(field.project, project_manager_id=Field.PM)
    field.project.refresh_from_db()
    other = factories.project(field.account, project_manager_id="pm-2", name="Other")
    choose(field, about, other)
    field.paused(name="Own")
    field.paused(name="Nobody's in own project", project_manager_id="unknown")
    field.paused(name="Colleague's in own project", project_manager_id="pm-2")
    field.cycles(0)
    pause_in(other, name="Colleague's elsewhere", project_manager_id="pm-2")
    for minute in range(1, 10):
        outbox.compose_due_mails(now=after(minute))
    assert groups_told(field) == told
    left_out = Notice.objects.filter(recipient=field.pm, mail=None)
    assert set(left_out.values_list("skipped", flat=True)) <= {NOT_CHOSEN}


def test_a_choice_never_brings_what_the_recipient_settings_do_not(field: Field) -> None:
    quiet = RecipientChoice(managers=False, roles=("administrator",))
    set_recipients(account=field.account, choice=quiet, by=field.admin, now=factories.NOW)
    choose(field, About.CHOSEN, field.project)
    field.paused()
    field.cycles(0)
    outbox.compose_due_mails(now=after(2))
    assert to_pm(field) == []
    assert [mail.recipient for mail in mails()] == [field.admin]


def test_what_is_assigned_to_a_person_is_theirs(field: Field) -> None:
    choose(field, About.GROUPS, now=MailPreferences.Now.EVERYTHING)
    field.paused(name="Colleague's", project_manager_id="pm-2")
    field.cycles(0)
    Item.objects.update(assigned_to=field.pm)
    outbox.compose_due_mails(now=after(2))
    assert groups_told(field) == {"Colleague's"}


@pytest.mark.parametrize("about", [About.GROUPS, About.PROJECTS, About.CHOSEN])
def test_alerts_about_a_whole_connection_come_with_any_choice(field: Field, about: About) -> None:
    choose(field, about)
    field.cycles(0)
    update(field.account, created_at=factories.NOW)
    no_data.check_no_data(field.account, now=after(120))
    assert Incident.objects.get().project is None
    outbox.compose_due_mails(now=after(121))
    outbox.compose_due_mails(now=MONDAY_8)
    assert Notice.objects.get(recipient=field.pm).mail is not None


@pytest.mark.parametrize("about", [About.GROUPS, About.PROJECTS, About.CHOSEN])
def test_a_change_that_is_not_confirmed_is_told_to_its_author_with_any_choice(
    field: Field, about: About
) -> None:
    field.project.project_manager_id = "pm-2"
    group = field.group(project_manager_id="pm-2")
    of = {"account": field.account, "project": field.project, "group": group}
    choice, chosen = choose(field, about), AboutFilter()
    assert chosen.covers_incident(choice, Incident(rule=EDIT_UNCONFIRMED.code, **of))
    assert not chosen.covers_incident(choice, Incident(rule="drop_off", **of))


def test_a_digest_lists_what_was_chosen_and_counts_the_rest(field: Field) -> None:
    choose(field, About.GROUPS)
    field.group(name="Own", drop_off_rate=0.4)
    field.group(name="Colleague's", drop_off_rate=0.4, project_manager_id="pm-2")
    field.cycles(*range(0, 61, 15))
    outbox.compose_due_mails(now=MONDAY_8)
    (mail,) = to_pm(field)
    assert mail.subject.startswith("1 new: High drop-off: Own")
    assert "Colleague's" not in mail.text
    assert "1 more alert is open outside your choice or for other recipients" in mail.text


def test_a_digest_without_anything_chosen_does_not_say_that_all_is_well(field: Field) -> None:
    choose(field, About.GROUPS)
    field.group(name="Colleague's", drop_off_rate=0.4, project_manager_id="pm-2")
    field.cycles(*range(0, 61, 15))
    outbox.compose_due_mails(now=MONDAY_8)
    (mail,) = to_pm(field)
    assert mail.subject == "No alerts for you: 1 live group, 1 open elsewhere"


def test_what_was_left_out_is_still_open_once_it_is_chosen(field: Field) -> None:
    choice = choose(field, About.GROUPS)
    field.group(name="Colleague's", drop_off_rate=0.4, project_manager_id="pm-2")
    field.cycles(*range(0, 61, 15))
    outbox.compose_due_mails(now=MONDAY_8)
    update(choice, about=About.EVERYTHING)
    outbox.compose_due_mails(now=MONDAY_8.replace(day=24))
    assert to_pm(field)[1].subject.startswith("1 still open: High drop-off: Colleague's")


def test_what_was_mailed_leaves_the_digest_once_it_is_not_chosen(field: Field) -> None:
    choice = choose(field, About.EVERYTHING)
    field.group(name="Colleague's", drop_off_rate=0.4, project_manager_id="pm-2")
    field.cycles(*range(0, 61, 15))
    outbox.compose_due_mails(now=MONDAY_8)
    update(choice, about=About.GROUPS)
    outbox.compose_due_mails(now=MONDAY_8.replace(day=24))
    assert [mail.subject.partition(":")[0] for mail in to_pm(field)] == [
        "1 new",
        "No alerts for you",
    ]


def test_the_mail_about_an_outage_has_what_was_chosen(field: Field) -> None:
    choose(field, About.GROUPS)
    field.cycles(0)
    Downtime.objects.create(began_at=after(1), ended_at=after(60))
    field.paused(name="Own")
    for number in range(3):
        field.paused(name=f"Colleague's {number}", project_manager_id="pm-2")
    field.cycle(after(61))
    for minute in range(62, 120, 5):
        outbox.compose_due_mails(now=after(minute))
    assert [mail.subject for mail in to_pm(field)] == ["We found 1 open problem in Tracker W23"]


def count_own(field: Field, user: User) -> tuple[int, ...]:
    return tuple(AboutFilter().count_own_groups(user))


def test_the_groups_of_each_choice_are_counted(
    field: Field, django_assert_num_queries: Any
) -> None:
    update(field.project, project_manager_id=Field.PM)
    field.group()
    field.group(project_manager_id="unknown")
    field.group(project_manager_id="pm-2")
    field.group(status="completed")
    factories.group(
        factories.project(field.account, project_manager_id="pm-2"), project_manager_id="pm-2"
    )
    with django_assert_num_queries(3):  # the groups, and an account's people and recipients
        assert count_own(field, field.pm) == (2, 3)
    assert count_own(field, field.admin) == (0, 0)
