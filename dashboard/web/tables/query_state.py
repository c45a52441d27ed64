"""Filters, sorting and paging as the address has them.

What the address gets wrong is ignored; a wrong value of a filter of several matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, QuerySet, Window
from django.http import QueryDict

from dashboard.web.formatting.row_ids import parse_row_id

PER_PAGE = 200
MOST_IDS = 500
MOST_VALUES = 100  # of one filter
# An address that asks for nothing says so; without any, a page opens with the person's own view.
EXPLICITLY_EMPTY = "q="


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading: its sort link, if it has one, and whether it is the one sorted by."""

    key: str
    label: str
    href: str
    sort: str  # for aria-sort: "", "ascending" or "descending"
    kind: str
    hint: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the field that it is sorted by, if any, and whether big ones come first."""

    label: str
    field: str
    descending: bool = False
    kind: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Several:
    """A filter that takes several values: its field of the table, and how a value is understood.

    A text that makes no value stays in the address and matches nothing.
    """

    field: str
    value: Callable[[str], Any] = str.strip
    parted_by: str = ""  # characters that part values within one text, beside repetition


class Listing:
    """One table as its address describes it."""

    def __init__(
        self,
        asked: QueryDict,
        columns: Mapping[str, Column],
        default: str,
        filters: Mapping[str, str],
        *,
        groupings: Mapping[str, str] | None = None,
        shown: Sequence[str] = (),
        extras: Sequence[str] = (),
        several: Mapping[str, Several] | None = None,
    ) -> None:
        """`filters` and `groupings`: name in the address → field of the table.

        `shown`: the columns without being asked, the first of them always; with none, all are
        shown and there is no choice. `extras`: names whose values the page itself reads. `several`:
        filters that take several values, each given by repeating its name in the address.
        """
        self.columns = columns
        self.default = default
        key = asked.get("sort", "").lstrip("-")
        self.sort = key if key in columns and columns[key].field else default
        self.flipped = asked.get("sort", "").startswith("-")
        self.text = asked.get("q", "").strip()[:100]
        self.chosen = {name: str(asked[name]) for name in filters if asked.get(name)}
        self.fields = filters
        self.several = several or {}
        self.picked = {name: of for name in self.several if (of := self._picked(asked, name))}
        self.extra = {name: str(asked[name])[:64] for name in extras if asked.get(name)}
        self.alarming = asked.get("incidents") == "1"
        self.column = (groupings or {}).get(asked.get("by", ""), "")
        self.grouped = asked.get("by", "") if self.column else ""
        self.number = _page(asked.get("page", ""))
        said = re.findall(r"[0-9A-Za-z]+", " ".join(asked.getlist("ids")))
        self.ids, self.has_too_many_ids = said[:MOST_IDS], len(said) > MOST_IDS
        self.mine = asked.get("mine") == "1"
        self.normal = tuple(shown)
        self.shown = self._shown({*asked.getlist("col"), *asked.get("cols", "").split(".")})

    def _picked(self, asked: QueryDict, name: str) -> tuple[str, ...]:
        """The values of a filter as the address has them, each once."""
        parted_by = self.several[name].parted_by
        texts = asked.getlist(name)
        if parted_by:
            texts = [part for text in texts for part in re.split(f"[{parted_by}]", text)]
        given = (text.strip()[:200] for text in texts)
        return tuple(dict.fromkeys(filter(None, given)))[:MOST_VALUES]

    def _shown(self, chosen: set[str]) -> tuple[str, ...]:
        if not self.normal:
            return tuple(self.columns)
        known = tuple(key for key in self.columns if key in chosen - {self.normal[0]})
        return (self.normal[0], *known) if known else self.normal

    @property
    def sort_key(self) -> str:
        """The sort as the address has it; empty for the default."""
        if self.sort == self.default and not self.flipped:
            return ""
        return f"-{self.sort}" if self.flipped else self.sort

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered away."""
        by_value = (self.text, self.chosen, self.picked, self.extra, self.ids)
        return any((*by_value, self.alarming, self.mine))

    def filtered(self, everything: QuerySet[Any]) -> QuerySet[Any]:
        """What the address chooses."""
        wanted: dict[str, Any] = {self.fields[name]: value for name, value in self.chosen.items()}
        for name, texts in self.picked.items():
            values = [self.several[name].value(text) for text in texts]
            wanted[f"{self.several[name].field}__in"] = [one for one in values if one is not None]
        return everything.filter(**wanted)

    def all_rows(self, everything: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of all pages, in order."""
        column = self.columns[self.sort]
        down = column.descending != self.flipped
        by = F(column.field)
        first = by.desc(nulls_last=True) if down else by.asc(nulls_last=True)
        above = [self.column] if self.column else []
        return self.filtered(everything).order_by(*above, first, "pk")

    def rows(self, everything: QuerySet[Any], *fields: str) -> tuple[list[Any], int]:
        """The rows of this page and the number on all pages, in one query.

        With `fields`, rows are tuples of these alone, which are made much faster.
        """
        rows = self.all_rows(everything).annotate(on_all_pages=Window(Count("pk")))
        if fields:
            rows = rows.values_list(*fields, "on_all_pages", named=True)
        start = (self.number - 1) * PER_PAGE
        shown = list(rows[start : start + PER_PAGE])
        return shown, shown[0].on_all_pages if shown else 0

    def address(self, **changed: str | Sequence[str]) -> str:
        """The query string with some of it changed; a change of anything but the page goes to 1."""
        parts: dict[str, str | Sequence[str]] = {"q": self.text}
        parts |= self.chosen
        parts |= self.picked
        parts |= self.extra
        parts |= {"incidents": "1" if self.alarming else "", "by": self.grouped}
        parts |= {"ids": " ".join(self.ids), "mine": "1" if self.mine else ""}
        parts |= {"cols": self.columns_key, "sort": self.sort_key}
        parts |= changed
        said = urlencode({key: value for key, value in parts.items() if value}, doseq=True)
        return f"?{said or EXPLICITLY_EMPTY}"

    @property
    def columns_key(self) -> str:
        """The choice of columns as the address has it; empty for the usual ones."""
        usual = not self.normal or set(self.shown) == set(self.normal)
        return "" if usual else ".".join(self.shown[1:])

    def headings(self) -> list[Heading]:
        """Headings with links: the first click sorts, the second turns around."""
        return [self._heading(key, self.columns[key]) for key in self.shown]

    def _heading(self, key: str, column: Column) -> Heading:
        mine = key == self.sort
        down = column.descending != self.flipped
        target = f"-{key}" if mine and not self.flipped else key
        sort = ("descending" if down else "ascending") if mine else ""
        link = self.address(sort=target) if column.field else ""
        return Heading(key, column.label, link, sort, column.kind, column.hint)

    def pages(self, total: int) -> dict[str, Any]:
        """Where this page stands among the others."""
        last = max(1, -(-total // PER_PAGE))
        return {
            "total": total,
            "number": self.number,
            "last": last,
            "first_row": (self.number - 1) * PER_PAGE + 1,
            "last_row": min(self.number * PER_PAGE, total),
            "before": self.address(page=str(self.number - 1)) if self.number > 1 else "",
            "after": self.address(page=str(self.number + 1)) if self.number < last else "",
        }


def without_words(asked: QueryDict, name: str) -> QueryDict:
    """An address without a name whose value is no number: it would ask for nothing that is."""
    copy = asked.copy()
    if not str(copy.get(name, "0")).isdecimal():
        del copy[name]
    return copy


def _page(text: str) -> int:
    page = parse_row_id(text)
    return page if 0 < page < 10**6 else 1
