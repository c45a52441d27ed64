"""`python docs/figures.py`: the table of figures as a document, from the code's own table."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "figures.md"
HEAD = """# Figures

Every figure that a person sees, made from `dashboard/fielding/figures/definitions.py` by
`make docs`. A figure has one name, one definition and one function; pages, charts, files, emails
and sentences take it from there.

| figure | unit | definition | window | groups | source | shown |
|---|---|---|---|---|---|---|
"""


def figures() -> str:
    """Return the text of `docs/figures.md`."""
    sys.path.insert(0, str(ROOT))
    from dashboard.fielding.figures.definitions import FIGURES  # noqa: PLC0415

    return HEAD + "".join("| " + " | ".join(figure[:-1]) + " |\n" for figure in FIGURES)


if __name__ == "__main__":
    DOCUMENT.write_text(figures())
