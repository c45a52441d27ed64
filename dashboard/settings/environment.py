"""Reads variables of the environment, each by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

from dashboard.settings.kinds import Kind

Value = TypeVar("Value")
LONGEST_SHOWN = 80


class Environment:
    """The variables, and the kind of each that was read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Take the variables, such as `os.environ`."""
        self._variables = variables
        self.kinds: dict[str, Kind[object]] = {}

    def read(self, name: str, kind: Kind[Value], default: Value) -> Value:
        """Return the value of a variable, or the default if it is not set.

        Raises ImproperlyConfigured for a wrong value, with the name and what the variable takes.
        """
        self.kinds[name] = kind
        return self._parse(name, kind) if name in self._variables else default

    def read_if_set(self, name: str, kind: Kind[Value]) -> Value | None:
        """Return the value of a variable, or None; an empty text counts as not set."""
        self.kinds[name] = kind
        return self._parse(name, kind) if self._variables.get(name) else None

    def _parse(self, name: str, kind: Kind[Value]) -> Value:
        text = self._variables[name]
        try:
            return kind.parse(_check_line(text))
        except ValueError:
            shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
            instead = "" if kind.is_secret else f", not {shown!a}"
            # Without the cause, whose words may quote a part of a secret.
            raise ImproperlyConfigured(f"{name} takes {kind.takes}{instead}") from None


def _check_line(text: str) -> str:
    """Return a text without spaces around it, line breaks and other control characters."""
    if text != text.strip() or not text.isprintable():
        raise ValueError
    return text
