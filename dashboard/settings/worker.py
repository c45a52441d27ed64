"""The settings of a process that shows no pages: what only pages need is not loaded.

Sign-in, sessions and the policy of pages cost such a process 10 MB that it never uses. The tables
are the same; `migrate` runs with `dashboard.settings`.
"""

from __future__ import annotations

from dashboard.settings import *  # noqa: F403

INSTALLED_APPS = [
    "dashboard.fielding",
    "dashboard",
    "django.contrib.auth",
    "django.contrib.contenttypes",
]
