"""Turn an object from an answer into the request that sends it back.

Every member is sent back as it came, also those that no shape of ours knows. Only members that the
contract has in answers and not in requests (`*_READ_ONLY`) are left out, and null members, which
mean the same as missing ones.
"""

from collections.abc import Container, Iterable, Mapping
from decimal import Decimal

from dashboard.exchange.json_types import JsonObject, object_in, objects_in

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
# Members that only the shares of a launched group have.
SHARE_READ_ONLY = frozenset({"conversion_rate", "completes", "prescreens", "total_remaining"})
GOALS = {"percentage": "completes_goal_percentage", "nominal": "completes_goal"}


def without(members: Mapping[str, object], left_out: Container[str]) -> JsonObject:
    """The members that are neither null nor in `left_out`, in their order."""
    return {n: value for n, value in members.items() if value is not None and n not in left_out}


def draft(raw: Mapping[str, object]) -> JsonObject:
    """The update request for a draft that was read (`FetchTargetGroupResponse`)."""
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
        body["profiling"] = profiling(object_in(body, "profiling"))
        if not body["profiling"]:
            del body["profiling"]
    body["allocations"] = allocations(object_in(body, "allocations"))
    body["fielding_assistant_assignment"] = assistant(
        object_in(body, "fielding_assistant_assignment")
    )
    return body


def details(raw: Mapping[str, object]) -> JsonObject:
    """The update request for the details of a launched group."""
    body = without(raw, DETAILS_READ_ONLY)
    note = "client_cost_per_interview_note"
    if note in body:
        body[note] = money(body[note])
    return body


def assistant(raw: Mapping[str, object]) -> JsonObject:
    """The modules of the fielding assistant; a missing quota switch is off."""
    body = without(raw, ())
    quotas = body.get("quota_overlay")
    if isinstance(quotas, Mapping):
        switches = ("prevent_overfill", "balance_fill")
        body["quota_overlay"] = dict(quotas) | {name: quotas.get(name) is True for name in switches}
    return body


def fielding_run(raw: Mapping[str, object]) -> JsonObject:
    """The members that are sent with the two dates of a fielding run."""
    return without(raw, RUN_READ_ONLY)


def money(amount: object) -> object:
    """An amount as a request takes it: its value is text. Anything else stays unchanged."""
    if not isinstance(amount, Mapping):
        return amount
    body = without(amount, MONEY_READ_ONLY)
    value = body.get("value")
    if isinstance(value, int | float | Decimal):
        body["value"] = str(value) if isinstance(value, int) else format(value, "f")
    return body


def profiling(raw: Mapping[str, object]) -> JsonObject:
    """The profiles of a draft; empty if it targets all respondents."""
    if not raw.get("profiles"):
        return {} if "template_id" not in raw else without(raw, ("profiles",))
    kind = raw.get("profile_adjustment_type")
    profiles = [_profile(profile, kind) for profile in objects_in(raw, "profiles")]
    return without(raw, ()) | {"profiles": profiles}


def _profile(profile: Mapping[str, object], kind: object) -> JsonObject:
    quotas = bool(profile.get("quotas_enabled"))
    targets = [_target(target, kind, quotas) for target in objects_in(profile, "targets")]
    return without(profile, PROFILE_READ_ONLY) | {"targets": targets}


def _target(target: Mapping[str, object], kind: object, quotas: bool) -> JsonObject:
    body = without(target, TARGET_READ_ONLY)
    body["conditions"] = [
        {name: value for name, value in condition.items() if name not in CONDITION_READ_ONLY}
        for condition in objects_in(target, "conditions")
    ]
    if not quotas:
        body.pop("quota", None)
        return body | {"object": "nominal"}
    goal = GOALS["percentage" if kind == "percentage" else "nominal"]
    if body.get("object") == "nominal":
        del body["object"]
    other = set(GOALS.values()) - {goal}
    quota = without(object_in(target, "quota"), QUOTA_READ_ONLY | other)
    return body | {"quota": {goal: 0} | quota}


def allocations(raw: Mapping[str, object]) -> JsonObject:
    """Suppliers' shares with the suppliers by id; all of the open exchange if none are set.

    Takes them as they are read or as they are sent.
    """
    open_ = object_in(raw, "open_exchange_allocations")
    private = object_in(raw, "private_exchange_allocations")
    defaults = {"exchange_min_percentage": 0, "exchange_max_percentage": 100}
    return without(raw, ()) | {
        "open_exchange_allocations": defaults
        | without(open_, OPEN_READ_ONLY)
        | {
            "blocked_supplier_ids": _blocked_ids(open_),
            "groups": [_open_share(share) for share in objects_in(open_, "groups")],
        },
        "private_exchange_allocations": without(private, PRIVATE_READ_ONLY)
        | {
            "blocked_supplier_ids": _blocked_ids(private),
            "groups": [_private_share(share) for share in objects_in(private, "groups")],
        },
    }


def _blocked_ids(shares: Mapping[str, object]) -> list[str]:
    read = shares.get("blocked_suppliers")
    return _supplier_ids(shares.get("blocked_supplier_ids") if read is None else read)


def _open_share(share: Mapping[str, object]) -> JsonObject:
    return without(share, SHARE_READ_ONLY) | {"suppliers": _supplier_ids(share.get("suppliers"))}


def _private_share(share: Mapping[str, object]) -> JsonObject:
    body = without(share, SHARE_READ_ONLY | {"supplier"})
    if share.get("supplier") is not None:
        body["supplier_id"] = "".join(_supplier_ids([share["supplier"]]))
    return body


def _supplier_ids(suppliers: object) -> list[str]:
    """The ids of suppliers that come as objects or by their ids alone; none without a list."""
    listed = suppliers if isinstance(suppliers, list) else []
    ids: Iterable[object] = (
        supplier.get("id") if isinstance(supplier, Mapping) else supplier for supplier in listed
    )
    return [str(supplier_id) for supplier_id in ids if supplier_id is not None]
