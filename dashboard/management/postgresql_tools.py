"""PostgreSQL's own tools, called on the database of the settings."""

from __future__ import annotations

import os
import subprocess

from django.core.management.base import CommandError
from django.db import connection

_PARAMETERS = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "NAME": "PGDATABASE"}


def run_tool(tool: str, arguments: list[str]) -> None:
    """Run a tool; the password goes by the environment, which other people's `ps` cannot see."""
    of = connection.settings_dict
    environment = os.environ | {
        variable: str(of[key]) for key, variable in _PARAMETERS.items() if of.get(key)
    }
    if of.get("PASSWORD"):
        environment["PGPASSWORD"] = str(of["PASSWORD"])
    try:
        subprocess.run([tool, *arguments], env=environment, check=True)  # noqa: S603
    except FileNotFoundError as exc:
        raise CommandError(f"{tool} is not on this machine; install PostgreSQL's client") from exc
    except subprocess.CalledProcessError as exc:
        raise CommandError(f"{tool} ended with {exc.returncode}; see above") from exc
