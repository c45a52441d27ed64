"""Status and project manager of a group, which only jobs of the exchange change.

Both are only read here, to settle edits of a job whose outcome is unknown.
"""

from __future__ import annotations

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import NotOffered
from dashboard.fielding.models import Edit
from dashboard.sync.edits.kinds.base import (
    Editable,
    ExchangeIds,
    RemoteValue,
    Value,
    same_plain,
)


def _read_status(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    return RemoteValue(client.get_target_group_overview(**ids).status)


def _read_manager(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    return RemoteValue(client.get_target_group_details(**ids).project_manager_id)


def _refuse_to_write(
    _client: ExchangeClient, _ids: ExchangeIds, _value: Value, _held: RemoteValue
) -> object:
    raise NotOffered("This can only be changed by a Cint job")


STATUS = Editable(
    Edit.Kind.STATUS,
    _read_status,
    _refuse_to_write,
    lambda _group, _value: {},  # the project is due immediately, and read with all consequences
    same_plain,
    owns=(),
    changelog=lambda _before, wanted: [("status_change", wanted)],
)
MANAGER = Editable(
    Edit.Kind.MANAGER,
    _read_manager,
    _refuse_to_write,
    lambda _group, value: {"project_manager_id": value or ""},
    same_plain,
    owns=(),
    changelog=lambda _before, wanted: [("project_manager_change", {"las_user_id": wanted})],
)
