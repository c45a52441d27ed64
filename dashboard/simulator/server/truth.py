"""The settings of a group as the exchange itself holds them: the ground truth."""

from dashboard.simulator.catalogue.clock import DAY, rfc3339_stamp
from dashboard.simulator.catalogue.money import monetary_amount
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.assistant import shown_modules
from dashboard.simulator.operations.edits import default_re_entry
from dashboard.simulator.operations.profiles import profiles_of
from dashboard.simulator.operations.supply import shown_allocations
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.respondents import completes_an_hour

_PLAIN = (
    "project_id",
    "name",
    "status",
    "business_unit_id",
    "locale_code",
    "project_manager_id",
    "pricing_model",
    "filling_goal",
    "filling_strategy",
    "loi_minutes",
    "incidence_rate",
    "study_type_code",
    "industry_code",
    "lockout_code",
    "collects_pii",
    "client_id",
    "live_url",
    "test_url",
    "reference",
    "activity_exclusions",
)


def settings(group: SimulatedGroup) -> Json:
    """Return every setting of a group as JSON, without counts."""
    values: Json = {name: getattr(group, name) for name in _PLAIN}
    values["cpi"] = monetary_amount(group.cpi, group.currency)["value"]
    note = group.cpi_note
    values["cpi_note"] = None if note is None else monetary_amount(note, group.currency)["value"]
    excluded = group.exclusion.get("list") or []
    values["exclusion"] = {"enabled": bool(group.exclusion.get("enabled")), "list": excluded}
    values["assistant"] = shown_modules(group.assistant)
    values["re_entry"] = group.re_entry or default_re_entry()
    values["allocations"] = shown_allocations(group.allocations, group.id)
    profiling = group.profiling or {"profile_adjustment_type": "percentage"}
    values["profiling"] = {k: v for k, v in profiling.items() if k != "profiles"}
    values["profiles"] = [_profile(profile) for profile in profiles_of(group)]
    run = group.run
    start, end = (run.start, run.end) if run else group.planned
    values["start"], values["end"] = rfc3339_stamp(start), rfc3339_stamp(end)
    return values


def market_truth(group: SimulatedGroup, now: int) -> Json:
    """Return how people respond to the group's price, which no operation of the API shows.

    `ceiling`: the most people at any price, over those at the launch price. `saturates_at`: the
    price from which nobody more comes; null where no price above the launch price brings anybody.
    """
    response, launch = group.temper.response, group.temper.launch_cpi or group.cpi
    saturates_at = None
    if response.saturates_at is not None:
        saturates_at = f"{float(launch) * response.saturates_at:.4f}"
    return {
        "elasticity": response.elasticity,
        "ceiling": response.ceiling,
        "launch_cpi": f"{launch:f}",
        "saturates_at": saturates_at,
        "competitors": response.competitors(now // DAY) if group.temper.lively else 1.0,
        "completes_an_hour": completes_an_hour(group, group.cpi, now),
    }


def _profile(profile: Json) -> Json:
    """Return a profile without ids: a draft gets new ones each time it is saved."""
    targets = [{k: v for k, v in t.items() if k not in ("id", "text")} for t in profile["targets"]]
    return {**{k: v for k, v in profile.items() if k != "id"}, "targets": targets}


def differences(before: object, after: object, place: str = "") -> dict[str, tuple[object, object]]:
    """Old and new by dotted path, for every value that differs; None for what is not there."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = dict.fromkeys([*before, *after])
        pairs = [(str(name), before.get(name), after.get(name)) for name in names]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(str(n), b, a) for n, (b, a) in enumerate(zip(before, after, strict=True))]
    else:
        return {} if before == after else {place: (before, after)}
    differing: dict[str, tuple[object, object]] = {}
    for name, old, new in pairs:
        differing |= differences(old, new, f"{place}.{name}" if place else name)
    return differing
