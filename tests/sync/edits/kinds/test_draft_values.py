"""A draft as a value: read, compared, merged, sent, stored and copied, each without a request."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from dashboard.exchange import sendable
from dashboard.exchange.shapes.drafts import FetchTargetGroupResponse
from dashboard.fielding.models import TargetGroup
from dashboard.sync.columns.limits import DoesNotFit
from dashboard.sync.edits import copy_group, draft_profiles
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.merge import SENT, WHOLE, Merged
from tests.contract.validate import operations, validate_request
from tests.exchange.answers import Answers
from tests.exchange.examples import IN
from tests.fakes.canned_exchange import money
from tests.fakes.client import client_of
from tests.fakes.clock import FastClock

WOMEN = {"question_id": 43, "object": "selection", "option": "2", "condition_name": "Woman"}
MEN = {"question_id": 43, "object": "selection", "option": "1", "condition_name_translated": "Mann"}
BARE_WOMEN = {name: value for name, value in WOMEN.items() if name != "condition_name"}
MAY = {"allow_for_current_target_group": True, "allow_for_other_target_groups": False}
RE_ENTRY = {"completes": {"client_side": MAY}}
PERIOD = {"start_at": "2026-11-21T09:00:00.000Z", "end_at": "2026-11-28T09:00:00.000Z"}
NO_SHARES = sendable.allocations({})
RAW: dict[str, Any] = {
    "human_readable_id": "T000011",
    "name": "DE GenPop",
    "business_unit_id": 7,
    "locale": "GER_DEU",
    "collects_pii": False,
    "project_manager_id": "m",
    "completes_goal": 120,
    "expected_length_of_interview_minutes": 12,
    "expected_incidence_rate": 0.12345678,
    "study_type_code": "adhoc",
    "industry_code": "other",
    "industry_lockout_code": "none",
    "client_id": 9,
    "respondent_activity_exclusions": [{"type": "project", "id": 5, "duration": "P2W"}],
    "live_url": "https://a.example.com/",
    "test_url": "https://b.example.com/",
    "re_entry_configuration": RE_ENTRY,
    "target_group_customer_reference_number": "PO-1",
    "fielding_specification": PERIOD,
    "pricing_model": "dynamic",
    "cost_per_interview": money("3.20", "EUR"),
    "client_cost_per_interview_note": money("4.00", "EUR"),
    "exclusion": {"enabled": True},
    "profiling": {},
    "unknown": {"kept": 1},
}


def read(**members: Any) -> dict[str, Any]:
    """A draft that was read, as a value."""
    return draft.value_of(msgspec.convert(RAW | members, FetchTargetGroupResponse))


def empty() -> dict[str, Any]:
    return draft.value_of(msgspec.convert({}, FetchTargetGroupResponse))


def test_a_draft_is_read_by_the_exchanges_names() -> None:
    plain = {name: RAW[name] for name in draft.PLAIN}
    assert read() == plain | {
        "business_unit_id": "7",
        "client_id": "9",
        "expected_incidence_rate": 0.1235,
        "fielding_specification": PERIOD,
        "pricing_model": "dynamic",
        "cost_per_interview": money("3.20", "EUR"),
        "client_cost_per_interview_note": money("4.00", "EUR"),
        "exclusion": True,
        "profiling": {},
        "fielding_assistant_assignment": {},
        "allocations": NO_SHARES,
    }


def test_a_draft_without_anything_is_priced_by_cpi_and_takes_part_in_no_exclusion() -> None:
    assert empty() == dict.fromkeys(draft.PLAIN) | {
        "respondent_activity_exclusions": [],
        "fielding_specification": {"start_at": None, "end_at": None},
        "pricing_model": "dynamic",
        "cost_per_interview": None,
        "client_cost_per_interview_note": None,
        "exclusion": False,
        "profiling": {},
        "fielding_assistant_assignment": {},
        "allocations": NO_SHARES,
    }
    assert read(pricing_model="rate_card")["pricing_model"] == "rate_card"
    assert read(pricing_model="auction")["pricing_model"] == "dynamic"
    half = read(fielding_specification={"end_at": PERIOD["end_at"]})["fielding_specification"]
    assert half == {"start_at": None, "end_at": PERIOD["end_at"]}
    assert read(exclusion={"enabled": False})["exclusion"] is False


def test_our_tables_hold_a_draft_only_with_its_name() -> None:
    stored = draft.stored_draft(TargetGroup(details=RAW))
    assert stored == read()
    assert draft.stored_draft(TargetGroup(details=RAW | {"name": ""})) is None
    assert draft.stored_draft(TargetGroup(details={"completes_goal": "many"})) is None


def test_a_new_draft_is_sent_with_what_was_filled_in_and_all_that_it_needs() -> None:
    value = read() | {"live_url": None}
    body = {
        name: RAW[name]
        for name in RAW
        if name not in ("human_readable_id", "pricing_model", "profiling", "unknown", "live_url")
    }
    assert draft.draft_request(value) == body | {
        "business_unit_id": "7",
        "expected_incidence_rate": 0.1235,
        "allocations": NO_SHARES,
        "fielding_assistant_assignment": {},
    }


def test_a_draft_on_a_rate_card_is_sent_without_a_cpi_and_with_its_module() -> None:
    pacing = {"type": "linear"}
    module = {"pacing": pacing, "pricing": {"type": "dynamic"}}
    value = read(pricing_model="rate_card") | {"fielding_assistant_assignment": module}
    body = draft.draft_request(value)
    assert {"cost_per_interview", "client_cost_per_interview_note"}.isdisjoint(body)
    by_card = {"pacing": pacing, "pricing": {"type": "rate_card"}}
    assert body["fielding_assistant_assignment"] == by_card
    boosted = by_card | {"pricing": {"type": "rate_card", "boost_cpi": money("1")}}
    for model, modules, sent in (
        ("rate_card", boosted, boosted),
        ("dynamic", boosted, {"pacing": pacing}),
        ("dynamic", module, module),
    ):
        changed = value | {"pricing_model": model, "fielding_assistant_assignment": modules}
        assert draft.draft_request(changed)["fielding_assistant_assignment"] == sent


def test_a_copied_draft_is_sent_with_the_members_that_no_form_shows() -> None:
    whole = sendable.draft(RAW)
    value = read() | {WHOLE: whole, "name": "A copy", "test_url": None}
    body = draft.draft_request(value)
    kept = {name: member for name, member in whole.items() if name != "test_url"}
    assert body == kept | {"name": "A copy", "expected_incidence_rate": 0.1235}


def test_a_changed_draft_is_what_is_held_with_the_changes_and_cleared_fields_as_null() -> None:
    held = read()
    names = ("live_url", "test_url", "client_id", "target_group_customer_reference_number")
    cleared = dict.fromkeys((*names, "study_type_code"))
    body = draft.draft_update(held | {"completes_goal": 130} | cleared, held, RAW)
    kept = {n: v for n, v in sendable.draft(RAW).items() if n != "study_type_code"}
    assert body == kept | {"completes_goal": 130} | dict.fromkeys(names)
    assert body["unknown"] == {"kept": 1}
    without = RAW | dict.fromkeys(names)
    never_set = read(**dict.fromkeys(names))
    assert draft.draft_update(never_set, never_set, without) == sendable.draft(without)


def test_a_draft_as_it_was_read_is_a_valid_update() -> None:
    path = "/demand/accounts/101/projects/{project_id}/target-groups/{target_group_id}"
    for seed in range(50):
        _, body = Answers(seed, full=True).of(operations()["get_target_group"])
        answer = httpx.Response(200, json=body)
        client = client_of(lambda _, answer=answer: answer, clock=FastClock())  # type: ignore[misc]
        whole = client.get_whole_target_group(**IN)
        held = draft.value_of(whole.value)
        request = draft.draft_update(held | {"name": "Another name"}, held, whole.raw)
        sent = json.loads(msgspec.json.Encoder(decimal_format="number").encode(request))
        validate_request(
            "update_target_group",
            path=path.format(**IN),
            headers={"Cint-API-Version": "2025-12-18"},
            body=sent,
        )
        assert sent["re_entry_configuration"] == body["re_entry_configuration"]
        assert sent["name"] == "Another name"


CHANGES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"name": "Another"}, ["name"]),
    ({"name": None}, []),  # a field without a value says nothing
    ({"live_url": None}, ["live_url"]),  # but these are cleared so
    ({"client_id": 9, "business_unit_id": 7, "expected_incidence_rate": 0.12354}, []),
    ({"expected_incidence_rate": 0.1236}, ["expected_incidence_rate"]),
    ({"live_url": "HTTPS://A.example.com"}, []),
    ({"live_url": "https://a.example.com/x"}, ["live_url"]),
    ({"cost_per_interview": money("3.2", "eur")}, []),
    ({"cost_per_interview": money("3.21", "EUR")}, ["cost_per_interview"]),
    ({"pricing_model": "rate_card", "cost_per_interview": money("9")}, ["pricing_model"]),
    ({"fielding_specification": PERIOD | {"end_at": "2026-11-28T10:00:00+01:00"}}, []),
    (
        {"fielding_specification": PERIOD | {"end_at": None}, "exclusion": False},
        ["fielding_specification", "exclusion"],
    ),
    (
        {"respondent_activity_exclusions": [{"type": "project", "id": "5", "duration": "P14D"}]},
        [],
    ),
    (
        {"respondent_activity_exclusions": [{"type": "project", "id": "5"}]},
        ["respondent_activity_exclusions"],
    ),
]


@pytest.mark.parametrize(("changes", "names"), CHANGES)
def test_two_drafts_differ_in_the_fields_that_mean_something_else(
    changes: dict[str, Any], names: list[str]
) -> None:
    held = read()
    wanted = held | changes
    assert draft.differing_fields(held, wanted) == names
    assert draft.same_draft(held, wanted) is (names == [])


def test_a_draft_is_held_only_with_all_that_was_sent() -> None:
    held = read() | {WHOLE: {"name": "DE GenPop", "more": 1}}
    wanted = read()
    assert draft.same_draft(held, wanted | {SENT: {"name": "DE GenPop"}})
    assert not draft.same_draft(held, wanted | {SENT: {"name": "Other"}})
    assert draft.same_draft(read(), wanted | {SENT: {"name": "Other"}})
    assert not draft.same_draft(held, wanted | {"name": "x", SENT: {"name": "DE GenPop"}})


@pytest.mark.parametrize(
    ("duration", "days"),
    [
        (None, "P90D"),
        ("", "P90D"),
        ("P7D", "P7D"),
        ("P2W", "P14D"),
        ("P0005W", "P35D"),
        ("P3M", "P3M"),
        ("P12345D", "P12345D"),
        ("P9999D", "P9999D"),
        ("P1234W", "P8638D"),
    ],
)
def test_a_period_is_in_days_if_it_is_one_of_days_or_weeks(duration: str, days: str) -> None:
    assert draft.days_of_period(duration) == days


def test_a_fingerprint_changes_with_every_part_of_a_draft_and_with_no_other_spelling() -> None:
    value = read()
    first = draft.fingerprint(value)
    assert len(first) == 32
    assert draft.fingerprint(value | {"business_unit_id": 7}) == first
    changes: list[dict[str, Any]] = [
        {"name": "Other"},
        {"allocations": {}},
        {"fielding_assistant_assignment": {"pacing": 1}},
        {"profiling": {"profiles": [{"object": "regular", "targets": []}]}},
    ]
    assert len({first, *(draft.fingerprint(value | change) for change in changes)}) == 5


def test_pricing_model_and_cpi_are_merged_as_one() -> None:
    was = read()
    dearer, dearest = (was | {"cost_per_interview": money(v, "EUR")} for v in ("3.50", "3.90"))
    by_card = was | {"pricing_model": "rate_card", "cost_per_interview": None}
    fields = {name: was[name] for name in draft.FIELDS}

    def price(value: dict[str, Any]) -> dict[str, Any]:
        return fields | {n: value[n] for n in ("pricing_model", "cost_per_interview")}

    assert draft.merge_drafts(was, dearer, was | {"name": "X"}) == Merged(
        price(dearer) | {"name": "X"}
    )
    assert draft.merge_drafts(was, was, dearer) == Merged(price(dearer))
    assert draft.merge_drafts(was, dearer, dearer) == Merged(price(dearer))
    clash = (("cost_per_interview",),)
    assert draft.merge_drafts(was, dearer, dearest) == Merged(price(dearest), clash)
    assert draft.merge_drafts(was, by_card, dearer) == Merged(price(dearer), clash)
    # On a rate card nobody sees the CPI: it is no change of anyone's.
    hidden = by_card | {"cost_per_interview": money("1", "EUR")}
    assert draft.merge_drafts(by_card, hidden, dearer).clashes == ()
    both = (("name",), ("cost_per_interview",))
    merged = draft.merge_drafts(was, dearer | {"name": "A"}, dearest | {"name": "B"})
    assert (merged.clashes, merged.value["name"]) == (both, "B")


def test_a_draft_has_the_columns_of_its_value() -> None:
    group = TargetGroup(details={"links": 1, "name": "Old"})
    columns = draft.draft_columns(group, read())
    details = columns.pop("details")
    assert columns == {
        "name": "DE GenPop",
        "reference_number": "PO-1",
        "locale": "GER_DEU",
        "language_code": "ger",
        "country_code": "de",
        "project_manager_id": "m",
        "pricing_model": "dynamic",
        "expected_loi_minutes": 12,
        "expected_incidence_rate": 0.1235,
        "completes_goal": 120,
        "starts_at": datetime(2026, 11, 21, 9, tzinfo=UTC),
        "ends_at": datetime(2026, 11, 28, 9, tzinfo=UTC),
        "re_entry": RE_ENTRY,
        "cpi": Decimal("3.20"),
        "currency": "EUR",
    }
    fields = {name: read()[name] for name in draft.FIELDS}
    assert details == {"links": 1} | fields | {"exclusion": {"enabled": True}}
    bare = draft.draft_columns(group, empty() | {"locale": "english_us"})
    assert (bare["language_code"], bare["country_code"], bare["ends_at"]) == ("eng", "us", None)
    assert {"cpi", "currency"}.isdisjoint(bare)


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("locale", 16),
        ("project_manager_id", 64),
        ("target_group_customer_reference_number", 200),
    ],
)
def test_a_text_of_a_draft_that_is_longer_than_its_column_is_refused(
    name: str, longest: int
) -> None:
    assert (
        "x" * longest
        in draft.draft_columns(TargetGroup(details={}), read(**{name: "x" * longest})).values()
    )
    with pytest.raises(DoesNotFit):
        draft.draft_columns(TargetGroup(details={}), read(**{name: "x" * (longest + 1)}))


def profiling(kind: str, goal: Any, *, quotas: bool = True) -> dict[str, Any]:
    """One profile of two targets; only the first has a quota."""
    name = {"percentage": "completes_goal_percentage"}.get(kind, "completes_goal")
    targets = [{"conditions": [WOMEN], "quota": {name: goal}}, {"conditions": [MEN]}]
    profile = {"object": "regular", "name": "Gender", "quotas_enabled": quotas, "targets": targets}
    return {"profile_adjustment_type": kind, "profiles": [profile]}


ESTIMATED = {
    "locale": "GER_DEU",
    "expected_length_of_interview_minutes": 12,
    "expected_incidence_rate": 0.1235,
    "completes_goal": 120,
    "business_unit_id": 7,
    "fielding_specification": PERIOD,
    "collects_pii": False,
    "cost_per_interview": money("3.20", "EUR"),
    "allocations": NO_SHARES,
}


def test_an_estimate_is_asked_for_the_draft_as_it_is_filled_in() -> None:
    assert msgspec.to_builtins(draft.feasibility_request(read())) == ESTIMATED
    by_card = draft.feasibility_request(read(pricing_model="rate_card"))
    without = ESTIMATED | {"cost_per_interview": None}
    assert msgspec.to_builtins(by_card) == {n: v for n, v in without.items() if v is not None}
    bare = draft.feasibility_request(read() | {"allocations": {}, "cost_per_interview": None})
    assert {"allocations", "cost_per_interview"}.isdisjoint(msgspec.to_builtins(bare))


@pytest.mark.parametrize(
    ("goal", "kind", "quota", "sent_goal", "sent_quota"),
    [
        (10_000, "nominal", 5_000, 10_000, 5_000),
        (10_001, "nominal", 5_000, 10_000, 4_999),
        (40_000, "nominal", 10_000, 10_000, 2_500),
        (40_000, "percentage", 25, 10_000, 25),
    ],
)
def test_a_goal_beyond_ten_thousand_is_estimated_in_proportion(
    goal: int, kind: str, quota: int, sent_goal: int, sent_quota: int
) -> None:
    value = read() | {"completes_goal": goal, "profiling": profiling(kind, quota)}
    body = msgspec.to_builtins(draft.feasibility_request(value))
    name = "completes_goal_percentage" if kind == "percentage" else "completes_goal"
    (profile,) = body["profiling"]["profiles"]
    assert body["completes_goal"] == sent_goal
    assert body["profiling"]["profile_adjustment_type"] == kind
    assert set(profile) == {"object", "quotas_enabled", "targets"}
    assert [target["quota"] for target in profile["targets"]] == [{name: sent_quota}, {name: 0}]
    off = value | {"profiling": profiling(kind, quota, quotas=False)}
    (profile,) = msgspec.to_builtins(draft.feasibility_request(off))["profiling"]["profiles"]
    assert ["quota" in target for target in profile["targets"]] == [False, False]


def test_targets_are_named_by_their_text_or_their_conditions() -> None:
    quota = {"completes_goal": "20.0", "completes_goal_percentage": "16.5", "quota_nominal": 3}
    targets: list[dict[str, Any]] = [
        {"text_translated": "Frauen", "text": "Women", "quota": quota},
        {"text": "Women", "quota": None},
        {"conditions": [WOMEN, MEN, BARE_WOMEN]},
        {"conditions": [BARE_WOMEN]},
    ]
    held = {
        "profile_adjustment_type": "nominal",
        "profiles": [{"object": "regular", "quotas_enabled": True, "targets": targets}, {}],
    }
    shown = draft_profiles.with_texts(held)
    assert [profile["targets"] for profile in shown["profiles"]] == [
        [
            {"text_translated": "Frauen", "text": "Frauen", "quota": {"completes_goal": 20}},
            {"text": "Women", "quota": {}},
            {"conditions": [WOMEN, MEN, BARE_WOMEN], "text": "Woman, Mann"},
            {"conditions": [BARE_WOMEN]},
        ],
        [],
    ]
    assert targets[0]["text"] == "Women"  # what was read stays as it came
    by_share = draft_profiles.with_texts(held | {"profile_adjustment_type": "percentage"})
    first, _ = by_share["profiles"]
    assert first["targets"][0]["quota"] == {"completes_goal_percentage": 16.5}
    off = {"profiles": [{"targets": [targets[0]]}]}
    assert "quota" not in draft_profiles.with_texts(off)["profiles"][0]["targets"][0]


def test_profiling_without_profiles_is_kept_only_for_its_template() -> None:
    assert draft_profiles.with_texts({}) == {}
    assert draft_profiles.with_texts({"profile_adjustment_type": "nominal"}) == {}
    template = {"template_id": 3, "profiles": None}
    assert draft_profiles.with_texts(template) == {"template_id": 3, "profiles": []}


def test_profiles_are_compared_whatever_their_order_names_and_digits() -> None:
    value = profiling("nominal", 20)
    form = draft_profiles.comparable_profiles
    (profile,) = value["profiles"]
    turned = [profile["targets"][1], profile["targets"][0] | {"quota": {"completes_goal": "20.0"}}]
    same = [
        value | {"profiles": [profile | {"name": "Other", "targets": turned}]},
        value | {"profiles": [profile | {"description": "?"}]},
    ]
    assert [form(each) for each in same] == [form(value)] * 2
    first = profile["targets"][0]
    other = [
        profiling("nominal", 21),
        profiling("percentage", 20),
        profiling("nominal", 20, quotas=False),
        value | {"profiles": [profile | {"object": "blended"}]},
        value | {"profiles": [profile | {"targets": [first]}]},
        *(
            value | {"profiles": [profile | {"targets": [first | {"conditions": [condition]}]}]}
            for condition in (
                MEN,
                WOMEN | {"min": 3},
                WOMEN | {"max": 3},
                WOMEN | {"question_id": 4},
            )
        ),
    ]
    forms = [repr(form(each)) for each in (value, *other)]
    assert len(set(forms)) == len(forms)
    postcodes = {"question_id": 45, "open_ended_values": ["2", "1"]}
    open_ended = [
        value | {"profiles": [profile | {"targets": [{"conditions": [postcodes | change]}]}]}
        for change in ({}, {"open_ended_values": ["1", "2"]}, {"open_ended_values": None})
    ]
    assert form(open_ended[0]) == form(open_ended[1]) != form(open_ended[2])
    assert form({}) == []


def stored(**fields: Any) -> TargetGroup:
    given: dict[str, Any] = {"details": RAW, "cpi": Decimal("2.750"), "currency": "USD"}
    return TargetGroup(**(given | {"re_entry": RE_ENTRY} | fields))


def test_a_stored_group_is_copied_without_its_dates_and_soft_launch() -> None:
    copied = copy_group.stored_copy(stored(pricing_model="rate_card"))
    expected = read() | {
        "fielding_specification": {"start_at": None, "end_at": None},
        "pricing_model": "rate_card",
        "cost_per_interview": money("2.75"),
    }
    assert copied == expected
    no_price = {"pricing_model": "dynamic", "cost_per_interview": None}
    assert copy_group.stored_copy(stored(cpi=None)) == expected | no_price
    assert copy_group.stored_copy(stored(currency="")) == expected | no_price
    assert copy_group.stored_copy(stored(details={})) is None
