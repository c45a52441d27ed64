"""How people respond to a price, and what the exchange answers when it is asked."""

from decimal import Decimal
from typing import Any

import pytest

from dashboard.simulator.catalogue.clock import DAY
from dashboard.simulator.catalogue.price_response import (
    PriceResponse,
    draw_price_response,
)
from dashboard.simulator.harness import Simulator
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.respondents import (
    completes_an_hour,
    draw_next,
    settle_and_cut,
    settle_group,
)
from dashboard.simulator.world.scenarios import SeedOptions
from dashboard.simulator.world.seed import populate_world
from tests.simulator.caller import Caller

ORIGIN = 1_795_478_400_000
PAST = SeedOptions(seed=7, groups=100, origin=ORIGIN, days=10)
RATIOS = [0.3, 0.6, 0.8, 1.0, 1.05, 1.25, 1.6, 2.5, 6.0]


def response(group_seed: int, *, country: str = "de", audience: str = "a") -> PriceResponse:
    return draw_price_response(1, country=country, audience=audience, group_seed=group_seed)


def live_group(*, moves: bool) -> SimulatedGroup:
    """A live group without a trouble; moves: whether people respond to its price."""
    groups = [group for project in populate_world(PAST, projects=1) for group in project.groups]
    return next(
        group
        for group in groups
        if group.status == "live"
        and group.trouble is None
        and group.temper.lively
        and (group.temper.response.elasticity > 0.5) is moves
        and (group.temper.response.elasticity > 0) is moves
    )


def entrants_of_days(group: SimulatedGroup, factor: Decimal, days: int = 3) -> int:
    """The people who come in the next days at the price times the factor."""
    group.temper.troubles = group.temper.colleague = False
    group.plans.clear()
    group.filling_goal = 100_000
    settle_and_cut(group, ORIGIN)
    group.cpi *= factor
    draw_next(group, ORIGIN)
    before = group.tally.counts.entrants
    settle_group(group, ORIGIN + days * DAY)
    return group.tally.counts.entrants - before


@pytest.mark.parametrize("group_seed", range(1, 20))
def test_people_never_become_fewer_with_the_price_and_their_number_ends(group_seed: int) -> None:
    one = response(group_seed * 7919)
    people = [one.people(ratio) for ratio in RATIOS]
    assert people == sorted(people)
    assert people[-1] == pytest.approx(one.ceiling)
    assert one.people(1.0) == 1.0
    assert people[0] < 0.5
    if one.saturates_at is not None:
        assert one.people(one.saturates_at * 0.9) < one.people(one.saturates_at * 1.5)
        assert one.people(one.saturates_at * 1.5) == one.people(one.saturates_at * 9)


def test_some_groups_do_not_move_at_all_and_most_do() -> None:
    responses = [response(seed * 7919) for seed in range(400)]
    unmoved = [one for one in responses if one.elasticity == 0]
    assert 25 < len(unmoved) < 75
    assert {one.people(3.0) for one in unmoved} == {1.0}
    assert {one.saturates_at for one in unmoved} == {None}


def test_groups_of_one_country_and_audience_are_alike() -> None:
    def mean(country: str, audience: str) -> float:
        drawn = [
            response(seed * 7919, country=country, audience=audience).elasticity
            for seed in range(300)
        ]
        moved = [elasticity for elasticity in drawn if elasticity]
        return sum(moved) / len(moved)

    means = [mean(country, audience) for country in ("de", "jp", "us") for audience in "abc"]
    assert max(means) > 1.4 * min(means)


def test_another_world_has_other_markets_and_the_same_one_the_same() -> None:
    def drawn(world_seed: int) -> PriceResponse:
        return draw_price_response(world_seed, country="de", audience="a", group_seed=7919)

    assert drawn(1) == drawn(1)
    assert drawn(1).market != drawn(2).market


def test_competitors_pay_now_more_and_now_less_together_in_one_market() -> None:
    one, other = response(1), response(2)
    days = [one.competitors(day) for day in range(20_000, 20_200)]
    assert days == [other.competitors(day) for day in range(20_000, 20_200)]
    assert 0.8 < min(days) < 0.95
    assert 1.05 < max(days) < 1.25
    assert days != [response(1, audience="b").competitors(day) for day in range(20_000, 20_200)]


def test_a_price_that_nobody_minds_brings_nobody() -> None:
    brought = {
        factor: entrants_of_days(live_group(moves=False), Decimal(factor))
        for factor in ("0.9", "1", "1.5")
    }
    assert len(set(brought.values())) == 1


def test_a_price_beyond_saturation_brings_no_more() -> None:
    saturates_at = live_group(moves=True).temper.response.saturates_at
    assert saturates_at is not None
    shares = [Decimal(1), *(Decimal(str(round(saturates_at * m, 3))) for m in (1.6, 2.4))]
    today, much, more = (entrants_of_days(live_group(moves=True), share) for share in shares)
    assert today < much == more


def test_completes_an_hour_follow_the_price_as_the_field_does() -> None:
    group = live_group(moves=True)
    group.filling_strategy = "completes"
    group.temper.lively = False  # nor competitors
    group.temper.launch_cpi = group.cpi
    elasticity = group.temper.response.elasticity
    ratio = completes_an_hour(group, group.cpi * Decimal("1.05"), ORIGIN) / completes_an_hour(
        group, group.cpi, ORIGIN
    )
    assert ratio == pytest.approx(1.05**elasticity, rel=0.001)


def what_if(caller: Caller, group: dict[str, Any], expect: int = 200, **body: Any) -> Any:
    path = f"{caller.group_path(group)}/calculate-feasibility"
    return caller.post(path, body, expect=expect)


def at_price(group: dict[str, Any], factor: str) -> dict[str, str]:
    value = Decimal(group["cpi"]) * Decimal(factor)
    digits = Decimal(1) if group["currency_code"] == "JPY" else Decimal("0.01")
    return {"value": f"{value.quantize(digits):f}", "currency_code": group["currency_code"]}


def live(simulator: Simulator, **more: object) -> dict[str, Any]:
    return max(simulator.groups(status="live", **more), key=lambda group: group["completes"])


def test_a_higher_price_brings_more_completes_as_the_exchange_believes(
    simulator: Simulator, caller: Caller
) -> None:
    group = live(simulator, pricing_model="dynamic")
    ranges = [
        what_if(caller, group, cost_per_interview=at_price(group, factor))[
            "suggested_completes_goal_range"
        ]
        for factor in ("0.7", "1", "1.1", "1.25")
    ]
    assert [one["max"] for one in ranges] == sorted({one["max"] for one in ranges})
    assert all(group["completes"] <= one["min"] < one["max"] for one in ranges)


def test_the_same_question_has_the_same_answer_and_does_not_change_the_field(
    simulator: Simulator, caller: Caller
) -> None:
    group = live(simulator, pricing_model="dynamic")
    offer = at_price(group, "1.1")
    before = simulator.truth(group["id"])
    first = what_if(caller, group, price=offer)
    middle = sum(first["suggested_completes_goal_range"].values())
    again = what_if(caller, group, price=offer)["suggested_completes_goal_range"]
    assert sum(again.values()) == pytest.approx(middle, rel=0.01)  # the clock runs on
    assert simulator.truth(group["id"]) == before


def test_a_later_end_a_shorter_survey_and_a_higher_ir_bring_more(
    simulator: Simulator, caller: Caller
) -> None:
    group = live(simulator, pricing_model="dynamic")
    end = simulator.truth(group["id"])["end"]
    later = f"{int(end[:4]) + 1}{end[4:]}"

    def most(**body: Any) -> int:
        return int(what_if(caller, group, **body)["suggested_completes_goal_range"]["max"])

    today = most()
    assert most(end_at=later) > today
    assert most(length_of_interview=1) > today > most(length_of_interview=45)
    assert most(incidence_rate=1) > most(incidence_rate=0.01)


def test_quotas_are_within_their_goals_and_add_up(simulator: Simulator, caller: Caller) -> None:
    group = live(simulator)
    answer = what_if(caller, group)
    assert answer["profiles"]
    for profile in answer["profiles"]:
        cells = [target["quota"] for target in profile["targets"]]
        least = [cell["min_completes"]["projected_completes_goal"] for cell in cells]
        most = [cell["max_completes"]["projected_completes_goal"] for cell in cells]
        assert all(low <= high for low, high in zip(least, most, strict=True))
        assert sum(most) <= group["goal"] + len(cells)
    assert answer["allocations"]["open_exchange_allocations"]["max_completes"] > 0


def test_yen_are_answered_in_yen() -> None:
    with Simulator(projects=4, groups=8, history_days=2, speed=0) as running:
        yen = live(running, currency_code="JPY")
        answer = what_if(Caller(running), yen, cost_per_interview=at_price(yen, "1.1"))
    assert answer["suggested_price"]["currency_code"] == "JPY"
    assert "." not in answer["suggested_price"]["value"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"cost_per_interview": {"value": "2.00", "currency_code": "XXX"}}, "cost_per_interview"),
        ({"cost_per_interview": {"value": "99999999", "currency_code": "USD"}}, "cost"),
        ({"price": {"value": "-1", "currency_code": "USD"}}, "price"),
        ({"end_at": "2001-01-01T00:00:00.000Z"}, "end_at"),
        ({"start_at": "tomorrow"}, "start_at"),
        ({"length_of_interview": 46}, "length_of_interview"),
        ({"incidence_rate": 0}, "incidence_rate"),
        ({"completes_goal": 10_001}, "completes_goal"),
        ({"locale": "xxx_xx"}, "locale"),
    ],
)
def test_what_is_wrong_is_named(
    simulator: Simulator, caller: Caller, body: dict[str, Any], name: str
) -> None:
    answer = what_if(caller, live(simulator), expect=400, **body)
    assert answer["invalid_params"][0]["name"].startswith(name)


def test_a_draft_and_an_account_without_it_are_refused(
    simulator: Simulator, caller: Caller
) -> None:
    what_if(caller, simulator.groups(status="draft")[0], expect=422)
    groups = simulator.control("GET", "groups")["groups"]
    other = next(g for g in groups if g["account_id"] == 102 and g["status"] != "draft")
    what_if(caller, other, expect=403)


def test_a_switch_refuses_it_to_everybody() -> None:
    with Simulator(groups=8, history_days=2, speed=0) as running:
        caller, group = Caller(running), live(running)
        for status in (403, 404):
            running.control("POST", "switches", {"what_if": status})
            what_if(caller, group, expect=status)
        running.control("POST", "switches", {"what_if": 200})
        what_if(caller, group)


def test_the_truth_of_a_market_is_at_the_control_address_alone(
    simulator: Simulator, caller: Caller
) -> None:
    group = live(simulator)
    market = simulator.market(group["id"])
    assert set(market) == {
        *("elasticity", "ceiling", "launch_cpi", "saturates_at", "competitors"),
        "completes_an_hour",
    }
    path = caller.group_path(group)
    answers = [caller.get(path + leaf) for leaf in ("/details", "/overview", "/performance")]
    answers.append(what_if(caller, group))
    assert "elasticity" not in str(answers)
    assert "ceiling" not in str(answers)
