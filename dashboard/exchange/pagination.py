"""Lists to their end: a walk over pages that always ends, and says whether it saw everything."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from dashboard.exchange.decode import BadItem, Page

T = TypeVar("T")

UNFINISHED = "Unfinished"  # the kind of error that a walk which saw not everything is
MOST_PAGES = 10_000
MOST_ITEMS = 1_000_000


class PageIterator(Generic[T]):
    """The pages of a list, one request each, as they are iterated.

    Afterwards `complete` tells whether the whole list was seen, `reason` why not, in words for
    people. `quarantined` holds the items that could not be understood: the list is complete with
    them, its items are not. Errors of a page pass through and leave the walk incomplete.
    """

    def __init__(
        self,
        fetch: Callable[[str | None], Page[T]],
        *,
        most_pages: int = MOST_PAGES,
        most_items: int = MOST_ITEMS,
    ) -> None:
        self._fetch = fetch
        self._most_pages = most_pages
        self._most_items = most_items
        self.complete = False
        self.reason = "The list was not read to its end"
        self.quarantined: list[BadItem] = []

    def pages(self) -> Iterator[Page[T]]:
        """Every page until the end, or until going on makes no sense."""
        cursor: str | None = None
        cursors: set[str] = set()
        items = 0
        for _ in range(self._most_pages):
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
        self.reason = f"The exchange's list does not end after {self._most_pages} pages"

    def __iter__(self) -> Iterator[T]:
        """Every good item until the end, or until going on makes no sense."""
        for page in self.pages():
            yield from page.items

    def _reason_to_stop(self, page: Page[T], cursors: set[str], items: int) -> str:
        if page.next_cursor is None:
            return "The exchange says that there is more and not where"
        if page.next_cursor in cursors:
            return "The exchange's list runs in a circle"
        if not page.items and not page.quarantined:
            return "The exchange says that there is more after an empty page"
        if items >= self._most_items:
            return f"The exchange's list does not end after {items} items"
        return ""


def iterate_pages(
    fetch: Callable[[str | None], Page[T]],
    *,
    most_pages: int = MOST_PAGES,
    most_items: int = MOST_ITEMS,
) -> PageIterator[T]:
    """A walk over `fetch(start_after)`, where None asks for the first page."""
    return PageIterator(fetch, most_pages=most_pages, most_items=most_items)


def _is_last(page: Page[T]) -> bool:
    """Without `has_more` (the changelog) a page without cursor or without items is the last."""
    if page.has_more is None:
        return page.next_cursor is None or not (page.items or page.quarantined)
    return not page.has_more
