"""The home page: what is told first, the figures above it, and what happened since."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.forms.models import model_to_dict
from django.test import Client

from dashboard.fielding.models import Change, ExchangeAccount, Incident, TargetGroup, User
from dashboard.fielding.models.querysets.rows import IncidentQuerySet
from dashboard.web.home import attention, headline, since_last_visit, visits
from tests import factories
from tests.web.white_space import strip_beside_tags

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def anna(client: Client, account: ExchangeAccount) -> User:
    user = factories.person("viewer", account, first_name="Anna", time_zone="Europe/Berlin")
    client.force_login(user)
    return user


def incident(group: TargetGroup, rule: str, severity: int, **fields: Any) -> Incident:
    given = {
        "key": f"{group.pk}:{rule}",
        "state": "firing",
        "sentence": f"{group.name}: {rule}.",
        "breached_at": factories.NOW,
        "fired_at": factories.NOW,
    }
    return Incident.objects.create(
        account=group.account,
        project=group.project,
        group=group,
        rule=rule,
        severity=severity,
        **(given | fields),
    )


def told(
    sizes: dict[int, int] | None = None, in_field: dict[int, int] | None = None
) -> list[attention.AttentionRow]:
    rows = IncidentQuerySet(Incident).with_names().order_by("pk")
    return attention.attention_rows(
        rows.values_list(*attention.FIELDS, named=True),
        in_field=in_field or sizes or {},
    )


@pytest.mark.parametrize(
    ("lead", "follow"),
    [
        ("paused_by_exchange", "stalled"),
        ("stalled", "interview_long"),
        ("interview_long", "behind_pace"),
        ("drop_off", "behind_pace"),
        ("epc", "behind_pace"),
        ("behind_pace", "early"),
    ],
)
def test_the_leading_cause_of_a_group_is_told(
    account: ExchangeAccount, lead: str, follow: str
) -> None:
    group = factories.group(factories.project(account), name="Japan")
    incident(group, follow, 2)
    incident(group, lead, 2)
    (row,) = told()
    assert (row.sentence, row.more) == (f"{lead[:1].upper()}{lead[1:]}.", 1)


def test_rows_come_by_severity_then_completes_at_risk_then_time_left(
    account: ExchangeAccount,
) -> None:
    project = factories.project(account)
    cases = [("far", 2, 5, 9), ("soon", 2, 5, 1), ("many", 2, 50, 9), ("critical", 1, 0, 9)]
    for name, severity, short, days in cases:
        ends = factories.NOW + timedelta(days=days)
        incident(
            factories.group(project, name=name, short_at_end=short, ends_at=ends), "epc", severity
        )
    factories.group(project, name="quiet")
    rows = told({project.pk: 20})
    assert [row.group for row in rows] == ["critical", "many", "soon", "far"]


def test_a_widespread_cause_leaves_a_group_its_own_other_cause(account: ExchangeAccount) -> None:
    project = factories.project(account)
    groups = [factories.group(project) for _ in range(3)]
    for group in groups:
        incident(group, "drop_off", 2)
    incident(groups[0], "stalled", 1)
    rows = told({project.pk: 10})
    assert [(row.severity, row.group_pk) for row in rows] == [
        ("critical", groups[0].pk),
        ("warning", None),
    ]
    assert rows[1].sentence == "3 of 10 groups in field: high drop-off."


def test_what_is_short_for_something_stays_in_capitals(account: ExchangeAccount) -> None:
    project = factories.project(account)
    for _ in range(3):
        incident(factories.group(project), "cpi_changed", 1)
    (row,) = told({project.pk: 3})
    assert row.sentence == "3 of 3 groups in field: CPI changed outside Fieldwatch."


def test_paused_groups_count_among_those_of_which_a_cause_takes_a_share(
    account: ExchangeAccount,
) -> None:
    project = factories.project(account)
    for _ in range(3):
        incident(factories.group(project), "drop_off", 2)
    assert len(told({project.pk: 4}, {project.pk: 10})) == 1
    assert len(told({project.pk: 4}, {project.pk: 11})) == 3


@pytest.mark.parametrize("live", [2, 11])
def test_a_cause_of_few_groups_stays_apart(account: ExchangeAccount, live: int) -> None:
    project = factories.project(account)
    for _ in range(min(live, 3)):
        incident(factories.group(project), "drop_off", 2)
    assert all(row.group_pk for row in told({project.pk: live}))


def test_the_figures_of_the_field(client: Client, account: ExchangeAccount, anna: User) -> None:
    project = factories.project(account)
    day = timedelta(days=1)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    common = {"time_zone": "UTC", "ends_at": midnight + 10 * day, "cpi": Decimal("2.50")}
    at = (midnight + day / 2).isoformat()
    factories.group(
        project,
        completes=100,
        filling_goal=200,
        insight={"at": at, "today": 20, "pace": {"band": "behind"}},
        currency="EUR",
        **common,
    )
    factories.group(
        project,
        completes=100,
        filling_goal=100,
        insight={"at": at, "today": 4, "pace": {"band": "ahead"}},
        currency="USD",
        **common,
    )
    factories.group(
        project, status="paused", status_changed_by="system_user", insight={"today": "x"}
    )
    fields = TargetGroup.objects.values_list(*headline.FIELDS, named=True)
    told = headline.headline_of(fields, now=midnight + day / 2)
    assert (told.live, told.behind, told.paused, told.today) == (2, 1, 1, 24)
    assert told.needed == pytest.approx(120 / 10 + 4 / 10)
    assert told.spend == "50\N{NO-BREAK SPACE}EUR + 10\N{NO-BREAK SPACE}USD"
    page = client.get("/").content.decode()
    assert "50\N{NO-BREAK SPACE}EUR + 10\N{NO-BREAK SPACE}USD" in page


def test_spans_begin_on_friday_evening_where_the_person_is() -> None:
    user = factories.person(time_zone="Asia/Tokyo")
    spans = since_last_visit.since_choices(
        user, datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    )  # Monday in Tokyo
    assert [span.key for span in spans] == ["friday", "24h"]
    assert spans[0].start == datetime(2026, 11, 20, 9, tzinfo=UTC)
    early = since_last_visit.since_choices(
        user, datetime(2026, 11, 20, 8, 59, tzinfo=UTC)
    )  # Friday, before 18:00
    assert early[0].start == datetime(2026, 11, 13, 9, tzinfo=UTC)


def test_a_visit_is_not_each_look() -> None:
    user = factories.person()
    nine = datetime(2026, 11, 20, 9, tzinfo=UTC)
    visits.record_visit(user, now=nine)
    assert user.last_visit_at is None
    visits.record_visit(user, now=nine + timedelta(minutes=20))
    assert user.last_visit_at is None
    visits.record_visit(user, now=nine + timedelta(hours=8))
    user.refresh_from_db()
    assert user.last_visit_at == nine + timedelta(minutes=20)
    assert user.seen_at == nine + timedelta(hours=8)


def test_of_two_looks_at_once_one_moves_the_visit() -> None:
    user = factories.person()
    visits.record_visit(user, now=factories.NOW)
    same = User.objects.get(pk=user.pk)
    later = factories.NOW + timedelta(hours=2)
    visits.record_visit(user, now=later)
    visits.record_visit(same, now=later + timedelta(seconds=90))
    user.refresh_from_db()
    assert (user.last_visit_at, user.seen_at) == (factories.NOW, later)


def test_a_refresh_is_no_visit(client: Client, anna: User) -> None:
    client.get("/", headers={"HX-Request": "true", "If-None-Match": '"x"'})
    anna.refresh_from_db()
    assert anna.seen_at is None
    client.get("/")
    anna.refresh_from_db()
    assert anna.seen_at is not None


def test_since_tells_what_happened_and_who_did_it(
    client: Client, account: ExchangeAccount, anna: User
) -> None:
    now = datetime.now(UTC)
    group = factories.group(factories.project(account), name="Poland")
    pm = factories.exchange_user(account, name="Marek Nowak")
    incident(group, "stalled", 1, fired_at=now - timedelta(hours=2))
    incident(
        group,
        "epc",
        2,
        state="resolved",
        fired_at=now - timedelta(days=9),
        closed_at=now - timedelta(hours=1),
        close_reason="recovered",
    )
    for number, (old, new) in enumerate((("live", "paused"), ("paused", "live"))):
        Change.objects.create(
            account=account,
            group=group,
            batch_id=str(number),
            seen_at=now,
            occurred_at=now - timedelta(minutes=50 - number),
            kind="status_change",
            old=old,
            new=new,
            actor_type="las_user",
            actor_id=pm.exchange_id,
        )
    group.edits.create(
        account=account,
        by=anna,
        kind="cpi",
        token="t",
        state="confirmed",
        before={"value": "2.10", "currency_code": "EUR"},
        wanted={"value": "2.90", "currency_code": "EUR"},
        started_at=now - timedelta(minutes=5),
    )
    page = client.get("/?since=24h").content.decode()
    since = page[
        page.index('id="since"') : page.index('class="panel" aria-label="Needs attention"')
    ]
    words = re.findall(r'<span class="tag \w+">(\w+)</span>', since)
    assert words == ["Edited", "Resumed", "Paused", "Closed", "Opened"]
    assert since.count("Marek Nowak") == 2
    assert "2.10 EUR → 2.90 EUR" in since
    assert "1 edit" in since


def test_more_than_is_read_is_counted_as_at_least(
    client: Client, account: ExchangeAccount, anna: User
) -> None:
    one = incident(
        factories.group(factories.project(account)), "epc", 2, fired_at=datetime.now(UTC)
    )
    fields = model_to_dict(one, exclude=["id", "account", "project", "group", "key"])
    of = {"account": account, "project": one.project, "group": one.group}
    Incident.objects.bulk_create(Incident(**of, key=f"{n}", **fields) for n in range(1000))
    page = strip_beside_tags(client.get("/?since=24h").content.decode())
    assert "At least 1,000 new alerts" in page


def test_a_state_of_an_account_moves_what_a_refresh_compares(
    client: Client, account: ExchangeAccount, anna: User
) -> None:
    group = factories.group(factories.project(account))

    def refreshed(etag: str) -> int:
        seen = {"HX-Request": "true", "If-None-Match": etag}
        return client.get("/", headers=seen).status_code

    etag = client.get("/").headers["ETag"]
    assert refreshed(etag) == 304
    one = incident(group, "stalled", 1)
    assert refreshed(etag) == 200
    etag = client.get("/").headers["ETag"]
    one.state = "resolved"
    one.save()
    assert refreshed(etag) == 200
    etag = client.get("/").headers["ETag"]
    ExchangeAccount.objects.update(health="stale")
    assert refreshed(etag) == 200


def test_a_widespread_cause_is_told_since_its_first_group(account: ExchangeAccount) -> None:
    project = factories.project(account)
    for hours in (1, 5, 3):
        incident(
            factories.group(project), "epc", 2, breached_at=factories.NOW - timedelta(hours=hours)
        )
    (row,) = told({project.pk: 3})
    assert row.since == factories.NOW - timedelta(hours=5)


@pytest.mark.parametrize(("role", "offered"), [("editor", True), ("viewer", False)])
def test_a_paused_group_is_resumed_from_the_row_that_tells_of_it(
    client: Client, account: ExchangeAccount, role: str, offered: bool
) -> None:
    client.force_login(factories.person(role, account))
    group = factories.group(factories.project(account), name="Japan", status="paused")
    incident(group, "paused_by_exchange", 1)
    assert (f'name="pick" value="{group.pk}"' in client.get("/").content.decode()) is offered
