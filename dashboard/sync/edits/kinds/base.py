"""The interface of a kind of edit: how it is read, written, compared and stored.

A value is what JSON can hold: `{"value": "2.70", "currency_code": "USD"}`, a strategy's name, the
re-entry configuration by status and side, the details by the exchange's names, the two ends of the
fielding period, the goals of a group and of its quotas, the modules of the fielding assistant, or
a whole draft.

An object that is sent whole is sent as it is held at that moment, every member of it, with a
person's changes. A value that was read has the whole object under `merge.WHOLE`; a value that is
to be sent has the request under `merge.SENT`, so that all of it is compared afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.base import MonetaryAmount
from dashboard.fielding.models import TargetGroup
from dashboard.sync.columns import limits
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.edits import merge
from dashboard.sync.edits.merge import SENT, WHOLE, Members, Merge, Value

__all__ = ["Members", "Value"]

ExchangeIds = dict[str, str]
ChangelogEntry = tuple[str, Value]  # a kind of change and its new value, None: any value


class RemoteValue(NamedTuple):
    """The value that the exchange holds, with its ETag if it has one.

    `run_id`: the fielding run of a period. `raw`: an object that is sent back whole, as it came.
    """

    value: Value
    etag: str = ""
    run_id: str = ""
    raw: Members = {}


class Rebased(NamedTuple):
    """An edit on top of the value held now; `clashes`: a person has to decide first."""

    before: Value
    wanted: Value
    clashes: bool


@dataclass(frozen=True)
class Editable:
    """One kind of edit of a group: how to read it, write it, compare it, and its columns.

    `read` and `write` call the exchange; `write` gets the value to send and the one read before.
    `columns` gives the columns of TargetGroup for a value. `same` says whether the exchange (first)
    holds all that a value (second) says.

    `owns` names the columns that an edit sets: an older reading of a pull leaves them alone.
    `changelog` gives the changelog entries of an edit, from the bare values before and wanted.
    `merge` merges two people's changes, from the value shown, the one held and the one wanted.
    `request` gives the whole request for a value, for objects that are sent whole.
    """

    kind: str
    read: Callable[[ExchangeClient, ExchangeIds], RemoteValue]
    write: Callable[[ExchangeClient, ExchangeIds, Value, RemoteValue], object]
    columns: Callable[[TargetGroup, Value], Columns]
    same: Callable[[Value, Value], bool]
    owns: tuple[str, ...]
    changelog: Callable[[Value, Value], list[ChangelogEntry]]
    merge: Merge = merge.atomic
    request: Callable[[Value, RemoteValue], Members] | None = None

    def rebased(self, before: Value, theirs: Value, held: RemoteValue, wanted: Value) -> Rebased:
        """The edit on top of the value held now: members that nobody changed are as held.

        `theirs`: the value held, with our own edits that a stale reading does not show.
        """
        merged = self.merge(merge.bare(before), theirs, merge.bare(wanted))
        if merged.clashes or self.request is None:
            return Rebased(theirs, merged.value, bool(merged.clashes))
        request = limits.fit_json(self.request(merged.value, held))
        return Rebased(theirs, {**merged.value, SENT: request}, False)


def exchange_ids(group: TargetGroup) -> ExchangeIds:
    """The ids under which the exchange knows a group, as arguments of its operations."""
    return {"project_id": group.project.exchange_id, "target_group_id": group.exchange_id}


def money_value(amount: MonetaryAmount | None) -> Value:
    """An amount as a value; None for none."""
    if amount is None:
        return None
    return {"value": format(amount.value, "f"), "currency_code": amount.currency_code}


def is_money(value: Value) -> bool:
    """Whether a value is an amount of money."""
    return isinstance(value, Mapping) and {"value", "currency_code"} <= value.keys()


def same_money(held: Value, wanted: Value) -> bool:
    """Whether two amounts are equal, by number and currency in any case."""
    if not (is_money(held) and is_money(wanted)):
        return bool(held == wanted)
    return Decimal(held["value"]) == Decimal(wanted["value"]) and (
        held["currency_code"].upper() == wanted["currency_code"].upper()
    )


def same_plain(held: Value, wanted: Value) -> bool:
    """Whether two values are equal."""
    return bool(held == wanted)


def same_whole(held: Value, wanted: Value) -> bool:
    """Whether the exchange (first) holds all that a value (second) says, and all that was sent."""
    if SENT in wanted and WHOLE in held and not merge.holds(held[WHOLE], wanted[SENT]):
        return False
    return merge.alike(merge.bare(held), merge.bare(wanted))
