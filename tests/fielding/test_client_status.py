"""What a client reads: the verdict in plain words, the tiles, and what options leave out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.fielding.figures.client.status import (
    ClientOptions,
    ClientRow,
    ClientStatus,
    client_status,
)
from dashboard.fielding.figures.client.tables import (
    age_of_figures,
    tables_of_status,
    tiles_of_status,
)
from dashboard.fielding.figures.project_outlook import ProjectOutlook, outlook_of_groups
from dashboard.fielding.figures.project_verdict import VerdictKind, project_verdict

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
EVERYTHING = ClientOptions(
    "Tracker", "", shows_countries=True, shows_groups=True, shows_projection=True
)


def row(**fields: object) -> ClientRow:
    """A live group of 200 that is projected to reach 200, half-way through its period."""
    given: dict[str, object] = {
        "name": "Group",
        "time_zone": "",
        "finish_at": NOW + timedelta(days=6),
        "status": "live",
        "missing_since": None,
        "starts_at": NOW - timedelta(days=7),
        "ends_at": NOW + timedelta(days=7),
        "completes": 100,
        "prescreens": 300,
        "filling_strategy": "completes",
        "filling_goal": 200,
        "completes_goal": 200,
        "expected_incidence_rate": 0.3,
        "country_code": "de",
        "insight__forecast__at_end": [200, 210, 220],
    }
    return ClientRow(**(given | fields))  # type: ignore[arg-type]


def status_of(*rows: ClientRow, options: ClientOptions = EVERYTHING) -> ClientStatus:
    """What a client sees of groups."""
    outlook = outlook_of_groups(rows, now=NOW)
    return client_status(rows, outlook, options, read_at=NOW, zone=BERLIN, now=NOW)


SHORT = {"insight__forecast__at_end": [100, 120, 130], "finish_at": None}
LATE = {"insight__forecast__at_end": [180, 190, 195], "finish_at": NOW + timedelta(days=9)}
OVER = {"status": "completed", "insight__forecast__at_end": None}


@pytest.mark.parametrize(
    ("rows", "sentence", "tone"),
    [
        ([{}], "Fieldwork is on track: we project about 200 of 200 completes by 27 Nov.", "good"),
        (
            [SHORT],
            "Fieldwork is projected to fall short: about 120 of 200 completes by 27 Nov, "
            "80 below the goal.",
            "bad",
        ),
        (
            [LATE],
            "Fieldwork is projected to end late: about 190 of 200 completes by 27 Nov. "
            "The other 10 would follow within 2 days.",
            "warn",
        ),
        ([OVER | {"completes": 200}], "Fieldwork is complete: 200 of 200 completes.", "good"),
        ([OVER], "Fieldwork has ended: 100 of 200 completes, 100 below the goal.", "bad"),
        (
            [{"status": "paused"}],
            "Fieldwork is paused at the moment: 100 of 200 completes so far.",
            "warn",
        ),
        (
            [{"status": "scheduled", "completes": 0, "starts_at": NOW + timedelta(days=1)}],
            "Fieldwork is scheduled and has not started yet. We project about 200 of 200 "
            "completes by 27 Nov.",
            "",
        ),
        (
            [{"insight__forecast__at_end": None}],
            "Fieldwork is in progress: 100 of 200 completes so far. "
            "It is too early for a projection.",
            "",
        ),
        (
            [{"filling_goal": None, "completes_goal": None}],
            "100 completes so far. No goal is set yet.",
            "",
        ),
        ([], "No fieldwork is planned yet.", ""),
    ],
)
def test_the_verdict_in_plain_words(
    rows: list[dict[str, object]], sentence: str, tone: str
) -> None:
    verdict = status_of(*(row(**fields) for fields in rows)).verdict
    assert verdict.sentences[0] == sentence
    assert verdict.tone == tone


def test_before_the_first_pull_there_are_no_figures() -> None:
    status = client_status([], None, EVERYTHING, read_at=None, zone=BERLIN, now=NOW)
    assert status.verdict.sentences == ("The first figures are not available yet.",)
    assert tiles_of_status(status) == []
    assert age_of_figures(status, zone=BERLIN, now=NOW) == ("No figures yet", True)


def test_every_kind_of_verdict_that_has_no_budget_has_its_words() -> None:
    without_budget = set(VerdictKind) - {VerdictKind.OVER_BUDGET}
    worlds = [
        [row()],
        [row(**SHORT)],
        [row(**LATE)],
        [row(**OVER)],
        [row(**OVER, completes=200)],
        [row(status="paused")],
        [row(status="scheduled")],
        [row(insight__forecast__at_end=None)],
        [row(filling_goal=None, completes_goal=None)],
        [],
    ]
    outlooks: list[ProjectOutlook | None] = [outlook_of_groups(rows, now=NOW) for rows in worlds]
    kinds = {project_verdict(outlook, None, zone=BERLIN).kind for outlook in [*outlooks, None]}
    assert kinds == without_budget
    for rows in worlds:
        assert status_of(*rows).verdict.sentences[0]


def test_late_groups_are_counted_in_a_sentence_and_a_tile() -> None:
    status = status_of(row(), row(**SHORT), row(insight__forecast__at_end=None))
    assert status.verdict.sentences[1:] == (
        "1 of 3 open groups is projected to end below its goal.",
        "1 of 3 open groups has no projection yet and counts as reaching its goal.",
    )
    assert tiles_of_status(status)[3][:3] == ("Late groups", "1", "of 3")


def test_four_tiles_with_what_they_are_measured_against() -> None:
    tiles = tiles_of_status(status_of(row(completes=90, **SHORT)))
    assert [tile[:4] for tile in tiles] == [
        ("Completes", "90", "of 200", "45 % of goal"),
        ("Target by now", "100", "", "10 behind"),
        ("Projected at end", "120", "", "likely 100–130"),
        ("Late groups", "1", "of 1", ""),
    ]


def test_without_the_projection_nothing_is_projected() -> None:
    options = EVERYTHING._replace(shows_projection=False)
    status = status_of(row(completes=60, **SHORT), options=options)
    assert status.verdict.sentences == (
        "Fieldwork is behind schedule. 60 of 200 completes so far; the target by now is 100.",
    )
    assert [tile.label for tile in tiles_of_status(status)] == ["Completes", "Target by now"]
    assert status.figures.projected is status.figures.late_groups is None
    assert [table.headings for table in tables_of_status(status)] == [
        ("Country", "Completes", "Goal", "Ends"),
        ("Group", "Completes", "Goal", "Ends"),
    ]


def test_what_is_not_shared_is_not_in_the_structure() -> None:
    options = EVERYTHING._replace(shows_countries=False, shows_groups=False)
    status = status_of(row(), options=options)
    assert status.countries is status.groups is None
    assert tables_of_status(status) == []


def test_a_country_ends_on_its_own_calendar() -> None:
    late = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
    status = status_of(row(country_code="jp", ends_at=late), row(country_code="", ends_at=late))
    assert [(table.rows[0][0], table.rows[0][4]) for table in tables_of_status(status)[:1]] == [
        ("Japan", "28 Nov")
    ]
    assert tables_of_status(status)[0].rows[1][0] == "Other"


@pytest.mark.parametrize(
    ("age", "words", "is_stale"),
    [
        (timedelta(seconds=-5), "less than a minute ago", False),
        (timedelta(minutes=1), "1 minute ago", False),
        (timedelta(minutes=119), "1 hour ago", False),
        (timedelta(hours=3), "3 hours ago", True),
        (timedelta(days=2), "2 days ago", True),
    ],
)
def test_the_figures_carry_their_age(age: timedelta, words: str, is_stale: bool) -> None:
    text, stale = age_of_figures(status_of(row()), zone=BERLIN, now=NOW + age)
    assert text == f"Figures of Fri 20 Nov 2026, 13:00 Berlin, {words}"
    assert stale is is_stale
