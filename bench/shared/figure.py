"""A measured figure and its goal, as every benchmark gives it."""

from typing import NamedTuple


class Figure(NamedTuple):
    """One measured figure; `ok` tells whether it meets its goal. No value: it was skipped."""

    name: str
    value: float | None
    goal: str
    ok: bool
    note: str = ""

    def __str__(self) -> str:
        value = "-" if self.value is None else f"{self.value:.3g}"
        verdict = "skipped" if self.value is None else "ok" if self.ok else "short"
        note = f" ({self.note})" if self.note else ""
        return f"{self.name}={value} goal={self.goal} {verdict}{note}"


def skipped(name: str, goal: str, reason: str) -> Figure:
    """A figure that cannot be measured here, with the reason."""
    return Figure(name, None, goal, False, reason)
