"""How the field's numbers read on a page. What the exchange did not say reads "—"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from dashboard.fielding.domain.rate_card import MINOR_DIGITS

DASH = "—"


def format_count(number: float | None) -> str:
    """A whole number with thousands apart: 1,204."""
    return DASH if number is None else f"{number:,.0f}"


def format_percent(share: float | None, digits: int = 0) -> str:
    """A share from 0 to 1 as "33 %"."""
    return DASH if share is None else f"{share * 100:.{digits}f} %"


def format_likelihood(chance: float | None) -> str:
    """A chance from 0 to 1 as a percentage that claims no more than a forecast can."""
    if chance is None or 0.01 <= chance <= 0.99:
        return format_percent(chance)
    return "below 1 %" if chance < 0.5 else "above 99 %"


def currency_digits(currency: str) -> int:
    """The decimals of a currency: 2, but none of the yen."""
    return MINOR_DIGITS.get(currency, 2)


def format_amount(value: Decimal | None, currency: str) -> str:
    """Money without its currency: its decimals, and more only where they say something."""
    if value is None:
        return DASH
    whole, _, cents = f"{value:,f}".partition(".")
    kept = cents.rstrip("0").ljust(currency_digits(currency), "0")
    return f"{whole}.{kept}" if kept else whole


def format_money(value: Decimal | None, currency: str) -> str:
    """Money with its currency: "2.70 EUR"."""
    return DASH if value is None else f"{format_amount(value, currency)} {currency}".rstrip()


def format_price(value: Decimal | None, currency: str) -> str:
    """A price, to the hundredth of its smallest coin at most: "2.7352 EUR"."""
    return format_money(
        None if value is None else round(value, currency_digits(currency) + 2), currency
    )


def format_total(value: Decimal | None, currency: str) -> str:
    """A sum of money, to the currency's major unit: "1,204 EUR"."""
    return DASH if value is None else f"{value:,.0f} {currency}".rstrip()


def format_cents(value: Decimal | None, currency: str) -> str:
    """Money to the currency's smallest coin: "1,204.10 EUR", "1,204 JPY"."""
    return DASH if value is None else f"{value:,.{currency_digits(currency)}f} {currency}".rstrip()


def format_totals(by_currency: Mapping[str, Decimal]) -> str:
    """Sums of money beside each other, never added up: "50 EUR + 111 USD".

    A line breaks between them, never between a sum and its currency.
    """
    sums = (format_total(by_currency[code], code) for code in sorted(by_currency))
    return " + ".join(one.replace(" ", "\N{NO-BREAK SPACE}") for one in sums) or DASH


def format_interview_length(seconds: int | None, agreed: int | None) -> str:
    """Interview length observed of agreed: "14.2 of 9 min"."""
    observed = DASH if seconds is None else f"{seconds / 60:.1f}"
    if agreed is None:
        return DASH if seconds is None else f"{observed} min"
    return f"{observed} of {agreed} min"


def format_incidence(observed: float | None, expected: float | None) -> str:
    """Incidence rate observed of expected: "31 of 35 %"."""
    seen = DASH if observed is None else f"{observed * 100:.0f}"
    if expected is None:
        return DASH if observed is None else f"{seen} %"
    return f"{seen} of {expected * 100:.0f} %"


class GroupProgress(NamedTuple):
    """How full a group is, by what its filling strategy counts; `also` is what it counts beside."""

    value: int
    goal: int
    text: str
    also: str


def group_progress(
    strategy: str, completes: int | None, prescreens: int | None, goal: int | None
) -> GroupProgress:
    """The numerator follows the strategy; an automated group shows both."""
    done, also = completes, ""
    if strategy == "prescreens":
        done, also = prescreens, "prescreens"
    elif strategy == "automated" and prescreens is not None:
        also = f"{format_count(prescreens)} prescreens"
    text = DASH if done is None and goal is None else f"{format_count(done)} / {format_count(goal)}"
    return GroupProgress(min(done or 0, goal or 0), goal or 1, text, also)


def spark_path(numbers: object, width: int = 104, height: int = 20) -> str:
    """The outline of a sparkline as the `d` of an SVG path; empty when there is nothing to show."""
    if not isinstance(numbers, list) or len(numbers) < 2:
        return ""
    heights = [n if isinstance(n, int | float) and n > 0 else 0 for n in numbers]
    top = max(*heights, 1)
    step = width / (len(heights) - 1)
    points = [
        f"{i * step:.1f} {height - 1 - n / top * (height - 2):.1f}" for i, n in enumerate(heights)
    ]
    return "M" + "L".join(points)


def iso_moment(moment: datetime) -> str:
    """A moment as browsers read it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def short_utc(moment: datetime | None) -> str:
    """A moment in UTC, short: "20 Nov 12:00 UTC"."""
    return DASH if moment is None else f"{moment.astimezone(UTC):%-d %b %H:%M} UTC"


def typed_amount(value: Decimal | None) -> str:
    """An amount as a person would type it: "600", "2.75"; nothing for none."""
    if value is None:
        return ""
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
