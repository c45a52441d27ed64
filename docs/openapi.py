"""`python docs/openapi.py`: the OpenAPI document, and the operations in `docs/api.md`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "openapi.json"
PAGE = ROOT / "docs" / "api.md"
HEAD = "| address | what it returns | parameters |\n|---|---|---|\n"


def load_django() -> None:
    """Set Django up, as the API needs it."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    import django  # noqa: PLC0415

    django.setup()
    import dashboard.urls  # noqa: F401, PLC0415  gives addresses their form of a key


def openapi() -> str:
    """Return the text of `docs/openapi.json`."""
    load_django()
    from dashboard.web.api.openapi import openapi_text  # noqa: PLC0415

    return openapi_text()


def page_with_operations() -> str:
    """Return `docs/api.md` with the table of operations as the code has them."""
    load_django()
    from dashboard.web.api.openapi import openapi_document  # noqa: PLC0415

    document = openapi_document()
    rows = []
    for address, methods in document["paths"].items():
        operation = methods["get"]
        names = [each["name"] for each in operation["parameters"] if each.get("in") == "query"]
        parameters = ", ".join(f"`{name}`" for name in names)
        rows.append(f"| `{address}` | {operation['description']} | {parameters} |\n")
    table = HEAD + "".join(rows)
    return re.sub(rf"{re.escape(HEAD)}(\|.*\n)*", lambda _: table, PAGE.read_text())


if __name__ == "__main__":
    DOCUMENT.write_text(openapi())
    PAGE.write_text(page_with_operations())
