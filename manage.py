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
    try:
        "".join(sys.argv).encode()
    except UnicodeEncodeError:
        sys.exit("An argument is not valid UTF-8.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415
    from django.db import DatabaseError  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as exc:  # a setting, named with what it takes
        if "--traceback" in sys.argv:
            raise
        sys.exit(str(exc))
    except DatabaseError as exc:
        from dashboard.management.database_errors import explain_database_error  # noqa: PLC0415

        if "--traceback" in sys.argv or not (sentence := explain_database_error(exc)):
            raise
        sys.exit(sentence)


if __name__ == "__main__":
    main()
