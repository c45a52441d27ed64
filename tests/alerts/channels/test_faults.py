"""A seeded story for each channel: services fail, workers die; `make soak` tells more."""

from __future__ import annotations

from bench.faults.channel_faults import stories
from tests.fakes.channel_receiver import SERVICES


def test_whatever_fails_no_channel_loses_a_message_or_repeats_one_unsaid() -> None:
    counts = stories(range(len(SERVICES)))
    assert all(counts[service]["messages"] and counts[service]["faults"] for service in SERVICES)
    for service in SERVICES:
        wrong = [counts[service][name] for name in ("lost", "intents_twice", "repeated_unsaid")]
        assert wrong == [0, 0, 0], service
