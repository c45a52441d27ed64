"""Checkboxes, as forms send them."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms

_TRUE_TEXTS = frozenset({"on", "1", "true"})


def is_ticked(data: Mapping[str, object], name: str) -> bool:
    """Whether a checkbox was sent as ticked: "on" from pages, "1" or "true" from scripts.

    Any other value is not ticked: the text of a present field may be "false".
    """
    value = data.get(name)
    return value is True or (isinstance(value, str) and value.strip().lower() in _TRUE_TEXTS)


class TickBox(forms.CheckboxInput):
    """A checkbox that is read by `is_ticked`."""

    def value_from_datadict(self, data: Mapping[str, object], files: object, name: str) -> bool:  # noqa: ARG002
        """Whether it is ticked."""
        return is_ticked(data, name)
