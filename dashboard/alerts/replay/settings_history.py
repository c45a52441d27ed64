"""What was agreed of a group at any moment: its settings, as the changelog takes them back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.models import Change, TargetGroup


def as_count(value: Any) -> int | None:
    """A count as the changelog gives it."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def as_share(value: Any) -> float | None:
    """A rate as the changelog gives it, 0–1."""
    return float(value) if isinstance(value, (int, float)) and 0 <= value <= 1 else None


def as_text(value: Any) -> str | None:
    """A status or a strategy as the changelog gives it."""
    return value if isinstance(value, str) and value else None


def as_moment(value: Any) -> datetime | None:
    """A time as the changelog gives it; None for what is none, or has no zone."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.utcoffset() is not None else None


# What the changelog can take back: which column, and how its values are read.
SETTINGS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    ChangelogKind.STATUS: ("status", as_text),
    ChangelogKind.FILLING_GOAL: ("filling_goal", as_count),
    ChangelogKind.FILLING_STRATEGY: ("filling_strategy", as_text),
    ChangelogKind.FIELDING_PERIOD_START_DATE: ("starts_at", as_moment),
    ChangelogKind.FIELDING_PERIOD_END_DATE: ("ends_at", as_moment),
    ChangelogKind.EXPECTED_INCIDENCE_RATE: ("expected_incidence_rate", as_share),
    ChangelogKind.EXPECTED_LENGTH_OF_INTERVIEW_MINUTES: ("expected_loi_minutes", as_count),
    ChangelogKind.CPI: ("cpi", price_from_changelog),
    ChangelogKind.USER_REQUESTED_CPI: ("cpi", price_from_changelog),
}


class SettingOverTime:
    """The values of one setting, each since its change; before the first what that replaced."""

    def __init__(self, present: Any) -> None:
        self._since: list[datetime] = []
        self._values = [present]

    def add(self, at: datetime, old: Any, new: Any) -> None:
        """The next change; where one side cannot be read, the value beside it stands in."""
        if not self._since:
            self._values = [new if old is None else old]
        self._since.append(at)
        self._values.append(self._values[-1] if new is None else new)

    def at(self, now: datetime) -> Any:
        """The value that held then."""
        return self._values[bisect_right(self._since, now)]


def settings_over_time(group: TargetGroup, changes: Iterable[Change]) -> dict[str, SettingOverTime]:
    """Each setting of a group that the changelog tells of, over time; changes oldest first."""
    found = {name: SettingOverTime(getattr(group, name)) for name, _ in SETTINGS.values()}
    for change in changes:
        if change.kind in SETTINGS:
            name, as_value = SETTINGS[change.kind]
            found[name].add(change.occurred_at, as_value(change.old), as_value(change.new))
    return found
