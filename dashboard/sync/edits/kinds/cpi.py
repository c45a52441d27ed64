"""The cost per interview of a group. A value is an amount with its currency."""

from __future__ import annotations

from decimal import Decimal

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.base import MonetaryAmount
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.edits.kinds.base import (
    Editable,
    ExchangeIds,
    RemoteValue,
    Value,
    money_value,
    same_money,
)


def _read_cpi(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    overview = client.get_target_group_overview(**ids)
    return RemoteValue(money_value(overview.current_cost_per_interview))


def _write_cpi(
    client: ExchangeClient, ids: ExchangeIds, value: Value, _held: RemoteValue
) -> object:
    cpi = MonetaryAmount(value=Decimal(value["value"]), currency_code=value["currency_code"])
    return client.update_cost_per_interview(**ids, cpi=cpi)


def _cpi_columns(_group: TargetGroup, value: Value) -> Columns:
    if value is None:
        return {}
    return {"cpi": Decimal(value["value"]), "currency": value["currency_code"].upper()}


EDITABLE = Editable(
    Edit.Kind.CPI,
    _read_cpi,
    _write_cpi,
    _cpi_columns,
    same_money,
    owns=("cpi",),
    changelog=lambda _before, wanted: [
        ("cpi_change", wanted),
        ("user_requested_cpi_change", wanted),
    ],
)
