"""Static files, hashed and compressed once: again only when one of them changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

# The wheels of plotly and django-htmx carry more than the scripts that pages use.
IGNORED = ["datasets", "templates", "widgetbundle.js", "ext", "htm*-4*", "htmx-2.js"]


def collect_if_changed() -> None:
    """Fill STATIC_ROOT unless it was filled from these very files."""
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    mark = _mark()
    if stamp.exists() and stamp.read_text() == mark:
        return
    call_command(
        "collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=IGNORED
    )
    stamp.write_text(mark)


def _mark() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(IGNORED):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
