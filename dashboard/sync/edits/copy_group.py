"""Copy the settings of another group, whatever its status, for a new draft. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    AlreadyLaunched,
    BadAnswer,
    ExchangeError,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    NotOffered,
)
from dashboard.exchange.shapes.groups import TargetGroupDetails
from dashboard.exchange.shapes.profiling import Profiles
from dashboard.fielding.models import TargetGroup
from dashboard.sync.columns.limits import fit_json
from dashboard.sync.connections import clients
from dashboard.sync.edits import draft_profiles, moves
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.kinds.base import exchange_ids, money_value
from dashboard.sync.edits.kinds.draft import Value
from dashboard.sync.edits.merge import WHOLE

SECONDS = 8.0
T = TypeVar("T")
# Failures of a part that may be absent: the copy does without it and says so.
_LEFT_OUT = (Forbidden, NotFound, MethodNotAllowed, NotOffered, BadAnswer)


@dataclass(frozen=True, slots=True)
class Copied:
    """The settings of a group as a draft's value, and the names of parts that were not read."""

    value: Value
    missing: list[str] = field(default_factory=list)


def copy_of_group(group: TargetGroup, *, client: ExchangeClient | None = None) -> Copied:
    """Read the settings of a group; raises ExchangeError if the exchange cannot be reached."""
    client = client or clients.client_for(group.account)
    with client.deadline(SECONDS):
        if group.status == TargetGroup.Status.DRAFT:
            try:
                held = moves.at_its_project(
                    group=group, client=client, ask=lambda ids: draft.read_draft(client, ids)
                )
                return Copied(_as_new_draft(held))
            except AlreadyLaunched:
                pass
        return _copy_of_launched(group, client)


def stored_copy(group: TargetGroup) -> Value | None:
    """The settings in our tables, for when the exchange is away; without passthrough members."""
    value = draft.stored_draft(group)
    if value is None:
        return None
    return _as_new_draft(
        value
        | draft.passthrough(None, None)
        | {
            "pricing_model": "rate_card" if group.pricing_model == "rate_card" else "dynamic",
            "re_entry_configuration": group.re_entry,
            draft.PRICE: _stored_price(group),
        }
    )


def _stored_price(group: TargetGroup) -> Value | None:
    if group.cpi is None or not group.currency:
        return None
    return {"value": format(group.cpi.normalize(), "f"), "currency_code": group.currency}


def _as_new_draft(value: Value) -> Value:
    """The value without what belongs to one group only: its dates and its soft launch."""
    assistant = _without_soft_launch(value[draft.ASSISTANT])
    period = {"start_at": None, "end_at": None}
    new_value = value | {draft.ASSISTANT: assistant, draft.PERIOD: period}
    if whole := value.get(WHOLE):
        modules = _without_soft_launch(whole[draft.ASSISTANT])
        shares = {name: _new_shares(part) for name, part in whole["allocations"].items()}
        new_value[WHOLE] = whole | {draft.ASSISTANT: modules, "allocations": shares}
    return new_value


def _without_soft_launch(modules: Value) -> Value:
    return {name: module for name, module in modules.items() if name != "soft_launch"}


def _new_shares(part: object) -> object:
    """Suppliers' shares without the ids that they have in their group."""
    if not isinstance(part, dict) or "groups" not in part:
        return part
    groups = [
        {name: value for name, value in share.items() if name != "group_id"}
        for share in part["groups"]
    ]
    return part | {"groups": groups}


def _copy_of_launched(group: TargetGroup, client: ExchangeClient) -> Copied:
    """The settings of a group that was launched."""
    missing: list[str] = []

    def read_part(name: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except _LEFT_OUT:
            missing.append(name)
            return None

    details = moves.at_its_project(
        group=group, client=client, ask=lambda ids: client.get_target_group_details(**ids)
    )
    ids = exchange_ids(group)
    overview = read_part("its price", lambda: client.get_target_group_overview(**ids))
    re_entry = read_part("its re-entry", lambda: client.get_re_entry_configuration(**ids))
    profiles = read_part("its profiles and quotas", lambda: client.list_profiles(**ids))
    shares = read_part(
        "its suppliers' shares", lambda: client.get_target_group_allocation_specification(**ids)
    )
    modules = read_part(
        "its fielding assistant", lambda: client.get_fielding_assistant_assignment(**ids).value
    )
    value = _details_value(details) | draft.passthrough(modules, shares)
    value[draft.PROFILING] = draft_profiles.with_texts(_profiling_value(profiles))
    value["re_entry_configuration"] = msgspec.to_builtins(re_entry) if re_entry else None
    value["exclusion"] = _takes_part_in_exclusion(group, client)
    by_card = (overview.pricing_model if overview else group.pricing_model) == "rate_card"
    value["pricing_model"] = "rate_card" if by_card else "dynamic"
    value[draft.PRICE] = (
        money_value(overview.current_cost_per_interview) if overview else _stored_price(group)
    )
    return Copied(_as_new_draft(value), missing)


def _details_value(details: TargetGroupDetails) -> Value:
    value: Value = {name: getattr(details, name, None) for name in draft.PLAIN}
    if details.expected_incidence_rate is not None:
        value[draft.IR] = round(float(details.expected_incidence_rate), 4)
    value[draft.NOTE] = money_value(details.client_cost_per_interview_note)
    value["respondent_activity_exclusions"] = []
    return value


def _takes_part_in_exclusion(group: TargetGroup, client: ExchangeClient) -> bool:
    """Whether the group takes part in its project's exclusion, which only the list shows."""
    short = group.human_readable_id
    try:
        page = client.get_list_target_groups(
            project_id=group.project.exchange_id,
            human_readable_ids=[short] if short else None,
            name=None if short else group.name,
        )
    except ExchangeError:
        return True
    row = next((row for row in page.items if row.id == group.exchange_id), None)
    return row is None or row.exclusion_enabled is not False


def _profiling_value(profiles: Profiles | None) -> Value:
    """The profiles of a launched group, with quotas in percent of the goal."""
    if profiles is None or not profiles.profiles:
        return {}
    values = []
    for profile in profiles.profiles:
        value: Value = fit_json(msgspec.to_builtins(profile))
        value["object"] = value["object"] or "regular"
        for target in value["targets"]:
            target["quota"] = {
                "completes_goal_percentage": _quota_percent(
                    target["quota"], profiles.completes_goal
                )
            }
        values.append({name: member for name, member in value.items() if member is not None})
    return {"profile_adjustment_type": "percentage", "profiles": values}


def _quota_percent(quota: Value | None, goal: int | None) -> float:
    """A quota in percent, to the hundredth; rounded down, so that the quotas fit into the goal."""
    if not quota:
        return 0
    if quota.get("completes_goal_percentage") is not None:
        return round(float(quota["completes_goal_percentage"]), 2)
    return int((quota.get("completes_goal") or 0) * 10_000 / goal) / 100 if goal else 0
