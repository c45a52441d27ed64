"""Collects, hashes and compresses static files, again only when one of them changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from dashboard.web.apps import StaticFiles


def collect_if_changed() -> None:
    """Fill STATIC_ROOT unless it was filled from the same files before."""
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    digest = _hash_sources()
    if stamp.exists() and stamp.read_text() == digest:
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(digest)


def _hash_sources() -> str:
    digest, ignored = hashlib.sha256(), StaticFiles.ignore_patterns
    for finder in get_finders():
        for name, storage in finder.list(ignored):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
