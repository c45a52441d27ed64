"""What can be typed into the three forms, and what is refused before the network."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.http import QueryDict
from pytest_django import Settings

from dashboard.fielding.models import TargetGroup
from dashboard.web import wanted
from tests.web.fake_exchange import RE_ENTRY

SEEN = {"value": "2.70", "currency_code": "USD"}
GROUP = TargetGroup(currency="USD", pricing_model="dynamic")


def typed(**fields: str) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update(fields)
    return query


def refusal(**fields: str) -> dict[str, str]:
    with pytest.raises(wanted.Wrong) as wrong:
        wanted.cpi(typed(**fields), SEEN, GROUP)
    return wrong.value.fields


@pytest.mark.parametrize("text", ["3.10", " 3.10 ", "3.1", "3.1000", "3.10 USD", "3.10usd"])
def test_an_amount_is_sent_as_it_was_meant(text: str) -> None:
    value = wanted.cpi(typed(cpi=text), SEEN, GROUP)
    assert Decimal(value["value"]) == Decimal("3.10")
    assert value["currency_code"] == "USD"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Type the new CPI"),
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
        (".5", "is not an amount"),
        ("3.", "is not an amount"),
        ("+3", "is not an amount"),
        ("0x10", "is not an amount"),
        ("2,70", "Use a point for decimals"),
        ("2.70001", "at most 4 decimals"),
        ("105.01", "at most 105.00 USD"),
        ("9999999999999", "is not an amount"),
        ("3.10 EUR", "priced in USD; EUR cannot be sent"),
        ("2.7", "is the present CPI already"),
    ],
)
def test_a_wrong_cpi_is_refused_with_a_clear_sentence(text: str, sentence: str) -> None:
    assert sentence in refusal(cpi=text)["cpi"]


def test_another_currency_in_a_forged_field_is_refused() -> None:
    assert "EUR cannot be sent" in refusal(cpi="3.10", currency="EUR")["cpi"]


def test_a_limit_that_nobody_knows_is_left_to_the_exchange() -> None:
    seen = {"value": "900", "currency_code": "JPY"}
    value = wanted.cpi(typed(cpi="950"), seen, TargetGroup(currency="JPY"))
    assert value == {"value": "950", "currency_code": "JPY"}


def test_a_rate_card_group_takes_no_cpi() -> None:
    group = TargetGroup(currency="USD", pricing_model="rate_card")
    with pytest.raises(wanted.Wrong, match="rate card"):
        wanted.cpi(typed(cpi="3"), SEEN, group)


def test_a_large_jump_must_be_typed_again(settings: Settings) -> None:
    settings.CPI_JUMP_PERCENT = 50
    assert "+85 %" in refusal(cpi="5.00")["cpi_again"]
    assert "not the CPI typed above" in refusal(cpi="5.00", cpi_again="5.01")["cpi_again"]
    value = wanted.cpi(typed(cpi="5.00", cpi_again="5.0"), SEEN, GROUP)
    assert value["value"] == "5.00"


def test_a_large_fall_must_be_typed_again_too() -> None:
    assert "-63 %" in refusal(cpi="1.00")["cpi_again"]


def test_a_jump_up_to_the_threshold_is_not_asked_twice(settings: Settings) -> None:
    settings.CPI_JUMP_PERCENT = 50
    assert wanted.cpi(typed(cpi="4.05"), SEEN, GROUP)["value"] == "4.05"


@pytest.mark.parametrize("text", ["", "quotas", "COMPLETES"])
def test_a_strategy_is_one_of_three(text: str) -> None:
    with pytest.raises(wanted.Wrong, match="Choose one"):
        wanted.filling_strategy(typed(filling_strategy=text), "completes", GROUP)


def test_re_entry_sends_back_what_the_grid_does_not_show() -> None:
    seen = RE_ENTRY | {"something_new": {"client_side": {"x": 1}}}
    value = wanted.re_entry(typed(), seen, GROUP)
    assert value["something_new"] == {"client_side": {"x": 1}}
    assert value["completes"]["client_side"]["allow_for_current_target_group"] is False


def test_re_entry_has_only_the_cells_of_the_contract() -> None:
    forged = {"completes.screener_side.allow_for_current_target_group": "on"}
    value = wanted.re_entry(typed(**forged), None, GROUP)
    assert set(value["completes"]) == {"client_side"}
    assert set(value["financial_terms"]) == {"screener_side"}
    assert set(value["overquota"]) == {"client_side", "screener_side"}


def test_an_unchanged_grid_is_not_sent() -> None:
    ticked = {
        f"{status}.{side}.allow_for_current_target_group": "on"
        for status, sides in RE_ENTRY.items()
        for side in sides
    }
    with pytest.raises(wanted.Wrong, match="Nothing is changed"):
        wanted.re_entry(typed(**ticked), RE_ENTRY, GROUP)
