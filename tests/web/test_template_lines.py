"""Templates read in an editor and in a diff: their lines are short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

LONGEST = 120
TEMPLATES = Path(settings.BASE_DIR / "templates")
FOLDED = ("drafts", "edits", "groups", "partials", "projects", "reports")


def too_long(files: Iterator[Path]) -> list[str]:
    """Where a line is too long: the file, the line's number and its length."""
    return [
        f"{file.relative_to(TEMPLATES)}:{number}: {len(line)}"
        for file in sorted(files)
        if file.is_file()
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > LONGEST
    ]


@pytest.mark.parametrize("folder", FOLDED)
def test_the_lines_of_a_folder_are_short(folder: str) -> None:
    assert any((TEMPLATES / folder).rglob("*.html"))
    assert too_long((TEMPLATES / folder).rglob("*.*")) == []
