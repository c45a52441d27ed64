"""How numbers read on pages and in mails. What the exchange did not say reads "—"."""

from __future__ import annotations

from decimal import Decimal
from math import floor, isclose, log10

DASH = "—"
MINUS = "\N{MINUS SIGN}"
Number = float | Decimal
NONE_AND_ALL = (Decimal(0), Decimal(100))  # in percent
MOST_DIGITS = 4  # decimals beyond which two numbers count as equal


def with_minus(text: str) -> str:
    """A formatted number with a real minus sign; a zero has none."""
    return text.replace("-", MINUS) if text.strip("-0.,") else text.lstrip("-")


def format_count(number: Number | None) -> str:
    """A whole number with thousands apart: 1,204."""
    return DASH if number is None else with_minus(f"{number:,.0f}")


def format_signed(number: Number, digits: int = 0) -> str:
    """A change with its sign: "+890", "−3.5", "0"."""
    text = f"{number:+,.{digits}f}"
    return text[1:] if not text.strip("+-0.,") else with_minus(text)


def digits_apart(number: Number, limit: Number, digits: int = 0) -> int:
    """The fewest decimals, from `digits` on, at which a number still differs from its limit.

    Numbers that are equal (to a billionth), or differ beyond `MOST_DIGITS` decimals only, need no
    more than `digits`.
    """
    if abs(float(number) - float(limit)) > 1:  # as most do, whose roundings differ: nothing to try
        return digits
    if isclose(number, limit, rel_tol=1e-9):
        return digits
    for places in range(digits, MOST_DIGITS + 1):
        if f"{number:.{places}f}" != f"{limit:.{places}f}":
            return places
    return digits


def format_beside(number: Number, limit: Number | None, digits: int = 0) -> str:
    """A number with as many decimals as tell it from its limit: 0.6 beside 1, 25.4 beside 25."""
    places = digits if limit is None else digits_apart(number, limit, digits)
    return with_minus(f"{number:,.{places}f}")


def format_limit(limit: Number) -> str:
    """A limit or a bid as it was set, without empty decimals: 10, 12.5, 1,000."""
    text = f"{limit:,.{MOST_DIGITS}f}".rstrip("0").rstrip(".")
    return with_minus(text)


def format_percent(share: Number | None, digits: int = 0, *, beside: Number | None = None) -> str:
    """A share from 0 to 1 as "33 %", never rounded onto the share `beside`, onto none or onto all.

    1,996 of 2,000 is "99.8 %", 0.254 beside a limit of 0.25 is "25.4 %".
    """
    if share is None:
        return DASH
    percent = _percent_of(share)
    limits = NONE_AND_ALL if beside is None else (*NONE_AND_ALL, _percent_of(beside))
    places = max([digits_apart(percent, limit, digits) for limit in limits])
    return f"{with_minus(f'{percent:,.{places}f}')} %"


def format_percent_limit(share: Number) -> str:
    """A limit or a bid from 0 to 1 as it was set: "25 %", "12.5 %"."""
    return f"{format_limit(_percent_of(share))} %"


def _percent_of(share: Number) -> Decimal:
    """A share in percent; exact, since 0.29 × 100 is not 29 in binary."""
    return Decimal(str(share)) * 100


def format_likelihood(chance: float | None) -> str:
    """A chance from 0 to 1 as a percentage that claims no more than a forecast can."""
    if chance is None or 0.01 <= chance <= 0.99:
        return DASH if chance is None else f"{chance * 100:.0f} %"
    return "below 1 %" if chance < 0.5 else "above 99 %"


def significant_places(number: Number, digits: int) -> int:
    """The decimals that show so many significant digits: 3 for 0.0207 and 2 digits."""
    return max(digits - 1 - floor(log10(abs(float(number)))), 0) if number else 0


def format_significant(number: Number | None, digits: int = 3) -> str:
    """A number to so many significant digits, never with an exponent: 0.0207, 2.75, 495,200.

    Digits before the point are all shown; zeros at the end of decimals are not.
    """
    if number is None:
        return DASH
    text = f"{number:,.{significant_places(number, digits)}f}"
    return with_minus(text.rstrip("0").rstrip(".") if "." in text else text)


def format_interview_length(seconds: Number | None, bid: Number | None) -> str:
    """The median interview length beside the minutes that were bid: "14.2 min · bid 9"."""
    if seconds is None:
        return DASH if bid is None else f"{DASH} · bid {format_limit(bid)} min"
    minutes = Decimal(str(seconds)) / 60
    text = f"{format_beside(minutes, bid, 1)} min"
    return text if bid is None else f"{text} · bid {format_limit(bid)}"


def format_incidence(observed: Number | None, bid: Number | None) -> str:
    """The incidence rate beside the one that was bid, both from 0 to 1: "43 % · bid 50 %"."""
    text = format_percent(observed, beside=bid)
    if bid is None:
        return text
    return f"{text} · bid {format_percent_limit(bid)}"
