"""Words for codes and values."""

from __future__ import annotations

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.web.formatting import labels
from dashboard.web.formatting.values import format_value


def test_every_kind_of_change_has_a_label() -> None:
    assert set(ChangelogKind) <= set(labels.CHANGES)
    assert labels.CHANGES[ChangelogKind.RE_ENTRY_CONFIGURATION] == "Re-entry"


def test_money_has_the_scale_that_the_exchange_names() -> None:
    money = {"value": "1.5", "currency_code": "USD"}
    assert format_value(money) == "1.50 USD"
    assert format_value(money | {"currency_scale": 3}) == "1.500 USD"


def test_numbers_in_settings_read_as_numbers() -> None:
    assert [format_value(value) for value in (495_200, -3, 12.5, 495200.0, True)] == [
        "495,200",
        "−3",
        "12.5",
        "495,200",
        "yes",
    ]


def test_a_locale_reads_as_its_country_and_language() -> None:
    assert labels.locale_name("pol_pl") == "Poland, Polish"
    assert labels.locale_name("xyz_zz") == "ZZ, XYZ"
    assert labels.locale_name("pol") == "pol"
    assert labels.language_name("DUT") == "Dutch"
