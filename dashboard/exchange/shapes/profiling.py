"""Targeting: profiles with their targets and quotas.

Conditions come in many forms, and Fieldwatch only shows them and sends them back. So they stay
mappings, as the exchange wrote them.
"""

from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from dashboard.exchange.json_types import JsonObject, object_in, objects_in
from dashboard.exchange.shapes.base import Body, Count, Id, Identified, Shape


class ProfilingQuota(Shape, frozen=True, kw_only=True, gc=False):
    """The goal and progress of a target; percentages 0-100."""

    name: str | None = None
    completes_goal_percentage: float | None = None
    quota_nominal: Count | None = None
    completes_goal: Count | None = None
    completes: Count | None = None
    prescreens: Count | None = None


class ProfileTarget(Identified, frozen=True, kw_only=True, gc=False):
    """One audience of a profile; `quota` is None if quotas are off."""

    id: Id | None = None
    name: str | None = None
    text: str | None = None
    text_translated: str | None = None
    conditions: list[JsonObject] = []
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


def profiling_request(profiling: Mapping[str, object]) -> JsonObject:
    """The profiling of a draft that was read, as it is sent back."""
    kind = profiling.get("profile_adjustment_type")
    names = ("template_id", "profile_adjustment_type")
    members = {name: profiling[name] for name in names if name in profiling}
    profiles = [_profile_request(profile, kind) for profile in objects_in(profiling, "profiles")]
    if profiles:
        return members | {"profiles": profiles}
    return members if "template_id" in members else {}


def _profile_request(profile: Mapping[str, object], kind: object) -> JsonObject:
    names = ("object", "blended_type", "name", "quotas_enabled")
    members = {name: profile[name] for name in names if name in profile}
    with_quotas = bool(profile.get("quotas_enabled"))
    targets = [
        _target_request(target, kind, with_quotas) for target in objects_in(profile, "targets")
    ]
    return members | {"targets": targets}


def _target_request(target: Mapping[str, object], kind: object, with_quotas: bool) -> JsonObject:
    conditions = [
        {name: value for name, value in condition.items() if name not in _SHOWN_ONLY}
        for condition in objects_in(target, "conditions")
    ]
    if not with_quotas:
        return {"object": "nominal", "conditions": conditions}
    goal = "completes_goal_percentage" if kind == "percentage" else "completes_goal"
    value = object_in(target, "quota").get(goal, 0)
    return {"conditions": conditions, "quota": {goal: value}}
