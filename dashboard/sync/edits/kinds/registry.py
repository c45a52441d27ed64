"""What can be edited on the exchange: how each kind is read, written and compared.

A value is what JSON can hold: `{"value": "2.70", "currency_code": "USD"}`, a strategy's name, the
re-entry configuration by status and side, the details by the exchange's names, the two ends of the
fielding period, the goals of a group and of its quotas, the modules of the fielding assistant, or
a whole draft.

What is sent whole is sent as it is held at that moment, every member of it, with what a person
changed. Beside the value itself, one that was read has all of it under `merge.WHOLE`, and one that
is to be sent has the request under `merge.SENT`, so that all of it is compared afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from dashboard.exchange import sendable
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import NotFound, NotOffered
from dashboard.exchange.operations.base import rfc3339
from dashboard.exchange.shapes.base import MonetaryAmount
from dashboard.exchange.shapes.groups import TargetGroupDetails
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.columns import limits
from dashboard.sync.columns.limits import fit_json
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds import assistant, draft, goals
from dashboard.sync.edits.merge import SENT, WHOLE, Merge

Value = Any
Ids = dict[str, str]


class RemoteValue(NamedTuple):
    """What the exchange holds now; its ETag where it has one, of a fielding run also which one.

    `raw`: every member of what is sent back whole, as it came.
    """

    value: Value
    etag: str = ""
    run_id: str = ""
    raw: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Editable:
    """One kind of edit: read it, write it over what was read, and its columns in our tables.

    `same`: whether the exchange (first) holds all that a value (second) says. `merge`: the changes
    of two people put together, from what was shown, what is held, and what is wanted. `request`:
    the whole request that makes a value of what is held, for what is sent whole.
    """

    read: Callable[[ExchangeClient, Ids], RemoteValue]
    write: Callable[[ExchangeClient, Ids, Value, RemoteValue], object]
    columns: Callable[[TargetGroup, Value], dict[str, Any]]
    same: Callable[[Value, Value], bool]
    merge: Merge = merge.atomic
    request: Callable[[Value, RemoteValue], Mapping[str, Any]] | None = None

    def rebased(self, before: Value, theirs: Value, held: RemoteValue, wanted: Value) -> Rebased:
        """An edit over what is held now: what nobody touched is taken as it is held.

        `theirs`: what is held, where the reading is late as it should be.
        """
        both = self.merge(merge.bare(before), theirs, merge.bare(wanted))
        if both.clashes or self.request is None:
            return Rebased(theirs, both.value, bool(both.clashes))
        sent = limits.fit_json(self.request(both.value, held))
        return Rebased(theirs, {**both.value, SENT: sent}, False)


class Rebased(NamedTuple):
    """An edit over what is held now: from what, to what, and whether that is to be asked first."""

    before: Value
    wanted: Value
    clashes: bool


def exchange_ids(group: TargetGroup) -> Ids:
    """How the exchange finds a group."""
    return {"project_id": group.project.exchange_id, "target_group_id": group.exchange_id}


def _money(amount: MonetaryAmount | None) -> Value:
    if amount is None:
        return None
    return {"value": format(amount.value, "f"), "currency_code": amount.currency_code}


def _is_money(value: Value) -> bool:
    """Whether it is an amount; else it is none, or drifted from what an amount is."""
    return isinstance(value, Mapping) and {"value", "currency_code"} <= value.keys()


def _same_money(one: Value, other: Value) -> bool:
    if not (_is_money(one) and _is_money(other)):
        return bool(one == other)
    return Decimal(one["value"]) == Decimal(other["value"]) and (
        one["currency_code"].upper() == other["currency_code"].upper()
    )


def _equal(one: Value, other: Value) -> bool:
    return bool(one == other)


def _read_cpi(client: ExchangeClient, of: Ids) -> RemoteValue:
    return RemoteValue(_money(client.get_target_group_overview(**of).current_cost_per_interview))


def _write_cpi(client: ExchangeClient, of: Ids, value: Value, _held: RemoteValue) -> object:
    cpi = MonetaryAmount(value=Decimal(value["value"]), currency_code=value["currency_code"])
    return client.update_cost_per_interview(**of, cpi=cpi)


def _cpi_columns(_group: TargetGroup, value: Value) -> dict[str, Any]:
    if value is None:
        return {}
    return {"cpi": Decimal(value["value"]), "currency": value["currency_code"].upper()}


def _read_strategy(client: ExchangeClient, of: Ids) -> RemoteValue:
    return RemoteValue(client.get_target_group_overview(**of).progress.filling_strategy)


def _write_strategy(client: ExchangeClient, of: Ids, value: Value, _held: RemoteValue) -> object:
    return client.update_filling_strategy(**of, filling_strategy=value)


def _read_re_entry(client: ExchangeClient, of: Ids) -> RemoteValue:
    read = client.get_whole_re_entry_configuration(**of)
    value = msgspec.to_builtins(read.value) | {WHOLE: limits.fit_json(read.raw)}
    return RemoteValue(value, raw=read.raw)


def _re_entry_request(value: Value, held: RemoteValue) -> Mapping[str, Any]:
    changed = merge.patched(held.raw, merge.bare(held.value), merge.bare(value))
    return sendable.without(changed, ())


def _write_re_entry(client: ExchangeClient, of: Ids, value: Value, held: RemoteValue) -> object:
    return client.update_re_entry_configuration(**of, configuration=_re_entry_request(value, held))


def _same_whole(one: Value, other: Value) -> bool:
    """Whether the exchange (first) holds all that a value (second) says, and all that was sent."""
    if SENT in other and WHOLE in one and not merge.holds(one[WHOLE], other[SENT]):
        return False
    return merge.alike(merge.bare(one), merge.bare(other))


DETAILS = (
    "name",
    "project_manager_id",
    "expected_length_of_interview_minutes",
    "expected_incidence_rate",
    "industry_lockout_code",
    "live_url",
    "test_url",
    "target_group_customer_reference_number",
    "client_cost_per_interview_note",
)


def _details(details: TargetGroupDetails) -> Value:
    value: dict[str, Any] = {name: getattr(details, name) for name in DETAILS}
    value["client_cost_per_interview_note"] = _money(details.client_cost_per_interview_note)
    if details.expected_incidence_rate is not None:
        value["expected_incidence_rate"] = round(float(details.expected_incidence_rate), 4)
    drifted = {name: raw for name, raw in details.drifted.items() if name in value}
    return value | fit_json(drifted)  # what nobody can read goes back as it came


def _read_details(client: ExchangeClient, of: Ids) -> RemoteValue:
    read = client.get_whole_target_group_details(**of)
    value = _details(read.value) | {WHOLE: limits.fit_json(sendable.details(read.raw))}
    return RemoteValue(value, raw=read.raw)


def _details_request(value: Value, held: RemoteValue) -> Mapping[str, Any]:
    """All of it, since what is missing may be emptied; null empties what was there."""
    was, wanted = merge.bare(held.value), merge.bare(value)
    request = merge.patched(sendable.details(held.raw), was, wanted)
    reference = "target_group_customer_reference_number"
    if was[reference] is not None and wanted[reference] is None:
        request[reference] = None
    return dict(request)


def _write_details(client: ExchangeClient, of: Ids, value: Value, held: RemoteValue) -> object:
    return client.update_launched_target_group_details(**of, details=_details_request(value, held))


_NUMBERS = {
    "expected_loi_minutes": "expected_length_of_interview_minutes",
    "expected_incidence_rate": "expected_incidence_rate",
}


def _details_columns(group: TargetGroup, read: Value) -> dict[str, Any]:
    value = merge.bare(read)
    drifted = {n for n in _NUMBERS.values() if not isinstance(value[n], int | float | None)}
    note = "client_cost_per_interview_note"
    drifted |= {note} if value[note] and not _is_money(value[note]) else set()
    return {
        "name": value["name"],
        "project_manager_id": value["project_manager_id"] or "",
        "reference_number": value["target_group_customer_reference_number"] or "",
        "details": group.details | {n: v for n, v in value.items() if n not in drifted},
    } | {column: value[name] for column, name in _NUMBERS.items() if name not in drifted}


DATES = ("start_fielding_at", "end_fielding_at")


def _read_dates(client: ExchangeClient, of: Ids) -> RemoteValue:
    runs = client.get_fielding_runs_by_target_group_id(**of).items
    if not runs:
        raise NotFound("The exchange knows no fielding run of this group")
    run = client.get_whole_fielding_run(**of, fielding_run_id=runs[0].id)
    start, end = run.value.start_fielding_at, run.value.end_fielding_at
    value = {
        "start_fielding_at": rfc3339(start) if start else None,
        "end_fielding_at": rfc3339(end) if end else None,
    }
    return RemoteValue(value, run.etag or run.value.etag or "*", runs[0].id, run.raw)


def _write_dates(client: ExchangeClient, of: Ids, value: Value, held: RemoteValue) -> object:
    """Both dates: one that nobody moved as the exchange writes it."""
    dates = merge.patched({name: held.raw.get(name) for name in DATES}, held.value, value)
    return client.update_fielding_run(
        **of,
        fielding_run_id=held.run_id,
        start_fielding_at=dates["start_fielding_at"],
        end_fielding_at=dates["end_fielding_at"],
        etag=held.etag,
        more=sendable.fielding_run(held.raw),
    )


def _dates_columns(_group: TargetGroup, value: Value) -> dict[str, Any]:
    names = (("starts_at", "start_fielding_at"), ("ends_at", "end_fielding_at"))
    return {
        column: datetime.fromisoformat(value[name]) if value[name] else None
        for column, name in names
    }


def _read_assistant(client: ExchangeClient, of: Ids) -> RemoteValue:
    value, etag, raw = assistant.read_assistant(client, of)
    return RemoteValue(value, etag, raw=raw)


def _read_draft(client: ExchangeClient, of: Ids) -> RemoteValue:
    read = client.get_whole_target_group(**of)
    return RemoteValue(draft.whole_of(read), raw=read.raw)


def _by_a_job(_client: ExchangeClient, _of: Ids, _value: Value, _held: RemoteValue) -> object:
    raise NotOffered("This is changed by a job of the exchange")


EDITABLE: Mapping[str, Editable] = {
    Edit.Kind.CPI: Editable(_read_cpi, _write_cpi, _cpi_columns, _same_money),
    Edit.Kind.FILLING_STRATEGY: Editable(
        _read_strategy,
        _write_strategy,
        lambda _group, value: {"filling_strategy": value},
        _equal,
    ),
    Edit.Kind.RE_ENTRY: Editable(
        _read_re_entry,
        _write_re_entry,
        lambda _group, value: {"re_entry": merge.bare(value), "re_entry_offered": True},
        _same_whole,
        merge.three_way,
        _re_entry_request,
    ),
    Edit.Kind.DETAILS: Editable(
        _read_details,
        _write_details,
        _details_columns,
        _same_whole,
        merge.three_way,
        _details_request,
    ),
    Edit.Kind.DATES: Editable(
        _read_dates, _write_dates, _dates_columns, merge.alike, merge.three_way
    ),
    Edit.Kind.GOALS: Editable(
        lambda client, of: RemoteValue(goals.read_goals(client, of)),
        lambda client, of, value, _held: goals.write_goals(client, of, value),
        lambda _group, value: {"completes_goal": value["completes_goal"]},
        goals.same_goals,
        goals.merged,
    ),
    Edit.Kind.ASSISTANT: Editable(
        _read_assistant,
        lambda client, of, value, held: assistant.write_assistant(
            client, of, assistant.changed(value, held.value, held.raw), held.etag
        ),
        lambda _group, _value: {},  # the changelog tells it
        assistant.same_assistant,
        merge.three_way,
        lambda value, held: assistant.changed(value, held.value, held.raw),
    ),
    # What jobs change is only read here, to settle what is not known of them.
    Edit.Kind.STATUS: Editable(
        lambda client, of: RemoteValue(client.get_target_group_overview(**of).status),
        _by_a_job,
        lambda _group, _value: {},  # the project is read again at once, with what follows from it
        _equal,
    ),
    Edit.Kind.MANAGER: Editable(
        lambda client, of: RemoteValue(client.get_target_group_details(**of).project_manager_id),
        _by_a_job,
        lambda _group, value: {"project_manager_id": value or ""},
        _equal,
    ),
    Edit.Kind.DRAFT: Editable(
        _read_draft,
        lambda client, of, value, held: client.update_target_group(
            **of, draft=draft.changed(value, held.value, held.raw)
        ),
        draft.draft_columns,
        draft.same_draft,
        draft.merged,
        lambda value, held: draft.changed(value, held.value, held.raw),
    ),
}
# Columns that an edit settles: a pull that read earlier leaves them alone.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    Edit.Kind.CPI: ("cpi",),
    Edit.Kind.FILLING_STRATEGY: ("filling_strategy",),
    Edit.Kind.RE_ENTRY: ("re_entry", "re_entry_offered"),
    Edit.Kind.DETAILS: (
        "name",
        "project_manager_id",
        "reference_number",
        "expected_loi_minutes",
        "expected_incidence_rate",
        "details",
    ),
    Edit.Kind.DATES: ("starts_at", "ends_at"),
    Edit.Kind.GOALS: ("completes_goal",),
    Edit.Kind.ASSISTANT: (),
    Edit.Kind.DRAFT: draft.COLUMNS,
    Edit.Kind.LAUNCH: ("status", "fielding_run_id", "starts_at", "ends_at"),
}
