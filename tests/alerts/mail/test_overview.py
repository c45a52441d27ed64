"""What a mail says of its alerts: their order, their subject, and many of them in a few lines."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.alerts.mail import preferences
from dashboard.alerts.mail.action_links import (
    ActionLink,
    action_url,
    read_action_token,
    suggested_actions,
)
from dashboard.alerts.mail.compose import (
    details_of,
    incident_url,
    latest_per_incident,
    mail_items,
    reason_for_mail,
    state_label,
    subject_line,
    summary_line,
)
from dashboard.alerts.mail.overview import (
    Overview,
    RemedyLine,
    WorstGroup,
    at_stake,
    open_items,
    overview_of,
    place_of,
    remedy_lines,
    urgency_of,
    worst_groups,
)
from dashboard.alerts.mail.text_sparkline import highest_hour, last_day, text_bars
from dashboard.alerts.recipients.resolve import People
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING
from dashboard.fielding.models import (
    ExchangeAccount,
    Incident,
    Item,
    MailPreferences,
    Notice,
    Project,
    Rule,
    TargetGroup,
    User,
)
from tests import factories
from tests.fakes.alert_scenario import Field

NOW = factories.NOW
HOUR = timedelta(hours=1)
ACCOUNT = ExchangeAccount(pk=1, name="Acme\nEU")
TRACKER = Project(pk=1, account=ACCOUNT, name="Tracker W23")
OTHER = Project(pk=2, account=ACCOUNT, name="Concept")


def group(number: int = 1, **fields: Any) -> TargetGroup:
    given = {"account": ACCOUNT, "project": TRACKER, "name": f"Group {number}", "status": "live"}
    return TargetGroup(pk=number, **(given | fields))


def item(number: int, **fields: Any) -> Item:
    given = {
        "remedy": "check_link",
        "sentence": f"Item {number} is slow. It has more to say.",
        "value": number * 10.0,
        "money": Decimal(1),
        "critical": False,
        "target_group": group(number),
        "ends_at": NOW + 30 * HOUR,
    }
    return Item(pk=number, **(given | fields))


def incident(number: int, **fields: Any) -> Incident:
    given: dict[str, Any] = {
        "account": ACCOUNT,
        "project": TRACKER,
        "group": group(number),
        "rule": "drop_off",
        "state": "firing",
        "severity": WARNING,
        "headline": f"No. {number}",
        "sentence": f"No. {number}.",
        "breached_at": NOW,
    }
    return Incident(pk=number, **(given | fields))


def notice(number: int, *, kind: str = "fire", pk: int = 0, **fields: Any) -> Notice:
    return Notice(pk=pk or number, incident=incident(number, **fields), kind=kind)


@pytest.mark.parametrize(
    ("fields", "urgency"),
    [
        ({"severity": CRITICAL}, WARNING),
        ({"severity": NOTICE}, NOTICE),
        ({"severity": NOTICE, "item": item(1, critical=True)}, CRITICAL),
        ({"severity": CRITICAL, "item": item(1)}, WARNING),
    ],
)
def test_an_alert_is_critical_for_a_mail_only_while_its_item_is(
    fields: dict[str, Any], urgency: int
) -> None:
    assert urgency_of(incident(1, **fields)) == urgency


def test_the_most_urgent_alert_comes_first_each_by_its_last_notice() -> None:
    rows = [
        notice(1, pk=20, kind="recover", state="resolved", severity=CRITICAL),
        notice(2, severity=NOTICE),
        notice(3, rule="cpi_changed"),
        notice(4, breached_at=NOW - HOUR),
        notice(5),
        notice(6),
        notice(7, group=group(7, short_at_end=5.0)),
        notice(8, group=None),
        notice(9, rule="stalled"),
        notice(10, rule="paused_by_exchange"),
        notice(11, rule="no_data", group=None),
        notice(12, severity=CRITICAL),
        notice(13, item=item(1, critical=True), severity=NOTICE),
        notice(1, pk=3),
        notice(5, pk=30, kind="repeat"),
    ]
    ordered = latest_per_incident(rows)
    assert [row.incident_id for row in ordered] == [
        *(13, 12, 11, 10, 9, 7, 4, 5, 6, 8, 3, 2, 1),
    ]
    assert {row.pk for row in ordered} >= {20, 30}
    assert len(ordered) == 13


@pytest.mark.parametrize(
    ("rows", "subject"),
    [
        ([notice(1)], "Tracker W23 – No. 1"),
        ([notice(1, project=None)], "No. 1"),
        ([notice(1), notice(2, project=OTHER)], "2 projects – No. 1 (and 1 more)"),
        (
            [notice(1, kind="repeat"), notice(2), notice(3)],
            "Tracker W23 – Still open: No. 1 (and 2 more)",
        ),
        ([notice(1, state="resolved", close_reason="recovered")], "Tracker W23 – Resolved: No. 1"),
        ([notice(1, state="resolved", close_reason="paused")], "Tracker W23 – Closed: No. 1"),
    ],
)
def test_a_subject_names_the_project_first_and_counts_the_others(
    rows: list[Notice], subject: str
) -> None:
    assert subject_line(rows, None) == subject
    label = state_label(rows[0])
    assert summary_line(rows) == f"{label}No. 1"
    assert summary_line(rows, label=False) == "No. 1"


@pytest.mark.parametrize(
    ("fields", "details", "page"),
    [
        ({}, "", "incidents/1"),  # no more than the headline
        ({"sentence": "More than that."}, "More than that.", "incidents/1"),
        ({"item": item(7)}, "", "items/7"),
        (
            {"state": "resolved", "close_reason": "recovered"},
            "The group is live now.",
            "incidents/1",
        ),
        ({"state": "resolved", "close_reason": "recovered", "group": None}, "", "incidents/1"),
        (
            {"state": "resolved", "close_reason": "superseded", "item": item(7)},
            "Closed: superseded.",
            "incidents/1",
        ),
    ],
)
def test_details_add_to_the_headline_and_the_link_leads_to_the_action(
    settings: Any, fields: dict[str, Any], details: str, page: str
) -> None:
    settings.FIELDWATCH_URL = "https://f.example"
    row = incident(1, **fields)
    assert details_of(row) == details
    assert incident_url(row) == f"https://f.example/{page}/"


def test_open_items_stand_once_the_most_savable_first() -> None:
    small, large, critical = item(1), item(2), item(3, value=20.0, critical=True)
    rows = [
        notice(1, item=small),
        notice(2, item=small),
        notice(3, item=large),
        notice(4, item=critical),
        notice(5),
        notice(6, item=item(9), state="resolved"),
    ]
    assert open_items(rows) == [critical, large, small]


def test_the_place_of_alerts_is_their_project_or_how_many() -> None:
    rows = [incident(1), incident(2, project=None), incident(3)]
    assert place_of(rows) == "Tracker W23"
    assert place_of([*rows, incident(4, project=OTHER)]) == "2 projects"
    assert place_of([rows[1]]) == ""


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (RemedyLine("A: do it", "A", 2, 1, 1_310), "A: do it (1 group, 1,310 at risk)"),
        (RemedyLine("A: do it", "A", 2, 0, 0), "A: do it (2 items)"),
    ],
)
def test_a_line_counts_groups_or_else_items(line: RemedyLine, text: str) -> None:
    assert line.text == text


def test_remedies_stand_by_what_they_save_then_by_their_number_then_by_name() -> None:
    same = group(1)
    items = [
        item(1, remedy="check_link", value=10.4, target_group=same),
        item(2, remedy="check_link", value=10.4, target_group=same),
        item(3, remedy="fix_ir", value=40.0),
        item(4, remedy="reconnect", value=0.0, target_group=None),
        item(5, remedy="of_an_older_release", value=0.0),
        item(6, remedy="read_issue", value=0.0),
        item(7, remedy="read_issue", value=0.0),
    ]
    assert remedy_lines(items) == [
        ("IR below bid: re-bid IR or sharpen the targeting", "IR below bid", 1, 1, 40),
        ("Entrants but no completes: test the survey links", "Entrants but no completes", 2, 1, 21),
        ("Issue reported by Cint: follow Cint's advice", "Issue reported by Cint", 2, 2, 0),
        ("No data from Cint: check the connection", "No data from Cint", 1, 0, 0),
        ("of_an_older_release", "of_an_older_release", 1, 1, 0),
    ]


def test_more_than_three_items_are_an_overview(settings: Any) -> None:
    settings.FIELDWATCH_URL = "https://f.example"
    remedies = ("check_link", "fix_ir", "upload_links", "fix_loi", "fix_loi")
    rows = [
        notice(number, item=item(number, remedy=remedy))
        for number, remedy in enumerate(remedies, start=1)
    ]
    assert overview_of(rows[:3], now=NOW) is None
    overview = overview_of([*rows, notice(6), notice(7)], now=NOW)
    assert overview == Overview(
        where="Tracker W23",
        lines=[
            RemedyLine(
                "LOI above bid: shorten the surveys or re-bid LOI", "LOI above bid", 2, 2, 90
            ),
            RemedyLine("Survey links run out: upload more links", "Survey links run out", 1, 1, 30),
            RemedyLine(
                "IR below bid: re-bid IR or sharpen the targeting", "IR below bid", 1, 1, 20
            ),
        ],
        more=1,
        at_risk=150,
        worst=WorstGroup(
            "Group 5",
            "Item 5 is slow. 50 completes at risk. 30 h left",
            "",
            "https://f.example/items/5/",
        ),
        without_item=2,
    )
    assert overview.subject == (
        "Tracker W23 – 2 × LOI above bid, 1 × survey links run out, 1 × IR below bid and 1 more "
        "(150 completes at risk)"
    )
    assert overview._replace(more=0, at_risk=0).subject.endswith("1 × IR below bid")
    assert subject_line(rows, overview) == overview.subject


def test_the_worst_groups_are_named_and_an_account_is_its_own_place(settings: Any) -> None:
    settings.FIELDWATCH_URL = "https://f.example"
    first = item(1, sentence="x" * 120 + ". More.", value=0.4, ends_at=NOW)
    rows = [incident(2, item=item(2)), incident(1, item=first, group=None)]
    assert worst_groups([first], rows, now=NOW) == [
        ("Acme EU", "x" * 109 + "…", "", "https://f.example/items/1/")
    ]


@pytest.mark.parametrize(
    ("fields", "phrases"),
    [
        ({"value": 1.4}, ["1 complete at risk", "30 h left"]),
        ({"value": 0.5}, ["30 h left"]),
        ({"value": 0.6, "ends_at": None}, ["1 complete at risk"]),
        ({"value": 0.6, "ends_at": NOW}, ["1 complete at risk"]),
    ],
)
def test_what_is_at_stake_is_said_where_it_is_known(
    fields: dict[str, Any], phrases: list[str]
) -> None:
    assert at_stake(item(1, **fields), now=NOW) == phrases


@pytest.mark.parametrize(
    ("counts", "bars", "highest"),
    [
        ([0, 7, 7, 8], "█▁▂", 7),
        ([0, 14, 15], "█▁", 14),
        ([5, None, 9, 8, 10], "···█", 2),
        ([3, 3, 3], "▁▁", 0),
        ([None, None], "·", 0),
        ([], "", 0),
    ],
)
def test_completes_of_a_day_are_bars_with_a_dot_for_what_is_not_known(
    counts: list[int | None], bars: str, highest: int
) -> None:
    assert text_bars(counts) == bars
    assert highest_hour(counts) == highest


@pytest.mark.parametrize(
    ("rule", "reason", "forms"),
    [
        ("paused_by_exchange", "", ["resume"]),
        ("paused_by_exchange", "low_epc", ["cpi", "resume"]),
        ("paused_by_exchange", "max_cpi_limit_reached", ["cpi", "resume"]),
        ("paused_by_exchange", "no_completes_in_several_days", ["cpi", "resume"]),
        ("paused_by_exchange", "past_scheduled_end_date", ["dates", "resume"]),
        ("paused_by_exchange", "total_completes_reached", ["goals", "resume"]),
        ("paused_by_exchange", "high_median_loi", ["details", "resume"]),
        ("paused_and_forgotten", "low_epc", ["resume", "dates"]),
        ("no_data", "", ["connection"]),
        ("drop_off", "", []),
        ("of_an_older_release", "", []),
    ],
)
def test_the_form_that_mends_the_reason_of_a_pause_comes_first(
    rule: str, reason: str, forms: list[str]
) -> None:
    always = ["acknowledge", "mute"]
    row = incident(1, rule=rule, group=group(1, status_reason=reason))
    assert suggested_actions(row) == [*forms, *always]
    row.group = None
    assert suggested_actions(row) == [*(f for f in forms if f == "connection"), *always]


def choice(**fields: Any) -> MailPreferences:
    """Quiet from 20:00 to 7:30 and on Saturday and Sunday, as by default."""
    return MailPreferences(**fields)


READER = User(time_zone="Europe/Berlin", date_joined=NOW - 100 * HOUR)
BERLIN = ZoneInfo("Europe/Berlin")


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in November 2026; the 20th is a Friday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=BERLIN)


NIGHTS = {"quiet_from": time(20), "quiet_until": time(7, 30), "quiet_days": ""}
NOON = {"quiet_from": time(12), "quiet_until": time(13), "quiet_days": ""}
WEEKEND = NIGHTS | {"quiet_days": "67"}


@pytest.mark.parametrize(
    ("fields", "severity", "now", "until"),
    [
        (NIGHTS, WARNING, berlin(20, 19, 59), berlin(20, 19, 59)),
        (NIGHTS, WARNING, berlin(20, 20), berlin(21, 7, 30)),
        (NIGHTS, WARNING, berlin(20, 7, 29), berlin(20, 7, 30)),
        (NIGHTS, WARNING, berlin(20, 7, 30), berlin(20, 7, 30)),
        (NOON, WARNING, berlin(20, 12), berlin(20, 13)),
        (NOON, WARNING, berlin(20, 13), berlin(20, 13)),
        (NOON, WARNING, berlin(20, 11, 59), berlin(20, 11, 59)),
        (WEEKEND, WARNING, berlin(20, 21), berlin(23, 7, 30)),
        (WEEKEND, WARNING, berlin(22, 12), berlin(23, 7, 30)),
        (WEEKEND, CRITICAL, berlin(22, 12), berlin(22, 12)),
        (WEEKEND | {"quiet_critical": True}, CRITICAL, berlin(22, 12), berlin(23, 7, 30)),
        (NOON | {"quiet_days": "5"}, WARNING, berlin(20, 12), berlin(21, 0)),
        (NIGHTS | {"quiet_days": "123456"}, WARNING, berlin(16, 12), berlin(22, 7, 30)),
        (NIGHTS | {"quiet_days": "1234567"}, WARNING, berlin(20, 12), None),
    ],
)
def test_quiet_hours_and_days_hold_back_until_they_end(
    fields: dict[str, Any], severity: int, now: datetime, until: datetime | None
) -> None:
    mine = choice(**fields)
    ends = preferences.end_of_quiet(mine, severity, user=READER, now=now)
    assert ends == until
    held = preferences.in_quiet_hours(mine, severity, user=READER, now=now)
    assert held is (until != now)


@pytest.mark.parametrize(
    ("fields", "now", "day"),
    [
        ({}, berlin(20, 8), date(2026, 11, 20)),
        ({}, berlin(20, 7, 59), None),
        ({}, berlin(20, 23, 59), date(2026, 11, 20)),
        ({}, berlin(21, 8), None),  # a Saturday
        ({"digest": False}, berlin(20, 8), None),
    ],
)
def test_a_digest_is_due_from_its_time_on_at_its_days(
    fields: dict[str, Any], now: datetime, day: date | None
) -> None:
    mine = choice(**({"digest": True, "digest_at": time(8), "digest_days": "12345"} | fields))
    assert preferences.digest_day(mine, user=READER, now=now) == day
    joined = User(time_zone="Europe/Berlin", date_joined=berlin(20, 8, 1))
    assert preferences.digest_day(mine, user=joined, now=now) is None
    joined.date_joined = berlin(20, 8)
    assert preferences.digest_day(mine, user=joined, now=now) == day


@pytest.mark.parametrize(
    ("row", "fields", "immediate"),
    [
        (notice(1, item=item(1, critical=True)), {}, True),
        (notice(1), {}, False),
        (notice(1), {"now": WARNING}, True),
        (notice(1, severity=NOTICE), {"now": WARNING}, False),
        (notice(1, since_before=True), {"now": WARNING}, False),
        (notice(1, kind="recover"), {"now": WARNING, "recoveries_now": False}, False),
        (notice(1, kind="recover"), {"now": WARNING, "recoveries_now": True}, True),
        (notice(1), {"now": MailPreferences.Now.NOTHING}, False),
    ],
)
def test_what_a_person_wants_now_does_not_wait_for_the_digest(
    row: Notice, fields: dict[str, Any], immediate: bool
) -> None:
    mine = choice(**({"now": CRITICAL} | fields))
    assert preferences.is_immediate(mine, row) is immediate
    row.in_digest = True
    assert preferences.is_immediate(mine, row) is False


def test_a_link_to_a_form_is_signed_and_expires() -> None:
    token = action_url(incident(7), "cpi").rstrip("/").rpartition("/")[2]
    assert read_action_token(token) == ActionLink(7, "cpi", expired=False)
    past = read_action_token(token, valid_for=timedelta(seconds=-1))
    assert past == ActionLink(7, "cpi", expired=True)
    assert read_action_token(f"{token}x") is None


def test_the_bars_of_a_group_are_its_last_24_full_hours(field: Field) -> None:
    late = field.group(first_complete_at=NOW - 3 * HOUR)
    factories.completes(late, until=NOW - HOUR, counts=(2, 9))
    older = field.group(first_complete_at=NOW - 90 * HOUR)
    factories.completes(older, counts=range(30))
    none = field.group()
    bars = last_day([late.pk, older.pk, none.pk], now=NOW + timedelta(minutes=59))
    assert bars == {late.pk: ("·" * 21 + "▃█·", 7), older.pk: ("█" * 24, 1)}
    early = last_day([late.pk], now=NOW + 25 * HOUR)
    assert early == {late.pk: ("·" * 24, 0)}


@pytest.mark.parametrize(
    ("managers", "choice", "expected"),
    [
        (("pm-1", ""), None, ["pm"]),
        (("unknown", "pm-1"), None, ["pm"]),
        (("", ""), None, ["pm", "admin"]),
        (("unknown",), None, ["pm", "admin"]),
        (("pm-1",), {"managers": False, "roles": ["viewer"]}, ["viewer"]),
        (("pm-1",), {"managers": True, "roles": ["viewer", "editor"]}, ["pm", "viewer"]),
        (("pm-1",), {"managers": False}, ["pm", "admin"]),
        (("pm-1",), {"managers": False, "addresses": ["v@example.com", "x@y"]}, ["viewer"]),
    ],
)
def test_recipients_are_the_chosen_ones_or_else_all_editors(
    field: Field, managers: tuple[str, ...], choice: dict[str, Any] | None, expected: list[str]
) -> None:
    viewer = factories.person("viewer", field.account, email="V@example.com")
    factories.person("viewer", field.account, is_active=False)
    if choice is not None:
        Rule.objects.create(
            account=field.account, scope="account", code="recipients", settings=choice
        )
    names = {field.pm.pk: "pm", field.admin.pk: "admin", viewer.pk: "viewer"}
    people = People(field.account.pk)
    row = Incident(account=field.account, project=field.project, rule="drop_off")
    assert [names[pk] for pk in people.recipients_of(row, managers)] == expected


def test_channels_get_what_is_of_their_account_project_or_owner(field: Field) -> None:
    other = factories.project(field.account)
    channels = {
        "account": factories.channel(field.account),
        "project": factories.channel(field.account, project=field.project),
        "other": factories.channel(field.account, project=other),
        "pm": factories.channel(owner=field.pm),
        "admin": factories.channel(owner=field.admin),
        "elsewhere": factories.channel(factories.account()),
    }
    people, names = People(field.account.pk), {row.pk: name for name, row in channels.items()}

    def notified(**fields: Any) -> list[str]:
        row = Incident(**({"account": field.account, "rule": "drop_off"} | fields))
        return [names[pk] for pk in people.channels_of(row, [field.pm.pk])]

    assert notified(project=field.project) == ["account", "project", "pm"]
    assert notified() == ["account", "pm"]
    assert notified(project=field.project, rule="edit_unconfirmed") == ["pm"]


def stored(field: Field, **fields: Any) -> Notice:
    """A stored alert on a group of the field, and its notice (not stored)."""
    given: dict[str, Any] = {
        "account": field.account,
        "project": field.project,
        "group": field.group(),
        "rule": "ends_soon",
        "key": f"k{Incident.objects.count()}",
        "state": "firing",
        "severity": WARNING,
        "headline": "Projected short",
        "sentence": "Japan: projected short.",
        "breached_at": NOW - 3 * HOUR,
        "facts": {"figures": [["completes", "100\n", 200]]},
    }
    return Notice(incident=Incident.objects.create(**(given | fields)), kind="fire")


def test_an_alert_in_a_mail_says_since_when_and_offers_what_its_reader_may_do(
    field: Field,
) -> None:
    fires, paused = stored(field), stored(field, rule="paused_by_exchange", flapping=True)
    ended = stored(
        field, state="resolved", close_reason="recovered", closed_at=NOW - HOUR, project=None
    )
    silent = stored(field, rule="no_data", group=None, project=None)
    viewer = factories.person("viewer", field.account)

    def lines(reader: User) -> list[tuple[Any, ...]]:
        rows = mail_items([fires, paused, ended, silent], user=reader, now=NOW)
        return [(row.when, row.figures, [label for label, _ in row.acts]) for row in rows]

    figures = [["completes", "100", "200"]]
    always = ["Acknowledge", "Mute"]
    assert lines(field.pm) == [
        ("open since Fri 09:00 UTC", figures, ["Change CPI", "Change end date", *always]),
        ("paused since Fri 09:00 UTC", figures, ["Resume", *always]),
        ("Fri 09:00 UTC to Fri 11:00 UTC (2 h)", [], []),
        ("open since Fri 09:00 UTC", figures, always),
    ]
    assert [acts for _, _, acts in lines(field.admin)][3] == ["Check connection", *always]
    assert [acts for _, _, acts in lines(viewer)] == [[], [], [], []]
    (line,) = mail_items([paused], user=field.pm, now=NOW)
    assert (line.label, line.headline, line.sentence, line.bars, line.most, line.flapping) == (
        "",
        "Projected short",
        "Japan: projected short.",
        "",
        0,
        True,
    )


def test_a_mail_says_why_it_came(field: Field) -> None:
    row = stored(field).incident
    name = field.account.name
    viewer, stranger = factories.person("viewer", field.account), factories.person()
    manager = f"You get this because you are the project manager on “{name}”."
    of_alerts = f"You get this because you are a recipient of alerts from “{name}”."
    assert [reason_for_mail(user, row) for user in (field.pm, field.admin, viewer, stranger)] == [
        manager,
        f"You get this because you are an administrator on “{name}”.",
        of_alerts,
        of_alerts,
    ]
    row.group = None
    assert reason_for_mail(field.pm, row) == (
        f"You get this because you are an editor on “{name}”."
    )
