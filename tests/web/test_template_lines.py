"""Templates read in an editor and in a diff: their lines are short."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

LONGEST = 120
FOLDER = Path(settings.BASE_DIR / "templates")


def test_the_lines_of_templates_are_short() -> None:
    long = [
        f"{path.relative_to(FOLDER)}:{number}: {len(line)} characters"
        for path in sorted(FOLDER.rglob("*.*"))
        if path.is_file()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert long == []
