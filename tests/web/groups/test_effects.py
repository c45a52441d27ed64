"""Did it help? Each change of a group in one line."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.fielding.effects.of_changes import ChangeEffect
from dashboard.fielding.effects.rate_comparison import Measure
from dashboard.web.groups.panels.effects import EffectRow, effect_rows
from tests.factories import NOW

NONE = Measure(None, None, None, None, None, "too early", "Only 3 completes before, 4 after.")
COMPLETES = "completes"


def re_entry(*allowed: str) -> dict[str, Any]:
    """A configuration of re-entry after a complete, with these targets allowed."""
    targets = ("this_target_group", "other_target_groups")
    return {COMPLETES: {"client_survey": {target: target in allowed for target in targets}}}


def row_of(**fields: Any) -> EffectRow:
    given: dict[str, Any] = {
        "at": NOW,
        "kind": "cpi",
        "what": "CPI",
        "old": {"value": "2.70", "currency_code": "USD"},
        "new": {"value": "3.10", "currency_code": "USD"},
        "completes_an_hour": NONE,
        "conversion": NONE,
        "completes_per_entrant": NONE,
        "epc": None,
        "epc_note": "",
        "overlaps": (),
        "before": (NOW, NOW),
        "after": (NOW, NOW),
    }
    (row,) = effect_rows([ChangeEffect(**(given | fields))])
    return row


def raised(before: float, after: float, own: float = 1.0) -> Measure:
    ratio = after / before / own
    return Measure(before, after, ratio, ratio * 0.8, ratio * 1.2, "raised", "", own)


def test_a_line_has_both_rates_a_day_and_the_verdict() -> None:
    row = row_of(completes_an_hour=raised(0.875, 1.4583))
    assert (row.what, row.old, row.new) == ("CPI", "2.70 USD", "3.10 USD")
    assert row.rates == "21 → 35 completes a day"
    assert (row.verdict, row.tone, row.reason) == ("More completes", "good", "")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (0.05, 0.1, "1.2 → 2.4 completes a day"),
        (1.0, 1.004, "24.0 → 24.1 completes a day"),
        (50.0, 60.0, "1,200 → 1,440 completes a day"),
    ],
)
def test_rates_have_the_digits_that_tell_them_apart(before: float, after: float, said: str) -> None:
    assert row_of(completes_an_hour=raised(before, after)).rates == said


def test_what_was_corrected_for_is_said() -> None:
    row = row_of(completes_an_hour=raised(1.0, 1.38, own=0.92))
    assert row.reason == "× 1.50 after allowing for the field's own decline of 8 %."


def test_a_change_without_numbers_says_why() -> None:
    row = row_of()
    assert (row.rates, row.verdict) == ("", "Too early")
    assert row.reason == "Only 3 completes before, 4 after."


def test_what_happened_within_a_day_is_named() -> None:
    row = row_of(overlaps=("Re-entry other settings → other settings", "Pause"))
    assert row.reason == "Within a day of: Re-entry change, Pause."


def test_one_setting_of_re_entry_is_named_with_its_values() -> None:
    row = row_of(
        kind="re-entry", what="Re-entry", old=re_entry(), new=re_entry("this_target_group")
    )
    assert row.what.startswith("Re-entry: Completed the survey, ")
    assert (row.old, row.new) == ("not allowed", "allowed")


def test_of_more_settings_of_re_entry_those_that_differ_are_named() -> None:
    both = re_entry("this_target_group", "other_target_groups")
    row = row_of(kind="re-entry", what="Re-entry", old=re_entry(), new=both)
    assert (row.what, row.old) == ("Re-entry", "")
    assert row.new.startswith("now allowed: Completed the survey, ")
    assert row.new.count("Completed the survey") == 2
    assert "no longer" not in row.new
    back = row_of(kind="re-entry", what="Re-entry", old=both, new=re_entry())
    assert back.new.startswith("no longer allowed: ")


def test_a_re_entry_of_another_form_is_no_error() -> None:
    row = row_of(kind="re-entry", what="Re-entry", old={"a": 1}, new={"b": [2]})
    assert row.new == "no setting differs"
