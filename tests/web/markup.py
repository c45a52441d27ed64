"""Markup as a test compares it, however its template is folded."""

from __future__ import annotations

import re


def fold_white_space(page: str) -> str:
    """The page with one space for each run of white space, and none beside a tag."""
    return re.sub(r" ?(<[^<>]*>) ?", r"\1", re.sub(r"\s+", " ", page))
