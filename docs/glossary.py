"""`python docs/glossary.py`: the glossary as a document, from the terms of the pages."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "glossary.md"
HEAD = """# Glossary

The terms of Fieldwatch's pages, emails and files, made from `dashboard/web/formatting/glossary.py`
by `make docs`. The last column is Cint's own name, where it has one.

| term | meaning | on Cint |
|---|---|---|
"""


def glossary() -> str:
    """Return the text of `docs/glossary.md`."""
    sys.path.insert(0, str(ROOT))
    from dashboard.web.formatting.glossary import TERMS  # noqa: PLC0415

    rows = (f"| {term.name} | {term.meaning} | {term.exchange_name} |\n" for term in TERMS)
    return HEAD + "".join(rows)


if __name__ == "__main__":
    DOCUMENT.write_text(glossary())
