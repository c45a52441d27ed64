"""`python -m dashboard.management.alive`: exit 0 while the web process here answers."""

from __future__ import annotations

import http.client
import os
import sys

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")


def main() -> int:
    """Ask /healthz on this machine; return the exit code."""
    name = next((host for host in settings.ALLOWED_HOSTS if host != "*"), "localhost").lstrip(".")
    try:
        web = http.client.HTTPConnection("127.0.0.1", settings.PORT, timeout=4)
        web.request("GET", "/healthz", headers={"Host": name})
        return 0 if web.getresponse().status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
