"""What is missing is missing, what is wrong costs itself, and money stays exact."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dashboard.exchange.decode import (
    BadItem,
    Page,
    Whole,
    decode_body,
    decode_page,
    decode_whole,
)
from dashboard.exchange.errors import BadAnswer
from dashboard.exchange.shapes.accounts import (
    BusinessUnitShape,
    EligibleTargetGroup,
    ExchangeUserShape,
)
from dashboard.exchange.shapes.base import MonetaryAmountRequestModel, Money
from dashboard.exchange.shapes.drafts import FetchTargetGroupResponse
from dashboard.exchange.shapes.fielding import FieldingRunItem, ReEntryConfiguration
from dashboard.exchange.shapes.groups import (
    CompletesPoint,
    TargetGroupChangelogBatch,
    TargetGroupOverview,
    TargetGroupPerformance,
)
from dashboard.exchange.shapes.pricing import RateCardData, TargetGroupRateCard

COUNTS = {"entrants": 9, "prescreens": 5, "completes": 3}


def performance(**changes: Any) -> TargetGroupPerformance:
    return decode_body(json.dumps(COUNTS | changes).encode(), TargetGroupPerformance)


@pytest.mark.parametrize("wire", ['"12345678901234.123456789012"', "12345678901234.123456789012"])
def test_money_is_exact_as_text_and_as_number(wire: str) -> None:
    money = decode_body(f'{{"value": {wire}, "currency_code": "USD"}}'.encode(), Money)
    assert money.value == Decimal("12345678901234.123456789012")


@pytest.mark.parametrize(
    "wire", ['"NaN"', '"Infinity"', '"1e309"', "1e309", '"1E-400"', '"0E-400"', "true"]
)
def test_absurd_money_is_refused(wire: str) -> None:
    with pytest.raises(BadAnswer):
        decode_body(f'{{"value": {wire}, "currency_code": "USD"}}'.encode(), Money)


@pytest.mark.parametrize("code", ["USD", "usd", "Usd"])
def test_a_currency_is_the_same_whatever_its_case(code: str) -> None:
    money = decode_body(json.dumps({"value": "2.75", "currency_code": code}).encode(), Money)
    assert money == Money(value=Decimal("2.75"), currency_code="USD")


@pytest.mark.parametrize(
    ("value", "sent"), [("1E+2", "100"), ("0.0000001", "0.0000001"), ("2.50", "2.50")]
)
def test_money_is_sent_in_plain_digits(value: str, sent: str) -> None:
    money = Money(value=Decimal(value), currency_code="USD")
    assert MonetaryAmountRequestModel.of(money).value == sent


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        {},
        {"value": None, "currency_code": "USD"},
        {"value": "1.50", "currency_code": None},
        {"value": "1.50", "currency_scale": 2},
        {"currency_code": "USD"},
        {"currency_scale": 2},
    ],
)
def test_an_amount_without_value_or_currency_is_none(nothing: object) -> None:
    assert performance(completes_cost=nothing).completes_cost is None


@pytest.mark.parametrize("count", [-1, 1.5, "-3", "many", "1,000", True, 2**31, 10**30, [3]])
def test_a_count_that_is_none_is_refused(count: object) -> None:
    with pytest.raises(BadAnswer, match="completes"):
        performance(completes=count)


def test_a_count_written_as_a_decimal_is_a_count() -> None:
    assert performance(completes=300.0).completes == 300


@pytest.mark.parametrize("rate", [-0.1, 1.5, 10**30, "1.5", "-0.1"])
def test_a_rate_outside_0_to_1_is_unreadable_and_costs_nothing_else(rate: object) -> None:
    performance_read = performance(incidence_rate=rate, drop_off_rate=0.2)
    assert (performance_read.incidence_rate, performance_read.drop_off_rate) == (None, 0.2)
    assert performance_read.drifted == {
        "incidence_rate": Decimal(str(rate)) if isinstance(rate, float) else rate
    }


@pytest.mark.parametrize(
    ("text", "number"), [("0.41", 0.41), ("0", 0), ("1", 1), ("0.50", 0.5), ("1.0", 1)]
)
def test_a_number_that_comes_as_text_is_read_where_it_can_mean_nothing_else(
    text: str, number: float
) -> None:
    performance_read = performance(incidence_rate=text, completes="7")
    assert (
        performance_read.incidence_rate,
        performance_read.completes,
        performance_read.drifted,
    ) == (number, 7, {})


@pytest.mark.parametrize("text", ["0,41", "41%", " 0.41", "4e-1", ".4", "00.4", "٠", "", "NaN"])
def test_a_text_that_may_mean_something_else_is_not_read_as_a_number(text: str) -> None:
    performance_read = performance(incidence_rate=text)
    assert (performance_read.incidence_rate, performance_read.drifted) == (
        None,
        {"incidence_rate": text},
    )


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_that_cannot_be_lived_without_is_not_guessed(name: str) -> None:
    with pytest.raises(BadAnswer, match=name):
        performance(**{name: None})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:00:00.000Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T12:00:00.1234567+02:00", datetime(2026, 3, 1, 10, 0, 0, 123457, tzinfo=UTC)),
    ],
)
def test_moments_are_aware_with_any_number_of_digits(text: str, moment: datetime) -> None:
    assert performance(last_complete=text).last_complete == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T10:00:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "10000-01-01T00:00:00Z",
        "2026-02-30T10:00:00Z",
        "yesterday",
        "",
    ],
)
def test_a_moment_that_is_none_is_unreadable_and_costs_nothing_else(text: str) -> None:
    performance_read = performance(last_complete=text, first_complete="2026-03-01T10:00:00Z")
    assert (performance_read.last_complete, performance_read.first_complete is None) == (
        None,
        False,
    )
    assert "last_complete" in performance_read.drifted


@pytest.mark.parametrize(("wire", "text"), [("17", "17"), ('"17"', "17"), ('"a-b"', "a-b")])
def test_an_id_is_text_whether_it_comes_as_number_or_text(wire: str, text: str) -> None:
    assert decode_body(f'{{"id": {wire}}}'.encode(), BusinessUnitShape).id == text


def test_a_uuid_is_the_same_in_any_case() -> None:
    upper = decode_body(b'{"id": "5F2504E0-4F89-41D3-9A0C-0305E82C3301"}', ExchangeUserShape)
    assert upper.id == "5f2504e0-4f89-41d3-9a0c-0305e82c3301"


def test_a_nul_does_not_reach_the_database() -> None:
    assert decode_body(b'{"id": 1, "name": "a\\u0000b"}', BusinessUnitShape).name == "a\ufffdb"


def test_nulls_everywhere_are_missing_members() -> None:
    body = (
        b'{"status": "live", "conversion_rate": null, "median_length_of_interview_seconds": null,'
    )
    body += b'"progress": {"current_completes": 1, "current_prescreens": 2, "filling_goal": 3}}'
    overview = decode_body(body, TargetGroupOverview)
    assert (overview.conversion_rate, overview.median_length_of_interview_seconds) == (None, None)


def test_a_null_list_is_an_empty_one() -> None:
    assert decode_page(b'{"points": null, "has_more": false}', "points", CompletesPoint).items == []


def test_a_page_keeps_its_cursor_when_an_item_is_wrong() -> None:
    body = b'{"points": [{"count": 1}], "has_more": true, "next_cursor": "c-2"}'
    page = decode_page(body, "points", CompletesPoint)
    assert (page.items, len(page.quarantined)) == ([], 1)
    assert (page.next_cursor, page.has_more) == ("c-2", True)


def test_a_quarantined_item_is_kept_short() -> None:
    body = json.dumps({"points": [{"count": "x" * 100_000}]}).encode()
    (bad,) = decode_page(body, "points", CompletesPoint).quarantined
    assert len(bad.raw_text) == 4_000


@pytest.mark.parametrize("member", ["next_cursor", "has_more"])
def test_a_page_whose_envelope_is_wrong_is_rejected_whole(member: str) -> None:
    body = json.dumps({"points": [], member: {"a": 1}}).encode()
    with pytest.raises(BadAnswer, match=member):
        decode_page(body, "points", CompletesPoint)


def test_changes_are_kept_raw_and_exact() -> None:
    change = b'{"object": "new_kind_change", "new_value": 0.35, "old_value": null}'
    body = b'{"occurred_at": "2026-03-01T10:00:00Z", "changes": [' + change + b"]}"
    (item,) = decode_body(body, TargetGroupChangelogBatch).changes
    assert (item.object, item.new_value, item.old_value) == (
        "new_kind_change",
        Decimal("0.35"),
        None,
    )


def test_the_version_makes_the_etag_with_its_quotes() -> None:
    assert (
        decode_body(b'{"id": 1, "status": "live", "version": 7}', FieldingRunItem).etag == 'W/"7"'
    )


def test_re_entry_keeps_only_the_sides_that_came() -> None:
    side = b'{"allow_for_current_target_group": true, "allow_for_other_target_groups": false}'
    body = b'{"completes": {"client_side": ' + side + b'}, "terminates": null}'
    assert json.loads(msgspec.json.encode(decode_body(body, ReEntryConfiguration))) == {
        "completes": {"client_side": json.loads(side)}
    }


def test_the_bound_rate_card_goes_before_the_predicted_one() -> None:
    predicted = {"country_code": "us", "predicted_rate_card": {"pricing_table_data": [[100]]}}
    both = predicted | {"bound_rate_card": {"pricing_table_data": [[200]]}}
    tables = [
        decode_body(json.dumps(each).encode(), TargetGroupRateCard).data
        for each in (predicted, both)
    ]
    assert [table and table.pricing_table_data for table in tables] == [[[100.0]], [[200.0]]]


@pytest.mark.parametrize("value", ["false", "true", "", "no", 0, 1, [], {"a": 1}, [True]])
@pytest.mark.parametrize(
    "draft",
    [
        lambda value: {"collects_pii": value},
        lambda value: {"exclusion": {"enabled": value}},
        lambda value: {"profiling": {"profiles": [{"quotas_enabled": value, "targets": []}]}},
    ],
)
def test_a_switch_of_a_draft_that_is_not_true_or_false_is_not_guessed(
    draft: Callable[[object], object], value: object
) -> None:
    with pytest.raises(BadAnswer):
        decode_body(json.dumps(draft(value)).encode(), FetchTargetGroupResponse)


@pytest.mark.parametrize("value", [True, False, None])
def test_a_switch_of_a_draft_is_read_as_it_is(value: bool | None) -> None:
    body = {"exclusion": {"enabled": value}, "profiling": {"profiles": [{"quotas_enabled": value}]}}
    draft = decode_body(json.dumps(body).encode(), FetchTargetGroupResponse)
    assert (draft.exclusion or {}).get("enabled") is value
    profiles: Any = (draft.profiling or {})["profiles"]
    assert profiles[0].get("quotas_enabled") is value


@pytest.mark.parametrize(
    ("value", "is_read"),
    [
        ("999999999999999.99", True),
        ("1E15", False),
        ("-999999999999999.99", True),
        ("-1E15", False),
        ("1E-30", True),
        ("9E-31", False),
        ("0", True),
    ],
)
def test_an_amount_is_below_a_quadrillion_and_has_at_most_thirty_decimals(
    value: str, is_read: bool
) -> None:
    body = f'{{"value": "{value}", "currency_code": "USD"}}'.encode()
    if is_read:
        assert decode_body(body, Money).value == Decimal(value)
    else:
        with pytest.raises(BadAnswer, match="amount of money"):
            decode_body(body, Money)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5.0", 5),
        ("-5.0", -5),
        ("5.5", Decimal("5.5")),
        ("9007199254740991.0", 9007199254740991),
        ("9007199254740992.0", Decimal("9007199254740992.0")),
        ("1e400", Decimal("1e400")),
    ],
)
def test_a_whole_number_with_a_decimal_point_is_whole_while_it_is_exact(
    written: str, value: object
) -> None:
    item = f'{{"object": "x", "new_value": {written}, "old_value": null}}'
    body = f'{{"occurred_at": "2026-03-01T10:00:00Z", "id": null, "changes": [{item}], "user": 5}}'
    batch = decode_body(body.encode(), TargetGroupChangelogBatch)
    assert (batch.changes[0].new_value, type(batch.changes[0].new_value)) == (value, type(value))


@pytest.mark.parametrize(
    "number",
    [
        "1e999999999",
        "-1E+999999999",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "1e1000000",
    ],
)
@pytest.mark.parametrize("member", ["id", "status", "version", "name_that_nobody_knows"])
def test_a_number_that_nobody_could_write_out_costs_its_own_item(number: str, member: str) -> None:
    """Alone, in a list beside a good item, and where all members are kept as they came."""
    good = b'{"id": 6, "status": "live"}'
    members = {"id": "1", "status": '"live"', "x": "null"} | {member: number}
    item = f"{{{', '.join(f'{chr(34)}{name}{chr(34)}: {members[name]}' for name in members)}}}"
    body = item.encode()
    page = decode_page(b'{"data": [' + good + b", " + body + b"]}", "data", FieldingRunItem)
    assert page.items[0] == FieldingRunItem(id="6", status="live")
    assert len(page.items) + len(page.quarantined) == 2
    with pytest.raises(BadAnswer):
        decode_whole(body, FieldingRunItem)
    try:
        decoded = decode_body(body, FieldingRunItem)
    except BadAnswer as exc:
        assert "out of range" in str(exc)
    else:
        assert member == "name_that_nobody_knows"
        assert decoded == FieldingRunItem(id="1", status="live")


def test_each_item_that_cannot_be_read_is_set_aside_with_its_text_reason_and_id() -> None:
    items = [
        b'{"id": 1, "status": "live"}',
        b'{"id": 2}',
        b'{"id": "run\\n3"}',
        b'{"id": [4]}',
        b"5",
        b'{"id": 6, "status": "live", "version": null}',
    ]
    body = b'{"data": [' + b", ".join(items) + b'], "next_cursor": ""}'
    lacks = "Cint sent something unexpected: Object missing required field `status`"
    wrong = "Cint sent something unexpected: Expected `int | str`, got `array` - at `$.id`"
    kind = "Cint sent something unexpected: Expected `object`, got `int`"
    assert decode_page(body, "data", FieldingRunItem) == Page(
        items=[FieldingRunItem(id="1", status="live"), FieldingRunItem(id="6", status="live")],
        quarantined=[
            BadItem(raw_text='{"id": 2}', reason=lacks, id="2"),
            BadItem(raw_text='{"id": "run\\n3"}', reason=lacks, id="run 3"),
            BadItem(raw_text='{"id": [4]}', reason=wrong, id=None),
            BadItem(raw_text="5", reason=kind, id=None),
        ],
        next_cursor=None,
        has_more=None,
    )
    assert decode_page(b'{"data": [], "next_cursor": ""}', "data", FieldingRunItem) == Page(
        items=[]
    )
    assert decode_page(b"{}", "data", FieldingRunItem) == Page(items=[])


def test_a_list_that_is_none_is_rejected_in_words() -> None:
    with pytest.raises(BadAnswer, match="something other than a list"):
        decode_page(b'{"data": 7}', "data", FieldingRunItem)


def test_a_whole_object_has_its_shape_and_every_member_as_it_came() -> None:
    body = b'{"id": 1, "name": null, "more": [1.50, {"a": null}]}'
    assert decode_whole(body, BusinessUnitShape, etag="x") == Whole(
        value=BusinessUnitShape(id="1"),
        raw={"id": 1, "name": None, "more": [Decimal("1.50"), {"a": None}]},
        etag="x",
    )
    with pytest.raises(BadAnswer, match="something other than an object"):
        decode_whole(b"[1]", list[int])


@pytest.mark.parametrize(
    ("body", "shape", "places"),
    [
        (b'"a\xff"', str, "its text"),
        (b'{"id": 1, "name": "a\xff"}', BusinessUnitShape, "name"),
        (
            b'{"id": 1, "pricing_models": ["\xff", "b\xff"], "name": "\xff"}',
            BusinessUnitShape,
            "name, pricing_models",
        ),
        (b'{"id": 1, "name": "a"}', BusinessUnitShape, ""),
        ('{"id": 1, "name": "a\ufffd", "code": null}'.encode(), BusinessUnitShape, ""),
    ],
)
def test_where_characters_were_replaced_is_noted_once_for_each_place(
    body: bytes, shape: type[object], places: str
) -> None:
    notes: list[BadItem] = []
    decode_body(body, shape, note=notes.append)
    words = f"Unreadable characters are shown as \ufffd, in {places}"
    assert [note.reason for note in notes] == ([words] if places else [])


def test_numbers_as_text_in_a_table_are_read_and_what_is_none_leaves_its_cell_out() -> None:
    table = decode_body(
        b'{"pricing_table_data": [["1", "x", 3], [4, "5.50"]], "data_format": null}', RateCardData
    )
    assert table.pricing_table_data == [[1.0, 3.0], [4.0, 5.5]]
    assert table.drifted == {"pricing_table_data.0.1": "x"}


def test_a_number_that_came_as_text_leaves_no_trace() -> None:
    assert performance(incidence_rate="0.41") == performance(incidence_rate=0.41)


@pytest.mark.parametrize(
    ("count", "text"), [(40, 40), ("40", 40), (" 40 ", 40), ("0", 0), (0, None), (None, None),
                        ("many", None), ("-4", None), ("4.0", None), ("\u0664", None),
                        ("999999999", 999999999), ("1000000000", None)]
)  # fmt: skip
def test_eligible_completes_are_a_count_of_at_most_nine_digits(
    count: object, text: int | None
) -> None:
    body = json.dumps({"target_group_id": "g", "eligible_completes": count}).encode()
    assert decode_body(body, EligibleTargetGroup).completes == text
