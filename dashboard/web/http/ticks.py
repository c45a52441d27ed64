"""Boxes that people tick, as forms send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

_YES = frozenset({"on", "1", "true"})


def is_ticked(typed: Mapping[str, Any], name: str) -> bool:
    """Whether a box was sent ticked: "on", as pages send it, or "1" or "true", as scripts do.

    All else is not ticked: that a field is there says nothing, its text may be "false".
    """
    value = typed.get(name)
    return value is True or (isinstance(value, str) and value.strip().lower() in _YES)


class TickBox(forms.CheckboxInput):
    """A box of a form, read as `is_ticked` reads."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> bool:  # noqa: ARG002
        """Whether it is ticked."""
        return is_ticked(data, name)
