"""Tables as people set them up: columns, filters, notes, saved views, earlier waves, months."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import (
    ExchangeAccount,
    Membership,
    Note,
    Project,
    SavedView,
    TargetGroup,
    User,
)
from dashboard.web.projects import wave_comparison
from dashboard.web.reports import spending
from tests import factories
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(poll_seconds=300)


@pytest.fixture
def anna(client: Client, account: ExchangeAccount) -> User:
    user = factories.person("viewer", account, first_name="Anna", last_name="Berg")
    client.force_login(user)
    return user


@pytest.fixture
def project(account: ExchangeAccount, anna: User) -> Project:
    return factories.project(account, name="Tracker W24")


def names(client: Client, address: str) -> list[str]:
    page = client.get(address).content.decode()
    return re.findall(r'<bdi class="clamp">(.*?)</bdi></a>', page)


def headings(client: Client, address: str) -> list[str]:
    page = fold_white_space(client.get(address).content.decode())
    head = page.split("<thead>")[1].split("</thead>")[0]
    return re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', head)


def test_columns_are_chosen_in_the_address(client: Client, project: Project) -> None:
    factories.group(project, epc=Decimal("0.25"), locale="ger_de")
    address = f"/projects/{project.pk}/"
    assert headings(client, address)[-1] == "Note"
    assert headings(client, address + "?cols=locale.epc.nonsense") == ["Group", "Locale", "EPC"]
    assert headings(client, address + "?col=epc&col=locale") == ["Group", "Locale", "EPC"]
    assert headings(client, address + "?cols=nonsense") == headings(client, address)
    page = client.get(address + "?cols=locale.epc&sort=epc").content.decode()
    assert "ger_de" in page
    assert "0.25 USD" in page
    assert "cols=locale.epc&amp;sort=-epc" in page


def test_every_column_can_be_shown_and_sorted_by(client: Client, project: Project) -> None:
    from dashboard.web.tables import group_columns  # noqa: PLC0415 - the one test that needs its table

    factories.group(
        project,
        insight={
            "pace": {"band": "behind", "actual": 3, "required": 9.5},
            "cost": {"p50": "12.50"},
            "forecast": {"chance": 0.237},
        },
        issues={"epc": [{"text": "EPC is low.", "code": "low_epc", "suggestions": ["Raise CPI"]}]},
    )
    every = ".".join(group_columns.COLUMNS_BY_KEY)
    page = client.get(f"/projects/{project.pk}/?cols={every}").content.decode()
    for said in ("Behind", "3 of 10 expected", "12.50 USD", "24 %", "EPC: EPC is low. Raise CPI."):
        assert said in page
    for key in group_columns.HEADINGS:
        assert client.get(f"/groups/?cols={every}&sort={key}").status_code == 200


def test_the_two_costs_to_come_have_two_names(client: Client, project: Project) -> None:
    factories.group(
        project, cost=270, cpi="2.75", completes=100, insight={"cost": {"p50": "412.50"}}
    )
    address = f"/projects/{project.pk}/?cols=projected"
    assert headings(client, address)[1].startswith("Cost by end date")
    page = client.get(address).content.decode()
    assert "412.50 USD" in page
    assert "545.00 USD if the goal is reached" in page
    export = client.get(f"/projects/{project.pk}/export.csv?cols=projected")
    text = b"".join(export).decode()
    assert "Cost by end date,Cost if the goal is reached,Currency" in text
    assert "412.50,545,USD" in text
    TargetGroup.objects.update(status="completed")
    assert "if the goal is reached" not in client.get(address).content.decode()


def test_a_table_shows_a_soft_launch_as_such(client: Client, project: Project) -> None:
    module = {"share": 0.1, "ends_at": "2030-01-01T00:00:00+00:00", "is_on": False}
    reason = "Soft launch: 20 of 20 completes, waiting for the full launch"
    factories.group(
        project,
        status="paused",
        status_reason="total_completes_reached",
        completes=20,
        insight={"soft_launch": module, "pace": {"band": "soft launch", "reason": reason}},
    )
    page = client.get(f"/projects/{project.pk}/?cols=status.pace").content.decode()
    assert 'Soft launch<span class="sub">20 of 20 completes, waiting for the full launch' in page
    assert "oft launch complete" in page
    assert "oal reached" not in page


def test_ids_narrow_a_table_to_those_groups(client: Client, project: Project) -> None:
    one = factories.group(project, name="One", human_readable_id="T000001")
    factories.group(project, name="Two", human_readable_id="T000002")
    three = factories.group(project, name="Three")
    asked = f"/groups/?sort=name&ids=t000001,%0A{three.exchange_id.lower()}"
    assert names(client, asked) == ["One", "Three"]
    assert one.human_readable_id in client.get(asked).content.decode()


def test_mine_is_what_i_manage_on_the_exchange(
    client: Client, account: ExchangeAccount, anna: User
) -> None:
    me = factories.exchange_user(account, name="Anna Berg")
    factories.project(account, name="Ours", project_manager_id=me.exchange_id)
    factories.project(account, name="Theirs")
    assert "Link your exchange user" in client.get("/projects/?mine=1").content.decode()
    client.post("/me/", {"time_zone": "UTC", "theme": "auto", f"on_{account.pk}": me.exchange_id})
    assert Membership.objects.get(user=anna).exchange_user_id == me.exchange_id
    assert names(client, "/projects/?mine=1") == ["Ours"]


def test_somebody_of_another_account_cannot_be_me(
    client: Client, account: ExchangeAccount, anna: User
) -> None:
    other = factories.exchange_user(factories.account(), name="Somebody else")
    said = {"time_zone": "UTC", "theme": "auto", f"on_{account.pk}": other.exchange_id}
    assert client.post("/me/", said).status_code == 200
    assert Membership.objects.get(user=anna).exchange_user_id == ""


def test_the_newest_note_stands_in_the_row_with_who_wrote_it(
    client: Client, project: Project, anna: User
) -> None:
    group = factories.group(project)
    for text, hours in (("Old", 2), ("Client wants <b>fewer</b> women", 1)):
        Note.objects.create(
            group=group, text=text, by=anna, at=factories.NOW - timedelta(hours=hours)
        )
    page = client.get(f"/projects/{project.pk}/").content.decode()
    assert "Client wants &lt;b&gt;fewer&lt;/b&gt; women" in page
    assert "Anna Berg" in page.split("fewer")[1][:200]
    assert ">Old<" not in page


def test_a_project_says_how_many_of_its_open_groups_are_late(
    client: Client, account: ExchangeAccount, anna: User
) -> None:
    project = factories.project(account, name="First")
    end = factories.NOW + timedelta(days=2)
    for expected, status in ((120, "live"), (260, "live"), (90, "completed"), (90, "draft")):
        factories.group(
            project,
            status=status,
            ends_at=end,
            completes=80,
            completes_goal=200,
            filling_goal=200,
            filling_strategy="completes",
            insight={"forecast": {"at_end": [expected] * 3}},
        )
    refresh_project_outlook(project.pk, now=factories.NOW)
    page = fold_white_space(client.get("/projects/").content.decode())
    assert ">1 of 2</span>" in page
    assert f"{end:%Y-%m-%dT%H:%M:%SZ}" in page
    assert "240 / 600" in page  # the completed group counts, the draft does not
    assert ">Short 200</span>" in page  # 80 of the late one, 120 of the one that ended short


def save(client: Client, **said: str) -> None:
    given = {"page": "groups", "path": "/groups/", "query": "status=live&page=3", "name": "Live"}
    assert client.post("/views/", given | said).status_code == 302


def test_a_saved_view_opens_the_table_as_it_was(client: Client, project: Project) -> None:
    factories.group(project)
    save(client)
    page = client.get("/groups/?status=live").content.decode()
    assert '<a href="/groups/?status=live" aria-current="true"><bdi>Live</bdi>' in page


def test_a_page_opens_with_the_view_that_is_first(client: Client, project: Project) -> None:
    save(client)
    view = SavedView.objects.get()
    client.post("/views/change/", {"view": view.pk, "action": "first"})
    assert client.get("/groups/").headers["Location"] == "/groups/?status=live"
    assert client.get("/groups/?q=").status_code == 200
    assert client.get("/groups/", headers={"HX-Request": "true"}).status_code == 200
    client.post("/views/change/", {"view": view.pk, "action": "first"})
    assert client.get("/groups/").status_code == 200


def test_one_view_of_a_page_is_first(client: Client, anna: User) -> None:
    for name in ("A", "B"):
        save(client, name=name)
        view = SavedView.objects.get(name=name)
        client.post("/views/change/", {"view": view.pk, "action": "first"})
    assert list(SavedView.objects.filter(first=True).values_list("name", flat=True)) == ["B"]


def test_a_view_is_renamed_and_removed(client: Client, anna: User) -> None:
    save(client)
    save(client, name="Paused")
    view = SavedView.objects.get(name="Live")
    client.post("/views/change/", {"view": view.pk, "action": "rename", "name": "Paused"})
    assert "already exists" in client.get("/views/").content.decode()
    client.post("/views/change/", {"view": view.pk, "action": "rename", "name": "Running"})
    view.refresh_from_db()
    assert view.name == "Running"
    client.post("/views/change/", {"view": view.pk, "action": "remove"})
    assert list(SavedView.objects.values_list("name", flat=True)) == ["Paused"]


def test_saving_under_a_name_again_replaces_the_view(client: Client, anna: User) -> None:
    save(client)
    save(client, query="status=paused")
    assert SavedView.objects.get().query == "status=paused"


def test_a_view_without_a_name_is_asked_for_one_and_keeps_its_table(
    client: Client, anna: User
) -> None:
    page = client.post("/views/", {"page": "groups", "query": "status=live", "name": " "})
    assert "This field is required" in page.content.decode()
    assert 'value="status=live"' in page.content.decode()


def test_a_view_of_somebody_else_can_neither_be_seen_nor_changed(
    client: Client, account: ExchangeAccount
) -> None:
    view = SavedView.objects.create(user=factories.person(), page="groups", name="Hers", query="q=")
    client.force_login(factories.person("viewer", account))
    assert "Hers" not in client.get("/groups/").content.decode()
    assert "Hers" not in client.get("/views/").content.decode()
    client.post("/views/change/", {"view": view.pk, "action": "remove"})
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_a_view_never_leads_away_from_the_product(client: Client, anna: User) -> None:
    given = {"page": "groups", "path": "//evil.example/", "query": "", "name": "x"}
    assert client.post("/views/", given).headers["Location"] == "/views/"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Women 25–54 W24", "women 25-54, W23"),
        ("FR Flyers - Wave 4", "FR Flyers - Wave 12"),
        ("Tracker Q4 2026 men", "Tracker Q3 2026 men"),
    ],
)
def test_waves_of_a_group_share_its_name_without_the_wave(one: str, other: str) -> None:
    groups = [
        factories.group(factories.project(factories.account()), name=name) for name in (one, other)
    ]
    assert wave_comparison.wave_key(groups[0]) == wave_comparison.wave_key(groups[1])


def test_an_earlier_wave_is_compared_at_the_same_age(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    before = factories.project(account, name="Tracker W23")
    began = now - timedelta(days=40)
    old = factories.group(
        before, name="Men W23", starts_at=began, ends_at=began + timedelta(days=10), completes=200
    )
    factories.completes(old, until=began + timedelta(hours=60), counts=range(10, 70))
    dates = {"starts_at": now - timedelta(hours=48), "ends_at": now + timedelta(days=5)}
    factories.group(project, name="Men W24", completes=30, **dates)
    factories.group(project, name="Women W24", **dates)
    page = client.get(f"/projects/{project.pk}/compare/").content.decode()
    assert "1 of 2 groups matched" in page
    assert "57 / 200" in page  # what the earlier wave had after 48 hours
    assert "−27" in page
    groups = wave_comparison.groups_of([project.pk, before.pk])
    (pair,) = wave_comparison.compare_groups(groups[project.pk], groups[before.pk], now=now)
    assert (pair.now.pace, pair.then.pace) == ("15.0/day", "28.5/day")


@pytest.mark.parametrize(
    ("status", "ends_in", "told"),
    [
        ("live", 3, "84 / 200 so far"),
        ("paused", 3, "84 / 200 so far"),
        ("completed", 3, "84 / 200 in 8.0 days"),
        ("live", -1, "84 / 200 in 4.0 days"),
    ],
)
def test_an_earlier_wave_that_is_still_in_the_field_has_not_ended(
    account: ExchangeAccount, project: Project, status: str, ends_in: int, told: str
) -> None:
    now, day = datetime.now(UTC), timedelta(days=1)
    began, ends = now - 5 * day, now + ends_in * day
    before = factories.project(account, name="Tracker W23")
    old = {"starts_at": began, "ends_at": ends, "completes": 84, "status": status}
    factories.group(before, name="Men W23", **old)
    factories.group(project, name="Men W24", starts_at=now - 2 * day, ends_at=now + 5 * day)
    groups = wave_comparison.groups_of([project.pk, before.pk])
    (pair,) = wave_comparison.compare_groups(groups[project.pk], groups[before.pk], now=now)
    assert pair.ended == told


def test_only_an_earlier_project_is_offered(client: Client, project: Project) -> None:
    later = factories.project(project.account)
    factories.group(project, name="Men", starts_at=factories.NOW - timedelta(days=3))
    factories.group(later, name="Men", starts_at=factories.NOW - timedelta(days=2))
    address = f"/projects/{project.pk}/compare/?with={later.pk}"
    assert "No previous wave found" in client.get(address).content.decode()


def test_months_of_spend_add_up_to_what_the_exchange_says(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    group = factories.group(
        project,
        completes=90,
        cost=Decimal("100"),
        last_complete_at=now,
        first_complete_at=datetime(2026, 9, 20, tzinfo=UTC),
    )
    for day, count in ((date(2026, 9, 30), 30), (date(2026, 10, 31), 60)):
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        factories.completes(group, until=end, counts=[count])
    lines = spending.load_spend_lines(type(group).objects.all(), months=True, now=now)
    assert [(line.month, line.completes) for line in lines] == [
        ("2026-09", 30),
        ("2026-10", 30),
        ("2026-11", 30),
    ]
    assert sum(line.spent for line in lines) == Decimal("100")
    assert lines[0].final == datetime(2026, 10, 26, 5, tzinfo=UTC)
    by_month = client.get("/spend/?month=all&by=month").content.decode()
    assert "Oct 2026" in by_month.partition("<tbody")[2]
    assert "Oct 2026" not in client.get("/spend/?per=all").content.decode().partition("<tbody")[2]


def test_activity_is_narrowed_by_day_and_project(
    client: Client, account: ExchangeAccount, project: Project, anna: User
) -> None:
    group = factories.group(project)
    for number, at in enumerate((factories.NOW, factories.NOW - timedelta(days=3))):
        group.edits.create(
            account=account,
            by=anna,
            kind="cpi",
            token=str(number),
            state="confirmed",
            before=f"old {number}",
            wanted="new",
            started_at=at,
        )

    def shown(query: str) -> list[str]:
        return re.findall(r"old \d", client.get(f"/activity/?{query}").content.decode())

    assert shown("") == ["old 0", "old 1"]
    assert shown("from=2026-11-20") == ["old 0"]
    assert shown("to=2026-11-19") == ["old 1"]
    assert shown(f"project={project.pk}&who={anna.username}") == ["old 0", "old 1"]
    assert shown("project=0") == []
    assert shown("project=x&from=nonsense") == ["old 0", "old 1"]
    for day in ("0001-01-01", "9999-12-31"):  # neither is whole in every time zone
        assert shown(f"from={day}&to={day}") == ["old 0", "old 1"]


def test_a_name_that_runs_the_other_way_leaves_the_words_around_it_alone(
    client: Client, anna: User
) -> None:
    save(client, name="\u202egnp.<b>")
    said = "View “<bdi>\u202egnp.&lt;b&gt;</bdi>” saved."
    assert said in client.get("/views/").content.decode()


PM_1, PM_2 = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000b2"


@pytest.fixture
def varied(project: Project) -> Project:
    """Groups that differ in everything that the exchange's list can be filtered by."""
    us = {"country_code": "us", "language_code": "eng", "locale": "eng_us"}
    de = {"country_code": "de", "language_code": "ger", "locale": "ger_de"}
    ch = {"country_code": "ch", "language_code": "ger", "locale": "ger_ch"}
    rows: list[dict[str, object]] = [
        {"name": "A", "status": "live", "reference_number": "PO 1", **us},
        {"name": "B", "status": "paused", "reference_number": "PO-2", **de},
        {"name": "C", "status": "completed", "reference_number": "PO-3", **ch},
        {"name": "D", "status": "draft", **us},
    ]
    flags = (True, False, True, None)
    for number, (row, flag) in enumerate(zip(rows, flags, strict=True)):
        factories.group(
            project,
            project_manager_id=PM_1 if number < 2 else PM_2,
            human_readable_id=f"T00000{number}",
            exclusion_enabled=flag,
            **row,
        )
    return project


@pytest.mark.parametrize("page", ["/groups/", "/projects/{}/"])
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("status=live", "A"),
        ("status=live&status=paused", "AB"),
        ("status=live&status=paused&status=live", "AB"),
        ("country=us&country=ch", "ACD"),
        ("country=US", "AD"),
        ("language=ger", "BC"),
        ("language=ger&language=eng&status=draft&status=completed", "CD"),
        (f"pm={PM_1}", "AB"),
        (f"pm={PM_1}&pm={PM_2}&status=draft", "D"),
        ("ids=T000000&ids=t000002", "AC"),
        ("ref=PO-2", "B"),
        ("ref=PO-2&ref=PO 1", "AB"),
        ("ref=PO-2, PO 1%0D%0APO-3", "ABC"),
        ("exclusion=yes", "AC"),
        ("exclusion=no", "B"),
        ("exclusion=no&exclusion=yes", "ABC"),
        ("exclusion=yes&status=live&q=a", "A"),
        ("status=archived", ""),
        ("status=", "ABCD"),
    ],
)
def test_a_list_filters_by_several_values_of_everything_the_exchange_filters_by(
    client: Client, varied: Project, page: str, asked: str, expected: str
) -> None:
    address = f"{page.format(varied.pk)}?sort=name&{asked}"
    assert "".join(names(client, address)) == expected
    base, _, query = address.partition("?")
    file = client.get(f"{base}export.csv?{query}")
    assert isinstance(file, StreamingHttpResponse)
    lines = list(csv.DictReader(file.getvalue().decode("utf-8-sig").splitlines()))
    assert "".join(line["Group"] for line in lines) == expected


@pytest.mark.parametrize(
    ("asked", "place", "said"),
    [
        ("status=gone", "status", "Not a group status: “gone”."),
        ("status=live&status=gone", "status", "Not a group status: “gone”."),
        ("country=usa", "country", "Not a country code (two letters, such as US): “usa”."),
        ("language=en", "language", "Not a language code (three letters, such as eng): “en”."),
        ("pm=Anna", "pm", "Not an exchange user ID: “Anna”."),
        ("ids=T1 T000001", "ids", "Not an ID (7 or 26 letters and digits): “T1”."),
        ("ref=P", "ref", "dashes, underscores and spaces): “P”."),
        ("ref=%3Cb%3E", "ref", "dashes, underscores and spaces): “&lt;b&gt;”."),
        ("exclusion=maybe", "exclusion", "Neither yes nor no: “maybe”."),
        (
            "status=a&status=b&status=c&status=d",
            "status",
            "Not a group status: “a”, “b”, “c” (and 1 more).",
        ),
    ],
)
def test_a_value_that_cannot_be_is_said_at_its_filter_and_matches_nothing(
    client: Client, varied: Project, asked: str, place: str, said: str
) -> None:
    page = client.get(f"/groups/?{asked}").content.decode()
    error = page.partition(f'id="wrong-{place}" role="status">')[2].partition("</span>")[0]
    assert said in error
    others = set(re.findall(r'id="wrong-(\w+)" role="status">[^<]', page))
    assert others == {place}
    expected = {"status=live&status=gone": ["A"], "ids=T1 T000001": ["B"]}.get(asked, [])
    assert names(client, f"/groups/?{asked}") == expected


def test_what_the_exchange_may_have_and_no_group_has_is_no_error(
    client: Client, varied: Project
) -> None:
    page = client.get(f"/groups/?status=archived&country=jp&language=jpn&pm={PM_1}").content
    assert not re.findall(r'id="wrong-\w+" role="status">[^<]', page.decode())
    assert "No matching groups" in page.decode()


def test_a_status_that_only_the_exchange_knows_can_be_chosen(
    client: Client, varied: Project
) -> None:
    factories.group(varied, name="E", status="frozen")
    page = client.get("/groups/?status=frozen").content.decode()
    assert 'id="wrong-status" role="status"></span>' in page
    assert names(client, "/groups/?status=frozen") == ["E"]


def test_several_values_stay_in_every_link_of_the_page_and_in_the_form(
    client: Client, varied: Project
) -> None:
    page = client.get(
        "/groups/?status=live&status=paused&ref=PO-2&ref=PO 1&exclusion=no&sort=name"
    ).content.decode()
    kept = "status=live&amp;status=paused&amp;ref=PO-2&amp;ref=PO+1&amp;exclusion=no"
    folded = fold_white_space(page)
    links = re.findall(r'<th[^>]*><a href="([^"]+)"', folded)
    assert links
    assert all(kept in link for link in links)
    assert f"export.csv?{kept}" in page
    for value in ("live", "paused"):
        assert f'name="status" value="{value}" checked' in folded
    assert 'name="status" value="draft" checked' not in folded
    assert ">Live, Paused</bdi>" in page
    assert "PO-2\nPO 1</textarea>" in page


def test_a_saved_view_keeps_several_values(client: Client, varied: Project, anna: User) -> None:
    asked = "status=live&status=paused&exclusion=no"
    client.post("/views/", {"page": "groups", "path": "/groups/", "query": asked, "name": "Mine"})
    assert SavedView.objects.get().query == asked
    assert names(client, f"/groups/?{SavedView.objects.get().query}") == ["B"]


def test_a_part_of_the_page_says_anew_what_is_chosen_and_what_is_wrong(
    client: Client, varied: Project
) -> None:
    part = client.get(
        "/groups/?status=live&status=paused&ids=T1", headers={"HX-Request": "true"}
    ).content.decode()
    assert 'id="said-status" hx-swap-oob="true">Live, Paused<' in part
    assert 'id="wrong-ids" role="status" hx-swap-oob="true">Not an ID (7 or 26 letters' in part
    assert "hx-swap-oob" not in client.get("/groups/").content.decode().split('id="live"')[1]


def test_a_thousand_values_are_no_thousand_and_cost_no_more_queries(
    client: Client, varied: Project
) -> None:
    asked = "&".join(f"status=s{number}" for number in range(1000))
    counts = []
    for address in ("/groups/?q=", f"/groups/?{asked}"):
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address).content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert page.count('name="status"') < 120


@pytest.mark.parametrize(
    ("query", "shown", "last"),
    [("", 50, 2), ("rows=25", 25, 3), ("rows=100", 60, 1), ("rows=9", 50, 2)],
)
def test_a_person_chooses_how_many_rows_a_page_has(
    client: Client, project: Project, query: str, shown: int, last: int
) -> None:
    TargetGroup.objects.all().delete()
    for _ in range(60):
        factories.group(project)
    response = client.get(f"/groups/?{query}")
    assert len(re.findall(r' id="g\d', response.content.decode())) == shown
    pages = response.context["pages"]
    assert (pages["last"], pages["total"]) == (last, 60)
    assert ("rows=25" in pages["after"]) is (query == "rows=25")


def test_the_groups_behind_pace_are_listed(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    project = factories.project(account)
    for band in ("on track", "behind", "far behind", ""):
        insight = {"pace": {"band": band}} if band else {}
        factories.group(project, name=f"Group {band or 'unknown'}", insight=insight)
    page = client.get("/groups/?behind=1").content.decode()
    assert [f"Group {band}" in page for band in ("behind", "far behind")] == [True, True]
    assert [f"Group {band}" in page for band in ("on track", "unknown")] == [False, False]
    assert 'name="behind" value="1" checked' in page
