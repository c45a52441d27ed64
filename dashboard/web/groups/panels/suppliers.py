"""The suppliers of a group with what each delivered, read from Cint when the panel is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.exchange.errors import ExchangeError, Forbidden, MethodNotAllowed, NotFound
from dashboard.fielding.models import TargetGroup
from dashboard.sync.lookup import on_demand
from dashboard.web.formatting import numbers

NOT_OFFERED = "Cint does not offer supplier figures for this account."
NOT_LISTED = "Cint no longer lists this group."
NO_SUPPLIERS = "Cint lists no suppliers for this group."
OPEN_EXCHANGE = "Open exchange"
SHOWN_SUPPLIERS = 15


@dataclass(frozen=True, slots=True)
class SupplierLine:
    """A supplier in words.

    share: of all completes; conversion: completes of prescreens; access: how it may deliver.
    """

    name: str
    completes: str
    share: str
    prescreens: str
    conversion: str
    access: str
    is_blocked: bool

    @property
    def is_open(self) -> bool:
        """Return whether the open exchange lets it deliver without a limit, as most."""
        return self.access == OPEN_EXCHANGE


@dataclass(frozen=True, slots=True)
class SuppliersPanel:
    """The suppliers, the most completes first and the blocked last, or why there are none.

    lines: those shown first; others: the rest. can_retry: whether another try can help.
    """

    lines: Sequence[SupplierLine] = ()
    others: Sequence[SupplierLine] = ()
    summary: str = ""
    trouble: str = ""
    can_retry: bool = False


def suppliers_panel(group: TargetGroup) -> SuppliersPanel:
    """Read the suppliers of a group from the exchange, within some seconds."""
    if group.missing_since is not None:
        return SuppliersPanel(trouble=NOT_LISTED)
    try:
        counts = on_demand.read_suppliers(group)
    except (Forbidden, NotFound, MethodNotAllowed):
        return SuppliersPanel(trouble=NOT_OFFERED)
    except ExchangeError as exc:
        trouble = f"{exc}. {exc.retry_advice}".rstrip(". ") + "."
        return SuppliersPanel(trouble=trouble, can_retry=exc.waiting_helps)
    return panel_of_counts(counts)


def panel_of_counts(counts: Sequence[on_demand.SupplierCount]) -> SuppliersPanel:
    """Return the panel of what the exchange answered."""
    if not counts:
        return SuppliersPanel(trouble=NO_SUPPLIERS)
    total = sum(count.completes or 0 for count in counts)
    ordered = sorted(
        counts,
        key=lambda count: (
            count.is_blocked,
            -(count.completes or 0),
            -(count.prescreens or 0),
            count.name.casefold(),
        ),
    )
    lines = [_supplier_line(count, total) for count in ordered]
    return SuppliersPanel(lines[:SHOWN_SUPPLIERS], lines[SHOWN_SUPPLIERS:], _summary(counts, total))


def _summary(counts: Sequence[on_demand.SupplierCount], total: int) -> str:
    """Return "1,204 completes from 8 of 12 suppliers, 2 blocked"."""
    delivering = sum(bool(count.completes) for count in counts)
    blocked = sum(count.is_blocked for count in counts)
    suppliers = f"{len(counts):,} supplier{'' if len(counts) == 1 else 's'}"
    completes = f"{numbers.format_count(total)} complete{'' if total == 1 else 's'}"
    text = f"{completes} from {delivering:,} of {suppliers}"
    return f"{text}, {blocked:,} blocked" if blocked else text


def _supplier_line(count: on_demand.SupplierCount, total: int) -> SupplierLine:
    share = count.completes / total if count.completes is not None and total else None
    conversion = None
    if count.prescreens and count.completes is not None:
        conversion = count.completes / count.prescreens
    return SupplierLine(
        name=count.name,
        completes=numbers.format_count(count.completes),
        share=numbers.format_percent(share),
        prescreens=numbers.format_count(count.prescreens),
        conversion=numbers.format_percent(conversion),
        access=_access_text(count),
        is_blocked=count.is_blocked,
    )


def _access_text(count: on_demand.SupplierCount) -> str:
    """Return how the supplier may deliver: "Blocked", or its exchange, group and share."""
    exchange = "Private exchange" if count.is_private else OPEN_EXCHANGE
    if count.is_blocked:
        return f"Blocked on the {exchange.lower()}"
    parts = [exchange]
    if count.group_name:
        parts.append(f"group {count.group_name}")
    if count.share:
        parts.append("{}\u2013{} % of completes".format(*count.share))
    return ", ".join(parts)
