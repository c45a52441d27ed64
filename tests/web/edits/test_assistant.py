"""The form of the fielding assistant: four modules that are always sent together."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.web.edits import history, value_labels
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import BoundForm, FormError
from tests import factories
from tests.factories import NOW
from tests.fakes.edit_gateway import ASSISTANT

FORM = FORMS["assistant"]
OFF = dict.fromkeys(ASSISTANT)
OTHER = "01M6SXXEZ0WZ5Y56T31XKB77E2"
GROUP = TargetGroup(
    currency="USD",
    pricing_model="dynamic",
    country_code="jp",
    cpi=Decimal("2.70"),
    ends_at=NOW + timedelta(days=20),
)
CARD = TargetGroup(currency="USD", pricing_model="rate_card")
SOFT = {
    "soft_launch": "on",
    "soft_launch.end_at": "2026-11-28T18:00",
    "soft_launch.filling_goal_percentage": "10",
    "soft_launch.demographics_strictness_percentage": "0",
}


def entry(seen: Any, group: TargetGroup, /, **fields: str) -> BoundForm[Any]:
    typed = QueryDict(mutable=True)
    typed.update(fields)
    return BoundForm(group, seen, typed, NOW, {OTHER: "Exposed"})


def check(seen: Any, group: TargetGroup = GROUP, /, **fields: str) -> Any:
    """What is sent where the form stands as it was opened, but for these fields."""
    stands = dict(FORM.initial(seen, entry(seen, group)))
    return FORM.clean(entry(seen, group, **{"pacing.unit": "H"} | stands | fields))


def refusal(seen: Any, group: TargetGroup = GROUP, /, **fields: str) -> dict[str, str]:
    with pytest.raises(FormError) as wrong:
        check(seen, group, **fields)
    return wrong.value.fields


def test_what_was_not_touched_goes_back_as_it_came() -> None:
    value = check(ASSISTANT, **SOFT)
    assert value == ASSISTANT | {
        "soft_launch": {
            "end_at": "2026-11-28T09:00:00.000Z",
            "filling_goal_percentage": 10,
            "demographics_strictness_percentage": 0,
        }
    }


@pytest.mark.parametrize("seen", [ASSISTANT, OFF])
def test_an_untouched_form_is_not_sent(seen: Any) -> None:
    assert "Nothing has been changed" in refusal(seen)["form"]


def test_a_module_of_a_kind_that_we_do_not_know_goes_back_as_it_came() -> None:
    seen = ASSISTANT | {"pacing": {"type": "lunar"}}
    assert check(seen, **SOFT)["pacing"] == {"type": "lunar"}


def test_a_group_of_elsewhere_that_is_paced_like_stays_chosen() -> None:
    seen = ASSISTANT | {"pacing": {"type": "gemini", "exposed_target_group_id": "ELSEWHERE"}}
    shown: dict[str, Any] = FORM.context(entry(seen, GROUP))
    assert [value for value, _, chosen in shown["others"] if chosen] == ["ELSEWHERE"]
    assert check(seen, **SOFT)["pacing"] == seen["pacing"]


def test_what_is_unticked_is_switched_off() -> None:
    said = refusal(ASSISTANT, pacing="", pricing="")["switch_off"]
    assert "switches off pacing and dynamic CPI" in said
    value = check(ASSISTANT, pacing="", pricing="", switch_off="on")
    assert (value["pacing"], value["pricing"]) == (None, None)
    assert value["quota_overlay"] == ASSISTANT["quota_overlay"]


def test_pacing_is_by_a_step_or_like_another_group_of_the_project() -> None:
    day = {"pacing": "adaptive", "pacing.increment_interval": "2", "pacing.unit": "D"}
    assert check(OFF, **day)["pacing"] == {"type": "adaptive", "increment_interval": "P2D"}
    like = {"pacing": "gemini", "pacing.exposed_target_group_id": OTHER}
    assert check(OFF, **like)["pacing"] == {"type": "gemini", "exposed_target_group_id": OTHER}


@pytest.mark.parametrize("text", ["", "NaN", "1e309", "-1", "0", "1_0", "1E+2", "１"])
@pytest.mark.parametrize(
    ("field", "others"),
    [
        ("soft_launch.filling_goal_percentage", SOFT),
        ("pacing.increment_interval", {"pacing": "linear"}),
        ("pricing.maximum_cpi", {"pricing": "dynamic"}),
    ],
)
def test_a_number_that_is_none_is_refused_at_its_field(
    field: str, others: dict[str, str], text: str
) -> None:
    assert list(refusal(OFF, **others | {field: text})) == [field]


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        (SOFT | {"soft_launch.end_at": "2026-11-19T08:00"}, "soft_launch.end_at", "future"),
        (SOFT | {"soft_launch.end_at": "2027-11-19T08:00"}, "soft_launch.end_at", "before the"),
        ({"pacing": "lunar"}, "pacing", "from the list"),
        ({"pacing": "gemini"}, "pacing.exposed_target_group_id", "of this project"),
        (
            {"pacing": "linear", "pacing.increment_interval": "398", "pacing.unit": "D"},
            "pacing.increment_interval",
            "398 days",
        ),
        ({"pricing": "rate_card"}, "pricing", "another pricing model"),
        (
            {"pricing": "dynamic", "pricing.maximum_cpi": "105.01"},
            "pricing.maximum_cpi",
            "at most 105.00 USD",
        ),
        (
            {"pricing": "dynamic", "pricing.maximum_cpi": "3", "pricing.total_budget": "500"},
            "pricing.maximum_cpi",
            "not both",
        ),
        (
            {"pricing": "dynamic", "pricing.maximum_cpi": "3", "pricing.minimum_cpi": "3.00"},
            "pricing.minimum_cpi",
            "below the maximum",
        ),
        (
            {"pricing": "dynamic", "pricing.maximum_cpi": "3 EUR"},
            "pricing.maximum_cpi",
            "not EUR",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    fields: dict[str, str], field: str, sentence: str
) -> None:
    assert sentence in refusal(OFF, **fields)[field]


def test_a_ceiling_far_from_todays_price_is_typed_again() -> None:
    high = {"pricing": "dynamic", "pricing.maximum_cpi": "9"}
    assert "+233 % compared with 2.70" in refusal(OFF, **high)["pricing.maximum_cpi_again"]
    wrong = refusal(OFF, **high, **{"pricing.maximum_cpi_again": "8"})
    assert "The two values differ" in wrong["pricing.maximum_cpi_again"]
    value = check(OFF, **high, **{"pricing.maximum_cpi_again": "9.00"})
    assert value["pricing"]["maximum_cpi"] == {"value": "9", "currency_code": "USD"}


def test_a_rate_card_takes_a_boost_instead_of_a_budget() -> None:
    fields = {"pricing": "rate_card", "pricing.boost_cpi": "0.50", "pricing.total_budget": "9"}
    boost = {"value": "0.50", "currency_code": "USD"}
    assert check(OFF, CARD, **fields)["pricing"] == {"type": "rate_card", "boost_cpi": boost}


def test_an_objection_of_the_exchange_stands_at_its_field() -> None:
    made = Edit(wanted=ASSISTANT)
    assert FORM.field_for("pricing.maximum_cpi.value", made) == "pricing.maximum_cpi"
    assert FORM.field_for("pricing.boost_cpi", made) == "pricing"
    assert FORM.field_for("soft_launch.end_at", made) == "soft_launch.end_at"
    assert FORM.field_for("body", made) == ""


def test_its_words_say_what_changes() -> None:
    wanted = ASSISTANT | {"pacing": {"type": "adaptive", "increment_interval": "P1D"}}
    edit = Edit(kind="assistant", before=ASSISTANT, wanted=wanted)
    assert value_labels.changed_parts(edit, {}) == [
        ("Pacing", "linear", "adaptive"),
        ("Pacing: step", "every 36 hours", "every day"),
    ]


@pytest.mark.django_db
def test_the_changelogs_words_of_it_and_ours_are_one_line() -> None:
    group = factories.group(factories.project(factories.account()))
    wanted = ASSISTANT | {"quota_overlay": None}
    edit = Edit(
        pk=7,
        group=group,
        account=group.account,
        kind="assistant",
        state="confirmed",
        before=ASSISTANT,
        wanted=wanted,
        after=wanted,
        started_at=NOW,
        settled_at=NOW,
    )
    kinds = (
        "quota_overlay_assisted_change",
        "quota_overlay_prevent_overfilling_change",
        "quota_overlay_balance_fill_change",
        "pacing_assistance_change",
    )
    changes = [
        Change(group=group, batch_id="b", kind=kind, occurred_at=NOW, new=False) for kind in kinds
    ]
    told = history.history_lines(changes, [edit], {})
    assert [line.what for line in told if not line.ours] == ["Pacing"]
