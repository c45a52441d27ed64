"""What advice puts on pages: columns, ways, the price that is needed, and what was foretold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.alerts.items.needed_cpi import NeededCpi, describe_raises, load_needed_cpis
from dashboard.fielding.advice.advised_groups import load_advised_group
from dashboard.fielding.advice.plan import PlanKind
from dashboard.fielding.domain.what_if import WhatIf, WhatIfPoint, WhatIfState
from dashboard.fielding.models import (
    AdviceRecord,
    Edit,
    ExchangeAccount,
    GroupPanels,
    LearnedElasticity,
    Project,
    TargetGroup,
)
from dashboard.fielding.series.holidays import NO_CALENDAR, GroupCalendar, Holiday, format_days
from dashboard.web.batches.price_planning import plan_price
from dashboard.web.edits.forms.base import FormError
from dashboard.web.edits.price.followed import (
    count_held_of_person,
    describe_foretold,
    record_foretold,
)
from dashboard.web.edits.price.table import OutlookTable, outlook_table
from dashboard.web.edits.price.ways import Way, WaysToGoal, ways_to_goal
from tests import factories
from tests.factories import NOW
from tests.fakes.edit_gateway import FakeExchange

pytestmark = pytest.mark.django_db
BEHIND = {
    "forecast": {"at_end": [170, 190, 215], "chance": 0.35, "note": "high confidence"},
    "cost": {"p10": "450", "p50": "510", "p90": "560"},
}
FAR_BEHIND = BEHIND | {"forecast": {"at_end": [104, 108, 112], "chance": 0.0}}
AHEAD = BEHIND | {"forecast": {"at_end": [260, 280, 300], "chance": 0.99}}


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return factories.project(account, read_at=NOW)


def group(project: Project, **fields: Any) -> TargetGroup:
    """A live group at 2.70 USD with 100 of 200 completes, 100 hours before its end date."""
    given = {
        "cpi": Decimal("2.70"),
        "country_code": "pl",
        "starts_at": NOW - timedelta(days=7),
        "ends_at": NOW + timedelta(hours=100),
        "insight": BEHIND,
    }
    return factories.group(project, **(given | fields))


def learn(account: ExchangeAccount, mean: float = 1.2, **fields: Any) -> None:
    """What raises in Poland showed."""
    LearnedElasticity.objects.create(
        account=account, mean=mean, sd=0.2, in_country=41, learned_at=NOW, **fields
    )


def table_of(group: TargetGroup, cpi: str) -> OutlookTable:
    advised = load_advised_group(group, now=NOW)
    return outlook_table(
        group, group.cpi or Decimal(1), Decimal(cpi), now=NOW, advised=advised.outlook
    )


def ways_of(group: TargetGroup, what_if: WhatIf | None = None) -> WaysToGoal:
    return ways_to_goal(load_advised_group(group, now=NOW, what_if=what_if), now=NOW)


def test_a_higher_price_brings_more_with_a_range_and_a_better_chance(
    project: Project, account: ExchangeAccount
) -> None:
    learn(account)
    rows = {row.label.partition(" ")[0]: row for row in table_of(group(project), "3.20").rows}
    assert (rows["Chance"].today, rows["Chance"].is_unknown) == ("35 %", False)
    assert int(rows["Chance"].new.removesuffix(" %")) > 50
    assert rows["Completes"].today == "190"
    assert int(rows["Completes"].new) > 195
    assert "–" in rows["Completes"].new_note
    assert table_of(group(project), "3.20").note == ""


def test_a_rate_card_sets_the_price_so_no_other_is_foretold(project: Project) -> None:
    shown = table_of(group(project, pricing_model="rate_card"), "3.20")
    assert shown.rows[-1].is_unknown


def test_ways_say_what_they_bring_and_open_their_forms_filled_in(
    project: Project, account: ExchangeAccount
) -> None:
    learn(account)
    behind = group(project)
    ways = ways_of(behind)
    assert ways.verdict == "Each of these reaches the goal at a chance of 80 % or more."
    assert ways.evidence == "How completes follow CPI: from 41 changes in Poland."
    assert ways.needed is not None
    titles = [way.title for way in ways.ways]
    assert any(title.startswith(f"Raise the CPI to {ways.needed.price} USD (+") for title in titles)
    assert any(title.startswith("Extend the end date by ") for title in titles)
    assert titles[-1].startswith("Lower the goal to ")
    addresses = [link.address for way in ways.ways for link in way.links]
    form = f"/groups/{behind.pk}/edit"
    for start in (f"{form}/cpi/?to=", f"{form}/dates/?days=", f"{form}/goals/?goal="):
        assert any(address.startswith(start) for address in addresses)
    assert all(way.figures.startswith("Chance ") for way in ways.ways)


def test_the_price_that_meets_the_deadline_reaches_the_goal_in_the_table(
    project: Project, account: ExchangeAccount
) -> None:
    learn(account)
    behind = group(project)
    needed = ways_of(behind).needed
    assert needed is not None
    assert needed.label == f"Meets the deadline: {needed.price}"
    chance = table_of(behind, needed.price).rows[-1].new
    assert int(chance.removesuffix(" %")) >= 80


def test_out_of_reach_says_what_is_in_reach(project: Project) -> None:
    ways = ways_of(group(project, insight=FAR_BEHIND))
    assert ways.verdict.startswith("Out of reach at any price: at most about 1")
    assert " of 200 by " in ways.verdict
    assert ways.is_short
    assert ways.needed is None


def test_a_group_that_fills_early_may_be_paid_less(project: Project) -> None:
    saving = ways_of(group(project, insight=AHEAD)).saving
    assert saving is not None
    assert saving.title.startswith("Fills early: the CPI may be ")
    assert Decimal(saving.links[0].fill) < Decimal("2.70")


def test_without_evidence_the_usual_range_is_named(project: Project) -> None:
    assert ways_of(group(project)).evidence == (
        "How completes follow CPI: no evidence yet: the usual range."
    )


def test_yen_are_advised_in_whole_coins(project: Project, account: ExchangeAccount) -> None:
    learn(account)
    yen = group(project, currency="JPY", cpi=Decimal(300), cost=Decimal(27000))
    needed = ways_of(yen).needed
    assert needed is not None
    assert "." not in needed.price


def test_a_rate_card_group_has_the_other_ways(project: Project) -> None:
    ways = ways_of(group(project, pricing_model="rate_card"))
    assert ways.verdict == "The rate card sets the CPI. Other ways to the goal:"
    assert ways.needed is None
    assert not any("CPI" in way.title for way in ways.ways)


def test_a_group_that_was_never_projected_says_what_advice_needs(project: Project) -> None:
    ways = ways_of(group(project, insight={}))
    assert ways.verdict.startswith("There is no advice on this group: it needs a goal")
    assert ways.ways == ()


def held_by_quotas(project: Project, **fields: Any) -> TargetGroup:
    """A group that two quotas hold up: 55 of 60 men, 45 of 140 women."""
    full = group(project, insight=BEHIND | {"quotas": {"unstopped": [230, 260, 290]}}, **fields)
    targets = [
        {"id": "t1", "name": "Men", "goal": 60, "completes": 55},
        {"id": "t2", "name": "Women", "goal": 140, "completes": 45},
    ]
    profiles = [{"id": "p1", "name": "Gender", "quotas": True, "targets": targets}]
    GroupPanels.objects.create(group=full, profiles=profiles)
    return full


def test_relaxed_quotas_are_named_with_their_new_goals(
    project: Project, client: Client, exchange: FakeExchange
) -> None:
    full = held_by_quotas(project, ends_at=timezone.now() + timedelta(hours=100))
    advised = load_advised_group(full, now=timezone.now())
    (way,) = (
        way
        for way in ways_to_goal(advised, now=timezone.now()).ways
        if way.title.startswith("Relax the quota Men to ")
    )
    goal = way.title.rpartition(" ")[2]
    assert 60 < int(goal) <= 160
    (link,) = way.links
    assert link.address == f"/groups/{full.pk}/edit/goals/?quota=t1%3A{goal}"
    client.force_login(factories.person("editor", project.account))
    form = " ".join(client.get(link.address).content.decode().split())
    assert f'name="quota.p1.t1" value="{goal}"' in form
    assert 'name="quota.p1.t2" value="120"' in form
    assert '<details class="quotas" open>' in form
    assert exchange.sent == []


@pytest.mark.parametrize(
    "query", ["quota=t1", "quota=t1:0", "quota=t9:5", "quota=t1:1e9", "quota="]
)
def test_a_quota_that_no_plan_names_is_left_as_it_is(
    project: Project, client: Client, exchange: FakeExchange, query: str
) -> None:
    client.force_login(factories.person("editor", project.account))
    form = client.get(f"/groups/{group(project).pk}/edit/goals/?{query}").content.decode()
    assert 'name="quota.p1.t1" value="80"' in form


def test_plans_are_held_against_what_the_client_pays(
    project: Project, account: ExchangeAccount
) -> None:
    learn(account)
    project.client_cpi, project.client_cpi_currency = Decimal("6.00"), "USD"
    project.save()
    behind = group(project)
    assert all(" · leaves a margin of " in way.figures for way in ways_of(behind).ways)
    assert ways_of(behind).needed is not None
    project.client_cpi = Decimal("2.80")
    project.save()
    tight = ways_of(behind)
    beyond = " · beyond the client's CPI of 2.80 USD"
    raised = next(way for way in tight.ways if way.title.startswith("Raise the CPI to "))
    assert beyond in raised.figures
    order = [beyond in way.figures for way in tight.ways[:-1]]
    assert order == sorted(order)
    assert order[0] is False
    assert tight.needed is None
    assert load_needed_cpis([behind.pk], now=NOW) == {}
    preview = planned([behind], how="raise", unit="%", value="5")
    assert preview.rows[0].impact.needs.endswith(" USD is beyond the client's CPI")
    project.client_cpi = Decimal("2.00")
    project.save()
    lost = ways_of(behind)
    assert lost.verdict.endswith("No way to the goal is within the client's CPI of 2.00 USD.")
    assert lost.needed is not None
    assert lost.needed.label.endswith(", beyond the client's CPI")


def test_what_a_plan_adds_beyond_the_budget_of_the_project_is_said(
    project: Project, account: ExchangeAccount
) -> None:
    learn(account)
    behind = group(project)
    plans = load_advised_group(behind, now=NOW).advise()
    assert plans is not None
    costs = {plan.kind: plan.cost_at_goal for plan in plans.plans}
    extra = costs[PlanKind.RAISE] - costs[PlanKind.EXTEND]
    project.budget, project.budget_currency = Decimal(500), "USD"
    for room, beyond in ((extra + 1, None), (extra - 10, Decimal(10)), (Decimal(-90), extra)):
        project.outlook = {"money": {"USD": {"if_full": str(500 - room)}}}
        project.save()
        figures = {way.title.split()[0]: way.figures for way in ways_of(behind).ways}
        assert "budget" not in figures["Extend"]
        text = f" · {beyond:,.0f} USD beyond the project's budget" if beyond else ""
        assert ("budget" in figures["Raise"], text in figures["Raise"]) == (bool(beyond), True)


def test_an_extension_leaves_out_holidays_and_says_so(project: Project) -> None:
    behind = group(project, ends_at=NOW + timedelta(hours=12))
    assert behind.ends_at is not None
    ends = behind.ends_at.date()
    days = [ends + timedelta(days=number) for number in (1, 2)]
    calendar = GroupCalendar(
        holidays=(
            Holiday(days[0], "Christmas Day", 0.01),
            Holiday(days[1], "Boxing Day", 0.4),
            Holiday(days[1], "Some day", None),
        ),
        days=9,
        completes=100,
        is_read=True,
    )

    def extension(calendar: GroupCalendar) -> Way:
        advised = load_advised_group(behind, now=NOW, calendar=calendar)
        ways = ways_to_goal(advised, now=NOW).ways
        return next(way for way in ways if way.title.startswith("Extend the end date by "))

    usual, moved = extension(NO_CALENDAR), extension(calendar)
    assert usual.note == ""
    assert int(moved.title.split()[5]) > int(usual.title.split()[5])
    assert f"Leaves out {format_days(days[:1])} (Christmas Day)." in moved.note
    weak = f"Counts as weak: {format_days(days[1:])} (Boxing Day: 40 % of a normal day)."
    assert weak in moved.note
    assert "Cint suggests 9 days for 100 more completes; this plan has " in moved.note


def test_holidays_before_the_end_date_are_named(project: Project) -> None:
    day = (NOW + timedelta(days=2)).date()
    calendar = GroupCalendar(holidays=(Holiday(day, "Independence Day", 0.5),), is_read=True)
    advised = load_advised_group(group(project), now=NOW, calendar=calendar)
    assert ways_to_goal(advised, now=NOW).holidays == (
        f"Before the end date: {format_days([day])} (Independence Day: 50 % of a normal day). "
        "The forecast does not count holidays."
    )


def test_cints_estimate_counts_as_completes_to_come(project: Project) -> None:
    behind = group(project)
    flat = [WhatIfPoint(Decimal(cpi), 180, 200, NOW) for cpi in ("2.70", "2.97", "3.38")]
    steep = [
        WhatIfPoint(Decimal(cpi), low, low + 20, NOW)
        for cpi, low in (("2.70", 180), ("2.97", 200), ("3.38", 240))
    ]
    prices = []
    for points in (flat, steep):
        what_if = WhatIf(WhatIfState.READ, "USD", tuple(points))
        outlook = load_advised_group(behind, now=NOW, what_if=what_if).outlook
        assert outlook is not None
        prices.append(outlook.elasticity.mean)
    assert prices[0] < prices[1]
    assert prices[1] > 1


@pytest.mark.parametrize("number", [1, 7])
def test_advice_on_groups_costs_the_same_queries_for_any_number(
    project: Project, number: int
) -> None:
    groups = [group(project) for _ in range(number)]
    with CaptureQueriesContext(connection) as queries:
        needed = load_needed_cpis([each.pk for each in groups], now=NOW)
    assert len(queries) == 5
    assert set(needed) == {each.pk for each in groups}


def needed_cpi(cpi: str, today: str, **fields: Any) -> NeededCpi:
    given: dict[str, Any] = {
        "currency": "USD",
        "chance": 0.81,
        "times": (1.1, 1.6),
        "evidence": "from 41 changes in Poland",
    }
    return NeededCpi(Decimal(cpi), Decimal(today), **(given | fields))


def test_raises_are_summed_up_in_a_few_words() -> None:
    usd = needed_cpi("3.80", "3.16")
    yen = needed_cpi("330", "300", currency="JPY")
    assert describe_raises([usd]) == "to about 3.80 USD"
    assert describe_raises([usd, yen]) == "by about 10 to 20 %"
    assert describe_raises([usd, usd]) == "by about 20 %"
    losing = replace(usd, loses_money=True)
    assert describe_raises([losing]) == "to about 3.80 USD, beyond the client's CPI"
    assert describe_raises([usd, losing]) == "by about 20 %, 1 of them beyond the client's CPI"


def test_a_price_is_named_with_its_chance_its_range_and_its_evidence() -> None:
    assert needed_cpi("3.80", "3.16").sentence == (
        "Raising the CPI to about 3.80 USD (+20 %) gives a chance of 81 % to meet the deadline: "
        "+10 to +60 % completes an hour (from 41 changes in Poland)."
    )
    losing = needed_cpi("3.80", "3.16", loses_money=True).sentence
    assert losing.endswith("(from 41 changes in Poland). This is beyond the client's CPI.")
    lower = needed_cpi("2.84", "3.16", chance=0.95, times=(0.79, 0.98))
    assert lower.sentence == (
        "At a CPI of about 2.84 USD (−10 %) the chance to reach the goal stays 95 %: "
        "−21 to −2 % completes an hour (from 41 changes in Poland)."
    )


def planned(groups: list[TargetGroup], **typed: str) -> Any:
    query = QueryDict(mutable=True)
    query.update(typed)
    return plan_price(groups, query, {}, NOW)


def test_a_bulk_preview_says_what_each_group_needs(
    project: Project, account: ExchangeAccount
) -> None:
    learn(account)
    behind, ahead = group(project), group(project, insight=AHEAD)
    needs = ways_of(behind).needed
    assert needs is not None
    preview = planned([behind, ahead], how="raise", unit="%", value="5")
    assert preview.knows_needs
    assert [row.impact.needs for row in preview.rows] == [
        f"{needs.price} USD",
        "On track at its CPI",
    ]


def test_each_group_is_raised_to_what_it_needs(project: Project, account: ExchangeAccount) -> None:
    learn(account)
    behind, ahead = group(project), group(project, insight=AHEAD)
    card = group(project, pricing_model="rate_card")
    preview = planned([behind, ahead, card], how="needs", value_again="1")
    needs = ways_of(behind).needed
    assert needs is not None
    assert [row.chosen.wanted for row in preview.rows] == [
        {"value": needs.price, "currency_code": "USD"}
    ]
    assert preview.refused == [
        (ahead, "on track at its CPI"),
        (card, "the rate card sets its CPI"),
    ]
    assert preview.wanted == {"how": "needs"}


def test_large_raises_to_what_is_needed_are_confirmed_by_their_number(
    project: Project, account: ExchangeAccount
) -> None:
    learn(account, mean=0.5)
    behind = [group(project), group(project)]
    with pytest.raises(FormError, match="Enter the number of these groups, 2, to confirm"):
        planned(behind, how="needs", value="")
    assert len(planned(behind, how="needs", value_again="2").rows) == 2


def edit_of(group: TargetGroup, state: str = Edit.State.CONFIRMED, cpi: str = "3.20") -> Edit:
    wanted = {"value": cpi, "currency_code": "USD"}
    return factories.edit(
        group, kind=Edit.Kind.CPI, state=state, wanted=wanted, after=wanted, started_at=NOW
    )


def test_a_confirmed_price_keeps_what_was_foretold_once(
    project: Project, account: ExchangeAccount
) -> None:
    learn(account)
    behind = group(project)
    edit = edit_of(behind)
    record = record_foretold(group=behind, edit=edit, now=NOW)
    assert record is not None
    assert (record.old_cpi, record.new_cpi, record.edit) == (Decimal("2.70"), Decimal("3.20"), edit)
    assert 1 < record.ratio_low < record.ratio_high
    assert record_foretold(group=behind, edit=edit, now=NOW) is None
    assert AdviceRecord.objects.count() == 1


@pytest.mark.parametrize("state", [Edit.State.REJECTED, Edit.State.CONFLICT])
def test_a_price_that_was_not_accepted_foretells_nothing(project: Project, state: str) -> None:
    behind = group(project)
    assert record_foretold(group=behind, edit=edit_of(behind, state), now=NOW) is None


def test_what_was_expected_stands_beside_what_was_seen() -> None:
    records = [AdviceRecord(followed_at=NOW, ratio_low=1.1, ratio_high=1.6)]
    at = NOW + timedelta(minutes=3)
    assert describe_foretold(records, at, 1.34) == "Expected +10 to +60 %, seen +34 %."
    assert describe_foretold(records, at, None) == "Expected +10 to +60 %."
    assert describe_foretold(records, NOW + timedelta(hours=1), 1.34) == ""


def test_the_glossary_says_how_often_the_range_held(
    project: Project, account: ExchangeAccount, client: Client
) -> None:
    learn(account)
    person = factories.person("viewer", account)
    for is_held in (True, True, False):
        behind = group(project)
        record = record_foretold(group=behind, edit=edit_of(behind), now=NOW)
        assert record is not None
        AdviceRecord.objects.filter(pk=record.pk).update(is_held=is_held)
    assert count_held_of_person(person) == (2, 3)
    client.force_login(person)
    text = " ".join(client.get("/words/").content.decode().split())
    assert "held after a change of CPI: 2 of 3 times." in text


@pytest.mark.parametrize(
    ("state", "kept"),
    [(Edit.State.CONFIRMED, 1), (Edit.State.UNKNOWN, 1), (Edit.State.REJECTED, 0)],
)
def test_a_price_that_is_applied_in_its_form_is_kept_unless_it_is_refused(
    project: Project,
    client: Client,
    exchange: FakeExchange,
    state: Edit.State,
    kept: int,
) -> None:
    exchange.state = state
    behind = group(project, ends_at=timezone.now() + timedelta(hours=100))
    client.force_login(factories.person("editor", project.account))
    page = client.get(f"/groups/{behind.pk}/edit/cpi/?to=2.90").content.decode()
    assert 'value="2.90"' in page
    sealed = re.search(r'name="form" value="([^"]+)"', page)
    assert sealed is not None
    client.post(f"/groups/{behind.pk}/edit/cpi/", {"form": sealed[1], "cpi": "2.90"})
    assert [record.new_cpi for record in AdviceRecord.objects.all()] == [Decimal("2.90")] * kept


@pytest.mark.parametrize("state", [WhatIfState.NOT_OFFERED, WhatIfState.COULD_NOT_READ])
def test_an_estimate_that_cannot_be_read_is_a_sentence(
    project: Project,
    account: ExchangeAccount,
    client: Client,
    exchange: FakeExchange,
    state: WhatIfState,
) -> None:
    exchange.what_if = WhatIf(state, "USD", reason="Cint says no.")
    client.force_login(factories.person("editor", account))
    answer = client.get(f"/groups/{group(project).pk}/cpi/advice/?part=1")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Cint says no." in text
    assert ("Ask Cint again" in text) == (state is WhatIfState.COULD_NOT_READ)
    assert 'hx-trigger="load"' not in text


def test_pages_name_the_price_where_a_cpi_is_to_be_raised(
    project: Project, account: ExchangeAccount, client: Client
) -> None:
    learn(account)
    behind = group(project, ends_at=timezone.now() + timedelta(hours=100))
    factories.item(behind, remedy="raise_cpi")
    needed = load_needed_cpis([behind.pk], now=timezone.now())[behind.pk]
    client.force_login(factories.person("editor", account))
    title = f"Too slow at this CPI: raise the CPI to about {needed.cpi} USD"
    form = f"/groups/{behind.pk}/edit/cpi/?to={needed.cpi}"
    project_page = client.get(f"/projects/{project.pk}/").getvalue().decode()
    assert title in project_page
    group_page = client.get(f"/groups/{behind.pk}/").getvalue().decode()
    assert form in group_page
    remedy_page = client.get("/?scope=all&remedy=raise_cpi").content.decode()
    assert title in remedy_page
    assert form in remedy_page
    home = client.get("/?scope=all").content.decode()
    assert title in home
    assert form in home
