"""What can be typed into the forms, and what is refused before the network."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.http import QueryDict
from pytest_django import Settings

from dashboard.fielding.models import TargetGroup
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import BoundForm, FormError, Value
from tests import factories
from tests.factories import NOW
from tests.fakes.edit_gateway import DETAILS, GOALS, RE_ENTRY

SEEN = {"value": "2.70", "currency_code": "USD"}
GROUP = TargetGroup(currency="USD", pricing_model="dynamic")


def typed(**fields: str) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update(fields)
    return query


def check(form: str, seen: Value, group: TargetGroup = GROUP, /, **fields: str) -> Value:
    names = {"pm-1": "Anna", "pm-2": "Ben"}
    return FORMS[form].clean(BoundForm(group, seen, typed(**fields), NOW, names))


def refusal(form: str = "cpi", seen: Value = SEEN, /, **fields: str) -> dict[str, str]:
    with pytest.raises(FormError) as wrong:
        check(form, seen, **fields)
    return wrong.value.fields


@pytest.mark.parametrize("text", ["3.10", " 3.10 ", "3.1", "3.1000", "3.10 USD", "3.10usd"])
def test_an_amount_is_sent_as_it_was_meant(text: str) -> None:
    value = check("cpi", SEEN, cpi=text)
    assert Decimal(value["value"]) == Decimal("3.10")
    assert value["currency_code"] == "USD"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Enter the new CPI"),
        ("abc", "“abc” is not an amount"),
        ("-1", "must be more than 0"),
        ("0", "must be more than 0"),
        ("0.0000", "must be more than 0"),
        ("NaN", "“NaN” is not an amount"),
        ("Infinity", "is not an amount"),
        ("1e309", "“1e309” is not an amount"),
        ("1E+2", "is not an amount"),
        ("1_0", "“1_0” is not an amount"),
        ("２.７０", "is not an amount"),
        ("٢", "is not an amount"),
        ("3.", "is not an amount"),
        ("+3", "is not an amount"),
        ("0x10", "is not an amount"),
        ("3 10", "is not an amount"),
        ("3,10,20", "is not an amount"),
        ("3.10 per complete", "is not an amount"),
        ("€ 3.10", "priced in USD, not €"),
        ("2.70001", "at most 4 decimals"),
        ("105.01", "at most 105.00 USD"),
        ("9999999999", "too large: at most 9 digits"),
        ("9999999999999.5 USD", "too large: at most 9 digits"),
        ("3.10 EUR", "priced in USD, not EUR"),
        ("2.7", "The CPI is already"),
    ],
)
def test_a_wrong_cpi_is_refused_with_a_clear_sentence(text: str, sentence: str) -> None:
    assert sentence in refusal(cpi=text)["cpi"]


def test_another_currency_in_a_forged_field_is_refused() -> None:
    assert "not EUR" in refusal(cpi="3.10", currency="EUR")["cpi"]


def test_a_limit_that_nobody_knows_is_left_to_the_exchange() -> None:
    seen = {"value": "900", "currency_code": "JPY"}
    value = check("cpi", seen, TargetGroup(currency="JPY"), cpi="950")
    assert value == {"value": "950", "currency_code": "JPY"}


def test_a_rate_card_group_takes_no_cpi() -> None:
    group = TargetGroup(currency="USD", pricing_model="rate_card")
    with pytest.raises(FormError, match="rate card"):
        check("cpi", SEEN, group, cpi="3")


def test_a_large_jump_must_be_typed_again(settings: Settings) -> None:
    settings.CPI_JUMP_PERCENT = 50
    assert "+85 %" in refusal(cpi="5.00")["cpi_again"]
    assert "The two values differ" in refusal(cpi="5.00", cpi_again="5.01")["cpi_again"]
    value = check("cpi", SEEN, cpi="5.00", cpi_again="5.0")
    assert value["value"] == "5.00"


@pytest.mark.parametrize("again", ["5", "5.00 USD", " 5.0usd "])
def test_what_is_typed_again_may_be_written_as_amounts_are(again: str) -> None:
    assert check("cpi", SEEN, cpi="5.00 USD", cpi_again=again)["value"] == "5.00"


def test_a_large_fall_must_be_typed_again_too() -> None:
    assert "−63 %" in refusal(cpi="1.00")["cpi_again"]


def test_a_jump_up_to_the_threshold_is_not_asked_twice(settings: Settings) -> None:
    settings.CPI_JUMP_PERCENT = 50
    assert check("cpi", SEEN, cpi="4.05")["value"] == "4.05"


@pytest.mark.parametrize("text", ["", "quotas", "COMPLETES"])
def test_a_strategy_is_one_of_three(text: str) -> None:
    with pytest.raises(FormError, match="Choose a filling strategy"):
        check("filling_strategy", "completes", filling_strategy=text)


def test_re_entry_sends_back_what_the_grid_does_not_show() -> None:
    seen = RE_ENTRY | {"something_new": {"client_side": {"x": 1}}}
    value = check("re_entry", seen)
    assert value["something_new"] == {"client_side": {"x": 1}}
    assert value["completes"]["client_side"]["allow_for_current_target_group"] is False


def test_re_entry_has_only_the_cells_of_the_contract() -> None:
    forged = {"completes.screener_side.allow_for_current_target_group": "on"}
    value = check("re_entry", None, **forged)
    assert set(value["completes"]) == {"client_side"}
    assert set(value["financial_terms"]) == {"screener_side"}
    assert set(value["overquota"]) == {"client_side", "screener_side"}


def test_an_unchanged_grid_is_not_sent() -> None:
    ticked = {
        f"{status}.{side}.allow_for_current_target_group": "on"
        for status, sides in RE_ENTRY.items()
        for side in sides
    }
    with pytest.raises(FormError, match="Nothing has been changed"):
        check("re_entry", RE_ENTRY, **ticked)


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("name", "Four", "5–128 characters"),
        ("name", "x" * 129, "129 entered"),
        ("project_manager_id", "pm-9", "Choose a project manager"),
        ("expected_length_of_interview_minutes", "46", "from 1 to 45"),
        ("expected_length_of_interview_minutes", "１０", "as a whole number"),
        ("expected_incidence_rate", "101", "from 0 to 100"),
        ("expected_incidence_rate", "1e1", "as a whole number"),
        ("live_url", "http://example.com/s", "https://"),
        ("test_url", "https://", "https://"),
        ("live_url", "https://example.com/a b", "no spaces"),
        ("industry_lockout_code", "<b>", "from the list"),
        ("target_group_customer_reference_number", "ab", "3–128 characters"),
        ("client_cost_per_interview_note", "-1", "more than 0"),
    ],
)
def test_a_wrong_detail_is_refused_at_its_field(field: str, text: str, sentence: str) -> None:
    assert sentence in refusal("details", DETAILS, **{field: text})[field]


@pytest.mark.parametrize(
    ("lockouts", "told"), [([("automotive", "Automotive")], True), ([], False)]
)
def test_a_lockout_is_one_of_the_list_where_there_is_one(
    lockouts: list[tuple[str, str]], told: bool
) -> None:
    entry = BoundForm(GROUP, DETAILS, typed(industry_lockout_code="tobacco"), NOW, {}, lockouts)
    if told:
        with pytest.raises(FormError, match="from the list"):
            FORMS["details"].clean(entry)
    else:
        assert FORMS["details"].clean(entry)["industry_lockout_code"] == "tobacco"


def test_details_go_back_whole_with_what_was_changed() -> None:
    value = check("details", DETAILS, expected_incidence_rate="40 %", project_manager_id="pm-2")
    assert value == DETAILS | {"expected_incidence_rate": 0.4, "project_manager_id": "pm-2"}


def test_an_optional_detail_can_be_emptied() -> None:
    value = check("details", DETAILS, target_group_customer_reference_number="")
    assert value["target_group_customer_reference_number"] is None


def test_several_wrong_details_are_told_at_once() -> None:
    assert set(refusal("details", DETAILS, name="x", test_url="ftp://x")) == {"name", "test_url"}


def test_untouched_details_are_not_sent() -> None:
    assert "Nothing has been changed" in refusal("details", DETAILS)["form"]


DATES = {
    "start_fielding_at": "2026-11-13T09:00:00.000Z",
    "end_fielding_at": "2026-11-27T09:00:59.999Z",
}
TOKYO = TargetGroup(currency="USD", country_code="jp")
BERLIN = TargetGroup(currency="USD", country_code="de")


def test_an_end_is_typed_in_the_groups_own_zone() -> None:
    value = check("dates", DATES, TOKYO, end_fielding_at="2026-11-28T18:00")
    assert value["end_fielding_at"] == "2026-11-28T09:00:00.000Z"
    assert value["start_fielding_at"] == DATES["start_fielding_at"]


def test_an_untouched_end_keeps_its_milliseconds() -> None:
    seen = DATES | {"start_fielding_at": "2026-11-25T09:00:00.000Z"}
    typed_end = "2026-11-27T18:00:59"  # as the form shows it
    start = "2026-11-26T09:00"
    value = check("dates", seen, TOKYO, start_fielding_at=start, end_fielding_at=typed_end)
    assert value["end_fielding_at"] == DATES["end_fielding_at"]


def test_a_start_that_has_passed_cannot_be_forged() -> None:
    forged = {"start_fielding_at": "2027-01-01T00:00", "end_fielding_at": "2026-11-28T18:00"}
    value = check("dates", DATES, TOKYO, **forged)
    assert value["start_fielding_at"] == DATES["start_fielding_at"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Enter a date and time"),
        ("tomorrow", "Enter a date and time"),
        ("2026-02-30T10:00", "Enter a date and time"),
        ("0001-01-01T00:00", "Enter a date and time"),
        ("9999-12-31T23:59", "Enter a date and time"),
        ("2026-11-13T08:00", "after the start"),
        ("2026-11-19T08:00", "in the future"),
        ("2126-11-19T08:00", "three years"),
        ("2027-03-28T02:30", "does not exist that night in Berlin"),
    ],
)
def test_a_wrong_end_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(FormError, match=sentence):
        check("dates", DATES, BERLIN, end_fielding_at=text)


def test_a_new_total_alone_leaves_the_quotas_to_the_exchange_once_that_is_agreed() -> None:
    group = TargetGroup(currency="USD", completes=100)
    wrong = refusal("goals", GOALS, completes_goal="250")
    assert "Cint recalculates these 2 quotas" in wrong["quotas_anew"]
    agreed = {"completes_goal": "250", "quotas_anew": "on"}
    assert check("goals", GOALS, group, **agreed) == {"completes_goal": 250}
    without = GOALS | {"profiles": []}
    assert check("goals", without, group, completes_goal="250") == {"completes_goal": 250}


def test_a_new_total_with_a_new_quota_is_what_was_typed() -> None:
    value = check("goals", GOALS, completes_goal="220", **{"quota.p1.t1": "70"})
    assert (value["completes_goal"], len(value["profiles"])) == (220, 1)


def test_only_the_quotas_that_change_are_sent() -> None:
    value = check(
        "goals", GOALS, completes_goal="200", **{"quota.p1.t1": "70", "quota.p1.t2": "120"}
    )
    assert "completes_goal" not in value
    assert [one["id"] for one in value["profiles"][0]["targets"]] == ["t1"]
    assert value["profiles"][0]["targets"][0]["completes_goal"] == 70


@pytest.mark.parametrize("text", ["0", "-5", "2e2", "1_0", "1000001", "12.5", ""])
def test_a_wrong_goal_is_refused(text: str) -> None:
    assert "whole number" in refusal("goals", GOALS, completes_goal=text)["completes_goal"]


def test_a_wrong_quota_is_told_at_its_field() -> None:
    wrong = refusal("goals", GOALS, completes_goal="200", **{"quota.p1.t2": "many"})
    assert set(wrong) == {"quota.p1.t2"}


def test_a_goal_that_jumps_is_typed_twice() -> None:
    assert "+100 %" in refusal("goals", GOALS, completes_goal="400")["completes_goal_again"]
    twice = {"completes_goal_again": "400", "quotas_anew": "on"}
    value = check("goals", GOALS, completes_goal="400", **twice)
    assert value == {"completes_goal": 400}


def test_a_budget_is_in_the_groups_currency_and_can_be_taken_away() -> None:
    held = {"value": "600.000000", "currency_code": "USD"}
    assert check("budget", None, budget="600") == {"value": "600", "currency_code": "USD"}
    assert check("budget", held, budget=" ") is None
    assert "Nothing has been changed" in refusal("budget", held, budget="600.00")["budget"]
    assert "not EUR" in refusal("budget", None, budget="600 EUR")["budget"]


def test_a_time_zone_is_one_that_exists() -> None:
    assert check("time_zone", "", time_zone="Asia/Tokyo") == "Asia/Tokyo"
    assert "from the list" in refusal("time_zone", "", time_zone="Mars/Base")["time_zone"]


@pytest.mark.parametrize(
    "name", ["cpi", "filling_strategy", "re_entry", "details", "dates", "goals"]
)
def test_what_a_form_fills_in_it_takes_back_unchanged(name: str) -> None:
    """The way back of undo: the value from before, typed in, is that value."""
    before = {
        "cpi": {"value": "2.7352", "currency_code": "USD"},
        "filling_strategy": "prescreens",
        "re_entry": {
            key: {s: dict.fromkeys(ways, False) for s, ways in sides.items()}
            for key, sides in RE_ENTRY.items()
        },
        "details": DETAILS | {"name": "As it was", "client_cost_per_interview_note": None},
        "dates": DATES | {"end_fielding_at": "2026-12-01T23:59:00.000Z"},
        "goals": {"completes_goal": 190},
    }[name]
    now = {
        "cpi": SEEN,
        "filling_strategy": "completes",
        "re_entry": RE_ENTRY,
        "details": DETAILS,
        "dates": DATES,
        "goals": GOALS,
    }[name]
    form = FORMS[name]
    filled = form.initial(before, BoundForm(TOKYO, now, typed(), NOW))
    assert check(name, now, TOKYO, **filled) == before


def test_five_per_cent_more_is_to_the_smallest_coin_and_never_nothing() -> None:
    def quick(price: str, currency: str = "USD") -> str:
        seen = {"value": price, "currency_code": currency}
        return FORMS["cpi"].quick(BoundForm(GROUP, seen, typed(by="5"), NOW))["cpi"]

    assert quick("2.70") == "2.84"
    assert quick("0.05") == "0.0525"
    assert quick("609", "JPY") == "639"
    assert quick("9", "JPY") == "9.45"


@pytest.mark.django_db
def test_a_cpi_is_lowered_and_raised_by_a_quarter_at_one_click() -> None:
    group = factories.group(factories.project(factories.account()))
    entry = BoundForm(group, SEEN, typed(), NOW)
    choices = FORMS["cpi"].context(entry)["quick"]
    assert [(one.label, one.text) for one in choices] == [  # type: ignore[attr-defined]
        ("−5 %", "2.57 USD"),
        ("+5 %", "2.84 USD"),
        ("+10 %", "2.97 USD"),
        ("+25 %", "3.38 USD"),
    ]
    assert FORMS["cpi"].quick(BoundForm(group, SEEN, typed(by="-5"), NOW)) == {"cpi": "2.57"}
    assert FORMS["cpi"].quick(BoundForm(group, SEEN, typed(by="50"), NOW)) == {}


def test_a_day_more_starts_from_now_where_the_end_has_passed() -> None:
    passed = DATES | {"end_fielding_at": "2026-11-18T09:00:00.000Z"}
    filled = FORMS["dates"].quick(BoundForm(TOKYO, passed, typed(hours="24"), NOW))
    assert filled["end_fielding_at"] == "2026-11-21T21:00"


@pytest.mark.parametrize(
    ("days", "filled"),
    [("3", "2026-11-30T18:00:59"), ("0", None), ("99", None), ("three", None), ("²", None)],
)
def test_a_plan_fills_in_an_end_date_at_most_four_weeks_later(
    days: str, filled: str | None
) -> None:
    quick = FORMS["dates"].quick(BoundForm(TOKYO, DATES, typed(days=days), NOW))
    assert quick.get("end_fielding_at") == filled


@pytest.mark.parametrize(("goal", "filled"), [("160", "160"), ("0", None), ("many", None)])
def test_a_plan_fills_in_a_goal(goal: str, filled: str | None) -> None:
    entry = BoundForm(GROUP, GOALS, typed(goal=goal), NOW)
    assert FORMS["goals"].quick(entry).get("completes_goal") == filled


@pytest.mark.parametrize(("price", "filled"), [("3.80", "3.80"), ("-1", None), ("much", None)])
def test_a_plan_fills_in_a_price(price: str, filled: str | None) -> None:
    entry = BoundForm(GROUP, SEEN, typed(to=price), NOW)
    assert FORMS["cpi"].quick(entry).get("cpi") == filled


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["-1.00", "0", "0.00"])
def test_a_price_that_is_not_above_zero_costs_nothing_that_is_said(text: str) -> None:
    group = factories.group(factories.project(factories.account(), read_at=NOW))
    assert FORMS["cpi"].context(BoundForm(group, SEEN, typed(cpi=text), NOW))["cost"] == ""


@pytest.mark.django_db
def test_the_cost_of_a_price_is_said_against_the_budget() -> None:
    project = factories.project(factories.account(), read_at=NOW)
    group = factories.group(project, budget=Decimal(570))
    shown = FORMS["cpi"].context(BoundForm(group, SEEN, typed(cpi="3.10"), NOW))
    assert shown["cost"] == (
        "100 × 3.10 = 310 USD still to spend (+40 USD). "
        "Cost if the goal is reached: 580 USD, 10 USD OVER the budget of 570 USD."
    )
