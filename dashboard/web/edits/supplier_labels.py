"""Suppliers' shares of a draft in words; they are set up in the exchange's own pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EVERYBODY = "all of the open exchange"


def in_words(shares: Mapping[str, Any]) -> str:
    """Whose shares are set and who is kept out: "Fast ones: 0–40 % of 3 suppliers"."""
    opened = shares.get("open_exchange_allocations") or {}
    private = shares.get("private_exchange_allocations") or {}
    low = opened.get("exchange_min_percentage") or 0
    high = opened.get("exchange_max_percentage", 100)
    said = [] if (low, high) == (0, 100) else [f"open exchange: {low}–{high} %"]
    for group in opened.get("groups") or []:
        said.append(f"{_share(group)} of {_number(len(group['suppliers']))}")
    said += [f"{_share(group)}, private" for group in private.get("groups") or []]
    blocked = [*opened.get("blocked_supplier_ids", ()), *private.get("blocked_supplier_ids", ())]
    said += [f"{_number(len(blocked))} kept out"] if blocked else []
    return "; ".join(said) or EVERYBODY


def _share(group: Mapping[str, Any]) -> str:
    name = group.get("group_name") or "a group"
    return f"{name}: {group.get('min_percentage')}–{group.get('max_percentage')} %"


def _number(suppliers: int) -> str:
    return f"{suppliers} supplier{'' if suppliers == 1 else 's'}"
