"""A group's settings at any time in the past, from the changelog."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.models import Change, TargetGroup


def as_count(value: object) -> int | None:
    """Return a count of the changelog; None if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def as_share(value: object) -> float | None:
    """Return a rate of the changelog (0 to 1); None if it is none."""
    return float(value) if isinstance(value, (int, float)) and 0 <= value <= 1 else None


def as_text(value: object) -> str | None:
    """Return a status or a strategy of the changelog; None if it is none."""
    return value if isinstance(value, str) and value else None


def as_time(value: object) -> datetime | None:
    """Return a time of the changelog; None if it is none or has no zone."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.utcoffset() is not None else None


SettingValue = str | int | float | datetime | Decimal | None
# The settings in the changelog: their column, and how their values are read.
SETTINGS: dict[str, tuple[str, Callable[[object], SettingValue]]] = {
    ChangelogKind.STATUS: ("status", as_text),
    ChangelogKind.FILLING_GOAL: ("filling_goal", as_count),
    ChangelogKind.FILLING_STRATEGY: ("filling_strategy", as_text),
    ChangelogKind.FIELDING_PERIOD_START_DATE: ("starts_at", as_time),
    ChangelogKind.FIELDING_PERIOD_END_DATE: ("ends_at", as_time),
    ChangelogKind.EXPECTED_INCIDENCE_RATE: ("expected_incidence_rate", as_share),
    ChangelogKind.EXPECTED_LENGTH_OF_INTERVIEW_MINUTES: ("expected_loi_minutes", as_count),
    ChangelogKind.CPI: ("cpi", price_from_changelog),
    ChangelogKind.USER_REQUESTED_CPI: ("cpi", price_from_changelog),
}


class SettingOverTime:
    """The values of one setting, each from its change on; before the first the replaced value."""

    def __init__(self, present: SettingValue) -> None:
        self._since: list[datetime] = []
        self._values: list[SettingValue] = [present]

    def add(self, at: datetime, old: SettingValue, new: SettingValue) -> None:
        """Add the next change; a value that cannot be read is replaced by the one next to it."""
        if not self._since:
            self._values = [new if old is None else old]
        self._since.append(at)
        self._values.append(self._values[-1] if new is None else new)

    def at(self, now: datetime) -> SettingValue:
        """Return the value at a time."""
        return self._values[bisect_right(self._since, now)]


def settings_over_time(group: TargetGroup, changes: Iterable[Change]) -> dict[str, SettingOverTime]:
    """Return each setting of a group in the changelog over time; changes: oldest first."""
    settings = {name: SettingOverTime(getattr(group, name)) for name, _ in SETTINGS.values()}
    for change in changes:
        if change.kind in SETTINGS:
            name, as_value = SETTINGS[change.kind]
            settings[name].add(change.occurred_at, as_value(change.old), as_value(change.new))
    return settings
