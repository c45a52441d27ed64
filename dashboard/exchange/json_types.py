"""JSON where no shape of ours says more: kept as the exchange wrote it."""

from collections.abc import Mapping
from typing import TypeAlias

JsonValue: TypeAlias = object
"""Any JSON value; numbers are exact."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""An object whose members are read with checks, or only passed on."""


def object_in(members: Mapping[str, object], name: str) -> Mapping[str, object]:
    """The object in a member; empty if it is missing, null or something else."""
    value = members.get(name)
    return value if isinstance(value, dict) else {}


def objects_in(members: Mapping[str, object], name: str) -> list[JsonObject]:
    """The objects in a list; empty if it is missing or null. TypeError for other items."""
    items = members.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise TypeError(f"{name} is not a list of objects")
    return items
