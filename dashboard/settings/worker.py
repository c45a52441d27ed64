"""The settings of a worker, which serves no pages and does not load what only pages need.

Sign-in, sessions and the content policy would cost it 10 MB. The tables are the same; `migrate`
runs with `dashboard.settings`.
"""

from __future__ import annotations

from dashboard.settings import *  # noqa: F403

INSTALLED_APPS = [
    "dashboard.fielding",
    "dashboard",
    "django.contrib.auth",
    "django.contrib.contenttypes",
]
