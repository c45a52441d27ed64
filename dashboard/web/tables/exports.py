"""Tables as files for spreadsheets: streamed, and without formulas."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse

Cell = str | int | float | Decimal | datetime | None
# The full-width forms count too: East Asian spreadsheets read them as the same signs.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BOM = "\ufeff"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DATES = "yyyy-mm-dd hh:mm"
IN_MEMORY = 2**20  # bytes of a workbook; a bigger one goes to disk
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_CELL = 32767  # characters, by the format


class ExportLine:
    """A file object that returns what is written to it."""

    def write(self, text: str) -> str:
        """Return the text itself."""
        return text


def neutral_cell(cell: Cell) -> str:
    """Return a cell as text that no spreadsheet reads as a formula; numbers stay numbers."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" \u3000").startswith(FORMULA) else cell
    return _plain_amount(cell) if isinstance(cell, Decimal) else str(cell)


def _plain_amount(money: Decimal) -> str:
    """Format an amount without the zeros that a database adds: 2.70 and 1204, not 2.700000."""
    whole, _, parts = f"{money:f}".partition(".")
    parts = parts.rstrip("0")
    return f"{whole}.{parts.ljust(2, '0')}" if parts else whole


class Sheet(NamedTuple):
    """A table for a file: headings with units and time zone, and rows as they are read."""

    headings: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def download_sheet(name: str, kind: str, sheet: Sheet) -> HttpResponseBase:
    """Return a download; `kind` is "csv" or "xlsx"."""
    return _as_download(as_csv(sheet) if kind == "csv" else as_xlsx(sheet), name, kind)


def _as_download(response: HttpResponseBase, name: str, kind: str) -> HttpResponseBase:
    stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M}Z"
    safe_name = _UNSAFE.sub("-", name)  # it may hold an id as the exchange sends it
    response["Content-Disposition"] = f'attachment; filename="{safe_name}-{stamp}.{kind}"'
    response["Cache-Control"] = "private, no-store"
    return response


def as_csv(sheet: Sheet) -> StreamingHttpResponse:
    """Return a streamed CSV in UTF-8, with the byte order mark that spreadsheets look for."""

    def lines() -> Iterator[str]:
        writer = csv.writer(ExportLine())
        yield BOM + writer.writerow(sheet.headings)
        for row in sheet.rows:
            yield writer.writerow([neutral_cell(cell) for cell in row])

    return StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")


def download_workbook(name: str, sheets: Mapping[str, Sheet]) -> HttpResponseBase:
    """Return a download of a workbook with several sheets, by their titles."""
    return _as_download(as_workbook(sheets), name, "xlsx")


def as_xlsx(sheet: Sheet) -> FileResponse:
    """Return a workbook of one sheet."""
    return as_workbook({"Sheet1": sheet})


def as_workbook(sheets: Mapping[str, Sheet]) -> FileResponse:
    """Return a workbook, written row by row; text cells are never formulas."""
    import xlsxwriter  # noqa: PLC0415  2.4 MB that most web processes never need

    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the response closes it
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "default_date_format": DATES})
    for title, sheet in sheets.items():
        _write_sheet(book, title, sheet)
    book.close()
    file.seek(0)
    return FileResponse(file, content_type=XLSX)


# Any: xlsxwriter has no types.
def _write_sheet(book: Any, title: str, sheet: Sheet) -> None:
    page = book.add_worksheet(title)
    page.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for column, heading in enumerate(sheet.headings):
        page.write_string(0, column, heading, bold)
        page.set_column(column, column, min(max(len(heading) + 2, 10), 40))
    number = 0
    for number, row in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(row):
            _write_cell(page, number, column, cell)
    page.autofilter(0, 0, number, len(sheet.headings) - 1)


# Any: xlsxwriter has no types.
def _write_cell(page: Any, row: int, column: int, cell: Cell) -> None:
    if cell is None:
        return
    if isinstance(cell, str):
        page.write_string(row, column, cell[:LONGEST_CELL])
    elif isinstance(cell, datetime):
        page.write_datetime(row, column, cell.astimezone(UTC).replace(tzinfo=None))
    else:
        page.write_number(row, column, cell)
