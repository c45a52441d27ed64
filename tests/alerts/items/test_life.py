"""The life of an item: it opens and closes with its incidents, waits and comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from dashboard.alerts.incidents import acknowledge_and_mute, detect
from dashboard.alerts.items import waiting
from dashboard.alerts.items.plan import BY_CAUSE
from dashboard.alerts.items.refresh import refresh_items
from dashboard.alerts.mail import immediate
from dashboard.alerts.mail.compose import MailBody
from dashboard.alerts.mail.immediate import store_mail
from dashboard.alerts.recipients.settings import RecipientChoice, set_recipients
from dashboard.fielding.models import Downtime, Incident, Item, Mail, Notice, TargetGroup, User
from tests import factories
from tests.fakes.alert_scenario import Field, after, update


def item() -> Item:
    return Item.objects.get()


def item_waiting() -> tuple[str, User | None]:
    last = Item.objects.order_by("pk").last()
    assert last is not None
    return last.waiting, last.waiting_by


def states() -> list[tuple[str, str]]:
    return list(Item.objects.order_by("pk").values_list("remedy", "state"))


def test_an_item_opens_with_its_incident_and_closes_with_it(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    assert Incident.objects.get().item == item()
    assert (item().state, item().target_group, item().value) == ("to_do", group, 100.0)
    update(group, status="live", status_changed_at=after(2), last_complete_at=after(2))
    field.cycles(5)
    assert item().state == "closed"
    assert item().closed_at == after(5)


def test_one_cause_replaces_another_of_the_same_group(field: Field) -> None:
    group = field.stalled()
    field.cycles(0, 5)
    update(group, status="paused", status_reason="low_epc", status_changed_by="system_user")
    field.cycles(10)
    assert states() == [("find_stall", "closed"), ("raise_cpi", "to_do")]


def test_a_pending_breach_is_no_item(field: Field) -> None:
    field.stalled()
    field.cycles(0)
    assert states() == []


def test_the_value_follows_the_group_within_a_quarter_of_an_hour(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    update(group, completes=150)
    field.cycles(15)
    assert item().value == 50.0


def test_items_of_an_older_release_are_made_by_the_next_cycle(field: Field) -> None:
    field.paused()
    field.cycles(0)
    Item.objects.all().delete()
    field.cycles(15)
    assert states() == [("fix_loi", "to_do")]


def test_what_a_first_reading_finds_was_so_before(field: Field) -> None:
    update(field.account, first_pull_completed_at=factories.NOW)
    field.account.refresh_from_db()
    field.paused()
    field.cycles(0)
    field.paused(name="Later")
    field.cycles(5)
    assert list(Item.objects.order_by("pk").values_list("since_before", flat=True)) == [True, False]


def test_an_acknowledged_item_waits_a_day_and_stops_the_repeats(field: Field) -> None:
    field.paused()
    field.cycles(0)
    assert waiting.acknowledge_items([item()], by=field.pm, now=after(1)) == [item().pk]
    assert (item().state, item().waiting_by) == ("waiting", field.pm)
    assert Incident.objects.get().acknowledged_by == field.pm
    detect.evaluate_by_time(now=after(24 * 60))
    assert item().state == "waiting"
    detect.evaluate_by_time(now=after(24 * 60 + 1))
    assert (item().state, item().waiting) == ("to_do", "")


def test_to_acknowledge_an_incident_is_to_acknowledge_its_item(field: Field) -> None:
    field.paused()
    field.cycles(0)
    incident = Incident.objects.get()
    acknowledge_and_mute.acknowledge_incident(incident=incident, by=field.pm, now=after(1))
    assert item().waiting == "acknowledged"


@pytest.mark.parametrize(("completes", "state"), [(100, "waiting"), (60, "to_do")])
def test_a_waiting_item_comes_back_when_it_gets_worse(
    field: Field, completes: int, state: str
) -> None:
    group = field.paused()
    field.cycles(0)
    waiting.acknowledge_items([item()], by=field.pm, now=after(1))
    update(group, completes=completes)  # 100, or 140 of 200 missing
    field.cycles(15)
    assert item().state == state


def test_a_waiting_item_comes_back_when_it_becomes_critical(field: Field) -> None:
    group = field.paused(ends_at=factories.NOW + timedelta(days=14))
    field.cycles(0)
    waiting.acknowledge_items([item()], by=field.pm, now=after(1))
    assert not item().critical
    update(group, ends_at=after(36 * 60))
    field.cycles(15)
    assert (item().critical, item().state) == (True, "to_do")


@pytest.mark.parametrize(("is_mailed", "notices"), [(True, 2), (False, 1)])
def test_an_item_that_turns_critical_after_its_mail_is_mailed_again(
    field: Field, is_mailed: bool, notices: int
) -> None:
    group = field.paused(ends_at=factories.NOW + timedelta(days=14))
    field.cycles(0)
    if is_mailed:  # with the digest, say
        body = MailBody("Open items", "", "")
        store_mail(field.pm, list(Notice.objects.all()), body, now=after(1))
    update(group, ends_at=after(36 * 60))
    field.cycles(15, 30)
    assert item().critical
    assert Notice.objects.filter(kind=Notice.Kind.FIRE).count() == notices


@pytest.mark.parametrize("waits", ["pm", "admin", "nobody", "both"])
def test_who_was_mailed_the_warning_is_mailed_when_it_turns_critical(
    field: Field, waits: str
) -> None:
    """Also while another recipient's notice waits, who then gets one email and not two."""
    recipients = {"pm": field.pm, "admin": field.admin}
    choice = RecipientChoice(managers=False, roles=("editor", "administrator"))
    set_recipients(account=field.account, choice=choice, by=field.admin, now=after(-1))
    group = field.paused(ends_at=factories.NOW + timedelta(days=14))
    field.cycles(0)
    for name, user in recipients.items():
        if waits not in (name, "both"):
            theirs = list(Notice.objects.filter(recipient=user))
            store_mail(user, theirs, MailBody("Open items", "", ""), now=after(1))
    update(group, ends_at=after(36 * 60))
    field.cycles(15, 30)
    assert item().critical
    for minute in (31, 37, 43):
        immediate.compose_immediate(now=after(minute))
    for name, user in recipients.items():
        expected = 1 if waits in (name, "both") else 2
        assert Mail.objects.filter(recipient=user).count() == expected, name
    assert not Notice.objects.filter(mail=None, skipped="").exists()


def test_an_item_whose_group_was_changed_waits_a_day(field: Field) -> None:
    group = field.stalled()
    field.cycles(0, 5)
    factories.edit(group, by=field.pm, settled_at=after(6))
    field.cycles(20)
    assert (item().state, *item_waiting()) == ("waiting", "acknowledged", field.pm)
    waiting.put_back_items([item()], now=after(21))  # the same change does it once
    field.cycles(35)
    assert item().state == "to_do"


def test_a_group_that_was_changed_is_given_a_day_before_its_pace_is_an_item(field: Field) -> None:
    group = field.group(short_at_end=60.0, insight={"pace": {"band": "far behind"}})
    Incident.objects.create(
        account=group.account,
        project=group.project,
        group=group,
        rule="behind_pace",
        key="k",
        state="firing",
        severity=2,
        breached_at=after(-90),
    )
    factories.edit(group, by=field.pm, settled_at=after(-60))
    with transaction.atomic():
        refresh_items(group.account_id, [group.pk], now=after(0))
    assert not Item.objects.exists()
    with transaction.atomic():
        refresh_items(group.account_id, [group.pk], now=after(23 * 60))
    assert item().remedy == "raise_cpi"


@pytest.mark.parametrize(
    "change", [{"by": None}, {"state": "rejected"}, {"kind": "manager"}, {"settled_at": after(4)}]
)
def test_an_item_stays_to_do_after_other_changes(field: Field, change: dict[str, Any]) -> None:
    group = field.stalled()
    field.cycles(0, 5)
    factories.edit(group, **({"by": field.pm, "settled_at": after(6)} | change))
    field.cycles(20)
    assert item().state == "to_do"


def test_an_assigned_item_that_was_put_aside_returns_to_the_same_person(field: Field) -> None:
    field.paused()
    field.cycles(0)
    waiting.assign_items([item()], to=field.pm, by=field.admin, now=after(1))
    waiting.acknowledge_items([item()], by=field.pm, now=after(2))
    waiting.put_back_items([item()], now=after(3))
    assert (item().state, item().assigned_to) == ("to_do", field.pm)
    waiting.put_back_items([item()], now=after(4))  # the assignment itself is undone
    assert item().assigned_to is None


def test_a_group_with_a_new_end_date_is_to_be_resumed(field: Field) -> None:
    group = field.paused(status_reason="past_scheduled_end_date", ends_at=after(-60))
    field.cycles(0)
    assert item().remedy == "extend_or_close"
    update(group, ends_at=after(48 * 60))
    field.cycles(15)
    assert states() == [("extend_or_close", "closed"), ("resume", "to_do")]


def test_an_item_of_another_remedy_for_the_same_incident_waits_on(field: Field) -> None:
    group = field.stalled()
    field.cycles(0, 5)
    waiting.acknowledge_items([item()], by=field.pm, now=after(6))
    cause = next(cause for cause, remedy in BY_CAUSE.items() if remedy == "check_link")
    update(group, insight={"causes": [{"sentence": cause}]})
    field.cycles(30)
    assert states() == [("find_stall", "closed"), ("check_link", "waiting")]
    assert item_waiting() == ("acknowledged", field.pm)


def test_a_snooze_until_it_gets_worse_by_has_no_other_end(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    waiting.snooze_items([item()], by=field.pm, worse_by=50, now=after(1))
    update(group, completes=51)
    field.cycles(15)
    detect.evaluate_by_time(now=after(60 * 24 * 60))
    assert item().state == "waiting"
    update(group, completes=50)
    field.cycles(30)
    assert item().state == "to_do"


@pytest.mark.parametrize(
    "choice",
    [{}, {"until": after(-1)}, {"until": after(31 * 24 * 60)}, {"worse_by": 0.5}],
)
def test_a_snooze_without_an_end_is_refused(field: Field, choice: dict[str, Any]) -> None:
    field.paused()
    field.cycles(0)
    with pytest.raises(ValueError, match="snooze"):
        waiting.snooze_items([item()], by=field.pm, now=after(0), **choice)
    assert item().state == "to_do"


def test_a_waiting_item_whose_cause_is_gone_closes(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    waiting.acknowledge_items([item()], by=field.pm, now=after(1))
    update(group, status="live", status_changed_at=after(2), last_complete_at=after(2))
    field.cycles(5)
    assert item().state == "closed"
    assert waiting.put_back_items([item()], now=after(6)) == [item().pk]
    assert item().state == "closed"  # an undo does not bring it back


def test_an_undo_is_as_if_nothing_had_happened(field: Field) -> None:
    field.paused()
    field.cycles(0)
    before = {**vars(item())}
    waiting.acknowledge_items([item()], by=field.pm, now=after(1))
    waiting.put_back_items([item()], now=after(2))
    now = {**vars(item())}
    for state in (before, now):
        del state["_state"], state["changed_at"]
    assert now == before
    assert Incident.objects.get().acknowledged_by is None


def mine(user: User) -> list[TargetGroup | None]:
    return [row.target_group for row in Item.objects.to_do(user)]


def test_an_item_is_of_the_groups_manager_then_the_projects_then_the_editors(
    field: Field,
) -> None:
    own, other = field.paused(), field.paused(project_manager_id="unknown")
    field.cycles(0)
    assert mine(field.pm) == [own, other] or mine(field.pm) == [other, own]
    assert mine(field.admin) == [other]
    update(field.project, project_manager_id=field.PM)
    assert mine(field.admin) == []
    viewer = factories.person("viewer", field.account)
    stranger = factories.person("administrator", factories.account())
    assert mine(viewer) == mine(stranger) == []


def test_an_assigned_item_is_the_other_persons(field: Field) -> None:
    group = field.paused()
    field.cycles(0)
    waiting.assign_items([item()], to=field.admin, by=field.pm, now=after(1))
    assert (mine(field.pm), mine(field.admin)) == ([], [group])
    waiting.put_back_items([item()], now=after(2))
    assert (mine(field.pm), mine(field.admin)) == ([group], [])


def test_nothing_is_assigned_to_a_person_without_access(field: Field) -> None:
    field.paused()
    field.cycles(0)
    with pytest.raises(ValueError, match="no access"):
        waiting.assign_items([item()], to=factories.person(), by=field.pm, now=after(1))


def test_the_most_savable_comes_first(field: Field) -> None:
    small, large = field.paused(completes=190), field.paused(completes=10)
    field.cycles(0)
    assert mine(field.pm) == [large, small]


def test_items_of_more_groups_cost_no_more_queries(field: Field) -> None:
    def cost(minute: float) -> int:
        for _ in range(10):
            field.paused()
        cycle = factories.cycle(field.project, after(minute))
        with CaptureQueriesContext(connection) as queries:
            detect.after_cycle(cycle=cycle, now=after(minute))
        return len(queries)

    field.cycles(0)
    assert cost(15) + 2 >= cost(30)
    assert Item.objects.count() == 20


def test_a_pause_after_an_outage_of_ours_was_so_before(field: Field) -> None:
    field.cycles(0)
    Downtime.objects.create(began_at=after(1), ended_at=after(60))
    field.paused()
    field.cycle(after(61))
    assert item().since_before
    assert item().opened_at == after(61)


@pytest.mark.parametrize(
    ("value", "completes", "state"),
    [(100.0, 75, "to_do"), (100.0, 76, "waiting"), (8.0, 187, "to_do"), (8.0, 188, "waiting")],
)
def test_an_acknowledged_item_comes_back_a_quarter_and_five_completes_worse(
    field: Field, value: float, completes: int, state: str
) -> None:
    group = field.paused(completes=200 - int(value), ends_at=after(60 * 24 * 30))
    field.cycles(0)
    waiting.acknowledge_items([item()], by=field.pm, now=after(1))
    assert item().waiting_value == value + max(value / 4, 5)
    assert (item().waiting_since, item().waiting_until) == (after(1), after(24 * 60 + 1))
    update(group, completes=completes)
    field.cycles(15)
    assert item().state == state


@pytest.mark.parametrize(
    ("choice", "until", "worse_at"),
    [
        ({"until": after(30 * 24 * 60)}, after(30 * 24 * 60), None),
        ({"until": after(1)}, after(1), None),
        ({"worse_by": 1}, None, 101.0),
        ({"until": after(60), "worse_by": 20}, after(60), 120.0),
    ],
)
def test_a_snooze_ends_at_its_time_or_at_its_increase(
    field: Field, choice: dict[str, Any], until: Any, worse_at: float | None
) -> None:
    field.paused()
    field.cycles(0)
    row = item()
    assert waiting.snooze_items([row], by=field.pm, now=after(0), **choice) == [row.pk]
    row.refresh_from_db()
    assert (row.waiting, row.waiting_by, row.waiting_since) == ("snoozed", field.pm, after(0))
    assert (row.waiting_until, row.waiting_value) == (until, worse_at)
    if until:
        assert waiting.return_due_items(now=until - timedelta(seconds=1)) == 0
        assert waiting.return_due_items(now=until) == 1
        assert (item().state, item().waiting, item().waiting_value) == ("to_do", "", None)


def test_what_is_closed_is_not_put_aside_and_the_others_are(field: Field) -> None:
    field.paused()
    field.paused(name="Other")
    field.cycles(0)
    closed, opened = Item.objects.order_by("pk")
    Item.objects.filter(pk=closed.pk).update(state="closed")
    assert waiting.acknowledge_items([closed, opened], by=field.pm, now=after(1)) == [opened.pk]
    acknowledged = Incident.objects.filter(acknowledged_by=field.pm, acknowledged_at=after(1))
    assert [incident.item for incident in acknowledged] == [opened]


@pytest.mark.parametrize(("completes", "value"), [(101, 100.0), (102, 98.0), (99, 101.0)])
def test_a_value_is_written_from_a_change_of_a_complete_on(
    field: Field, completes: int, value: float
) -> None:
    group = field.paused()
    field.cycles(0)
    Item.objects.update(value=100.0 if completes != 101 else 99.5)
    update(group, completes=completes)
    field.cycles(15)
    assert item().value == (99.5 if completes == 101 else value)
    assert item().incident_count == 1


def test_an_item_has_all_of_its_plan(field: Field) -> None:
    group = field.paused(ends_at=after(60 * 70))
    field.cycles(0)
    row = item()
    assert (row.key, row.project, row.remedy) == (
        f"{field.account.pk}:g{group.pk}:fix_loi",
        field.project,
        "fix_loi",
    )
    assert (row.value, row.money, row.currency, row.ends_at, row.critical) == (
        100.0,
        275,
        "USD",
        after(60 * 70),
        True,
    )
    assert (row.opened_at, row.changed_at, row.incident_count, row.since_before) == (
        after(0),
        after(0),
        1,
        False,
    )
    assert row.sentence.startswith("Paused by Cint since Fri ")
    field.cycles(15)
    assert item().changed_at == after(0)  # nothing to write


def test_no_data_is_an_item_of_the_whole_account(field: Field) -> None:
    field.cycles(0)
    detect.check_accounts(now=after(25))
    row = item()
    assert (row.key, row.project, row.target_group, row.currency, row.ends_at) == (
        f"{field.account.pk}:p:reconnect",
        None,
        None,
        "",
        None,
    )


@pytest.mark.parametrize(("completes", "state"), [(100, "waiting"), (60, "to_do")])
def test_a_cause_that_takes_over_waits_on_unless_it_is_worse(
    field: Field, completes: int, state: str
) -> None:
    group = field.stalled()
    field.cycles(0, 5)
    waiting.assign_items([item()], to=field.admin, by=field.pm, now=after(5.5))
    waiting.acknowledge_items([item()], by=field.pm, now=after(6))
    cause = next(cause for cause, remedy in BY_CAUSE.items() if remedy == "check_link")
    update(group, insight=group.insight | {"causes": [{"sentence": cause}]}, completes=completes)
    field.cycles(30)
    row = Item.objects.get(remedy="check_link")
    assert (row.state, row.assigned_to) == (state, field.admin)
    assert bool(row.waiting) is (state == "waiting")
