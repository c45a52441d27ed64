"""What the exchange returned of an object, in the shape in which a request sends it back.

Every member goes back as it came, also those that no shape of ours knows. Left out are only the
members that the contract has in answers and not in requests (`*_READ_ONLY`), and members that are
null, which say the same as missing ones.
"""

from collections.abc import Container, Mapping
from typing import Any

Json = dict[str, Any]

DRAFT_READ_ONLY = frozenset({"human_readable_id", "pricing_model", "created_at", "links"})
DETAILS_READ_ONLY = frozenset(
    {
        "id",
        "human_readable_id",
        "account_name",
        "business_unit_id",
        "study_type_code",
        "industry_code",
        "locale",
        "completes_goal",
        "client_id",
        "collects_pii",
        "created_at",
        "links",
    }
)
RUN_READ_ONLY = frozenset(
    {
        "id",
        "status",
        "last_changed_at",
        "last_changed_by",
        "version",
        "start_fielding_at",
        "end_fielding_at",
    }
)
MONEY_READ_ONLY = frozenset({"currency_scale"})
PROFILE_READ_ONLY = frozenset({"id", "description", "description_translated"})
TARGET_READ_ONLY = frozenset({"id", "name", "text", "text_translated"})
CONDITION_READ_ONLY = frozenset({"condition_name", "condition_name_translated"})
QUOTA_READ_ONLY = frozenset({"quota_nominal"})
OPEN_READ_ONLY = frozenset({"exchange_suppliers", "blocked_suppliers"})
PRIVATE_READ_ONLY = frozenset({"blocked_suppliers"})
# What only a running group's shares tell.
SHARE_READ_ONLY = frozenset({"conversion_rate", "completes", "prescreens", "total_remaining"})
GOALS = {"percentage": "completes_goal_percentage", "nominal": "completes_goal"}


def without(members: Mapping[str, Any], left_out: Container[str]) -> Json:
    """The members that are neither null nor in `left_out`, in their order."""
    return {n: value for n, value in members.items() if value is not None and n not in left_out}


def draft(raw: Mapping[str, Any]) -> Json:
    """A draft that was read (`FetchTargetGroupResponse`) as its update sends it."""
    body = without(raw, DRAFT_READ_ONLY)
    by_card = raw.get("pricing_model") == "rate_card"  # a CPI would ask for dynamic pricing
    for name in ("cost_per_interview", "client_cost_per_interview_note"):
        if by_card:
            body.pop(name, None)
        elif name in body:
            body[name] = money(body[name])
    if "business_unit_id" in body:
        body["business_unit_id"] = str(body["business_unit_id"])
    client = body.get("client_id")
    if isinstance(client, str) and client.isascii() and client.isdigit():
        body["client_id"] = int(client)
    if "profiling" in body:
        body["profiling"] = profiling(body["profiling"])
        if not body["profiling"]:
            del body["profiling"]
    body["allocations"] = allocations(body.get("allocations") or {})
    body["fielding_assistant_assignment"] = assistant(
        body.get("fielding_assistant_assignment") or {}
    )
    return body


def details(raw: Mapping[str, Any]) -> Json:
    """The details of a launched group as their update sends them."""
    body = without(raw, DETAILS_READ_ONLY)
    note = "client_cost_per_interview_note"
    if note in body:
        body[note] = money(body[note])
    return body


def assistant(raw: Mapping[str, Any]) -> Json:
    """The modules of the fielding assistant; a switch of quotas that is missing is off."""
    body = without(raw, ())
    quotas = body.get("quota_overlay")
    if isinstance(quotas, Mapping):
        switches = ("prevent_overfill", "balance_fill")
        body["quota_overlay"] = dict(quotas) | {name: quotas.get(name) is True for name in switches}
    return body


def fielding_run(raw: Mapping[str, Any]) -> Json:
    """What goes along with the two dates of a fielding run."""
    return without(raw, RUN_READ_ONLY)


def money(amount: Any) -> Any:
    """An amount as a request takes it: its value is a text."""
    if not isinstance(amount, Mapping):
        return amount
    body = without(amount, MONEY_READ_ONLY)
    if "value" in body and not isinstance(body["value"], str):
        body["value"] = format(body["value"], "f") if body["value"] % 1 else str(body["value"])
    return body


def profiling(raw: Mapping[str, Any]) -> Json:
    """The profiles of a draft; empty where it asks for everybody."""
    if not raw.get("profiles"):
        return {} if "template_id" not in raw else without(raw, ("profiles",))
    kind = raw.get("profile_adjustment_type")
    profiles = [_profile(each, kind) for each in raw["profiles"]]
    return without(raw, ()) | {"profiles": profiles}


def _profile(profile: Mapping[str, Any], kind: Any) -> Json:
    quotas = bool(profile.get("quotas_enabled"))
    body = without(profile, PROFILE_READ_ONLY)
    return body | {"targets": [_target(each, kind, quotas) for each in profile.get("targets", [])]}


def _target(target: Mapping[str, Any], kind: Any, quotas: bool) -> Json:
    body = without(target, TARGET_READ_ONLY)
    body["conditions"] = [
        {n: value for n, value in each.items() if n not in CONDITION_READ_ONLY}
        for each in target.get("conditions", [])
    ]
    if not quotas:
        body.pop("quota", None)
        return body | {"object": "nominal"}
    goal = GOALS["percentage" if kind == "percentage" else "nominal"]
    if body.get("object") == "nominal":
        del body["object"]
    other = set(GOALS.values()) - {goal}
    quota = without(target.get("quota") or {}, QUOTA_READ_ONLY | other)
    return body | {"quota": {goal: 0} | quota}


def allocations(raw: Mapping[str, Any]) -> Json:
    """Suppliers' shares: the suppliers by their ids; all of the open exchange where none are set.

    Takes them as they are read, or as they are sent already.
    """
    opened = raw.get("open_exchange_allocations") or {}
    private = raw.get("private_exchange_allocations") or {}
    defaults = {"exchange_min_percentage": 0, "exchange_max_percentage": 100}
    return without(raw, ()) | {
        "open_exchange_allocations": defaults
        | without(opened, OPEN_READ_ONLY)
        | {
            "blocked_supplier_ids": _blocked(opened),
            "groups": [_open_share(each) for each in opened.get("groups") or []],
        },
        "private_exchange_allocations": without(private, PRIVATE_READ_ONLY)
        | {
            "blocked_supplier_ids": _blocked(private),
            "groups": [_private_share(each) for each in private.get("groups") or []],
        },
    }


def _blocked(shares: Mapping[str, Any]) -> list[str]:
    read = shares.get("blocked_suppliers")
    return _ids(shares.get("blocked_supplier_ids") or [] if read is None else read)


def _open_share(share: Mapping[str, Any]) -> Json:
    return without(share, SHARE_READ_ONLY) | {"suppliers": _ids(share.get("suppliers") or [])}


def _private_share(share: Mapping[str, Any]) -> Json:
    body = without(share, SHARE_READ_ONLY | {"supplier"})
    if share.get("supplier") is not None:
        body["supplier_id"] = "".join(_ids([share["supplier"]]))
    return body


def _ids(suppliers: list[Any]) -> list[str]:
    ids = [each.get("id") if isinstance(each, Mapping) else each for each in suppliers]
    return [str(each) for each in ids if each is not None]
