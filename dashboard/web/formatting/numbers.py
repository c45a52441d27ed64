"""How the field's numbers read on a page: those of the domain, and what pages alone show."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from dashboard.fielding.domain.figures import (
    DASH,
    format_beside,
    format_count,
    format_incidence,
    format_interview_length,
    format_likelihood,
    format_limit,
    format_percent,
    format_percent_limit,
    format_signed,
    format_significant,
)
from dashboard.fielding.domain.money import (
    format_amount,
    format_cents,
    format_money,
    format_price,
    format_price_amount,
    format_total,
    format_totals,
    minor_digits,
)
from dashboard.web.formatting.typed_numbers import typed_number

__all__ = [
    "DASH",
    "GroupProgress",
    "format_amount",
    "format_beside",
    "format_cents",
    "format_count",
    "format_incidence",
    "format_interview_length",
    "format_likelihood",
    "format_limit",
    "format_money",
    "format_percent",
    "format_percent_limit",
    "format_price",
    "format_price_amount",
    "format_signed",
    "format_significant",
    "format_total",
    "format_totals",
    "group_progress",
    "iso_moment",
    "minor_digits",
    "short_utc",
    "spark_path",
    "typed_amount",
]


class GroupProgress(NamedTuple):
    """How full a group is, by what its filling strategy counts; `also` is the other count."""

    value: int
    goal: int
    text: str
    also: str


def group_progress(
    strategy: str, completes: int | None, prescreens: int | None, goal: int | None
) -> GroupProgress:
    """Return progress by what the strategy counts; of an automated group, prescreens too."""
    done, also = completes, ""
    if strategy == "prescreens":
        done = prescreens
    elif strategy == "automated" and prescreens is not None:
        also = f"{format_count(prescreens)} prescreens"
    text = DASH if done is None and goal is None else f"{format_count(done)} / {format_count(goal)}"
    if strategy == "prescreens":
        text += " prescreens"
    return GroupProgress(min(done or 0, goal or 0), goal or 1, text, also)


def spark_path(numbers: object, width: int = 104, height: int = 20) -> str:
    """Return the line of a sparkline as the `d` of an SVG path; empty for fewer than two points."""
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
    """Format a time in ISO 8601 UTC, for browsers."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def short_utc(moment: datetime | None) -> str:
    """Format a time in UTC, short: "20 Nov 12:00 UTC"."""
    return DASH if moment is None else f"{moment.astimezone(UTC):%-d %b %H:%M} UTC"


def typed_amount(value: Decimal | None) -> str:
    """Format an amount for an input field: "600", "2.75", "2.7350"; empty for None."""
    if value is None:
        return ""
    text = f"{value:f}"
    return typed_number(Decimal(text.rstrip("0").rstrip(".") if "." in text else text))
