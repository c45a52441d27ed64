"""A clock for the product and the exchange together: it stands, and jumps instead of waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.utils import timezone

START = datetime(2026, 11, 18, 12, tzinfo=UTC)
TICK = 0.001  # seconds that pass whenever the product looks at its clock


class Shift:
    """A moment, the same for both sides; nobody waits for it to pass."""

    def __init__(self, start: datetime = START) -> None:
        self.at = start.timestamp()

    def time(self) -> float:
        """Unix seconds, for the exchange."""
        return self.at

    def ms(self) -> int:
        """Unix milliseconds, as the exchange notes them."""
        return int(self.at * 1000)

    def jump(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self.at += seconds

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Django's clock, and with it the product's, is this one meanwhile."""
        clock: Any = timezone  # its `now` asks its own `datetime`
        real, shift = clock.datetime, self

        class Shifted(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                shift.at += TICK
                return datetime.fromtimestamp(shift.at, tz)

        clock.datetime = Shifted
        try:
            yield
        finally:
            clock.datetime = real
