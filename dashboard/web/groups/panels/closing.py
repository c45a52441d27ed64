"""The closing sheet of a group that has completed: what it came to, and when that is final."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.fielding.models import TargetGroup
from dashboard.sync.scheduling import reconciled_at
from dashboard.web.formatting import numbers

CENTRAL = ZoneInfo("America/Chicago")  # where the exchange's month ends


@dataclass(frozen=True, slots=True)
class ClosingLine:
    """One line of the sheet."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


def closing_lines(group: TargetGroup, *, now: datetime) -> list[ClosingLine]:
    """Short or overfilled, spend against budget, and the day when reconciliation ends."""
    if group.status != "completed":
        return []
    lines = [_count(group)]
    if group.filling_strategy == "prescreens":
        lines.append(ClosingLine("Completes", numbers.format_count(group.completes)))
    lines.append(
        ClosingLine("Average CPI", numbers.format_price(group.average_cpi, group.currency))
    )
    lines.append(_spend(group))
    if group.last_complete_at:
        final = reconciled_at(group.last_complete_at)
        day = (final - timedelta(seconds=1)).astimezone(CENTRAL)
        over = "counts are final" if final <= now else "completes can be turned down until then"
        lines.append(ClosingLine("Reconciliation ends", f"{day:%-d %b %Y}", over))
    return lines


def in_short(group: TargetGroup) -> str:
    """How many it came to, and what that cost, for a list of groups that were completed."""
    count, spend = _count(group), _spend(group)
    return ", ".join(filter(None, (count.value, count.note, spend.value, spend.note)))


def _count(group: TargetGroup) -> ClosingLine:
    """What the goal counts, by the filling strategy."""
    if group.filling_strategy == "prescreens":
        return _reached("Prescreens", group.prescreens, group.filling_goal)
    return _reached("Completes", group.completes, group.filling_goal or group.completes_goal)


def _reached(label: str, done: int | None, goal: int | None) -> ClosingLine:
    if done is None or not goal:
        return ClosingLine(label, numbers.format_count(done))
    said = f"{numbers.format_count(done)} of {numbers.format_count(goal)}"
    if done < goal:
        return ClosingLine(label, said, f"{numbers.format_count(goal - done)} short", "warn")
    if done > goal:
        return ClosingLine(
            label, said, f"{numbers.format_count(done - goal)} more than asked for", "warn"
        )
    return ClosingLine(label, said, "exactly what was asked for", "good")


def _spend(group: TargetGroup) -> ClosingLine:
    spent = numbers.format_total(group.cost, group.currency)
    if group.budget is None or group.cost is None:
        return ClosingLine("Spend", spent)
    rest = group.budget - group.cost
    side = "below" if rest >= 0 else "ABOVE"
    note = f"{numbers.format_total(abs(rest), group.currency)} {side} the budget"
    return ClosingLine("Spend", spent, note, "good" if rest >= 0 else "bad")
