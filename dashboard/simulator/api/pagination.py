"""Cursors and page sizes of lists."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from dashboard.simulator.world.messages import SimulatedRequest, bad_request

Item = TypeVar("Item")


def page_size(ask: SimulatedRequest, *, default: int = 10, largest: int = 100) -> int:
    """The page size asked for; refused outside 1 to the most."""
    raw = ask.query_value("page_size")
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit() and 1 <= int(raw) <= largest):
        raise bad_request(
            "the page size is out of range", [("page_size", f"must be from 1 to {largest}")]
        )
    return int(raw)


def cut_page(
    ask: SimulatedRequest, items: Sequence[Item], key: Callable[[Item], str], *, size: int
) -> tuple[Sequence[Item], bool, str | None]:
    """One page of items by `start_after` or `end_before`; more to come, and the next cursor."""
    after, before = _cursor(ask, "start_after"), _cursor(ask, "end_before")
    first, last = 0, len(items)
    if after is not None:
        first = 1 + _place(items, key, after, "start_after")
        last = first + size
    elif before is not None:
        last = _place(items, key, before, "end_before")
        first = max(0, last - size)
    page = items[first : min(last, first + size)]
    more = first + len(page) < len(items)
    return page, more, _encode(key(page[-1])) if more and page else None


def _place(items: Sequence[Item], key: Callable[[Item], str], wanted: str, name: str) -> int:
    for index, item in enumerate(items):
        if key(item) == wanted:
            return index
    raise bad_request("the cursor is unknown", [(name, "is not a cursor of this list")])


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _cursor(ask: SimulatedRequest, name: str) -> str | None:
    raw = ask.query_value(name)
    if raw is None:
        return None
    try:
        return base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode()
    except (binascii.Error, UnicodeError, ValueError) as exc:
        raise bad_request("the cursor is unreadable", [(name, "is not a cursor")]) from exc
