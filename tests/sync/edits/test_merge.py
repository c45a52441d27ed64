"""Values side by side: what is alike, what a person changed, and two people's changes together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sync.edits import merge

MONEY = {"value": "2.50", "currency_code": "USD"}
ALIKE: list[tuple[str, Any, Any]] = [
    ("cpi", MONEY, {"value": "2.5", "currency_code": "usd", "currency_scale": 2}),
    ("duration", "P2W", "P14D"),
    ("increment_interval", "P1DT12H", "PT36H"),
    ("end_at", "2026-11-27T18:00:00.000Z", "2026-11-27T19:00:00+01:00"),
    ("live_url", "https://EXAMPLE.com", "https://example.com/"),
    ("note", "one\r\ntwo", "one\ntwo"),
    ("supplier_ids", ["2", "1"], [1, 2]),
    ("question_id", 43, "43"),
    ("rate", Decimal("0.30"), 0.3),
    (
        "project_manager_id",
        "B551326B-AC9D-4D32-8823-4F025787DA11",
        "b551326b-ac9d-4d32-8823-4f025787da11",
    ),
    ("anything", {"a": 1, "b": None}, {"a": 1}),
]
OTHER: list[tuple[str, Any, Any]] = [
    ("cpi", MONEY, MONEY | {"value": "2.51"}),
    ("cpi", MONEY, MONEY | {"currency_code": "EUR"}),
    ("duration", "P3M", "P90D"),  # as long as the exchange's months are
    ("name", "P2W", "P14D"),  # a name is no duration
    ("live_url", "https://example.com/A", "https://example.com/a"),
    ("flag", True, 1),
    ("flag", False, None),
    ("list", ["1"], ["1", "1"]),
]


@pytest.mark.parametrize(("name", "first", "other"), ALIKE)
def test_what_is_written_another_way_is_alike_and_is_not_rewritten(
    name: str, first: Any, other: Any
) -> None:
    assert merge.alike(first, other, name)
    assert merge.patched({name: first, "new": 1}, {name: first}, {name: other}) == {
        name: first,
        "new": 1,
    }


@pytest.mark.parametrize(("name", "first", "other"), OTHER)
def test_what_means_something_else_is_not_alike(name: str, first: Any, other: Any) -> None:
    assert not merge.alike(first, other, name)
    assert merge.patched({name: first}, {name: first}, {name: other}) == (
        {} if other is None else {name: other}
    )


values = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abcdef"), values)


@given(was=objects, theirs=objects, ours=objects)
def test_what_one_person_left_alone_is_the_others(was: Any, theirs: Any, ours: Any) -> None:
    assert merge.three_way(was, theirs, was) == merge.Merged(theirs)
    assert merge.three_way(was, was, ours) == merge.Merged(
        ours if not merge.alike(was, ours) else was
    )
    both = merge.three_way(was, theirs, ours)
    if not both.clashes:
        for name in {**was, **theirs, **ours}:
            our_part, their_part = ours.get(name), theirs.get(name)
            if merge.alike(was.get(name), our_part):
                assert merge.alike(both.value.get(name), their_part)
            elif merge.alike(was.get(name), their_part):
                assert merge.alike(both.value.get(name), our_part)


@given(body=objects, wanted=objects)
def test_a_patch_makes_what_is_wanted_and_leaves_what_no_view_has(body: Any, wanted: Any) -> None:
    whole = body | {"unseen": [1, {"deep": None}]}
    request = merge.patched(whole, body, wanted)
    assert request.pop("unseen") == whole["unseen"]
    assert merge.alike(request, wanted)


def target(option: str, quota: int, **more: Any) -> dict[str, Any]:
    return {"conditions": [{"question_id": 43, "option": option}], "quota": quota} | more


def test_two_people_change_two_quotas_of_one_profile_and_take_out_and_add_others() -> None:
    was = [target("1", 10), target("2", 20), target("3", 30)]
    theirs = [target("1", 11), target("2", 20), target("4", 40)]
    ours = [target("2", 22), target("3", 30), target("1", 10)]
    merged = merge.three_way(was, theirs, ours)
    assert merged == merge.Merged([target("1", 11), target("2", 22), target("4", 40)])


def test_a_quota_that_both_change_or_that_one_takes_out_clashes() -> None:
    was = [target("1", 10), target("2", 20)]
    assert merge.three_way(was, [target("1", 11), was[1]], [target("1", 12), was[1]]).clashes
    assert merge.three_way(was, [was[1]], [target("1", 12), was[1]]).clashes
    assert not merge.three_way(was, [was[1]], [was[0], target("2", 22)]).clashes


def test_a_module_that_changed_its_type_is_not_mixed_with_settings_of_the_other() -> None:
    was = {"type": "dynamic", "maximum_cpi": MONEY}
    theirs = {"type": "rate_card", "boost_cpi": MONEY}
    assert merge.three_way(was, theirs, was | {"minimum_cpi": MONEY}).clashes == ((),)


SENT = {"name": "x", "list": [{"id": "1", "n": 1}, {"id": "2"}], "gone": None, "cpi": MONEY}
HOLDS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"more": 1}, True),
    ({"list": [{"id": "2", "x": 1}, {"id": 1, "n": 1}]}, True),
    ({"cpi": MONEY | {"value": "2.5", "currency_scale": 2}}, True),
    ({"name": "y"}, False),
    ({"list": [{"id": "1", "n": 1}]}, False),
    ({"list": [{"id": "1", "n": 1}, {"id": "1", "n": 1}]}, False),
    ({"gone": "still there"}, False),
    ({"cpi": None}, False),
]


@pytest.mark.parametrize(("held", "holds"), HOLDS)
def test_all_that_was_sent_is_compared_and_no_more(held: dict[str, Any], holds: bool) -> None:
    assert merge.holds(SENT | held, SENT) is holds


EURO = {"value": "3.1250", "currency_code": "EUR"}


def saved(price: dict[str, str], **also: object) -> dict[str, object]:
    """What a draft's form wanted, with the whole request that went out."""
    return {"name": "New", "cpi": price, merge.SENT: {"name": "New", "cpi": price, **also}}


def held(price: str, **also: object) -> dict[str, object]:
    """What the exchange holds of it afterwards."""
    amount = {"value": price, "currency_code": "EUR"}
    return {"name": "New", "cpi": amount, merge.WHOLE: {"name": "New", "cpi": amount, **also}}


@pytest.mark.parametrize("price", ["3.13", "3.12", "3.125", "3"])
def test_an_amount_that_nobody_changed_may_be_held_rounded(price: str) -> None:
    wanted = merge.as_rounded(saved(EURO), before={"name": "Old", "cpi": EURO}, held=held(price))
    assert merge.holds(held(price)[merge.WHOLE], wanted[merge.SENT])
    assert wanted["cpi"]["value"] == price


@pytest.mark.parametrize("price", ["3.15", "5", "2.99"])
def test_another_amount_is_no_rounding(price: str) -> None:
    wanted = merge.as_rounded(saved(EURO), before={"name": "Old", "cpi": EURO}, held=held(price))
    assert wanted["cpi"] == EURO
    assert not merge.holds(held(price)[merge.WHOLE], wanted[merge.SENT])


def test_an_amount_that_somebody_typed_is_told_where_it_is_held_rounded() -> None:
    before = {"name": "Old", "cpi": EURO | {"value": "2.0000"}}
    wanted = merge.as_rounded(saved(EURO), before=before, held=held("3.13"))
    assert wanted["cpi"] == EURO
