"""What an item is worth: completes that come, that are missing, and that can still be saved."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.alerts.items.needed_cpi import NeededCpi, describe_raises
from dashboard.alerts.items.value import (
    completes_by_resuming,
    completes_without_links,
    hours_of_slack,
    missing_completes,
    savable_completes,
)
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.models import TargetGroup
from tests import factories

NOW, HOUR = factories.NOW, timedelta(hours=1)


def rhythm(rate: float) -> dict[str, Any]:
    return {"rhythm": {"rate": rate}}


def forecast(middle: float) -> dict[str, Any]:
    return {"forecast": {"at_end": [middle, middle, middle]}}


def group(**fields: Any) -> TargetGroup:
    """100 of 200 completes, ten hours before the end date."""
    given = {
        "completes": 100,
        "filling_goal": 200,
        "filling_strategy": "completes",
        "ends_at": NOW + 10 * HOUR,
    }
    return TargetGroup(**(given | fields))


def in_each_way(of: TargetGroup) -> list[float | None]:
    """By resuming, without links, savable by a price and by a later end, and hours of slack."""
    insight = Insight.of(of)
    return [
        completes_by_resuming(of, insight, now=NOW),
        completes_without_links(of, insight, now=NOW),
        savable_completes(of, insight, reach=1.0, now=NOW),
        savable_completes(of, insight, reach=0.5, now=NOW),
        savable_completes(of, insight, reach=float("inf"), now=NOW),
        hours_of_slack(of, insight, now=NOW),
    ]


SHORT: dict[str, Any] = {"short_at_end": 50.0}
LINKS = {"links_total": 220, "links_left": 20, "links_read_at": NOW}  # enough for ten completes


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"insight": {}}, [100, 0, 0, 0, 0, 10]),
        ({"insight": {}} | SHORT, [100, 0, 50, 50, 50, 10]),
        ({"insight": rhythm(4)} | SHORT, [40, 0, 40, 20, 50, -15]),
        ({"insight": rhythm(4) | forecast(170)} | SHORT, [70, 0, 50, 35, 50, -15]),
        ({"insight": rhythm(8) | forecast(170)} | SHORT, [80, 0, 50, 40, 50, -2.5]),
        ({"insight": rhythm(20)} | SHORT, [100, 0, 50, 50, 50, 5]),
        ({"insight": forecast(150)} | SHORT, [50, 0, 50, 25, 50, -10]),
        ({"insight": forecast(90)} | SHORT, [0, 0, 0, 0, 50, 10]),
        ({"insight": rhythm(4), "ends_at": NOW} | SHORT, [100, 0, 50, 50, 50, -25]),
        ({"insight": forecast(150), "ends_at": NOW} | SHORT, [100, 0, 50, 50, 50, 0]),
        ({"insight": rhythm(4), "ends_at": None} | SHORT, [100, 0, 50, 50, 50, None]),
        ({"insight": forecast(150), "ends_at": None}, [50, 0, 0, 0, 0, None]),
        ({"insight": rhythm(4), "filling_goal": None}, [0, 0, 0, 0, 0, 10]),
        ({"insight": rhythm(4), "completes": None}, [40, 0, 0, 0, 0, -40]),
        ({"insight": forecast(30), "completes": None}, [30, 0, 0, 0, 0, 10 - 200 / 3]),
        ({"insight": rhythm(4), "completes": 230}, [0, 0, 0, 0, 0, 10]),
        ({"insight": rhythm(4), "short_at_end": -1.0}, [40, 0, 0, 0, 0, -15]),
        ({"insight": rhythm(0.05), "short_at_end": 1.0}, [0.5, 0, 0.5, 0.25, 1, -1990]),
        ({"insight": rhythm(4)} | LINKS, [40, 30, 0, 0, 0, -15]),
        ({"insight": rhythm(0.5)} | LINKS, [5, 0, 0, 0, 0, -190]),
    ],
)
def test_a_group_is_worth_what_still_comes_and_what_is_missing_limits_it(
    fields: dict[str, Any], expected: list[float | None]
) -> None:
    assert in_each_way(group(**fields)) == expected


@pytest.mark.parametrize(
    ("completes", "goal", "missing"),
    [(100, 200, 100), (None, 200, 200), (230, 200, 0), (100, None, 0), (199, 200, 1)],
)
def test_no_less_than_nothing_is_missing(
    completes: int | None, goal: int | None, missing: float
) -> None:
    assert missing_completes(group(completes=completes, filling_goal=goal)) == missing


def needed(cpi: str, *, today: str = "3.00", **fields: Any) -> NeededCpi:
    given: dict[str, Any] = {"chance": 0.8, "times": (1.05, 1.3), "evidence": "3 changes in Japan"}
    return NeededCpi(Decimal(cpi), Decimal(today), "USD", **(given | fields))


def test_a_needed_price_reads_with_its_chance_and_its_evidence() -> None:
    higher, lower = (
        needed("3.80", times=(1.05, 3.0)),
        needed("2.75", today="3.00", times=(0.9, 0.9)),
    )
    assert (str(higher), higher.percent) == ("about 3.80 USD", 27)
    assert (str(lower), lower.percent) == ("about 2.75 USD", -8)
    assert higher.sentence == (
        "Raising the CPI to about 3.80 USD (+27 %) gives a chance of 80 % to meet the deadline: "
        "+5 to +200 % completes an hour (3 changes in Japan)."
    )
    assert lower.sentence == (
        "At a CPI of about 2.75 USD (−8 %) the chance to reach the goal stays 80 %: "
        "−10 % completes an hour (3 changes in Japan)."
    )
    assert needed("3.00").sentence.startswith("Raising the CPI to about 3.00 USD (0 %) ")
    losing = needed("3.80", times=(1.05, 3.0), loses_money=True)
    assert str(losing) == "about 3.80 USD, beyond the client's CPI"
    assert losing.sentence == f"{higher.sentence} This is beyond the client's CPI."


@pytest.mark.parametrize(
    ("prices", "losing", "text"),
    [
        (["3.80"], 0, "to about 3.80 USD"),
        (["3.80"], 1, "to about 3.80 USD, beyond the client's CPI"),
        (["3.30", "3.80", "3.60"], 0, "by about 10 to 27 %"),
        (["3.30", "3.30"], 0, "by about 10 %"),
        (["3.30", "3.80", "3.60"], 2, "by about 10 to 27 %, 2 of them beyond the client's CPI"),
    ],
)
def test_raises_of_several_groups_are_a_range(prices: list[str], losing: int, text: str) -> None:
    rows = [needed(cpi, loses_money=number < losing) for number, cpi in enumerate(prices)]
    assert describe_raises(rows) == text
