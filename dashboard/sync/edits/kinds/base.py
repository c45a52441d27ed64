"""What every kind of edit says of itself: how it is read, written, compared and stored.

A value is what JSON can hold: `{"value": "2.70", "currency_code": "USD"}`, a strategy's name, the
re-entry configuration by status and side, the details by the exchange's names, the two ends of the
fielding period, the goals of a group and of its quotas, the modules of the fielding assistant, or
a whole draft.

What is sent whole is sent as it is held at that moment, every member of it, with what a person
changed. A value that was read has all of it under `merge.WHOLE`, beside the value itself; a value
that is to be sent has the request under `merge.SENT`, so that all of it is compared afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.base import MonetaryAmount
from dashboard.fielding.models import TargetGroup
from dashboard.sync.columns import limits
from dashboard.sync.edits import merge
from dashboard.sync.edits.merge import SENT, WHOLE, Merge

Value = Any  # what JSON can hold: each kind has another shape
ExchangeIds = dict[str, str]
ChangelogEntry = tuple[str, Value]  # a kind of change, and its new value: None for any


class RemoteValue(NamedTuple):
    """What the exchange holds now; its ETag where it has one, of a fielding run also which one.

    `raw`: every member of what is sent back whole, as it came.
    """

    value: Value
    etag: str = ""
    run_id: str = ""
    raw: Mapping[str, Any] = {}


class Rebased(NamedTuple):
    """An edit over what is held now: from what, to what, and whether that is to be asked first."""

    before: Value
    wanted: Value
    clashes: bool


@dataclass(frozen=True)
class Editable:
    """One kind of edit of a group: how to read it, write it, compare it, and its columns.

    `read` and `write` ask the exchange; `write` gets the value to send and what was read before.
    `columns` gives the columns of TargetGroup that a value tells. `same` says whether the exchange
    (first) holds all that a value (second) says.

    `owns` names the columns that an edit settles: a pull that read earlier leaves them alone.
    `changelog` gives the entries by which the changelog tells of an edit, from the values before
    and wanted, both bare. `merge` puts the changes of two people together, from what was shown,
    what is held, and what is wanted. `request` gives the whole request that makes a value of what
    is held, for what is sent whole.
    """

    kind: str
    read: Callable[[ExchangeClient, ExchangeIds], RemoteValue]
    write: Callable[[ExchangeClient, ExchangeIds, Value, RemoteValue], object]
    columns: Callable[[TargetGroup, Value], dict[str, Any]]
    same: Callable[[Value, Value], bool]
    owns: tuple[str, ...]
    changelog: Callable[[Value, Value], list[ChangelogEntry]]
    merge: Merge = merge.atomic
    request: Callable[[Value, RemoteValue], Mapping[str, Any]] | None = None

    def rebased(self, before: Value, theirs: Value, held: RemoteValue, wanted: Value) -> Rebased:
        """An edit over what is held now: what nobody touched is taken as it is held.

        `theirs`: what is held, where the reading is late as it should be.
        """
        both = self.merge(merge.bare(before), theirs, merge.bare(wanted))
        if both.clashes or self.request is None:
            return Rebased(theirs, both.value, bool(both.clashes))
        request = limits.fit_json(self.request(both.value, held))
        return Rebased(theirs, {**both.value, SENT: request}, False)


def exchange_ids(group: TargetGroup) -> ExchangeIds:
    """The ids under which the exchange knows a group, as arguments of its operations."""
    return {"project_id": group.project.exchange_id, "target_group_id": group.exchange_id}


def money_value(amount: MonetaryAmount | None) -> Value:
    """An amount as a value; None for none."""
    if amount is None:
        return None
    return {"value": format(amount.value, "f"), "currency_code": amount.currency_code}


def is_money(value: Value) -> bool:
    """Whether a value is an amount; else it is none, or drifted from what an amount is."""
    return isinstance(value, Mapping) and {"value", "currency_code"} <= value.keys()


def same_money(held: Value, wanted: Value) -> bool:
    """Whether two amounts are equal, whatever their digits and the case of the currency."""
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
