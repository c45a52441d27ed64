"""Iterate over all pages of a list; always ends, and knows whether it read everything."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from dashboard.exchange.decode import BadItem, Page

T = TypeVar("T")

UNFINISHED = "Unfinished"  # the error kind of a list that was not read completely
MAX_PAGES = 10_000
MAX_ITEMS = 1_000_000
LONGEST_CURSOR = 4096  # characters; each takes up to 12 in an address, which has at most 65,536


class PageIterator(Generic[T]):
    """The pages of a list, one request each, as they are iterated.

    Afterwards `complete` says whether the whole list was read, and `reason` why not, in words for
    people. `quarantined` has the items that could not be read: the list may be complete without
    them. Errors of a page pass through and leave it incomplete.
    """

    def __init__(
        self,
        fetch: Callable[[str | None], Page[T]],
        *,
        max_pages: int = MAX_PAGES,
        max_items: int = MAX_ITEMS,
    ) -> None:
        self._fetch = fetch
        self._max_pages = max_pages
        self._max_items = max_items
        self.complete = False
        self.reason = "The list was not read completely"
        self.quarantined: list[BadItem] = []

    def pages(self) -> Iterator[Page[T]]:
        """Yield every page until the end, or until continuing makes no sense."""
        cursor: str | None = None
        cursors: set[str] = set()
        items = 0
        for _ in range(self._max_pages):
            page = self._fetch(cursor)
            items += len(page.items) + len(page.quarantined)
            self.quarantined.extend(page.quarantined)
            yield page
            if _is_last(page):
                self.complete, self.reason = True, ""
                return
            cursor = page.next_cursor
            if reason := self._reason_to_stop(page, cursors, items):
                self.reason = reason
                return
            cursors.add(cursor or "")
        self.reason = f"Cint's list does not end after {self._max_pages} pages"

    def __iter__(self) -> Iterator[T]:
        """Yield every good item until the end, or until continuing makes no sense."""
        for page in self.pages():
            yield from page.items

    def _reason_to_stop(self, page: Page[T], cursors: set[str], items: int) -> str:
        if page.next_cursor is None:
            return "Cint says that there are more pages but gives no cursor"
        if len(page.next_cursor) > LONGEST_CURSOR:
            return f"Cint gives a cursor of {len(page.next_cursor):,} characters"
        if page.next_cursor in cursors:
            return "Cint's list repeats a page"
        if not page.items and not page.quarantined:
            return "Cint says that there are more pages after an empty one"
        if items >= self._max_items:
            return f"Cint's list does not end after {items} items"
        return ""


def iterate_pages(
    fetch: Callable[[str | None], Page[T]],
    *,
    max_pages: int = MAX_PAGES,
    max_items: int = MAX_ITEMS,
) -> PageIterator[T]:
    """An iterator over the pages of `fetch(start_after)`; None fetches the first page."""
    return PageIterator(fetch, max_pages=max_pages, max_items=max_items)


def _is_last(page: Page[T]) -> bool:
    """Whether this is the last page; without `has_more`, one without cursor or items is."""
    if page.has_more is None:
        return page.next_cursor is None or not (page.items or page.quarantined)
    return not page.has_more
