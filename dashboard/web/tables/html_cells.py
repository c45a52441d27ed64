"""What the cells of long tables are made of. HTML from here, since a table has thousands of cells.

A template costs some 40 µs a cell of this kind, a function a tenth of it. Whatever is not ours goes
through `text` or `foreign`, which escape.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any

from dashboard.web.formatting import numbers as figures
from dashboard.web.formatting.status import StatusLabel


def escape_text(words: object) -> str:
    """Words as HTML shows them."""
    return escape(str(words))


def isolated_text(words: object, kind: str = "") -> str:
    """Words of somebody else, in whatever direction they run."""
    return (
        f'<bdi class="{kind}">{escape(str(words))}</bdi>'
        if kind
        else f"<bdi>{escape_text(words)}</bdi>"
    )


def table_cell(label: str, inside: str, kind: str = "") -> str:
    """A cell of a table that turns into cards on a phone, where it says what it is."""
    of = f' class="{kind}"' if kind else ""
    return f'<td{of} data-label="{label}">{inside}</td>'


@lru_cache(maxsize=4096)
def moment_html(at: datetime | None, kind: str) -> str:
    """A moment that the browser draws: "ago" as an age, "local" as a day and hour."""
    if at is None:
        return figures.DASH
    stamp, words = figures.iso_moment(at), figures.short_utc(at)
    return f'<time datetime="{stamp}" data-{kind} title="{words}">{words}</time>'


def status_html(of: StatusLabel) -> str:
    """A status as a word and a shape, and why."""
    said = f'<span class="status {of.shape}">{escape_text(of.word)}</span>'
    return f'{said}<span class="sub">{escape_text(of.why)}</span>' if of.why else said


def progress_bar(of: figures.GroupProgress, path: str = "") -> str:
    """How full something is, with the sparkline of its last days."""
    also = f'<span class="sub">{escape_text(of.also)}</span>' if of.also else ""
    line = (
        '<svg class="spark" viewBox="0 0 104 20" preserveAspectRatio="none" aria-hidden="true" '
        f'focusable="false"><path d="{path}"/></svg>'
        if path
        else ""
    )
    return (
        f'<div class="progress"><span class="nowrap">{of.text}</span><progress max="{of.goal}" '
        f'value="{of.value}" aria-label="{of.text} {escape_text(of.also)}"></progress>'
        f"{also}{line}</div>"
    )


def sparkline_html(numbers: Any) -> str:
    """The sparkline of a group's last seven days, from what the pull worked out."""
    if not isinstance(numbers, list):
        return ""
    try:
        return _spark(tuple(numbers))
    except TypeError:  # a list within the list: nothing that we ever wrote
        return ""


@lru_cache(maxsize=4096)
def _spark(numbers: tuple[Any, ...]) -> str:
    return figures.spark_path(list(numbers))
