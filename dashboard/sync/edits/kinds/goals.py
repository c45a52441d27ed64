"""The goals of a launched group: of the whole, and of each quota.

A value is `{"completes_goal": 400, "profiles": [{"id", "name", "targets": [{"id", "name",
"conditions", "completes_goal", "completes"}]}]}`; one to be sent names only what changes.
"""

from __future__ import annotations

from typing import Any

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.profiling import (
    FillingGoalUpdateRequest,
    ProfileGoalRequest,
    ProfileTarget,
    QuotaGoalRequest,
    TargetGoalRequest,
)
from dashboard.sync.columns import limits
from dashboard.sync.edits.merge import Merged, Path

Value = Any


def read_goals(client: ExchangeClient, of: dict[str, str]) -> Value:
    """The goal of the group and of each quota; quotas by profile and target."""
    answer = client.list_profiles(**of)
    profiles = [
        {
            "id": profile.id,
            "name": profile.name or profile.description or "",
            "targets": [_target(each) for each in profile.targets if each.quota and each.id],
        }
        for profile in answer.profiles
        if profile.id
    ]
    shown = [profile for profile in profiles if profile["targets"]]
    return {"completes_goal": answer.completes_goal, "profiles": shown}


def _target(target: ProfileTarget) -> Value:
    quota = target.quota
    return {
        "id": target.id,
        "name": target.name or (quota.name if quota else "") or target.text or "",
        "conditions": limits.fit_json(target.conditions),
        "completes_goal": quota.completes_goal if quota else None,
        "completes": quota.completes if quota else None,
    }


def by_quota(value: Value) -> dict[tuple[str, str], int | None]:
    """The goals of the quotas by the ids of profile and target."""
    return {
        (profile["id"], target["id"]): target["completes_goal"]
        for profile in value.get("profiles") or []
        for target in profile["targets"]
    }


def write_goals(client: ExchangeClient, of: dict[str, str], value: Value) -> object:
    """What the value names: with the total alone the exchange works the quotas out anew."""
    goals = FillingGoalUpdateRequest()
    if "completes_goal" in value:
        goals.completes_goal = value["completes_goal"]
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
    return client.update_profile_filling_goal(**of, goals=goals)


def merged(was: Value, theirs: Value, ours: Value) -> Merged:
    """Ours names only what changes: it clashes where somebody else changed the same goal."""
    clashes: list[Path] = []
    name = "completes_goal"
    if name in ours and theirs[name] not in (was[name], ours[name]):
        clashes.append((name,))
    before, there = by_quota(was), by_quota(theirs)
    clashes += [
        ("profiles", *quota)
        for quota, goal in by_quota(ours).items()
        if there.get(quota) not in (before.get(quota), goal)
    ]
    return Merged(ours, tuple(clashes))


def same_goals(one: Value, other: Value) -> bool:
    """Whether every goal that `other` names is so in `one`."""
    held = by_quota(one)
    named = by_quota(other).items()
    total = other.get("completes_goal", one["completes_goal"])
    return bool(total == one["completes_goal"]) and all(held.get(k) == goal for k, goal in named)
