"""Filters, sorting and paging, read from the query string.

Invalid values are ignored; an invalid value of a multi-value filter matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Count, F, Model, QuerySet, Window
from django.http import QueryDict

from dashboard.web.formatting.row_ids import parse_row_id

Row = TypeVar("Row", bound=Model)
PER_PAGE = 50
ROWS_A_PAGE = (25, PER_PAGE, 100, 200)
MOST_IDS = 500
MOST_VALUES = 100  # of one filter
# A query string for "no filters": without any, a page opens with the person's default view.
EXPLICITLY_EMPTY = "q="


@dataclass(frozen=True, slots=True)
class Heading:
    """A column heading with its sort link, if any, and its current sort direction."""

    key: str
    label: str
    href: str
    sort: str  # for aria-sort: "", "ascending" or "descending"
    kind: str
    hint: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the field it sorts by, if any, and whether large values come first."""

    label: str
    field: str
    descending: bool = False
    kind: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Several:
    """A multi-value filter: its table field, and how a text becomes a value.

    A text without a value stays in the query string and matches nothing.
    """

    field: str
    value: Callable[[str], object] = str.strip
    parted_by: str = ""  # characters that separate values within one text


class Listing:
    """The state of one table, read from the query string."""

    def __init__(
        self,
        query: QueryDict,
        columns: Mapping[str, Column],
        default: str,
        filters: Mapping[str, str],
        *,
        groupings: Mapping[str, str] | None = None,
        shown: Sequence[str] = (),
        extras: Sequence[str] = (),
        several: Mapping[str, Several] | None = None,
        per_page: int = PER_PAGE,
    ) -> None:
        """Read the state.

        `filters` and `groupings`: parameter name → table field. `shown`: the default columns, of
        which the first is always shown; if empty, all columns are shown. `extras`: parameters that
        the page itself reads. `several`: multi-value filters, whose parameters may repeat.
        `per_page`: the rows of a page unless another number is asked for.
        """
        self.default_rows = per_page
        self.columns = columns
        self.default = default
        key = query.get("sort", "").lstrip("-")
        self.sort = key if key in columns and columns[key].field else default
        self.flipped = query.get("sort", "").startswith("-")
        self.text = query.get("q", "").strip()[:100]
        self.chosen = {name: str(query[name]) for name in filters if query.get(name)}
        self.fields = filters
        self.several = several or {}
        self.picked = {
            name: values for name in self.several if (values := self._picked(query, name))
        }
        self.extra = {name: str(query[name])[:64] for name in extras if query.get(name)}
        self.alarming = query.get("incidents") == "1"
        self.behind = query.get("behind") == "1"
        self.column = (groupings or {}).get(query.get("by", ""), "")
        self.grouped = query.get("by", "") if self.column else ""
        self.number = _parse_page(query.get("page", ""))
        self.per_page = _parse_rows(query.get("rows", ""), per_page)
        ids = re.findall(r"[0-9A-Za-z]+", " ".join(query.getlist("ids")))
        self.ids, self.has_too_many_ids = ids[:MOST_IDS], len(ids) > MOST_IDS
        self.mine = query.get("mine") == "1"
        self.normal = tuple(shown)
        self.shown = self._shown({*query.getlist("col"), *query.get("cols", "").split(".")})

    def _picked(self, query: QueryDict, name: str) -> tuple[str, ...]:
        """Return the values of a filter in the query string, each once."""
        separators = self.several[name].parted_by
        texts = query.getlist(name)
        if separators:
            texts = [part for text in texts for part in re.split(f"[{separators}]", text)]
        values = (text.strip()[:200] for text in texts)
        return tuple(dict.fromkeys(filter(None, values)))[:MOST_VALUES]

    def _shown(self, chosen: set[str]) -> tuple[str, ...]:
        if not self.normal:
            return tuple(self.columns)
        optional = tuple(key for key in self.columns if key in chosen - {self.normal[0]})
        return (self.normal[0], *optional) if optional else self.normal

    @property
    def sort_key(self) -> str:
        """Return the sort parameter; empty for the default."""
        if self.sort == self.default and not self.flipped:
            return ""
        return f"-{self.sort}" if self.flipped else self.sort

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        by_value = (self.text, self.chosen, self.picked, self.extra, self.ids)
        return any((*by_value, self.alarming, self.behind, self.mine))

    def filtered(self, everything: QuerySet[Row]) -> QuerySet[Row]:
        """Return the rows that match the filters."""
        conditions: dict[str, object] = {
            self.fields[name]: value for name, value in self.chosen.items()
        }
        for name, texts in self.picked.items():
            values = [self.several[name].value(text) for text in texts]
            conditions[f"{self.several[name].field}__in"] = [
                value for value in values if value is not None
            ]
        return everything.filter(**conditions)

    def all_rows(self, everything: QuerySet[Row]) -> QuerySet[Row]:
        """Return the rows of all pages, sorted."""
        column = self.columns[self.sort]
        down = column.descending != self.flipped
        by = F(column.field)
        first = by.desc(nulls_last=True) if down else by.asc(nulls_last=True)
        above = [self.column] if self.column else []
        return self.filtered(everything).order_by(*above, first, "pk")

    # Any: rows are models, or named rows of `fields`, which Django does not type.
    def rows(self, everything: QuerySet[Any], *fields: str) -> tuple[list[Any], int]:
        """Return the rows of this page and the number on all pages, in one query.

        With `fields`, rows are named tuples of these, which load much faster.
        """
        rows = self.all_rows(everything).annotate(on_all_pages=Window(Count("pk")))
        if fields:
            rows = rows.values_list(*fields, "on_all_pages", named=True)
        start = (self.number - 1) * self.per_page
        shown = list(rows[start : start + self.per_page])
        return shown, shown[0].on_all_pages if shown else 0

    def address(self, **changed: str | Sequence[str]) -> str:
        """Return the query string with some parameters changed; other changes reset the page."""
        parts: dict[str, str | Sequence[str]] = {"q": self.text}
        parts |= self.chosen
        parts |= self.picked
        parts |= self.extra
        parts |= {"incidents": "1" if self.alarming else "", "by": self.grouped}
        parts |= {"behind": "1" if self.behind else ""}
        parts |= {"ids": " ".join(self.ids), "mine": "1" if self.mine else ""}
        parts |= {"cols": self.columns_key, "sort": self.sort_key}
        parts |= {"rows": self._rows_key(self.per_page)}
        parts |= changed
        query = urlencode({key: value for key, value in parts.items() if value}, doseq=True)
        return f"?{query or EXPLICITLY_EMPTY}"

    @property
    def columns_key(self) -> str:
        """Return the column parameter; empty for the default columns."""
        is_default = not self.normal or set(self.shown) == set(self.normal)
        return "" if is_default else ".".join(self.shown[1:])

    def headings(self) -> list[Heading]:
        """Return the headings with sort links; a second click reverses the order."""
        return [self._heading(key, self.columns[key]) for key in self.shown]

    def _heading(self, key: str, column: Column) -> Heading:
        is_sorted = key == self.sort
        down = column.descending != self.flipped
        target = f"-{key}" if is_sorted and not self.flipped else key
        sort = ("descending" if down else "ascending") if is_sorted else ""
        link = self.address(sort=target) if column.field else ""
        return Heading(key, column.label, link, sort, column.kind, column.hint)

    def pages(self, total: int) -> dict[str, object]:
        """Return the position of this page among all pages, with links."""
        last = max(1, -(-total // self.per_page))
        return {
            "total": total,
            "number": self.number,
            "last": last,
            "first_row": (self.number - 1) * self.per_page + 1,
            "last_row": min(self.number * self.per_page, total),
            "sizes": self._sizes() if total > min(ROWS_A_PAGE) else [],
            "before": self.address(page=str(self.number - 1)) if self.number > 1 else "",
            "after": self.address(page=str(self.number + 1)) if self.number < last else "",
        }

    def _sizes(self) -> list[tuple[int, str, bool]]:
        """Return the choices of rows a page: number, link, whether it is the present one."""
        return [
            (size, self.address(rows=self._rows_key(size)), size == self.per_page)
            for size in ROWS_A_PAGE
        ]

    def _rows_key(self, size: int) -> str:
        """Return the parameter of rows a page; empty for the default."""
        return "" if size == self.default_rows else str(size)


def drop_non_numeric(query: QueryDict, name: str) -> QueryDict:
    """Drop a parameter whose value is no number, since it could match nothing."""
    copy = query.copy()
    if not str(copy.get(name, "0")).isdecimal():
        del copy[name]
    return copy


def _parse_rows(text: str, default: int) -> int:
    return next((size for size in ROWS_A_PAGE if str(size) == text), default)


def _parse_page(text: str) -> int:
    page = parse_row_id(text)
    return page if 0 < page < 10**6 else 1
