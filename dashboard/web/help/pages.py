"""The pages of Help: every document of `docs/`, in groups."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from dashboard.web.help.markdown import RenderedDocument, read_title, render_document

DOCS = Path(settings.BASE_DIR) / "docs"
# Documents by reader, in this order; any other document comes under the last heading.
GROUPS = (
    ("For project managers", ("tour", "drafts", "advice", "alerts", "insight", "glossary")),
    (
        "For administrators",
        (
            "connecting",
            "channels",
            "operate",
            "security",
            "upgrading",
            "settings",
            "api",
            "exchange",
            "scale",
        ),
    ),
    ("For reviewers", ("architecture", "threats", "asvs", "faults", "figures")),
)
OTHERS = "More"


class HelpPage(NamedTuple):
    """A page as the list shows it; `name` is that of the document, and its part of the address."""

    name: str
    title: str


@lru_cache(maxsize=1)
def titles() -> dict[str, str]:
    """Return the title of every document, by name; documents do not change while a process runs."""
    return {path.stem: read_title(path.read_text()) for path in sorted(DOCS.glob("*.md"))}


def list_pages() -> list[tuple[str, list[HelpPage]]]:
    """Return the groups that have pages, each with its pages."""
    known = titles()
    grouped = {name for _, names in GROUPS for name in names}
    groups = [*GROUPS, (OTHERS, tuple(name for name in known if name not in grouped))]
    listed = [(group, _pages_of(names, known)) for group, names in groups]
    return [(group, pages) for group, pages in listed if pages]


def _pages_of(names: Iterable[str], known: dict[str, str]) -> list[HelpPage]:
    return [HelpPage(name, known[name]) for name in names if name in known]


@lru_cache(maxsize=64)
def rendered_page(name: str) -> RenderedDocument | None:
    """Return a document as HTML; None if there is none of this name."""
    if name not in titles():
        return None
    pictures = frozenset(path.name for path in (DOCS / "pictures").glob("*.png"))
    return render_document((DOCS / f"{name}.md").read_text(), pages=titles(), pictures=pictures)
