"""What was computed of each project, kept in this process while the project is unchanged."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from dashboard.fielding.figures.today import quarter_hour

T = TypeVar("T")


class KeptByProject(Generic[T]):
    """One value a project, for a version of it and what else it depends on.

    None is older than the present quarter of an hour: figures of today and what is left of the time
    change without a new version.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[tuple[object, ...], T]] = {}

    def forget(self) -> None:
        """Forget all projects, as after the tables were replaced."""
        self._kept.clear()

    def find(self, project_pk: int, version: int, *others: object, now: datetime) -> T | None:
        """Return the kept value of a project; None without one for this version and others."""
        key, value = self._kept.get(project_pk, ((), None))
        return value if key == (quarter_hour(now), version, *others) else None

    def keep(self, project_pk: int, version: int, *others: object, value: T, now: datetime) -> T:
        """Keep a value in the place of the project's last one, and return it."""
        self._kept[project_pk] = ((quarter_hour(now), version, *others), value)
        return value
