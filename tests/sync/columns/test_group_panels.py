"""Quotas and rate cards of the exchange, as a group's panels show them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard.exchange.shapes.pricing import TargetGroupRateCard
from dashboard.exchange.shapes.profiling import Profiles
from dashboard.sync.columns import group_panels

RANGE = {"question_id": 42, "min": 18, "max": 34}


def test_profiles_have_their_names_and_the_progress_of_each_target() -> None:
    quota = {"completes_goal": 10, "completes": 4, "prescreens": 5}
    profiles = [
        {"id": 1, "name": "Age", "description": "no", "quotas_enabled": True}
        | {"targets": [{"id": 2, "text_translated": "Junge", "text": "Young", "quota": quota}]},
        {"id": "2", "description_translated": "Geschlecht", "description": "Gender"}
        | {"targets": [{"text": "Women", "name": "w"}, {"name": "m"}, {"conditions": [RANGE]}]},
        {"description": "Region"},
        {},
    ]
    empty = {"goal": None, "completes": None, "prescreens": None}
    assert group_panels.profile_columns(msgspec.convert({"profiles": profiles}, Profiles)) == {
        "profiles": [
            {
                "id": "1",
                "name": "Age",
                "quotas": True,
                "targets": [
                    {"id": "2", "name": "Junge", "goal": 10, "completes": 4, "prescreens": 5}
                ],
            },
            {
                "id": "2",
                "name": "Geschlecht",
                "quotas": False,
                "targets": [{"id": "", "name": name} | empty for name in ("Women", "m", "18–34")],
            },
            {"id": "", "name": "Region", "quotas": False, "targets": []},
            {"id": "", "name": "", "quotas": False, "targets": []},
        ]
    }
    assert group_panels.profile_columns(None) == {"profiles": []}


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([{"condition_name_translated": "Frau", "condition_name": "Woman", "option": 1}], "Frau"),
        ([{"condition_name_translated": "", "condition_name": "Woman"}], "Woman"),
        ([{"max": 34}, {}, {"min": 18}], "–34, 18–"),
        ([RANGE, {"option": 0}], "18–34, answer 0"),
        ([], ""),
    ],
)
def test_a_target_without_a_name_is_named_by_its_conditions(
    conditions: list[dict[str, Any]], words: str
) -> None:
    assert group_panels.conditions_text(conditions) == words


CARD = {
    "pricing_table_currency_code": "usd",
    "length_of_interview_minutes": [5, 10],
    "incidence_rate_percents": [50, 100],
    "pricing_table_data": [[300, 200], [400, 250]],
}
PRICES = {
    "currency": "USD",
    "minutes": [5, 10],
    "percents": [50, 100],
    "prices": [[300, 200], [400, 250]],
}


def test_the_bound_rate_card_counts_else_the_predicted_one() -> None:
    other = CARD | {"pricing_table_currency_code": "EUR"}
    cards: list[tuple[dict[str, Any] | None, dict[str, Any] | None]] = [
        ({"predicted_rate_card": CARD}, PRICES | {"bound": False}),
        ({"bound_rate_card": CARD, "predicted_rate_card": other}, PRICES | {"bound": True}),
        ({}, None),
        (None, None),
    ]
    for sent, stored in cards:
        card = None if sent is None else msgspec.convert(sent, TargetGroupRateCard)
        assert group_panels.rate_card_columns(card) == {"rate_card": stored}
