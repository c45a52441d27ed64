"""The details of a launched group, by the exchange's names. They are sent whole."""

from __future__ import annotations

from dashboard.exchange import sendable
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.groups import TargetGroupDetails
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.columns import limits
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.columns.limits import fit_json
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds.base import (
    ChangelogEntry,
    Editable,
    ExchangeIds,
    Members,
    RemoteValue,
    Value,
    is_money,
    money_value,
    same_whole,
)
from dashboard.sync.edits.merge import WHOLE

MANAGER_ID = "project_manager_id"
REFERENCE = "target_group_customer_reference_number"
PRICE_NOTE = "client_cost_per_interview_note"
# Each detail, with the changelog's name for a change of it.
CHANGELOG_KINDS = {
    "name": "name_change",
    MANAGER_ID: "project_manager_change",
    "expected_length_of_interview_minutes": "expected_length_of_interview_minutes_change",
    "expected_incidence_rate": "expected_incidence_rate_change",
    "industry_lockout_code": "industry_lockout_code_change",
    "live_url": "live_url_change",
    "test_url": "test_url_change",
    REFERENCE: "target_group_customer_reference_number_change",
    PRICE_NOTE: "cpi_note_change",
}
DETAILS = tuple(CHANGELOG_KINDS)
_NUMBER_COLUMNS = {
    "expected_loi_minutes": "expected_length_of_interview_minutes",
    "expected_incidence_rate": "expected_incidence_rate",
}


def _details_value(details: TargetGroupDetails) -> Value:
    value: dict[str, Value] = {name: getattr(details, name) for name in DETAILS}
    value[PRICE_NOTE] = money_value(details.client_cost_per_interview_note)
    if details.expected_incidence_rate is not None:
        value["expected_incidence_rate"] = round(float(details.expected_incidence_rate), 4)
    drifted = {name: raw for name, raw in details.drifted.items() if name in value}
    return value | fit_json(drifted)  # members that could not be read are sent back as they came


def _read_details(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    read = client.get_whole_target_group_details(**ids)
    value = _details_value(read.value) | {WHOLE: limits.fit_json(sendable.details(read.raw))}
    return RemoteValue(value, raw=read.raw)


def _details_request(value: Value, held: RemoteValue) -> Members:
    """The whole object, since the exchange may clear missing members; null clears one."""
    was, wanted = merge.bare(held.value), merge.bare(value)
    request = merge.patched(sendable.details(held.raw), was, wanted)
    if was[REFERENCE] is not None and wanted[REFERENCE] is None:
        request[REFERENCE] = None
    return dict(request)


def _write_details(
    client: ExchangeClient, ids: ExchangeIds, value: Value, held: RemoteValue
) -> object:
    request = _details_request(value, held)
    return client.update_launched_target_group_details(**ids, details=request)


def _details_columns(group: TargetGroup, held: Value) -> Columns:
    value = merge.bare(held)
    drifted = {
        name for name in _NUMBER_COLUMNS.values() if not isinstance(value[name], int | float | None)
    }
    if value[PRICE_NOTE] and not is_money(value[PRICE_NOTE]):
        drifted.add(PRICE_NOTE)
    return {
        "name": value["name"],
        "project_manager_id": value[MANAGER_ID] or "",
        "reference_number": value[REFERENCE] or "",
        "details": group.details
        | {name: detail for name, detail in value.items() if name not in drifted},
    } | {column: value[name] for column, name in _NUMBER_COLUMNS.items() if name not in drifted}


def _details_changelog(before: Value, wanted: Value) -> list[ChangelogEntry]:
    """One entry for each detail that differs."""
    was = before or {}
    changed = {name: value for name, value in (wanted or {}).items() if value != was.get(name)}
    if MANAGER_ID in changed:
        changed[MANAGER_ID] = {"las_user_id": changed[MANAGER_ID]}
    return [(CHANGELOG_KINDS[name], value) for name, value in changed.items()]


EDITABLE = Editable(
    Edit.Kind.DETAILS,
    _read_details,
    _write_details,
    _details_columns,
    same_whole,
    owns=(
        "name",
        "project_manager_id",
        "reference_number",
        "expected_loi_minutes",
        "expected_incidence_rate",
        "details",
    ),
    changelog=_details_changelog,
    merge=merge.three_way,
    request=_details_request,
)
