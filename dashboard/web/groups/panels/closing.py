"""The final report of a completed group: its result, and when that is final."""

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
    """One line of the report."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


def closing_lines(group: TargetGroup, *, now: datetime) -> list[ClosingLine]:
    """Return result against goal, spend against budget, and the end of reconciliation."""
    if group.status != "completed":
        return []
    lines = [_goal_line(group)]
    if group.filling_strategy == "prescreens":
        lines.append(ClosingLine("Completes", numbers.format_count(group.completes)))
    lines.append(
        ClosingLine("Average CPI", numbers.format_price(group.average_cpi, group.currency))
    )
    lines.append(_spend_line(group))
    if group.last_complete_at:
        final = reconciled_at(group.last_complete_at)
        day = (final - timedelta(seconds=1)).astimezone(CENTRAL)
        over = "counts are final" if final <= now else "completes can be rejected until then"
        lines.append(ClosingLine("Reconciliation ends", f"{day:%-d %b %Y}", over))
    return lines


def summarise_closing(group: TargetGroup) -> str:
    """Return completes and spend in one line, for a list of completed groups."""
    count, spend = _goal_line(group), _spend_line(group)
    return ", ".join(filter(None, (count.value, count.note, spend.value, spend.note)))


def _goal_line(group: TargetGroup) -> ClosingLine:
    """Return the result of what the goal counts: completes or prescreens."""
    if group.filling_strategy == "prescreens":
        return _reached_line("Prescreens", group.prescreens, group.filling_goal)
    return _reached_line("Completes", group.completes, group.filling_goal or group.completes_goal)


def _reached_line(label: str, count: int | None, goal: int | None) -> ClosingLine:
    if count is None or not goal:
        return ClosingLine(label, numbers.format_count(count))
    text = f"{numbers.format_count(count)} of {numbers.format_count(goal)}"
    if count < goal:
        return ClosingLine(label, text, f"{numbers.format_count(goal - count)} short", "warn")
    if count > goal:
        return ClosingLine(label, text, f"{numbers.format_count(count - goal)} over goal", "warn")
    return ClosingLine(label, text, "on target", "good")


def _spend_line(group: TargetGroup) -> ClosingLine:
    spent = numbers.format_total(group.cost, group.currency)
    if group.budget is None or group.cost is None:
        return ClosingLine("Spend", spent)
    rest = group.budget - group.cost
    side = "under" if rest >= 0 else "over"
    note = f"{numbers.format_total(abs(rest), group.currency)} {side} budget"
    return ClosingLine("Spend", spent, note, "good" if rest >= 0 else "bad")
