#!/usr/bin/env python
"""Fieldwatch's commands: `python manage.py help` lists them."""

import os
import sys

import dashboard


def main() -> None:
    """Run one command."""
    if sys.argv[1:] == ["--version"]:  # Django would print its own
        sys.stdout.write(f"{dashboard.__version__}\n")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
