"""The lines that one alert adds to a message."""

from __future__ import annotations

import pytest

from dashboard.alerts.channels.message import AlertPart, ChannelMessage, part_lines


def part(project: str) -> AlertPart:
    return AlertPart(
        state="warning",
        project=project,
        group="Japan",
        headline="Stalled: Japan",
        sentence="No complete for 5 h.",
        at_stake="120 completes at risk",
        link="https://fieldwatch.example/items/1/",
    )


@pytest.mark.parametrize(
    ("projects", "lines"),
    [
        (("Tracker",), ["No complete for 5 h.", "120 completes at risk"]),
        (
            ("Tracker", "Tracker"),
            ["Stalled: Japan", "No complete for 5 h.", "120 completes at risk"],
        ),
        (
            ("Tracker", "Concept"),
            ["Stalled: Japan", "Tracker", "No complete for 5 h.", "120 completes at risk"],
        ),
    ],
)
def test_a_part_says_no_more_than_it_must(projects: tuple[str, ...], lines: list[str]) -> None:
    parts = tuple(part(project) for project in projects)
    message = ChannelMessage(kind="alerts", title="Stalled: Japan", parts=parts)
    assert part_lines(message, parts[0]) == lines
