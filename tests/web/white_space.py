"""Pages whose lines are folded read the same."""

from __future__ import annotations

import re

BESIDE_TAG = re.compile(r"(?<=>)\s*\n\s*|\s*\n\s*(?=<)")


def fold_white_space(html: str) -> str:
    """HTML without the line breaks of its layout: none beside a tag, one blank within a text."""
    return re.sub(r"\s+", " ", BESIDE_TAG.sub("", html))


def strip_beside_tags(html: str) -> str:
    """HTML with one space for each run of white space, and none beside a tag."""
    return re.sub(r" ?(<[^<>]*>) ?", r"\1", re.sub(r"\s+", " ", html))
