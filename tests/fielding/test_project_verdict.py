"""The verdict on a project: each clause word by word, from figures."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.fielding.figures.project_outlook import (
    CurrencyOutlook,
    ProjectOutlook,
    outlook_of_project,
    refresh_project_outlook,
)
from dashboard.fielding.figures.project_verdict import (
    Budget,
    ProjectVerdict,
    VerdictKind,
    project_verdict,
)
from dashboard.fielding.insight.document import EndPercentiles
from dashboard.fielding.models import Project
from tests import factories

NOW = factories.NOW
DAY = timedelta(days=1)


def ends(p50: float) -> EndPercentiles:
    return EndPercentiles(p50 - 900, p50, p50 + 900)


def costs(so_far: str, by_end: float) -> CurrencyOutlook:
    return CurrencyOutlook(so_far=Decimal(so_far), by_end=ends(by_end))


def outlook(**changes: Any) -> ProjectOutlook:
    """Everything on track: 83 open groups, 38,000 completes by 27 December."""
    given: dict[str, Any] = {
        "at": NOW.isoformat(),
        "groups": 90,
        "open_groups": 83,
        "live_groups": 58,
        "goal": 38000.0,
        "completes": 21000.0,
        "projected": ends(37900),
        "shortfall": EndPercentiles(0, 100, 300),
        "ends_at": "2026-12-27T23:30:00+00:00",
    }
    return ProjectOutlook(**(given | changes))


def short(**changes: Any) -> ProjectOutlook:
    given: dict[str, Any] = {
        "projected": ends(29200),
        "shortfall": EndPercentiles(8000, 8800, 9500),
        "short_groups": 32,
        "unseen_groups": 3,
        "late_days": 20.0,
    }
    return outlook(**(given | changes))


def verdict(of: ProjectOutlook | None, budget: Budget | None = None) -> ProjectVerdict:
    return project_verdict(of, budget, zone=UTC)


GBP = Budget(Decimal(90000), "GBP")


@pytest.mark.parametrize(
    ("of", "kind", "brief", "sentence", "tone"),
    [
        (
            None,
            VerdictKind.NOT_READ,
            "Not read yet",
            "Not read yet: its figures come with the first sync.",
            "",
        ),
        (
            outlook(groups=0, open_groups=0),
            VerdictKind.NOTHING_PLANNED,
            "Nothing planned",
            "Nothing is planned: no group is scheduled, live, paused or completed.",
            "",
        ),
        (
            outlook(goal=0.0),
            VerdictKind.NO_GOAL,
            "No goal",
            "No group has a goal. There are 21,000 completes so far.",
            "",
        ),
        (
            outlook(),
            VerdictKind.ON_TRACK,
            "On track",
            "On track: about 37,900 of 38,000 by 27 Dec.",
            "good",
        ),
        (
            short(),
            VerdictKind.SHORT,
            "Short 8,800",
            "Will miss: about 29,200 of 38,000 by 27 Dec, 8,800 short.",
            "bad",
        ),
        (
            short(ends_at=""),
            VerdictKind.SHORT,
            "Short 8,800",
            "Will miss: about 29,200 of 38,000, 8,800 short.",
            "bad",
        ),
        (
            short(projected=ends(38100)),
            VerdictKind.SHORT,
            "Short 8,800",
            "Will miss: about 38,100 of 38,000 by 27 Dec, 8,800 short (what other groups have "
            "above their goals does not count).",
            "bad",
        ),
        (
            short(unseen_groups=0, late_days=11.7),
            VerdictKind.LATE,
            "Late 12 d",
            "Will be late: about 29,200 of 38,000 by 27 Dec, 8,800 short. "
            "They would come up to 12 days after the end dates.",
            "warn",
        ),
        (
            short(unseen_groups=0, late_days=0.2),
            VerdictKind.LATE,
            "Late 1 d",
            "Will be late: about 29,200 of 38,000 by 27 Dec, 8,800 short. "
            "They would come up to 1 day after the end dates.",
            "warn",
        ),
        (
            outlook(
                open_groups=0,
                live_groups=0,
                completes=38000.0,
                shortfall=EndPercentiles(0, 0, 0),
            ),
            VerdictKind.COMPLETED,
            "Completed",
            "Completed: 38,000 of 38,000 completes.",
            "good",
        ),
        (
            outlook(
                open_groups=0,
                live_groups=0,
                completes=36000.0,
                projected=EndPercentiles(36000, 36000, 36000),
                shortfall=EndPercentiles(2000, 2000, 2000),
            ),
            VerdictKind.ENDED_SHORT,
            "Ended short 2,000",
            "Ended short: 36,000 of 38,000 completes, 2,000 short.",
            "bad",
        ),
        (
            outlook(live_groups=0, paused_groups=25),
            VerdictKind.NOTHING_LIVE,
            "Nothing live",
            "Nothing is live: 21,000 of 38,000 completes so far. "
            "If paused groups resumed now, it would be about 37,900 of 38,000 by 27 Dec.",
            "warn",
        ),
        (
            outlook(live_groups=0, paused_groups=25, unprojected_groups=83),
            VerdictKind.NOTHING_LIVE,
            "Nothing live",
            "Nothing is live: 21,000 of 38,000 completes so far.",
            "warn",
        ),
        (
            outlook(live_groups=0),
            VerdictKind.SCHEDULED,
            "Scheduled",
            "Nothing is live yet: 83 open groups are scheduled. "
            "The projection is about 37,900 of 38,000 by 27 Dec.",
            "",
        ),
        (
            outlook(live_groups=0, open_groups=1, unprojected_groups=1),
            VerdictKind.SCHEDULED,
            "Scheduled",
            "Nothing is live yet: 1 open group is scheduled.",
            "",
        ),
        (
            outlook(unprojected_groups=83),
            VerdictKind.NO_FORECAST,
            "No forecast yet",
            "No forecast yet: 21,000 of 38,000 completes so far, and no open group is projected.",
            "",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value in set(VerdictKind) else "",
)
def test_the_answer_comes_first(
    of: ProjectOutlook | None, kind: VerdictKind, brief: str, sentence: str, tone: str
) -> None:
    seen = verdict(of)
    assert (seen.kind, seen.short, seen.sentences[0], seen.tone) == (kind, brief, sentence, tone)


def test_a_project_is_late_only_if_all_that_is_missing_would_come_soon() -> None:
    assert verdict(short(unseen_groups=0, late_days=14.0)).kind is VerdictKind.LATE
    for change in ({"late_days": 14.1}, {"unseen_groups": 1}, {"ended_short": 5.0}):
        given: dict[str, Any] = {"unseen_groups": 0, "late_days": 3.0}
        assert verdict(short(**(given | change))).kind is VerdictKind.SHORT, change


def test_less_than_a_hundredth_of_the_goal_is_on_track() -> None:
    for missing, kind in ((379.0, VerdictKind.ON_TRACK), (380.0, VerdictKind.SHORT)):
        assert verdict(outlook(shortfall=ends(missing))).kind is kind


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"short_groups": 32}, "32 of 83 open groups fall short."),
        ({"short_groups": 1, "open_groups": 1}, "1 of 1 open group falls short."),
        (
            {"paused_groups": 25, "paused_by_exchange": 25, "paused": 4100.0},
            "25 of 83 open groups are paused by Cint; "
            "4,100 completes are missing in paused groups.",
        ),
        (
            {"paused_groups": 25, "paused_by_exchange": 20},
            "25 of 83 open groups are paused, 20 by Cint.",
        ),
        ({"paused_groups": 1}, "1 of 83 open groups is paused."),
        ({"ended_short": 1200.0}, "Completed and ended groups lack 1,200."),
        (
            {"unprojected_groups": 4},
            "4 of 83 open groups have no forecast yet, and count as reaching their goals.",
        ),
        (
            {"unprojected_groups": 1},
            "1 of 83 open groups has no forecast yet, and counts as reaching its goal.",
        ),
    ],
)
def test_groups_are_told_after_the_answer(changes: dict[str, Any], sentence: str) -> None:
    assert verdict(outlook(**changes)).sentences[1:] == (sentence,)


@pytest.mark.parametrize(
    ("money", "budget", "sentences"),
    [
        ({}, GBP, ("No group costs the currency of the budget of 90,000 GBP.",)),
        (
            {"GBP": costs("50000", 96000)},
            GBP,
            ("The cost by end date is 96,000 GBP, 6,000 GBP over the budget of 90,000 GBP.",),
        ),
        (
            {"GBP": costs("50000", 80000)},
            GBP,
            ("The cost by end date is 80,000 GBP, within the budget of 90,000 GBP.",),
        ),
        ({"GBP": costs("50000", 80000)}, None, ("The cost by end date is 80,000 GBP.",)),
        (
            {"EUR": costs("50", 60), "USD": costs("70", 111)},
            None,
            ("The cost by end date is 60 EUR + 111 USD.",),
        ),
        (
            {"GBP": costs("50000", 96000), "USD": costs("70", 111)},
            GBP,
            (
                "The cost by end date is 96,000 GBP, 6,000 GBP over the budget of 90,000 GBP.",
                "In other currencies it is 111 USD.",
            ),
        ),
        (
            {"USD": costs("70", 111)},
            GBP,
            (
                "No group costs the currency of the budget of 90,000 GBP.",
                "The cost by end date is 111 USD.",
            ),
        ),
        ({"USD": CurrencyOutlook()}, None, ()),
    ],
)
def test_money_comes_last_and_currencies_stay_apart(
    money: dict[str, CurrencyOutlook], budget: Budget | None, sentences: tuple[str, ...]
) -> None:
    assert verdict(outlook(money=money), budget).sentences[1:] == sentences


def test_a_project_that_is_over_has_a_spend_and_no_cost_to_come() -> None:
    seen = verdict(outlook(open_groups=0, money={"GBP": costs("85000", 85000)}), GBP)
    assert seen.sentences[-1] == "The spend is 85,000 GBP, within the budget of 90,000 GBP."


def test_a_budget_that_will_not_do_is_the_verdict_of_a_project_on_track() -> None:
    money = {"GBP": costs("50000", 96000)}
    seen = verdict(outlook(money=money), GBP)
    assert (seen.kind, seen.short) == (VerdictKind.OVER_BUDGET, "Over budget 6,000 GBP")
    assert seen.sentences[0] == "Over budget, and on track: about 37,900 of 38,000 by 27 Dec."
    missed = verdict(short(money=money), GBP)
    assert (missed.short, missed.over_budget) == ("Short 8,800", "6,000 GBP")
    assert missed.in_a_file == "Short 8,800; over budget 6,000 GBP"
    done = verdict(outlook(open_groups=0, money=money), GBP)
    assert (done.short, done.tone) == ("Completed", "warn")


def test_the_end_is_a_day_of_the_reader() -> None:
    seen = project_verdict(outlook(), None, zone=ZoneInfo("Asia/Tokyo"))
    assert seen.sentences[0].endswith("by 28 Dec.")


def test_an_outlook_of_an_older_release_is_neither_idle_nor_late() -> None:
    assert verdict(outlook(live_groups=None)).kind is VerdictKind.ON_TRACK
    assert verdict(short(live_groups=None, unseen_groups=0, late_days=None)).kind is (
        VerdictKind.SHORT
    )


# What the outlook adds up for it


@pytest.fixture
def project(db: None) -> Project:
    return factories.project(factories.account())


def stored(project: Project) -> ProjectOutlook:
    refresh_project_outlook(project.pk, now=NOW)
    found = outlook_of_project(Project.objects.get(pk=project.pk))
    assert found
    return found


def test_late_groups_say_by_how_much_and_which_have_no_finish(project: Project) -> None:
    projected = {"insight": {"forecast": {"at_end": [140, 150, 160]}}, "ends_at": NOW + 5 * DAY}
    factories.group(project, **projected, finish_at=NOW + 8 * DAY)
    factories.group(project, **projected, finish_at=NOW + 17 * DAY)
    assert (stored(project).late_days, stored(project).unseen_groups) == (12.0, 0)
    factories.group(project, **projected, finish_at=NOW + 4 * DAY)
    assert (stored(project).late_days, stored(project).unseen_groups) == (12.0, 0)
    factories.group(project, **projected, finish_at=None)
    assert (stored(project).late_days, stored(project).unseen_groups) == (12.0, 1)


def test_a_group_without_a_forecast_is_counted_unless_it_is_over(project: Project) -> None:
    factories.group(project)
    factories.group(project, status="completed")
    factories.group(project, filling_goal=None, completes_goal=None)
    assert stored(project).unprojected_groups == 1


def test_pauses_by_cint_are_counted_apart(project: Project) -> None:
    factories.group(project, status="paused", status_changed_by="system_user")
    factories.group(project, status="paused", status_changed_by="las_user")
    factories.group(project, status_changed_by="system_user")
    seen = stored(project)
    assert (seen.paused_groups, seen.paused_by_exchange, seen.live_groups) == (2, 1, 1)


def test_the_target_by_now_is_on_straight_lines_to_the_goals(project: Project) -> None:
    half = {"starts_at": NOW - 5 * DAY, "ends_at": NOW + 5 * DAY}
    factories.group(project, **half)
    factories.group(project, status="completed", starts_at=NOW - 9 * DAY, ends_at=NOW - DAY)
    factories.group(
        project, status="scheduled", starts_at=NOW + DAY, ends_at=NOW + 9 * DAY, completes=0
    )
    factories.group(project, **half, status="draft")
    seen = stored(project)
    assert seen.target == 100 + 200
    assert seen.last_end == NOW + 9 * DAY


def test_groups_without_dates_have_no_target(project: Project) -> None:
    factories.group(project, ends_at=None)
    seen = stored(project)
    assert (seen.target, seen.last_end) == (None, None)
