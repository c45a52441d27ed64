"""The panels of a group's page, and the chart of a project's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.fielding.figures.definitions import CALIBRATED_ON
from dashboard.fielding.models import Change, Edit, ExchangeAccount, GroupPanels, TargetGroup
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import clients
from dashboard.web.groups import settings as present
from dashboard.web.groups.panels import details
from tests import factories
from tests.web.one_story.surfaces import text_of
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db

CARD = {
    "bound": True,
    "currency": "USD",
    "minutes": [5, 10, 15],
    "percents": [50, 30, 5],
    "prices": [[100, 150, 200], [300, 350, 400], [500, 550, 600]],
}


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(poll_seconds=300)


@pytest.fixture
def viewer(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("viewer", account, time_zone="Europe/Berlin"))
    return client


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    """A group in Japan whose forecast was worked out."""
    insight = {
        "forecast": {
            "at_end": [150, 170, 190],
            "finish": ["2026-11-28T10:00:00+00:00", "2026-11-29T10:00:00+00:00", None],
        },
        "cost": {"p10": "410.00", "p50": "450.00", "p90": "500.00"},
        "pace": {"band": "far behind", "reason": "100 completes of 140 due by now"},
        "warnings": {"high_median_loi": 0.7, "low_epc": 0.35, "high_drop_rates": 0.1},
    }
    return factories.group(
        factories.project(account, name="Tracker"),
        name="Japan 25–54",
        country_code="jp",
        insight=insight,
        short_at_end=30,
        finish_at=factories.NOW + timedelta(days=9),
        budget=400,
    )


def shown(viewer: Client, group: TargetGroup, query: str = "") -> str:
    return fold_white_space(viewer.get(f"/groups/{group.pk}/{query}").content.decode())


def panel(page: str, name: str) -> str:
    """One panel of a page; empty where it is not shown."""
    return page.partition(f'<h2 id="{name}">')[2].partition("</section>")[0]


def profile(name: str, *targets: tuple[str, int, int], quotas: bool = True) -> dict[str, Any]:
    cells = [
        {"id": who, "name": who, "completes": done, "goal": goal, "prescreens": done}
        for who, done, goal in targets
    ]
    return {"id": name, "name": name, "quotas": quotas, "targets": cells}


def test_the_strip_says_range_budget_and_why(viewer: Client, group: TargetGroup) -> None:
    page = shown(viewer, group)
    for said in (
        "Far behind",
        "100 completes of 140 due by now",
        "earliest Sat 28 Nov · end date Fri 27 Nov 21:00 Tokyo, 13:00 Berlin",
        "150–190 of 200 completes by Fri 27 Nov",
        "cost by end date 450 USD (410–500) · cost if the goal is reached 545 USD · budget 400 USD",
    ):
        assert said in page


def test_a_cost_that_is_sure_has_no_range(viewer: Client, group: TargetGroup) -> None:
    group.insight["cost"] = {"p10": "449.80", "p50": "450.00", "p90": "450.20"}
    TargetGroup.objects.update(insight=group.insight)
    page = shown(viewer, group)
    assert "cost by end date 450 USD · cost if the goal is reached 545 USD · budget 400 USD" in page


ENOUGH = "high confidence"
CHANGED = "changed 5 h ago: the effect will be visible in about a day"


@pytest.mark.parametrize(
    ("chance", "note", "said"),
    [
        (0.124, ENOUGH, f"by Fri 27 Nov: 12 % ({CALIBRATED_ON}). High confidence."),
        (0.001, CHANGED, f"below 1 % ({CALIBRATED_ON}). Changed 5 h ago: the effect will"),
        (1.0, ENOUGH, f"by Fri 27 Nov: above 99 % ({CALIBRATED_ON})."),
        (None, "the goal is reached", "The goal is reached."),
    ],
)
def test_under_the_chart_stands_the_chance_to_meet_the_goal_and_how_far_to_trust_it(
    viewer: Client, group: TargetGroup, chance: float | None, note: str, said: str
) -> None:
    group.insight["forecast"] |= {"chance": chance, "note": note}
    TargetGroup.objects.update(insight=group.insight, status="live")
    assert said in panel(shown(viewer, group), "completes")


@pytest.mark.parametrize("over", [{"status": "completed"}, {"completes": 900}, {"ends_at": None}])
def test_no_chance_is_told_of_what_is_over_or_has_no_end(
    viewer: Client, group: TargetGroup, over: dict[str, Any]
) -> None:
    group.insight["forecast"] |= {"chance": 0.5, "note": ENOUGH}
    TargetGroup.objects.update(insight=group.insight, status="live")
    assert "Chance of reaching the goal" in shown(viewer, group)
    TargetGroup.objects.update(**over)
    assert "Chance of reaching the goal" not in shown(viewer, group)


@pytest.mark.parametrize(("completes", "said"), [(4, True), (5, False)])
def test_a_date_from_a_handful_of_completes_is_called_a_guess(
    viewer: Client, group: TargetGroup, completes: int, said: bool
) -> None:
    finish_at = factories.NOW + timedelta(days=3)
    TargetGroup.objects.update(completes=completes, status="live", finish_at=finish_at)
    page, table = shown(viewer, group), viewer.get("/groups/").content.decode()
    client = page.partition("<textarea")[2].partition("</textarea>")[0]
    for place in (page.partition("<textarea")[0], client, table):
        assert ("little data yet" in place) is said


def test_risks_are_in_words_with_the_nearest_first(viewer: Client, group: TargetGroup) -> None:
    why = panel(shown(viewer, group), "why")
    assert why.index("LOI well above bid") < why.index("Low EPC")
    assert why.index("Likely") < why.index("Possible") < why.index("Unlikely")
    assert "high_median_loi" not in why
    assert "resume" not in why
    assert f"Risks are {CALIBRATED_ON}." in why


def test_a_group_that_is_not_live_is_at_no_risk_of_a_pause(
    viewer: Client, group: TargetGroup
) -> None:
    TargetGroup.objects.update(status="paused")
    assert "Risk of a pause by Cint" not in shown(viewer, group)


@pytest.mark.parametrize(("status", "heading"), [("live", "Why"), ("completed", "For the client")])
def test_a_panel_with_nothing_to_explain_is_not_headed_why(
    viewer: Client, group: TargetGroup, status: str, heading: str
) -> None:
    TargetGroup.objects.filter(pk=group.pk).update(status=status, insight={})
    assert f'<h2 id="why">{heading}</h2>' in shown(viewer, group)


def test_the_text_for_the_client_has_no_money_in_it(viewer: Client, group: TargetGroup) -> None:
    text = client_text(viewer, group)
    for said in (
        "Japan 25–54",
        "100 of 200 (50 %)",
        "9.0 min · bid 10",
        "33 % · bid 35 %",
        "170 of 200 (range 150–190)",
        "Fri 27 Nov 21:00 Tokyo, 13:00 Berlin",
    ):
        assert said in text
    for kept in ("USD", "2.75", "270", "0.30", "EPC", "CPI", "450"):
        assert kept not in text


def client_text(viewer: Client, group: TargetGroup) -> str:
    """The text of a group's panel, without its id: its digits differ between runs."""
    text = shown(viewer, group).partition("<textarea")[2].partition("</textarea>")[0]
    assert group.human_readable_id in text
    return text.replace(group.human_readable_id, "")


LATE = factories.NOW + timedelta(days=42)


class ClientCase(NamedTuple):
    """A group, the completes projected on its end date, and what its text says and does not say."""

    fields: dict[str, Any]
    at_end: list[float]
    sentences: list[str]
    absent: list[str]


@pytest.mark.parametrize(
    "case",
    [
        # Full only after its end date: the completes by then, and no date.
        ClientCase({"finish_at": LATE}, [150, 170, 190], ["170 of 200"], ["Projected finish"]),
        ClientCase({}, [190, 230, 260], ["200 of 200 (range 190–200)"], ["230", "260"]),
        ClientCase(
            {"status": "paused"},
            [190, 230, 260],
            ["No projection while the group is paused."],
            ["200 of 200", "Projected finish", "Projected by"],
        ),
        ClientCase(
            {"completes": 1235},
            [1235, 1300, 1400],
            ["1,235 of 200, 1,035 over the goal"],
            ["Projected", "200 of 200", "(618 %)"],
        ),
        ClientCase(
            {"status": "completed", "completes": 150},
            [190, 230, 260],
            ["150 of 200"],
            ["Projected"],
        ),
        ClientCase(
            {"ends_at": factories.NOW - timedelta(hours=1)}, [150, 170, 190], [], ["Projected"]
        ),
    ],
)
def test_the_text_for_the_client_promises_nothing_that_cannot_come(
    viewer: Client, group: TargetGroup, case: ClientCase
) -> None:
    group.insight["forecast"]["at_end"] = case.at_end
    finish = {"finish_at": factories.NOW + timedelta(days=3)}
    TargetGroup.objects.update(**({"insight": group.insight} | finish | case.fields))
    text = client_text(viewer, group)
    for sentence in case.sentences:
        assert sentence in text
    for phrase in case.absent:
        assert phrase not in text


def test_a_finish_within_the_field_period_is_told_to_the_client(
    viewer: Client, group: TargetGroup
) -> None:
    TargetGroup.objects.update(finish_at=factories.NOW + timedelta(days=3))
    assert "Projected finish: Mon 23 Nov" in client_text(viewer, group)


@pytest.mark.parametrize(
    ("completes", "progress"),
    [
        (40, "40 of 100 completes"),
        (100, "100 of 100 completes, waiting for the full launch"),
    ],
)
def test_a_soft_launch_reads_the_same_all_over_the_page(
    viewer: Client, group: TargetGroup, completes: int, progress: str
) -> None:
    text = f"Soft launch: {progress}"
    ends_at = (timezone.now() + timedelta(days=2)).isoformat()
    group.insight["soft_launch"] = {"share": 0.5, "ends_at": ends_at, "is_on": True}
    group.insight["forecast"] |= {"chance": 0.004, "note": ENOUGH}
    group.insight["pace"]["band"] = "ahead"
    TargetGroup.objects.update(insight=group.insight, completes=completes)
    page = shown(viewer, group)
    strip = page.partition('<h2 id="')[0]
    assert "Soft launch" in strip
    assert progress in strip
    assert "After the full launch" in strip
    assert f"{text}. There is no forecast before the full launch." in page
    assert text in client_text(viewer, group)
    for claim in (
        "Far behind",
        "Ahead",
        "below 1 %",
        "Projected by",
        "fills before",
        "150–190",
        "450 USD",
    ):
        assert claim not in page


def test_cells_of_a_prescreens_goal_are_counted_in_prescreens(
    viewer: Client, group: TargetGroup
) -> None:
    TargetGroup.objects.update(
        filling_strategy="prescreens",
        filling_goal=1000,
        completes_goal=None,
        prescreens=500,
        completes=60,
    )
    cells = [
        {"id": "a", "name": "18–34", "completes": 30, "prescreens": 240, "goal": 500},
        {"id": "b", "name": "35–54", "completes": 30, "prescreens": 120, "goal": 500},
    ]
    ages = {"id": "age", "name": "Age", "quotas": True, "targets": cells}
    GroupPanels.objects.create(group=group, profiles=[ages])
    quotas = panel(shown(viewer, group), "quotas")
    assert "Prescreens / goal" in quotas
    assert "240 / 500" in quotas
    assert "120 / 500" in quotas
    assert quotas.count(">Slow<") == 1
    assert quotas.index("35–54") < quotas.index(">Slow<") < quotas.index("18–34")


def test_quotas_come_slowest_first_and_say_so(viewer: Client, group: TargetGroup) -> None:
    ages = profile("Age", ("18–34", 60, 100), ("35–54", 10, 100))
    GroupPanels.objects.create(
        group=group,
        profiles=[ages, profile("Gender", ("Women", 100, 100)), profile("State", quotas=False)],
    )
    quotas = panel(shown(viewer, group), "quotas")
    assert quotas.index("35–54") < quotas.index("18–34") < quotas.index("Women")
    assert quotas.index("Slow") < quotas.index("Open") < quotas.index("Full")
    assert "No quotas: <bdi>State</bdi>" in quotas


def test_each_quota_says_where_it_ends_and_which_one_is_last_to_fill(
    viewer: Client, group: TargetGroup
) -> None:
    ages = profile("Age", ("18–34", 100, 100), ("35–54", 10, 100), ("55–65", 40, 60))
    GroupPanels.objects.create(group=group, profiles=[ages])
    quotas = {
        "full_since": {"18–34": ""},
        "at_end": {
            "35–54": [8, 30, 42.4, 0.031, None],
            "55–65": [60, 60, 60, 0.97, "2026-11-24T10:00+00:00"],
        },
        "last": "35–54",
    }
    TargetGroup.objects.update(insight=group.insight | {"quotas": quotas})
    cells = panel(shown(viewer, group), "quotas").split("<tr>")
    slow, filling, full = (
        next(cell for cell in cells if f"<bdi>{name}</bdi>" in cell)
        for name in ("35–54", "55–65", "18–34")
    )
    for said in (">10–42<", "3 %", "More than 90 days away", "last to fill"):
        assert said in slow
    for said in (">60<", "Tue 24 Nov"):
        assert said in filling
    assert full.count(">—<") == 3
    assert "last to fill" not in filling + full


def test_a_quota_of_a_group_that_ended_is_short_not_slow(
    viewer: Client, group: TargetGroup
) -> None:
    TargetGroup.objects.update(status="completed")
    GroupPanels.objects.create(group=group, profiles=[profile("Age", ("35–54", 10, 100))])
    quotas = panel(shown(viewer, group), "quotas")
    assert "Short" in quotas
    assert ">Slow<" not in quotas


def test_a_move_between_projects_is_told_by_their_names(viewer: Client, group: TargetGroup) -> None:
    before = factories.project(group.account, name="Last wave")
    Change.objects.create(
        account=group.account,
        group=group,
        batch_id="b",
        seen_at=factories.NOW,
        occurred_at=factories.NOW,
        kind="project_id_change",
        old=before.exchange_id,
        new=group.project.exchange_id,
    )
    for history in (
        panel(shown(viewer, group), "history"),
        viewer.get(f"/projects/{group.project_id}/history/").text,
        b"".join(viewer.get(f"/groups/{group.pk}/history/export.csv")).decode(),
    ):
        assert "Last wave" in history
        assert "Tracker" in history
        assert before.exchange_id not in history
        assert group.project.exchange_id not in history


def test_the_name_of_a_project_of_another_account_is_not_told(
    viewer: Client, group: TargetGroup
) -> None:
    foreign = factories.project(factories.account(), name="Secret")
    Change.objects.create(
        account=group.account,
        group=group,
        batch_id="b",
        seen_at=factories.NOW,
        occurred_at=factories.NOW,
        kind="project_id_change",
        old=foreign.exchange_id,
        new=group.project.exchange_id,
    )
    assert "Secret" not in shown(viewer, group)


def test_a_group_without_quotas_has_no_such_panel(viewer: Client, group: TargetGroup) -> None:
    TargetGroup.objects.update(completes_read_at=factories.NOW)
    page = shown(viewer, group)
    assert panel(page, "quotas") == panel(page, "card") == ""


def test_quotas_that_were_never_read_are_not_taken_for_none(
    viewer: Client, group: TargetGroup
) -> None:
    TargetGroup.objects.update(completes_read_at=None)
    assert "Not read yet." in panel(shown(viewer, group), "quotas")
    TargetGroup.objects.update(status="draft")
    assert panel(shown(viewer, group), "quotas") == ""


def test_the_rate_card_marks_where_the_group_stands(viewer: Client, group: TargetGroup) -> None:
    GroupPanels.objects.create(group=group, rate_card=CARD)
    TargetGroup.objects.update(pricing_model="rate_card", median_loi_seconds=852)
    card = panel(shown(viewer, group), "card")
    assert 'class="num agreed">3.50' in card
    assert 'class="num now near">5.50' in card or 'class="num now">5.50' in card
    assert "At actual LOI and IR: +2.00 USD (+57 %)." in card
    assert "up to 15 min at 30 % IR or more: 5.50 USD (+2.00)" in card
    assert "Fixed at first launch" in card


def test_a_group_with_a_price_of_its_own_shows_no_card(viewer: Client, group: TargetGroup) -> None:
    GroupPanels.objects.create(group=group, rate_card=CARD)
    assert panel(shown(viewer, group), "card") == ""


def changed(group: TargetGroup, days_ago: float) -> Change:
    at = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
    price = {"currency_code": "USD"}
    return Change.objects.create(
        account=group.account,
        group=group,
        batch_id=f"b{days_ago}",
        occurred_at=at,
        seen_at=at,
        kind="cpi_change",
        old=price | {"value": "2.70"},
        new=price | {"value": "3.10"},
    )


def test_a_change_is_told_with_what_followed_it(viewer: Client, group: TargetGroup) -> None:
    until = timezone.now().replace(minute=0, second=0, microsecond=0)
    slow, fast = list(range(240)), list(range(240, 720, 5))
    factories.completes(group, until=until, counts=slow + fast)
    changed(group, 4)
    effects = panel(shown(viewer, group), "effects")
    assert "More completes" in effects
    assert "2.70 USD" in effects
    assert "EPC moves with CPI, so it is not compared" in effects
    line = text_of(effects.partition("<summary>")[2].partition("</summary>")[0])
    # 120 a day, less or more by what the weekdays after the change usually bring.
    assert re.search(
        r"^CPI 2.70 USD → 3.10 USD .* 24 → 1[12]\d completes a day More completes", line
    )


def test_a_change_without_enough_to_go_by_is_too_early_to_tell_until_the_group_ends(
    viewer: Client, group: TargetGroup
) -> None:
    changed(group, 1)
    TargetGroup.objects.update(ends_at=timezone.now() + timedelta(days=1))
    assert "Too early" in panel(shown(viewer, group), "effects")
    TargetGroup.objects.update(ends_at=timezone.now() - timedelta(hours=1))
    effects = panel(shown(viewer, group), "effects")
    assert "Cannot tell" in effects
    assert "the group ended before more came." in effects


def test_an_edit_of_details_has_no_effect_to_measure(viewer: Client, group: TargetGroup) -> None:
    Edit.objects.create(
        account=group.account,
        group=group,
        by=None,
        kind="details",
        token="t",
        state="confirmed",
        before={},
        wanted={},
        started_at=factories.NOW,
    )
    assert panel(shown(viewer, group), "effects") == ""


def test_the_table_behind_the_chart_follows_the_address(viewer: Client, group: TargetGroup) -> None:
    until = timezone.now().replace(minute=0, second=0, microsecond=0)
    factories.completes(group, until=until, counts=range(100))
    assert "Completes per day, newest first (times in Tokyo" in shown(viewer, group)
    by_hour = panel(shown(viewer, group, "?per=hour&span=24h"), "completes")
    assert "Completes per hour, newest first (times in Tokyo" in by_hour
    assert 24 <= by_hour.count("<tr><td>") <= 25
    nonsense = panel(shown(viewer, group, "?per=week&span=-1"), "completes")
    assert "Completes per day, newest first (times in Tokyo" in nonsense


def test_what_is_chosen_in_one_panel_stays_when_another_is_changed(
    viewer: Client, group: TargetGroup
) -> None:
    page = shown(viewer, group, "?per=hour&trend=ir")
    assert 'href="?per=day&amp;trend=ir"' in page
    assert 'href="?per=hour&amp;trend=epc"' in page


def test_bars_of_a_day_begin_at_the_groups_midnight(viewer: Client, group: TargetGroup) -> None:
    until = timezone.now().replace(minute=0, second=0, microsecond=0)
    factories.completes(group, until=until, counts=range(100))
    (bars,) = viewer.get(f"/groups/{group.pk}/chart.json?per=day").json()["data"]
    assert {start[11:] for start in bars["x"]} == {"00:00:00"}
    assert sum(gained or 0 for gained in bars["y"]) <= 99


def test_the_required_line_ends_at_the_goal(viewer: Client, group: TargetGroup) -> None:
    now = timezone.now()
    TargetGroup.objects.update(starts_at=now - timedelta(days=7), ends_at=now + timedelta(days=7))
    until = now.replace(minute=0, second=0, microsecond=0)
    factories.completes(group, until=until, counts=range(100))
    data = viewer.get(f"/groups/{group.pk}/chart.json").json()["data"]
    required = next(trace for trace in data if trace["name"] == "Target")
    assert required["y"][-1] == 200
    assert required["y"] == sorted(required["y"])


def test_the_required_line_keeps_to_a_soft_launch(viewer: Client, group: TargetGroup) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    TargetGroup.objects.update(starts_at=now - timedelta(days=4), ends_at=now + timedelta(days=10))
    factories.completes(group, until=now, counts=range(90))
    soft = {
        "soft_launch_assisted_change": True,
        "soft_launch_end_date_change": (now + timedelta(days=8)).isoformat(),
        "soft_launch_filling_goal_percentage_change": 10,
    }
    for kind, new in soft.items():
        Change.objects.create(
            account=group.account,
            group=group,
            batch_id=kind,
            seen_at=now,
            kind=kind,
            new=new,
            occurred_at=now - timedelta(days=4),
        )
    data = viewer.get(f"/groups/{group.pk}/chart.json").json()["data"]
    required = next(trace for trace in data if trace["name"] == "Target")["y"]
    assert required[len(required) // 2] <= 20
    assert required[-1] == 200


def test_a_projects_chart_sums_to_its_completes(viewer: Client, account: ExchangeAccount) -> None:
    project = factories.project(account)
    until = timezone.now().replace(minute=0, second=0, microsecond=0)
    for number in range(10):
        group = factories.group(project, name=f"G{number}", completes=number * 10)
        factories.completes(group, until=until, counts=[number * 5, number * 10])
    data = viewer.get(f"/projects/{project.pk}/chart.json?per=group").json()["data"]
    areas = [trace for trace in data if "stackgroup" in trace]
    assert [area["name"] for area in areas[:2]] == ["G9", "G8"]
    assert areas[-1]["name"] == "Other (3)"
    assert sum(area["y"][-1] for area in areas) == 450
    table = viewer.get(f"/projects/{project.pk}/completes/").content.decode()
    assert '<td class="num">450</td>' in table


def test_a_projects_chart_has_the_completes_of_groups_that_ended_before_it_begins(
    viewer: Client, account: ExchangeAccount
) -> None:
    project, ended = factories.project(account), timezone.now() - timedelta(days=80)
    dates = {"starts_at": ended - timedelta(days=9), "ends_at": ended, "first_complete_at": None}
    group = factories.group(project, completes=170, status="completed", **dates)
    until = ended.replace(minute=0, second=0, microsecond=0)
    factories.completes(group, until=until, counts=[90, 170])
    (area,) = [
        trace
        for trace in viewer.get(f"/projects/{project.pk}/chart.json?per=group").json()["data"]
        if "stackgroup" in trace
    ]
    assert set(area["y"]) == {170}


def test_a_group_that_is_no_longer_listed_has_no_projection(
    viewer: Client, group: TargetGroup
) -> None:
    assert "150–190 of 200 completes" in shown(viewer, group)
    TargetGroup.objects.update(missing_since=timezone.now(), short_at_end=None)
    page = shown(viewer, group)
    assert "150–190 of 200 completes" not in page
    assert "Projected by the end date" not in page
    traces = viewer.get(f"/groups/{group.pk}/chart.json").json()["data"]
    assert "Forecast" not in [trace["name"] for trace in traces]


def test_a_project_without_completes_says_so(viewer: Client, account: ExchangeAccount) -> None:
    project = factories.project(account)
    assert viewer.get(f"/projects/{project.pk}/chart.json").json()["data"] == []
    page = viewer.get(f"/projects/{project.pk}/completes/").content.decode()
    assert "No data yet." in page


def test_a_draft_shows_what_is_planned_and_no_chart_of_nothing(
    viewer: Client, account: ExchangeAccount
) -> None:
    draft = factories.group(
        factories.project(account), status="draft", completes=None, entrants=None
    )
    page = shown(viewer, draft)
    assert "This group is a draft" in page
    assert "data-chart" not in page
    assert "Summary for client" not in page


@pytest.mark.parametrize(
    ("status", "offered"), [("live", True), ("draft", False), ("archived", False)]
)
def test_only_a_group_of_which_rules_speak_can_be_muted(
    client: Client, account: ExchangeAccount, status: str, offered: bool
) -> None:
    client.force_login(factories.person("editor", account))
    group = factories.group(factories.project(account), status=status)
    for address in (f"/groups/{group.pk}/", f"/rules/groups/{group.pk}/"):
        page = client.get(address).content.decode()
        assert (f"/rules/groups/{group.pk}/mute/" in page) is offered


@pytest.mark.parametrize(("health", "said"), [("stale", "out of date"), ("error", "Cint refuses")])
def test_numbers_of_an_account_that_is_not_well_say_so(
    viewer: Client, group: TargetGroup, health: str, said: str
) -> None:
    ExchangeAccount.objects.update(health=health)
    assert said in shown(viewer, group)


def test_a_group_that_the_exchange_no_longer_lists_says_so(
    viewer: Client, group: TargetGroup
) -> None:
    TargetGroup.objects.update(missing_since=factories.NOW)
    assert "No longer listed on Cint" in shown(viewer, group)


def test_nothing_is_offered_on_a_group_that_the_exchange_no_longer_lists(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    client.force_login(factories.person("editor", account))
    offered = ("quick-cpi", "open-cpi", "open-dates")
    there = shown(client, group)
    assert all(name in there for name in offered)
    TargetGroup.objects.update(missing_since=factories.NOW)
    gone = shown(client, group)
    assert not any(name in gone for name in offered)
    assert "open-budget" in gone  # ours
    said = client.get(f"/groups/{group.pk}/edit/cpi/").text
    assert "Cint no longer lists this group" in said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"completes": 180}, "20 short"),
        ({"completes": 203}, "3 over goal"),
        ({"completes": 200}, "on target"),
        (
            {"filling_strategy": "prescreens", "prescreens": 300, "filling_goal": 310},
            "10 short",
        ),
        ({"cost": Decimal("500"), "budget": Decimal("450")}, "50 USD over budget"),
        ({"last_complete_at": datetime(2026, 11, 20, tzinfo=UTC)}, "25 Dec 2026"),
        ({"last_complete_at": datetime(2020, 11, 20, tzinfo=UTC)}, "counts are final"),
    ],
)
def test_a_completed_group_has_a_closing_sheet(
    viewer: Client, group: TargetGroup, fields: dict[str, object], said: str
) -> None:
    given = {"status": "completed", "completes_goal": 200, "currency": "USD"}
    TargetGroup.objects.update(**(given | fields))
    assert said in panel(shown(viewer, group), "closing")


def test_a_group_that_runs_has_no_closing_sheet(viewer: Client, group: TargetGroup) -> None:
    assert panel(shown(viewer, group), "closing") == ""


def test_nothing_is_a_click_away_where_nobody_is_sought_any_more() -> None:
    live = factories.group(factories.project(factories.account()), ends_at=factories.NOW)
    assert [one.id for one in present.quick_changes(live)] == ["cpi", "end"]
    live.status = "completed"
    assert present.quick_changes(live) == []


DETAILS: dict[str, Any] = {
    "name": "Japan 25–54",
    "account_name": "Acme",
    "business_unit_id": "77",
    "project_manager_id": "PM-1",
    "study_type_code": "adhoc",
    "industry_code": "automotive",
    "locale": "jpn_jp",
    "completes_goal": 200,
    "expected_length_of_interview_minutes": 10,
    "expected_incidence_rate": 0.35,
    "industry_lockout_code": "seven_days",
    "client_cost_per_interview_note": {"value": "4.10", "currency_code": "USD"},
    "client_id": "C9",
    "collects_pii": True,
    "live_url": "https://survey.example.com/live?key=<b>&id=[%RID%]",
    "test_url": "https://survey.example.com/test",
    "created_at": "2026-11-01T09:00:00Z",
    "target_group_customer_reference_number": "PO-17",
    "links": {"test_screener": "https://screener.example.com/t"},
}


@pytest.mark.parametrize("role", ["viewer", "editor", "administrator"])
def test_everybody_who_may_see_a_group_sees_its_details_with_their_age(
    client: Client, account: ExchangeAccount, group: TargetGroup, role: str
) -> None:
    account.business_units.create(exchange_id="77", name="Tokyo office")
    group.details, group.details_read_at = DETAILS, factories.NOW
    group.save()
    client.force_login(factories.person(role, account))
    text = panel(shown(client, group), "details")
    for word, said in {
        "Business unit": "Tokyo office",
        "Client": "C9",
        "Reference number": "PO-17",
        "Client CPI": "4.10 USD",
        "Study type": "Adhoc",
        "Industry": "Automotive",
        "Industry lockout": "Seven days",
        "Collects personal data": "yes",
        "Country and language": "Japan, Japanese",
        "Completes goal": "200",
        "Expected LOI": "10 min",
        "Expected IR": "35 %",
        "Account": "Acme",
    }.items():
        assert f"<dt>{word}</dt>" in text
        assert f"<bdi>{said}</bdi>" in text, word
    assert 'id="detail-live_url">https://survey.example.com/live?key=&lt;b&gt;&amp;id=' in text
    assert 'id="detail-test_screener">https://screener.example.com/t<' in text
    assert "<a " not in text  # addresses of others are text
    assert "2026-11-20" in text or "20 Nov" in text


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"industry_lockout_code": None}, "not given"),
        ({"client_cost_per_interview_note": {"value": "no", "currency_code": "USD"}}, "no USD"),
        ({"expected_incidence_rate": "a third"}, "a third"),
        ({"links": "none"}, "Tokyo"),
        ({"live_url": "javascript:alert(1)"}, "javascript:alert(1)</code>"),
        ({"business_unit_id": "unknown"}, "unknown"),
        ({"created_at": "soon"}, "soon"),
    ],
)
def test_details_that_are_missing_or_odd_are_shown_as_they_are(
    viewer: Client, account: ExchangeAccount, group: TargetGroup, held: dict[str, Any], said: str
) -> None:
    account.business_units.create(exchange_id="77", name="Tokyo office")
    group.details = DETAILS | held
    group.save()
    assert said in panel(shown(viewer, group), "details")


def test_the_survey_links_of_a_group_are_told_with_their_time(
    viewer: Client, group: TargetGroup
) -> None:
    group.details, group.links_read_at = DETAILS, factories.NOW
    group.links_total, group.links_left = 1500, 850
    group.save()
    text = panel(shown(viewer, group), "details")
    assert "Survey links" in text
    assert "850 of 1,500 left, as of <time" in text


@pytest.mark.parametrize(("total", "left"), [(None, None), (0, 0)])
def test_a_group_without_survey_links_does_not_mention_them(
    viewer: Client, group: TargetGroup, total: int | None, left: int | None
) -> None:
    group.details, group.links_total, group.links_left = DETAILS, total, left
    group.save()
    assert "Survey links" not in panel(shown(viewer, group), "details")


def test_details_that_were_not_read_yet_say_so_and_a_draft_has_none(
    viewer: Client, group: TargetGroup
) -> None:
    assert "Not loaded yet." in panel(shown(viewer, group), "details")
    group.status = "draft"
    group.save()
    assert panel(shown(viewer, group), "details") == ""
    assert viewer.get(f"/groups/{group.pk}/details/").status_code == 404


@pytest.mark.parametrize(
    ("status", "alone", "swept", "expected"),
    [
        ("live", 0, 2, 2),
        ("live", 3, 2, 3),
        ("completed", 0, 2, 0),
        ("paused", None, 2, 2),
        ("completed", None, 2, None),
    ],
)
def test_the_age_of_details_is_that_of_their_last_reading(
    group: TargetGroup, status: str, alone: int | None, swept: int, expected: int | None
) -> None:
    hours = [
        None if one is None else factories.NOW + timedelta(hours=one) for one in (alone, expected)
    ]
    group.project.details_at = factories.NOW + timedelta(hours=swept)
    group.status, group.details, group.details_read_at = status, DETAILS, hours[0]
    panel_shown = details.details_panel(group, {})
    assert panel_shown
    assert panel_shown.read_at == hours[1]


def test_details_cost_two_queries_more_than_the_page_without_them(
    viewer: Client, group: TargetGroup
) -> None:
    shown(viewer, group)  # what the first visit of a person writes
    counts = []
    for held in ({}, DETAILS):
        TargetGroup.objects.filter(pk=group.pk).update(details=held)
        with CaptureQueriesContext(connection) as queries:
            assert ("Study type" in shown(viewer, group)) is bool(held)
        counts.append(len(queries))
    assert counts[1] == counts[0] + 2  # the business unit, and the names that are remembered


def test_names_are_asked_of_the_exchange_once_and_known_from_then_on(
    client: Client, settings: Any
) -> None:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with Simulator(projects=1, groups=2, history_days=1, seed=7) as exchange:
        account = factories.account(base_url=exchange.base_url, requests_per_minute=0)
        own = factories.group(factories.project(account), details=DETAILS)
        industry = clients.client_for(account).get_industries().items[0]
        own.details = DETAILS | {"industry_code": industry.code}
        own.save()
        client.force_login(factories.person("viewer", account))
        first = shown(client, own)
        assert f'hx-get="/groups/{own.pk}/details/"' in panel_head(first)
        asked = client.get(f"/groups/{own.pk}/details/").content.decode()
        assert f"<bdi>{industry.name}</bdi>" in asked
        assert "hx-get" not in asked
        before = exchange.requests()
        again = shown(client, own)
        assert f"<bdi>{industry.name}</bdi>" in panel(again, "details")
        assert "hx-get" not in panel_head(again)
        assert exchange.requests() == before


def test_an_exchange_that_is_away_leaves_the_codes_and_is_not_asked_at_once_again(
    viewer: Client, group: TargetGroup
) -> None:
    group.details = DETAILS
    group.save()
    assert "hx-get" in panel_head(shown(viewer, group))
    asked = viewer.get(f"/groups/{group.pk}/details/").content.decode()
    assert "Automotive" in asked
    assert "hx-get" not in asked
    assert "hx-get" not in panel_head(shown(viewer, group))


def panel_head(page: str) -> str:
    """The tag that the details panel begins with."""
    return page.partition('aria-labelledby="details"')[2].partition(">")[0]
