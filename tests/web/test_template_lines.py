"""Templates read in an editor and in a diff: their lines are short."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

LONGEST = 120
FOLDER = Path(settings.BASE_DIR / "templates")
TEMPLATES = sorted(path for path in FOLDER.rglob("*.*") if path.is_file())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_the_lines_of_a_template_are_short(path: Path) -> None:
    lines = enumerate(path.read_text().splitlines(), 1)
    assert [(number, len(line)) for number, line in lines if len(line) > LONGEST] == []
