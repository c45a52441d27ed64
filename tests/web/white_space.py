"""Pages whose lines are folded read the same."""

from __future__ import annotations


def fold_white_space(html: str) -> str:
    """HTML with each run of white space as one blank."""
    return " ".join(html.split())
