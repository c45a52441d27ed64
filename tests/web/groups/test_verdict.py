"""The verdict on a group, word by word."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.web.groups.verdict import group_verdict
from tests import factories
from tests.factories import NOW
from tests.web.one_story.surfaces import text_of
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LATE, EARLY = NOW + 9 * DAY, NOW + 3 * DAY
OVER = NOW - 2 * DAY
BY_PRESCREENS = {
    "filling_strategy": "prescreens",
    "filling_goal": 800,
    "completes_goal": None,
    "prescreens": 400,
    "completes": 200,
    "expected_incidence_rate": 0.5,
}
SOFT = {"soft_launch": {"share": 0.25, "ends_at": "2026-11-25T12:00:00+00:00", "is_on": True}}


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(poll_seconds=300)


def ending(low: float, middle: float, high: float, **more: Any) -> dict[str, Any]:
    """An insight as of the reading with this forecast of completes on the end date."""
    return {"at": NOW.isoformat(), "forecast": {"at_end": [low, middle, high]}} | more


def said_of(account: ExchangeAccount, *, now: datetime = NOW, **fields: Any) -> tuple[str, str]:
    """The verdict on a Japanese group that is half way to 200 and ends in a week, with its tone."""
    group = factories.group(factories.project(account), country_code="jp", **fields)
    verdict = group_verdict(group, now=now)
    assert verdict
    return verdict.sentence, verdict.tone


@pytest.mark.parametrize(
    ("fields", "said", "tone"),
    [
        pytest.param(
            {"insight": ending(150, 160, 170), "finish_at": LATE},
            "Will miss: about 160 of 200 by Fri 27 Nov. Needs 14.3 completes a day, gets 8.6.",
            "bad",
            id="will miss",
        ),
        pytest.param(
            {"insight": ending(170, 190, 215), "finish_at": LATE},
            "Late: about 190 of 200 by Fri 27 Nov, full Sun 29 Nov, 2 days late. "
            "Needs 14 completes a day, gets 13.",
            "warn",
            id="late",
        ),
        pytest.param(
            {"insight": ending(170, 198, 215), "finish_at": NOW + 7 * DAY + 2 * HOUR},
            "Late: about 198 of 200 by Fri 27 Nov, full 2 h later. "
            "Needs 14.3 completes a day, gets 14.0.",
            "warn",
            id="late by hours",
        ),
        pytest.param(
            {"insight": ending(205, 215, 230), "finish_at": NOW + 6 * DAY + 6 * HOUR},
            "On track: full 18 h before its end date, Fri 27 Nov. "
            "Needs 14 completes a day, gets 16.",
            "good",
            id="on track",
        ),
        pytest.param(
            {"insight": ending(190, 205, 230), "finish_at": NOW + 6 * DAY + 6 * HOUR},
            "Just on track: full 18 h before its end date, Fri 27 Nov. "
            "Needs 14 completes a day, gets 15.",
            "good",
            id="just on track",
        ),
        pytest.param(
            {"insight": ending(290, 320, 350), "finish_at": EARLY},
            "Full early: full by Mon 23 Nov, 4 days before its end date, Fri 27 Nov. "
            "Needs 14 completes a day, gets 31.",
            "info",
            id="full early",
        ),
        pytest.param(
            {"insight": ending(3, 190, 350), "completes": 2},
            "Late: about 190 of 200 by Fri 27 Nov. Needs 28 completes a day, gets 27. "
            "Little data yet.",
            "warn",
            id="few completes",
        ),
        pytest.param(
            {"insight": ending(110, 112, 115), "ends_at": NOW + 10 * HOUR},
            "Will miss: about 112 of 200 by Sat 21 Nov. Needs 10.0 completes an hour, gets 1.2.",
            "bad",
            id="hours left",
        ),
        pytest.param(
            {"completes": 200},
            "Goal reached: 200 of 200 completes.",
            "good",
            id="at goal",
        ),
        pytest.param(
            {"completes": 205},
            "Over goal: 205 of 200 completes, 5 over.",
            "warn",
            id="over goal",
        ),
        pytest.param(
            {"completes": 205, "ends_at": OVER},
            "Over goal: 205 of 200 completes, 5 over. Its end date, Wed 18 Nov, has passed.",
            "warn",
            id="over goal and past its end date",
        ),
        pytest.param(
            {"completes": 200, "status": "paused", "status_reason": "total_completes_reached"},
            "Goal reached: 200 of 200 completes. Paused by Cint.",
            "good",
            id="at goal and paused",
        ),
        pytest.param(
            {"completes": 20, "insight": SOFT},
            "Soft launch: 20 of 50 completes. There is no forecast before the full launch.",
            "info",
            id="soft launch",
        ),
        pytest.param(
            {
                "completes": 50,
                "insight": SOFT,
                "status": "paused",
                "status_reason": "past_soft_launch_end_date",
            },
            "Waiting for the full launch: the soft launch has 50 of 50 completes. "
            "There is no forecast before the full launch.",
            "warn",
            id="waiting for the full launch",
        ),
        pytest.param(
            {
                "completes": 20,
                "insight": SOFT,
                "status": "paused",
                "status_changed_by": "las_user",
                "status_changed_at": NOW - 3 * HOUR,
            },
            "Paused manually since Fri 18:00 Tokyo: the soft launch has 20 of 50 completes. "
            "There is no forecast before the full launch.",
            "warn",
            id="paused in its soft launch",
        ),
        pytest.param(
            {
                "insight": ending(150, 160, 170),
                "status": "paused",
                "status_reason": "high_median_loi",
                "status_changed_by": "system_user",
                "status_changed_at": NOW - 26 * HOUR,
            },
            "Paused by Cint since Thu 19:00 Tokyo: LOI well above bid. 100 of 200 completes. "
            "If it resumes now, about 160 of 200 by Fri 27 Nov.",
            "bad",
            id="paused by Cint",
        ),
        pytest.param(
            {
                "insight": ending(150, 160, 170),
                "status": "paused",
                "status_changed_by": "las_user",
                "status_changed_at": NOW - 26 * HOUR,
            },
            "Paused manually since Thu 19:00 Tokyo: 100 of 200 completes. "
            "If it resumes now, about 160 of 200 by Fri 27 Nov.",
            "warn",
            id="paused by a person",
        ),
        pytest.param(
            {"status": "paused"},
            "Paused: 100 of 200 completes.",
            "warn",
            id="paused by nobody known",
        ),
        pytest.param(
            {"status": "scheduled", "completes": 0, "starts_at": NOW + 2 * DAY},
            "Scheduled: starts Sun 21:00 Tokyo. Its goal is 200 completes by Fri 27 Nov.",
            "info",
            id="scheduled",
        ),
        pytest.param(
            {
                "status": "scheduled",
                "completes": 0,
                "starts_at": NOW + 2 * DAY,
                "insight": ending(100, 150, 180),
            },
            "Scheduled: starts Sun 21:00 Tokyo. About 150 of 200 by Fri 27 Nov.",
            "warn",
            id="scheduled and short",
        ),
        pytest.param(
            {"status": "scheduled", "completes": 0, "starts_at": NOW - HOUR},
            "Scheduled: was due to start Fri 20:00 Tokyo. Its goal is 200 completes by Fri 27 Nov.",
            "warn",
            id="not started",
        ),
        pytest.param(
            {"status": "completed", "completes": 181},
            "Completed short: 181 of 200 completes, 19 short.",
            "warn",
            id="completed short",
        ),
        pytest.param(
            {"status": "completed", "completes": 200},
            "Completed in full: 200 of 200 completes.",
            "good",
            id="completed in full",
        ),
        pytest.param(
            {"status": "completed", "completes": 201},
            "Completed over goal: 201 of 200 completes, 1 over.",
            "warn",
            id="completed over goal",
        ),
        pytest.param(
            {"status": "completed", "filling_goal": None, "completes_goal": None, "completes": 1},
            "Completed: 1 complete, with no goal set.",
            "info",
            id="completed without a goal",
        ),
        pytest.param(
            {"status": "completed", **BY_PRESCREENS, "prescreens": 800},
            "Completed in full: 800 of 800 prescreens, 200 completes.",
            "good",
            id="completed by prescreens",
        ),
        pytest.param(
            {"status": "archived", "completes": 181},
            "Archived: 181 of 200 completes, 19 short.",
            "info",
            id="archived",
        ),
        pytest.param(
            {"ends_at": OVER},
            "Past its end date: 100 of 200 completes, 100 short. It ended Wed 18 Nov.",
            "bad",
            id="past its end date",
        ),
        pytest.param(
            {"filling_goal": None, "completes_goal": None, "insight": ending(150, 160, 170)},
            "No goal set: 100 completes so far. About 160 completes by Fri 27 Nov.",
            "warn",
            id="no goal",
        ),
        pytest.param(
            {**BY_PRESCREENS, "insight": ending(290, 300, 310)},
            "Will miss: about 300 of 400 by Fri 27 Nov. Needs 29 completes a day, gets 14. "
            "The goal of 800 prescreens is converted.",
            "bad",
            id="goal in prescreens",
        ),
        pytest.param(
            {**BY_PRESCREENS, "prescreens": 12, "completes": 3, "expected_incidence_rate": None},
            "Too early to tell: 12 of 800 prescreens, 3 completes. The goal in completes is not "
            "known before the first prescreens.",
            "info",
            id="goal in prescreens that is not converted yet",
        ),
        pytest.param(
            {**BY_PRESCREENS, "prescreens": 805},
            "Over goal: 805 of 800 prescreens, 200 completes, 5 over.",
            "warn",
            id="over goal by prescreens",
        ),
        pytest.param({}, "No forecast yet: 100 of 200 completes.", "info", id="no forecast"),
        pytest.param(
            {"ends_at": None, "insight": ending(150, 160, 170), "finish_at": LATE},
            "No end date: 100 of 200 completes. Full by Sun 29 Nov.",
            "warn",
            id="no end date",
        ),
        pytest.param(
            {"missing_since": NOW},
            "No longer listed: 100 of 200 completes when last listed.",
            "warn",
            id="no longer listed",
        ),
        pytest.param(
            {"completes": None},
            "No data yet: figures appear after the first update.",
            "info",
            id="never read",
        ),
    ],
)
def test_each_state_has_its_sentence(
    account: ExchangeAccount, fields: dict[str, Any], said: str, tone: str
) -> None:
    assert said_of(account, **fields) == (said, tone)


def test_a_stale_verdict_says_of_when_it_is(account: ExchangeAccount) -> None:
    fresh, _ = said_of(account, now=NOW + timedelta(minutes=14), completes=200)
    stale, tone = said_of(account, now=NOW + timedelta(minutes=16), completes=200)
    assert fresh == "Goal reached: 200 of 200 completes."
    assert stale == f"{fresh} Last updated Fri 21:00 Tokyo: this may have changed."
    assert tone == "good"


def test_a_draft_has_no_verdict(account: ExchangeAccount) -> None:
    group = factories.group(factories.project(account), status="draft")
    assert group_verdict(group, now=NOW) is None


@pytest.mark.parametrize(("status", "shown"), [("live", True), ("draft", False)])
def test_the_page_begins_with_the_verdict(
    client: Client, account: ExchangeAccount, status: str, shown: bool
) -> None:
    client.force_login(factories.person("viewer", account))
    group = factories.group(factories.project(account), status=status, completes=200)
    TargetGroup.objects.update(completes=200)
    page = fold_white_space(client.get(f"/groups/{group.pk}/").content.decode())
    live = page.partition('id="live"')[2]
    assert ('id="verdict"' in live) is shown
    if shown:
        said = text_of(live.partition('id="verdict">')[2].partition("</p>")[0])
        assert said.startswith("Goal reached: 200 of 200 completes.")
        assert live.index('id="verdict"') < live.index('class="strip"')
