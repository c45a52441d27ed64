"""The field's clock: real by default, faster or moved on demand. Times are Unix milliseconds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_DURATION = re.compile(
    r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$"
)
_UNITS = (365 * DAY, 30 * DAY, 7 * DAY, DAY, HOUR, MINUTE, SECOND)


@dataclass
class SimulatedClock:
    """Field time as a line through (wall, field) with a slope; wall is Unix seconds."""

    wall: Callable[[], float]
    anchor_wall: float
    anchor: int
    speed: float = 1.0
    latest: int = 0

    def now(self) -> int:
        """The field's present in milliseconds; it does not move while the wall clock goes back."""
        field_time = self.anchor + int((self.wall() - self.anchor_wall) * SECOND * self.speed)
        self.latest = max(self.latest, field_time)
        return self.latest

    def move(self, *, to: int | None = None, speed: float | None = None) -> None:
        """Go on from another moment or at another speed; the past stays as it is."""
        now = self.now()
        if to is not None and to < now:
            raise ValueError("the field's clock cannot go back")
        self.anchor, self.anchor_wall = (now if to is None else to), self.wall()
        if speed is not None:
            self.speed = speed


def rfc3339_stamp(ms: int) -> str:
    """RFC 3339 in UTC with three fractional digits."""
    whole, rest = divmod(ms, SECOND)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def read_stamp(text: str) -> int:
    """Milliseconds of an RFC 3339 text; ValueError if it is none or has no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or len(text) < 20:
        raise ValueError("not an RFC 3339 date-time with a zone")
    return round(moment.timestamp() * SECOND)


def read_duration(text: str) -> int:
    """Milliseconds of an ISO-8601 duration (a month is 30 days); ValueError otherwise."""
    match = _DURATION.match(text)
    if match is None or text.endswith("T"):
        raise ValueError("not an ISO-8601 duration")
    length = sum(int(n) * unit for n, unit in zip(match.groups(default="0"), _UNITS, strict=True))
    if length <= 0:
        raise ValueError("not a positive duration")
    return length
