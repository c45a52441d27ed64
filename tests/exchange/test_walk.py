"""A walk over a list always ends, and never takes a part for the whole."""

import pytest

from dashboard.exchange.decode import BadItem, Page
from dashboard.exchange.errors import Unavailable
from dashboard.exchange.pagination import PageIterator, iterate_pages

Numbers = Page[int]


def walked(
    *pages: Numbers, most_pages: int = 100, most_items: int = 1000
) -> tuple[list[int], PageIterator[int]]:
    """The items of a walk over `pages`, the last of which repeats for ever."""
    rest = list(pages)
    numbers = iterate_pages(
        lambda _: rest.pop(0) if len(rest) > 1 else rest[0],
        max_pages=most_pages,
        max_items=most_items,
    )
    return list(numbers), numbers


def test_a_whole_list_is_complete() -> None:
    first = Numbers(items=[1, 2], next_cursor="a", has_more=True)
    items, numbers = walked(first, Numbers(items=[3], next_cursor=None, has_more=False))
    assert (items, numbers.complete, numbers.reason) == ([1, 2, 3], True, "")


def test_each_page_is_asked_with_the_cursor_of_the_one_before() -> None:
    cursors: list[str | None] = []

    def fetch(cursor: str | None) -> Numbers:
        cursors.append(cursor)
        return Numbers(items=[1], next_cursor=f"c{len(cursors)}", has_more=len(cursors) < 3)

    list(iterate_pages(fetch))
    assert cursors == [None, "c1", "c2"]


@pytest.mark.parametrize("last", [Numbers(items=[2]), Numbers(items=[], next_cursor="b")])
def test_the_changelog_ends_without_cursor_or_without_items(last: Numbers) -> None:
    items, numbers = walked(Numbers(items=[1], next_cursor="a"), last)
    assert items == [1, *last.items]
    assert numbers.complete


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Numbers(items=[1], next_cursor="same", has_more=True), "repeats a page"),
        (Numbers(items=[], next_cursor="a", has_more=True), "after an empty one"),
        (Numbers(items=[1], next_cursor=None, has_more=True), "gives no cursor"),
        (Numbers(items=[1], next_cursor="same"), "repeats a page"),
        (Numbers(items=[1], next_cursor="a" * 4097), "a cursor of 4,097 characters"),
        (Numbers(items=[1], next_cursor="\U0001f600" * 70_000), "a cursor of 70,000 characters"),
    ],
)
def test_a_list_that_makes_no_sense_is_incomplete(page: Numbers, reason: str) -> None:
    _, numbers = walked(page)
    assert not numbers.complete
    assert reason in numbers.reason


def test_a_list_without_end_is_incomplete() -> None:
    count = iter(range(10**9))
    endless = iterate_pages(
        lambda _: Numbers(items=[1], next_cursor=str(next(count)), has_more=True), max_pages=7
    )
    assert len(list(endless)) == 7
    assert "7 pages" in endless.reason
    by_items = iterate_pages(
        lambda _: Numbers(items=[1] * 10, next_cursor=str(next(count)), has_more=True),
        max_items=30,
    )
    assert len(list(by_items)) == 30
    assert "30 items" in by_items.reason


def test_items_that_cannot_be_read_count_towards_the_end_of_a_list_without_end() -> None:
    count = iter(range(10**9))
    bad = [BadItem(raw_text="{}", reason="no id")] * 3

    def fetch(_: str | None) -> Numbers:
        cursor = str(next(count))
        return Numbers(items=[1] * 7, quarantined=bad, next_cursor=cursor, has_more=True)

    endless = iterate_pages(fetch, max_items=21)
    assert len(list(endless)) == 21
    assert endless.reason == "Cint's list does not end after 30 items"
    assert (endless.complete, len(endless.quarantined)) == (False, 9)


def test_quarantined_items_are_gathered_and_do_not_end_the_walk() -> None:
    bad = BadItem(raw_text="{}", reason="no id")
    first = Numbers(items=[], quarantined=[bad], next_cursor="a", has_more=True)
    items, numbers = walked(first, Numbers(items=[1], has_more=False))
    assert (items, numbers.complete, numbers.quarantined) == ([1], True, [bad])


def test_an_error_leaves_the_walk_incomplete() -> None:
    def fetch(cursor: str | None) -> Numbers:
        if cursor:
            raise Unavailable
        return Numbers(items=[1], next_cursor="a", has_more=True)

    numbers = iterate_pages(fetch)
    with pytest.raises(Unavailable):
        list(numbers)
    assert not numbers.complete


def test_a_walk_that_is_left_early_is_incomplete() -> None:
    numbers = iterate_pages(lambda _: Numbers(items=[1, 2], next_cursor="a", has_more=True))
    assert next(iter(numbers)) == 1
    assert not numbers.complete
