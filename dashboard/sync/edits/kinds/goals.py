"""The goals of a launched group: of the whole group, and of each quota.

A value is `{"completes_goal": 400, "profiles": [{"id", "name", "targets": [{"id", "name",
"conditions", "completes_goal", "completes"}]}]}`; a value to be sent has only what changes.
"""

from __future__ import annotations

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.profiling import (
    FillingGoalUpdateRequest,
    ProfileGoalRequest,
    ProfileTarget,
    QuotaGoalRequest,
    TargetGoalRequest,
)
from dashboard.fielding.models import Edit
from dashboard.sync.columns import limits
from dashboard.sync.edits.kinds.base import Editable, ExchangeIds, RemoteValue, Value
from dashboard.sync.edits.merge import Merged, Path

TOTAL = "completes_goal"


def _read_goals(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    """The goal of the group and of each quota; quotas by profile and target."""
    answer = client.list_profiles(**ids)
    profiles = [
        {
            "id": profile.id,
            "name": profile.name or profile.description or "",
            "targets": [
                _target_value(target) for target in profile.targets if target.quota and target.id
            ],
        }
        for profile in answer.profiles
        if profile.id
    ]
    with_quotas = [profile for profile in profiles if profile["targets"]]
    return RemoteValue({TOTAL: answer.completes_goal, "profiles": with_quotas})


def _target_value(target: ProfileTarget) -> Value:
    quota = target.quota
    return {
        "id": target.id,
        "name": target.name or (quota.name if quota else "") or target.text or "",
        "conditions": limits.fit_json(target.conditions),
        "completes_goal": quota.completes_goal if quota else None,
        "completes": quota.completes if quota else None,
    }


def _goals_by_quota(value: Value) -> dict[tuple[str, str], int | None]:
    """The goals of the quotas by the ids of profile and target."""
    return {
        (profile["id"], target["id"]): target["completes_goal"]
        for profile in value.get("profiles") or []
        for target in profile["targets"]
    }


def _write_goals(
    client: ExchangeClient, ids: ExchangeIds, value: Value, _held: RemoteValue
) -> object:
    """Send the goals in the value; with the total alone the exchange recomputes the quotas."""
    goals = FillingGoalUpdateRequest()
    if TOTAL in value:
        goals.completes_goal = value[TOTAL]
    if value.get("profiles"):
        goals.profiles = [
            ProfileGoalRequest(
                profile_id=profile["id"],
                targets=[
                    TargetGoalRequest(
                        id=target["id"],
                        quota=QuotaGoalRequest(completes_goal=target["completes_goal"]),
                    )
                    for target in profile["targets"]
                ],
            )
            for profile in value["profiles"]
        ]
    return client.update_profile_filling_goal(**ids, goals=goals)


def _merge_goals(was: Value, theirs: Value, ours: Value) -> Merged:
    """`ours` has only the changes: it clashes where someone else changed the same goal."""
    clashes: list[Path] = []
    if TOTAL in ours and theirs[TOTAL] not in (was[TOTAL], ours[TOTAL]):
        clashes.append((TOTAL,))
    goals_before, goals_held = _goals_by_quota(was), _goals_by_quota(theirs)
    clashes += [
        ("profiles", *quota)
        for quota, goal in _goals_by_quota(ours).items()
        if goals_held.get(quota) not in (goals_before.get(quota), goal)
    ]
    return Merged(ours, tuple(clashes))


def _same_goals(held: Value, wanted: Value) -> bool:
    """Whether the exchange (first) holds every goal of a value (second)."""
    if wanted.get(TOTAL, held[TOTAL]) != held[TOTAL]:
        return False
    goals_held = _goals_by_quota(held)
    return all(goals_held.get(quota) == goal for quota, goal in _goals_by_quota(wanted).items())


EDITABLE = Editable(
    Edit.Kind.GOALS,
    _read_goals,
    _write_goals,
    lambda _group, value: {"completes_goal": value[TOTAL]},
    _same_goals,
    owns=("completes_goal",),
    changelog=lambda _before, wanted: [("filling_goal_change", wanted.get(TOTAL))],
    merge=_merge_goals,
)
