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


DURATIONS: list[tuple[str, Any]] = [
    ("P1Y2M", ("duration", 14, 0)),
    ("P1W2D", ("duration", 0, 9 * 24 * 3600)),
    ("PT1H1M1S", ("duration", 0, 3661)),
    ("P1DT1H", ("duration", 0, 25 * 3600)),
    ("P", "P"),
    ("P1DT", "P1DT"),
    ("1D", "1D"),
    ("P1D ", "P1D"),
]


@pytest.mark.parametrize(("text", "form"), DURATIONS)
def test_a_duration_is_its_months_and_its_seconds(text: str, form: Any) -> None:
    assert merge.plain(text, "increment_interval") == form


PLAIN: list[tuple[str, Any, Any]] = [
    ("end_at", "1970-01-01T00:00:10Z", 10.0),
    ("end_at", "soon ", "soon "),
    ("at_end", "1970-01-01T00:00:10Z", "1970-01-01T00:00:10Z"),
    ("live_url", " HTTPS://A.Example.com?q=A ", "https://a.example.com/?q=A"),
    ("live_url", "http://[bad", "http://[bad"),
    ("option", 2, "2"),
    ("options", 2, Decimal(2)),
    ("n", 100, Decimal(100)),
    ("n", -0.0, Decimal(0)),
    ("n", True, ("flag", True)),
    ("n", None, None),
    ("n", " a\r\nb\rc ", "a\nb\nc"),
    ("n", {"condition_name": 1, "condition_name_translated": 2, "b": None, "c": 3}, {"c": 3}),
    ("ids", (2, "10", 1), ["1", "10", "2"]),
    ("n", {"value": "x", "currency_code": 7, "n": 1}, {"value": "x", "currency_code": 7, "n": 1}),
]


@pytest.mark.parametrize(("name", "value", "form"), PLAIN)
def test_the_form_of_a_value_depends_on_its_member(name: str, value: Any, form: Any) -> None:
    assert merge.plain(value, name) == form


@pytest.mark.parametrize(("item", "key"), [({"id": 3, "type": "t"}, "t 3"), ({"id": 3}, " 3")])
def test_an_item_with_an_id_is_the_same_after_a_change(item: Any, key: str) -> None:
    assert merge.identity(item) == key == merge.identity(item | {"more": 1})


def test_targets_profiles_and_other_items_are_the_same_by_what_they_are_about() -> None:
    def profile(*questions: int, kind: str = "regular") -> dict[str, Any]:
        conditions = [{"question_id": each} for each in questions]
        return {"object": kind, "targets": [{"conditions": conditions}, {"conditions": None}]}

    same = [
        (profile(1, 2), profile(2, 1) | {"name": "x"}),
        ({"conditions": [{"option": 2}], "quota": 1}, {"conditions": [{"option": "2"}]}),
        ({"a": 1}, {"a": 1.0, "b": None}),
        (2, Decimal("2.0")),
    ]
    other = [
        (profile(1, 2), profile(1)),
        (profile(1), profile(1, kind="blended")),
        ({"conditions": [{"option": 2}]}, {"conditions": [{"option": 3}]}),
        ({"a": 1}, {"a": 2}),
        (2, "2"),
    ]
    assert [merge.identity(a) == merge.identity(b) for a, b in same] == [True] * 4
    assert [merge.identity(a) == merge.identity(b) for a, b in other] == [False] * 5


BODY = {"a": 1, "b": {"c": 2, "x": 3}, "list": [{"id": 1, "n": 1, "x": 9}, {"id": 2, "n": 2}]}
VIEW = {"a": 1, "b": {"c": 2}, "list": [{"id": 1, "n": 1}, {"id": 2, "n": 2}]}
PATCHES: list[tuple[Any, Any]] = [
    ({}, BODY),
    ({"b": {"c": 5}}, {"b": {"c": 5, "x": 3}}),
    ({"b": None}, {"b": None}),
    ({"a": None, "new": {"d": 1}}, {"a": None, "new": {"d": 1}}),
    (
        {"list": [{"id": 3, "n": 3}, {"id": 1, "n": 7}]},
        {"list": [{"id": 3, "n": 3}, {"id": 1, "n": 7, "x": 9}]},
    ),
    ({"list": [{"id": 1}]}, {"list": [{"id": 1, "x": 9}]}),
    ({"list": "gone"}, {"list": "gone"}),
    ({"a": {"deep": 1}}, {"a": {"deep": 1}}),
]


@pytest.mark.parametrize(("changes", "patch"), PATCHES)
def test_a_patch_changes_what_a_person_changed_and_keeps_the_rest(changes: Any, patch: Any) -> None:
    expected = {name: value for name, value in (BODY | patch).items() if value is not None}
    assert merge.patched(BODY, VIEW, VIEW | changes) == expected


def test_a_list_is_sent_as_wanted_where_its_items_cannot_be_told_apart() -> None:
    was, twice = [{"id": 1, "n": 1}], [{"id": 1, "n": 1}, {"id": 1, "n": 2}]
    held = [{"id": 1, "n": 1, "x": 9}]
    wanted = [{"id": 1, "n": 5}]
    assert merge.patched(held, was, wanted) == [{"id": 1, "n": 5, "x": 9}]
    assert merge.patched(held * 2, was, wanted) == wanted
    assert merge.patched(held * 2, twice, wanted) == wanted
    assert merge.patched(None, was, wanted) == wanted
    assert merge.patched("other", {"a": 1}, {"a": 2, "b": 3}) == {"a": 2, "b": 3}
    assert merge.patched(None, 1, 1) == 1


def test_only_members_of_a_view_are_kept_at_every_depth() -> None:
    body = {"a": {"b": 1, "c": 2}, "d": 3, "e": [1]}
    view = {"a": {"b": None, "z": 1}, "e": {"x": 1}, "f": 1}
    assert merge.restricted(body, view) == {"a": {"b": 1}, "e": [1]}
    assert merge.bare({"a": 1, merge.WHOLE: 2, merge.SENT: 3}) == {"a": 1}
    assert merge.bare([merge.WHOLE]) == [merge.WHOLE]


LISTS: dict[str, Any] = {"l": [{"id": 1, "n": 1}, {"id": 2, "n": 2}]}
BOTH: list[tuple[Any, Any, Any, Any, tuple[tuple[str, ...], ...]]] = [
    ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 3}, {"a": 2, "b": 3}, ()),
    ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 3}, (("a",),)),
    (
        {"a": {"b": 1, "c": 1}},
        {"a": {"b": 2, "c": 2}},
        {"a": {"b": 3, "c": 3}},
        None,
        (("a", "b"), ("a", "c")),
    ),
    ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a": 3}, None, (("a",),)),
    ({"a": [1]}, {"a": {"b": 2}}, {"a": [3]}, None, (("a",),)),
    (
        {"p": MONEY},
        {"p": MONEY | {"value": "3"}},
        {"p": MONEY | {"currency_code": "EUR"}},
        None,
        (("p",),),
    ),
    (
        {"live_url": "https://A.com"},
        {"live_url": "https://a.com/"},
        {"live_url": "https://b.com"},
        None,
        (),
    ),
    ({"a": [1, 1]}, {"a": [1, 2]}, {"a": [3]}, None, (("a",),)),
    (
        LISTS,
        {"l": [{"id": 1, "n": 5}, {"id": 2, "n": 2}]},
        {"l": [{"id": 1, "n": 6}, {"id": 2, "n": 2}, {"id": 3}]},
        {"l": [{"id": 1, "n": 6}, {"id": 2, "n": 2}, {"id": 3}]},
        (("l", " 1", "n"),),
    ),
]


@pytest.mark.parametrize(("was", "theirs", "ours", "value", "clashes"), BOTH)
def test_what_both_changed_otherwise_clashes_at_its_path_and_ours_is_kept(
    was: Any, theirs: Any, ours: Any, value: Any, clashes: Any
) -> None:
    assert merge.three_way(was, theirs, ours) == merge.Merged(value or ours, clashes)


def test_a_setting_that_is_indivisible_clashes_as_a_whole() -> None:
    assert merge.atomic(MONEY, MONEY, 5) == merge.Merged(5)
    assert merge.atomic(MONEY, 5, 5.0) == merge.Merged(5.0)
    assert merge.atomic(MONEY, 4, MONEY) == merge.Merged(MONEY, ((),))
    assert merge.atomic(MONEY, 4, 5) == merge.Merged(5, ((),))


TWOS = {"a": 2, "b": 2}
DEARER = MONEY | {"value": "3"}
LATE: list[tuple[Any, list[tuple[Any, Any]], Any, Any]] = [
    (1, [(1, 2)], 2, 2),  # the reading is older than a change that was shown
    (1, [(1, 2)], 1, 1),  # the form did not show that change
    (3, [(1, 2)], 2, 3),  # somebody changed it since
    (1, [(1, 1.0)], 1, 1),
    (1, [], 2, 1),
    (1, [(1, 2), (2, 3), (3, 1)], 2, 1),  # it was changed back since
    (2, [(1, 2), (2, 3)], 3, 3),
    (1, [(1, 2), (2, 2)], 2, 2),
    ({"a": 1, "b": 1}, [({"a": 1, "b": 1}, {"a": 2, "b": 1})], {"a": 2, "b": 9}, {"a": 2, "b": 1}),
    ({"a": 1}, [({"a": 1}, {"a": 2, "b": None, "c": 4})], {"a": 2, "c": 4}, {"a": 2, "c": 4}),
    ({"a": 1}, [({"a": 1}, {"a": None})], {"a": None}, {"a": None}),
    ({"a": 1, "b": 1}, [({"a": 1}, {"a": 2}), ({"b": 1}, {"b": 2})], {"a": 2, "b": 2}, TWOS),
    ({"a": 1}, [({"a": 1}, {"a": 2}), (None, {"a": 3}), ({}, None)], {"a": 2}, {"a": 2}),
    ({"a": 1}, [({"a": 1}, {"a": 2}), ({"a": 2}, {"a": 1})], {"a": 2}, {"a": 1}),
    (MONEY, [(MONEY, DEARER)], DEARER, DEARER),
]


@pytest.mark.parametrize(("theirs", "changes", "shown", "result"), LATE)
def test_a_reading_that_is_older_than_our_latest_change_is_rolled_forward(
    theirs: Any, changes: Any, shown: Any, result: Any
) -> None:
    assert merge.rolled_forward(theirs, changes, shown) == result


def usd(value: str) -> dict[str, str]:
    return {"value": value, "currency_code": "USD"}


def test_amounts_are_taken_as_held_wherever_nobody_changed_them() -> None:
    """An amount that is wanted anew in one place is not rounded in another."""
    wanted = {
        "a": usd("1.2345"),
        "b": [{"cpi": usd("2.3456")}],
        "typed": usd("3.4567"),
        "same": usd("3.4567"),
    }
    exact = [usd("1.2345"), usd("2.3456"), usd("3.4567"), usd("9.9999")]
    held_list = [usd("1.23"), usd("2.35"), usd("3.46"), usd("9.99")]
    held_value = {name: value for name, value in wanted.items() if name != "typed"} | {
        "a": usd("1.23"),
        "b": [{"cpi": usd("2.35")}],
        merge.WHOLE: {"all": held_list, "n": [1, 2]},
    }
    before = wanted | {"typed": usd("3")}
    rounded = merge.as_rounded(
        wanted | {merge.SENT: {"all": exact, "n": [1]}}, before=before, held=held_value
    )
    assert rounded == wanted | {
        "a": usd("1.23"),
        "b": [{"cpi": usd("2.35")}],
        merge.SENT: {"all": [*held_list[:2], *exact[2:]], "n": [1]},
    }


@pytest.mark.parametrize(
    ("wanted", "before", "held_value"),
    [
        (usd("1.25"), usd("1.25"), usd("1.3")),
        ({merge.SENT: usd("1.25")}, None, {"a": 1}),
        ({merge.SENT: usd("1.25"), "a": usd("1.25")}, {"a": usd("1.25")}, "1.3"),
    ],
)
def test_what_was_not_sent_whole_is_compared_as_it_is(
    wanted: Any, before: Any, held_value: Any
) -> None:
    assert merge.as_rounded(wanted, before=before, held=held_value) is wanted


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "much", None])
def test_what_is_no_amount_is_no_rounding(amount: Any) -> None:
    value = {"cpi": usd("1.25"), merge.SENT: {"cpi": usd("1.25")}}
    other = usd("1.25") | {"value": amount}
    if amount is None:
        del other["value"]
    held_value = {"cpi": other, merge.WHOLE: {"cpi": other}}
    assert merge.as_rounded(value, before=value, held=held_value) == value


HELD_LISTS: list[tuple[Any, Any, bool]] = [
    ([1, 2, 2], [2, 1, 2], True),
    ([1, 2, 2], [1, 1, 2], False),
    ([1, 2], [1, 2, 3], False),
    ([1, 2, 3], [1, 2], False),
    ((1, 2), [2, 1], True),
    ("12", ["1", "2"], False),
    ({"a": 1}, [1], False),
    ([1], {"a": 1}, False),
    (MONEY | {"currency_scale": 2, "more": 1}, MONEY, True),
    (MONEY | {"value": "2.51"}, MONEY, False),
    ({"value": {"a": 1, "b": 2}}, {"value": {"a": 1}}, True),
    (None, None, True),
    (0, None, False),
]


@pytest.mark.parametrize(("there", "sent", "holds"), HELD_LISTS)
def test_each_item_that_was_sent_is_held_once(there: Any, sent: Any, holds: bool) -> None:
    assert merge.holds(there, sent) is holds
