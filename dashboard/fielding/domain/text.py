"""Text of people and of others, made fit for one line: a page's cell, a mail's header, a log."""

from __future__ import annotations

import unicodedata

# Control characters, separators of lines and paragraphs, lone surrogates.
_BREAKING = ("Cc", "Zl", "Zp", "Cs")
# They turn the direction of what follows them, also of the words around a name.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def breaks_line(text: str) -> bool:
    """Whether the text holds a line break, a control character or a change of direction."""
    return any(_is_unfit(letter) for letter in text)


def one_line(text: str) -> str:
    """The text on one line: each run of blanks and unfit characters becomes one space."""
    return " ".join("".join(" " if _is_unfit(letter) else letter for letter in text).split())


def _is_unfit(letter: str) -> bool:
    return letter in _TURNING or unicodedata.category(letter) in _BREAKING
