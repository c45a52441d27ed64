"""Commands of manage.py in this process, where starting one for each would cost a second."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

import pytest
from django.core.management import load_command_class
from django.core.management.base import CommandError


def run_command(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit code of a command and what it printed; any other error is raised."""
    command = load_command_class("dashboard", words[0])
    command._called_from_command_line = True  # type: ignore[attr-defined]  # as manage.py does
    out, errors = StringIO(), StringIO()
    capsys.readouterr()
    try:
        options = command.create_parser("manage.py", words[0]).parse_args(words[1:])
        command.execute(**{**vars(options), "stdout": out, "stderr": errors})
    except CommandError as exc:
        return exc.returncode, str(exc)
    except SystemExit as exc:
        printed = out.getvalue() + errors.getvalue() + capsys.readouterr().err
        return int(exc.code or 0), printed
    return 0, out.getvalue() + errors.getvalue()
