"""Who is asked for: profiles, their targets and quotas.

Conditions are polymorphic and Fieldwatch only shows them and hands them back, so they stay as the
exchange wrote them: mappings.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from dashboard.exchange.shapes.base import Body, Count, Id, Identified, Shape


class ProfilingQuota(Shape, frozen=True, kw_only=True, gc=False):
    """A target's goal and how far it is; percentages 0-100."""

    name: str | None = None
    completes_goal_percentage: float | None = None
    quota_nominal: Count | None = None
    completes_goal: Count | None = None
    completes: Count | None = None
    prescreens: Count | None = None


class ProfileTarget(Identified, frozen=True, kw_only=True, gc=False):
    """One audience of a profile; `quota` is None where quotas are off."""

    id: Id | None = None
    name: str | None = None
    text: str | None = None
    text_translated: str | None = None
    conditions: list[dict[str, Any]] = []
    quota: ProfilingQuota | None = None


class Profile(Identified, frozen=True, kw_only=True, gc=False):
    """One question (`regular`) or several together (`blended`), with its targets."""

    object: str | None = None
    id: Id | None = None
    name: str | None = None
    description: str | None = None
    description_translated: str | None = None
    blended_type: str | None = None
    quotas_enabled: bool | None = None
    targets: list[ProfileTarget] = []


class Profiles(Shape, frozen=True, kw_only=True, gc=False):
    """The profiles of a launched group (`ProfilesResponseV3`)."""

    locale: str | None = None
    completes_goal: Count | None = None
    profiles: list[Profile] = []


class ProfilingQuestion(Profile, frozen=True, kw_only=True, gc=False):
    """A question of the library with its answers as targets (`QuestionResponseProfileFormat`)."""

    standard: bool | None = None
    profile_condition_type: str | None = None


class QuotaGoalRequest(Body, kw_only=True):
    completes_goal: int


class TargetGoalRequest(Body, kw_only=True):
    id: str
    quota: QuotaGoalRequest


class ProfileGoalRequest(Body, kw_only=True):
    profile_id: str
    targets: list[TargetGoalRequest]


class FillingGoalUpdateRequest(Body, kw_only=True):
    """New goals (`FillingGoalUpdateRequestV3`): of the group, of quotas, or of both."""

    completes_goal: int | UnsetType = UNSET
    profiles: list[ProfileGoalRequest] | UnsetType = UNSET


_SHOWN_ONLY = ("condition_name", "condition_name_translated")


def profiling_request(profiling: Mapping[str, Any]) -> dict[str, Any]:
    """The profiling of a draft as it was read, in the shape in which it is sent back."""
    kind = profiling.get("profile_adjustment_type")
    names = ("template_id", "profile_adjustment_type")
    members = {name: profiling[name] for name in names if name in profiling}
    profiles = [_profile_request(each, kind) for each in profiling.get("profiles") or []]
    if profiles:
        return members | {"profiles": profiles}
    return members if "template_id" in members else {}


def _profile_request(profile: Mapping[str, Any], kind: object) -> dict[str, Any]:
    names = ("object", "blended_type", "name", "quotas_enabled")
    members = {name: profile[name] for name in names if name in profile}
    with_quotas = bool(profile.get("quotas_enabled"))
    targets = [_target_request(each, kind, with_quotas) for each in profile.get("targets", [])]
    return members | {"targets": targets}


def _target_request(target: Mapping[str, Any], kind: object, with_quotas: bool) -> dict[str, Any]:
    conditions = [
        {name: value for name, value in each.items() if name not in _SHOWN_ONLY}
        for each in target.get("conditions", [])
    ]
    if not with_quotas:
        return {"object": "nominal", "conditions": conditions}
    goal = "completes_goal_percentage" if kind == "percentage" else "completes_goal"
    value = (target.get("quota") or {}).get(goal, 0)
    return {"conditions": conditions, "quota": {goal: value}}
