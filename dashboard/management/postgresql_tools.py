"""Runs PostgreSQL's command-line tools on the configured database."""

from __future__ import annotations

import os
import subprocess

from django.core.management.base import CommandError
from django.db import connection

_PARAMETERS = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "NAME": "PGDATABASE"}


def run_tool(tool: str, arguments: list[str]) -> None:
    """Run a tool; pass the password in the environment, where `ps` does not show it.

    Raises CommandError if the tool is missing or fails.
    """
    settings = connection.settings_dict
    environment = os.environ | {
        variable: str(settings[key]) for key, variable in _PARAMETERS.items() if settings.get(key)
    }
    if settings.get("PASSWORD"):
        environment["PGPASSWORD"] = str(settings["PASSWORD"])
    try:
        subprocess.run([tool, *arguments], env=environment, check=True)  # noqa: S603
    except FileNotFoundError as exc:
        raise CommandError(f"{tool} is not installed; install the PostgreSQL client") from exc
    except subprocess.CalledProcessError as exc:
        raise CommandError(f"{tool} failed with exit code {exc.returncode}; see above") from exc
