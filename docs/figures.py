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

`make test` holds every surface of a seeded world with a group of each odd kind against an
independent reckoning; `make soak ARGS=story` does so with twenty worlds on SQLite and on PostgreSQL
(`STORY_SEEDS` sets another number). `python -m bench audit` recomputes what follows from an
exchange's answers alone, and compares files and charts with it: for the demo's exchange, and for a
second one that was written from the contract with other habits.

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
