"""What `manage.py pull` shows while it reads."""

from __future__ import annotations

from io import StringIO

from dashboard.management.commands.pull import Command


class Terminal(StringIO):
    """What a person watches."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_progress_is_written_over_and_not_in_the_colour_of_errors() -> None:
    seen = Terminal()
    command = Command(stderr=seen, force_color=True)
    command._show_progress("1 of 2 projects")
    command._show_progress("2 of 2 projects", end=True)
    assert seen.getvalue() == "\r\x1b[K1 of 2 projects\r\x1b[K2 of 2 projects\n"
