"""What is on screen as a file for spreadsheets: streamed, and never a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from django.http import StreamingHttpResponse

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.web import history, words

Cell = str | int | float | Decimal | datetime | None
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
BOM = "\ufeff"

GROUP_HEADINGS = (
    "Project", "Group", "Id", "Exchange id", "Country", "Locale", "Status", "Completes",
    "Prescreens", "Goal", "Filling strategy", "Short at end (completes)", "Likely finish (UTC)",
    "End (UTC)", "CPI", "Average CPI", "Spend", "Currency", "LOI (min)", "Agreed LOI (min)",
    "IR (%)", "Expected IR (%)", "Conversion (%)", "Drop-off (%)", "EPC", "EPCM",
    "Last complete (UTC)", "Read (UTC)",
)  # fmt: skip
HISTORY_HEADINGS = (
    "When (UTC)", "Who", "Through", "Project", "Group", "Id", "What", "From", "To", "Outcome",
)  # fmt: skip
EDIT_HEADINGS = ("When (UTC)", "Who", "Project", "Group", "Id", "What", "From", "To", "Outcome")


class Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def neutral(cell: Cell) -> str:
    """A cell as text that no spreadsheet takes for a formula; numbers stay numbers."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def as_csv(
    name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """A download in UTF-8 with a mark at the front, by which spreadsheets know it."""

    def lines() -> Iterator[str]:
        writer = csv.writer(Line())
        yield BOM + writer.writerow(headings)
        for row in rows:
            yield writer.writerow([neutral(cell) for cell in row])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M}Z"
    response["Content-Disposition"] = f'attachment; filename="{name}-{stamp}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 2)


def group_line(group: TargetGroup) -> list[Cell]:
    """The cells of a group, in the order of GROUP_HEADINGS."""
    seconds = group.median_loi_seconds
    return [
        group.project.name,
        group.name,
        group.human_readable_id,
        group.exchange_id,
        words.country(group.country_code),
        group.locale,
        words.STATUSES.get(group.status, group.status),
        group.completes,
        group.prescreens,
        group.filling_goal,
        words.STRATEGIES.get(group.filling_strategy, group.filling_strategy),
        None if group.short_at_end is None else round(group.short_at_end),
        group.finish_at,
        group.ends_at,
        group.cpi,
        group.average_cpi,
        group.cost,
        group.currency,
        None if seconds is None else round(seconds / 60, 1),
        group.expected_loi_minutes,
        _percent(group.incidence_rate),
        _percent(group.expected_incidence_rate),
        _percent(group.conversion_rate),
        _percent(group.drop_off_rate),
        group.epc,
        group.epcm,
        group.last_complete_at,
        group.project.read_at,
    ]


def edit_line(edit: Edit, names: Mapping[str, str]) -> list[Cell]:
    """The cells of an edit, in the order of EDIT_HEADINGS."""
    group = edit.group
    project = group.project if group else edit.project
    name, number = (group.name, group.human_readable_id) if group else ("", "")
    line = history.edit_line(edit, names)
    return [line.at, line.who, project.name if project else "", name, number, *_change(line)]


def history_line(line: history.Line, project: str, group: str, number: str) -> list[Cell]:
    """The cells of a line of history, in the order of HISTORY_HEADINGS."""
    through = "Fieldwatch" if line.ours else "the exchange"
    return [line.at, line.who, through, project, group, number, *_change(line)]


def _change(line: history.Line) -> list[Cell]:
    return [line.what, line.old, line.new, f"{line.outcome}. {line.detail}".strip(". ")]
