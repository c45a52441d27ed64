"""Profiles and quotas: who is wanted, how many of each, how many there are."""

from dashboard.simulator.api.pagination import cut_page, page_size
from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.places import LOCALES
from dashboard.simulator.catalogue.questions import (
    QUESTIONS,
    condition_text,
    find_questions,
    question_answer,
)
from dashboard.simulator.catalogue.quota_fill import (
    AGES,
    GENDERS,
    cell_shares,
    fill_cells,
    split_total,
)
from dashboard.simulator.catalogue.seeded_random import ulid_at
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.edits import editing_group
from dashboard.simulator.world.changes import change_group
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
)
from dashboard.simulator.world.world import World

_PROFILES = (
    "/demand/accounts/{account_id}/projects/{project_id}/target-groups/{target_group_id}/profiles"
)
_OF_QUOTA = ("goal", "share", "quota_name")


def profiles_of(group: SimulatedGroup) -> list[Json]:
    """The group's profiles; of one that has been in the field since before, age and gender."""
    if not group.profiles and group.profiling != {}:
        group.profiles = from_request(group, group.profiling or _usual())
    return group.profiles


def _usual() -> Json:
    ages = [
        {
            "conditions": [{"object": "range", "question_id": 42, "min": low, "max": high}],
            "quota": {"completes_goal_percentage": share},
        }
        for low, high, share in AGES
    ]
    genders = [
        {
            "conditions": [{"object": "selection", "question_id": 43, "option": option}],
            "quota": {"completes_goal_percentage": share},
        }
        for option, share in GENDERS
    ]
    return {
        "profile_adjustment_type": "percentage",
        "profiles": [
            {"object": "regular", "name": "Age", "quotas_enabled": True, "targets": ages},
            {"object": "regular", "name": "Gender", "quotas_enabled": True, "targets": genders},
        ],
    }


def from_request(group: SimulatedGroup, profiling: Json) -> list[Json]:
    """Profiles as they were asked for, with ids and a goal for each quota."""
    profiles: list[Json] = []
    for number, source in enumerate(profiling.get("profiles") or _usual()["profiles"]):
        quotas = [target.get("quota") or {} for target in source["targets"]]
        shares = [float(q.get("completes_goal_percentage") or 0) for q in quotas]
        goals = split_total(group.filling_goal, shares) if any(shares) else [0] * len(quotas)
        profile: Json = {
            "object": source["object"],
            "id": ulid_at(group.created_at, group.id, "profile", number),
            "quotas_enabled": source["quotas_enabled"],
            **_named(source, number),
            "targets": [],
        }
        if "blended_type" in source:
            profile["blended_type"] = source["blended_type"]
        for place, target in enumerate(source["targets"]):
            goal = int(quotas[place].get("completes_goal", goals[place]))
            entry: Json = {
                "id": ulid_at(group.created_at, group.id, "quota", number, place),
                "text": ", ".join(filter(None, map(condition_text, target["conditions"]))),
                "conditions": target["conditions"],
            }
            if "quota" in target:
                entry["goal"] = goal
                entry["share"] = quotas[place].get("completes_goal_percentage")
                if "name" in quotas[place]:
                    entry["quota_name"] = quotas[place]["name"]
            profile["targets"].append(entry)
        profiles.append(profile)
    return profiles


def _named(source: Json, number: int) -> Json:
    """The name that was given, else that of its question."""
    ids = {
        condition.get("question_id")
        for target in source["targets"]
        for condition in target["conditions"]
    }
    question = QUESTIONS.get(ids.pop()) if len(ids) == 1 else None
    fallback = question.name if question else f"Profile {number + 1}"
    name = source.get("name") or fallback
    return {"name": name, "description": question.text if question else name}


def shown_profiles(
    group: SimulatedGroup, *, completes: int | None, prescreens: int = 0
) -> list[Json]:
    """Profiles as the contract shows them; with counts unless completes is None (a draft)."""
    return [
        {
            **profile,
            "targets": _targets(group, number, profile["targets"], completes, prescreens),
        }
        for number, profile in enumerate(profiles_of(group))
    ]


def _counts(
    group: SimulatedGroup, question: int, goals: list[int], completes: int, prescreens: int
) -> tuple[list[int], list[int]]:
    """Completes and prescreens of each quota of a question."""
    weights: list[float] = [*map(float, goals)]
    if not group.temper.lively or not any(goals):
        return split_total(completes, weights), split_total(prescreens, weights)
    shares, _ = cell_shares(group.temper.seed, question, tuple(goals))
    if group.filling_strategy == "prescreens":
        entered = split_total(prescreens, fill_cells(goals, shares, prescreens)[0])
        return split_total(completes, [*map(float, entered)]), entered
    done = split_total(completes, fill_cells(goals, shares, completes)[0])
    beyond = split_total(max(prescreens - completes, 0), shares)
    return done, [a + b for a, b in zip(done, beyond, strict=True)]


def _targets(
    group: SimulatedGroup,
    question: int,
    targets: list[Json],
    completes: int | None,
    prescreens: int,
) -> list[Json]:
    goals = [int(target.get("goal", 0)) for target in targets]
    done, entered = _counts(group, question, goals, completes or 0, prescreens)
    if group.trouble is not None and group.trouble.kind == "full_quotas":
        done = _fill_in_turn(completes or 0, goals)
    result = []
    for index, target in enumerate(targets):
        entry = {k: v for k, v in target.items() if k not in _OF_QUOTA}
        if "goal" in target:
            quota: Json = {
                "completes_goal_percentage": round(100 * target["goal"] / group.filling_goal, 2),
                "quota_nominal": target["goal"],
                "completes_goal": target["goal"],
            }
            quota["completes_goal_percentage"] = min(100, quota["completes_goal_percentage"])
            if target.get("share") is not None:
                quota["completes_goal_percentage"] = target["share"]
            if "quota_name" in target:
                quota["name"] = target["quota_name"]
            if completes is not None:
                quota |= {"completes": done[index], "prescreens": entered[index]}
            entry["quota"] = quota
        result.append(entry)
    return result


def _fill_in_turn(total: int, goals: list[int]) -> list[int]:
    """Completes of each target where the easy ones are full before the others get any."""
    parts, left = [], total
    for goal in goals:
        parts.append(min(left, goal))
        left -= parts[-1]
    return [*parts[:-1], parts[-1] + left] if parts else []


def _body(group: SimulatedGroup, now: int) -> Json:
    counts = figures_of_group(group, now).counts
    return {
        "locale": group.locale_code,
        "completes_goal": group.filling_goal,
        "profiles": shown_profiles(group, completes=counts.completes, prescreens=counts.prescreens),
    }


@route("list_profiles", "GET", _PROFILES)
def list_profiles(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The group's profiles with the counts of each quota."""
    return json_answer(_body(world.group(ask.params), ask.now))


@route("update_profile_filling_goal", "PUT", f"{_PROFILES}/completes-goal")
def update_profile_filling_goal(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Set the group's goal, the goals of quotas, or both."""
    group = world.launched(ask.params)
    check = ValueCheck.of_request(ask)
    goal = check.body.get("completes_goal")
    wanted = check.body.get("profiles") or []
    if goal is None and not wanted:
        check.fault("completes_goal", "is required")
    if goal is not None:
        goal = check.whole("completes_goal", 1, 1_000_000)
    changes = _quota_goals(check, group, wanted)
    check.done()
    with editing_group(group, ask.now):
        if goal is not None:
            _scale(group, goal)
            change_group(group, {"filling_goal_change": goal}, at=ask.now, by=ask.actor)
        for target, number in changes:
            target |= {"goal": number, "share": None}
        if changes and group.trouble is not None and group.trouble.kind == "full_quotas":
            group.trouble = None
        group.version += 1
    return json_answer(_body(group, ask.now))


def _scale(group: SimulatedGroup, goal: int) -> None:
    """Quotas keep their shares when the goal moves."""
    for profile in profiles_of(group):
        targets = [t for t in profile["targets"] if "goal" in t]
        total = round(sum(t["goal"] for t in targets) * goal / group.filling_goal)
        parts = split_total(total, [float(t["goal"]) for t in targets])
        for target, part in zip(targets, parts, strict=True):
            target["goal"] = part


def _quota_goals(
    check: ValueCheck, group: SimulatedGroup, wanted: object
) -> list[tuple[Json, int]]:
    """Which targets get which goals; unknown ones are faults."""
    if not isinstance(wanted, list):
        check.fault("profiles", "must be a list")
        return []
    known = {p["id"]: {t["id"]: t for t in p["targets"]} for p in profiles_of(group)}
    changes: list[tuple[Json, int]] = []
    for n, profile in enumerate(wanted):
        targets = known.get(profile.get("profile_id")) if isinstance(profile, dict) else None
        if targets is None:
            check.fault(f"profiles[{n}].profile_id", "is no profile of this group")
            continue
        for m, source in enumerate(profile.get("targets") or []):
            place = f"profiles[{n}].targets[{m}]"
            target = targets.get(source.get("id"))
            goal = (source.get("quota") or {}).get("completes_goal")
            if target is None:
                check.fault(f"{place}.id", "is no quota of this profile")
            elif not isinstance(goal, int) or isinstance(goal, bool) or goal < 1:
                check.fault(f"{place}.quota.completes_goal", "must be a whole number above 0")
            else:
                changes.append((target, goal))
    return changes


@route(
    "account_questions_translation",
    "GET",
    "/demand/accounts/{account_id}/questions-translation",
)
def account_questions_translation(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Questions that an audience can be described by."""
    if (ask.query_value("locale") or "eng_us") not in LOCALES:
        raise bad_request("the locale is unknown", [("locale", "is no locale")])
    numbers = [number for number in (ask.query_value("id") or "").split(",") if number]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise bad_request("an id is no number", [("id", "must be numbers with commas")])
    rows = find_questions(ask.query_value("query") or "", [int(number) for number in numbers])
    page, more, cursor = cut_page(ask, rows, lambda question: str(question.id), size=page_size(ask))
    body = {
        "total": len(rows),
        "profiles": [question_answer(question) for question in page],
        "has_more": more,
    }
    return json_answer(body | ({"next_cursor": cursor} if cursor else {}))
