"""One seeded story of SIGKILLs and a mail server in every mood; `make soak` tells 1,000."""

from __future__ import annotations

from bench.faults import stories
from bench.stage import SQLITE


def test_nothing_is_lost_and_nothing_comes_twice_without_cause() -> None:
    told = stories(SQLITE, [7])
    assert told["deaths"] > 0
    assert told["mails"] > 0
    assert (told["lost"], told["notices_twice"], told["mails_repeated_without_cause"]) == (0, 0, 0)
