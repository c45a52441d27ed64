"""The supplier allocations of a draft in words; they are set up on the exchange."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.web.edits.forms.base import Value

EVERYBODY = "open exchange, all suppliers"


def describe_allocations(shares: Mapping[str, Value]) -> str:
    """Return shares and blocked suppliers in words: "Fast ones: 0–40 % of 3 suppliers"."""
    opened = shares.get("open_exchange_allocations") or {}
    private = shares.get("private_exchange_allocations") or {}
    low = opened.get("exchange_min_percentage") or 0
    high = opened.get("exchange_max_percentage", 100)
    parts = [] if (low, high) == (0, 100) else [f"open exchange: {low}–{high} %"]
    for group in opened.get("groups") or []:
        parts.append(f"{_format_share(group)} of {_count_suppliers(len(group['suppliers']))}")
    parts += [f"{_format_share(group)}, private" for group in private.get("groups") or []]
    blocked = [*opened.get("blocked_supplier_ids", ()), *private.get("blocked_supplier_ids", ())]
    parts += [f"{_count_suppliers(len(blocked))} blocked"] if blocked else []
    return "; ".join(parts) or EVERYBODY


def _format_share(group: Mapping[str, Value]) -> str:
    name = group.get("group_name") or "a group"
    return f"{name}: {group.get('min_percentage')}–{group.get('max_percentage')} %"


def _count_suppliers(suppliers: int) -> str:
    return f"{suppliers} supplier{'' if suppliers == 1 else 's'}"
