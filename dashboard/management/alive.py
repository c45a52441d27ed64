"""`python -m dashboard.management.alive [--worker]`: exit 0 while the process here is alive.

Without the flag it asks the web process; with it, it looks when the worker here last looked at its
own clock.
"""

from __future__ import annotations

import http.client
import os
import sys
import time

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
SILENT_SECONDS = 60.0


def main() -> int:
    """Ask /healthz on this machine; return the exit code."""
    try:
        web = http.client.HTTPConnection("127.0.0.1", settings.PORT, timeout=4)
        web.request("GET", "/healthz")
        return 0 if web.getresponse().status == 200 else 1
    except OSError:
        return 1


def check_worker() -> int:
    """Return 0 if a worker of this container renewed its mark within the last minute."""
    try:
        return 0 if time.time() - settings.WORKER_MARK.stat().st_mtime < SILENT_SECONDS else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(check_worker() if "--worker" in sys.argv else main())
