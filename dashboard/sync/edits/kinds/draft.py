"""A draft as a value: the fields of its form by the exchange's names, and its passthrough members.

`exclusion`: whether the project's exclusion is on. Moments are text as the exchange writes them,
money is `{"value", "currency_code"}`. `profiling` has the exchange's texts too; they are not sent.
`PASSTHROUGH` members (fielding assistant, suppliers' shares) are shown and not edited. A request is
what the exchange holds at the moment of sending, every member of it, with a person's changes
(`merge.patched`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from dashboard.exchange import sendable
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import Whole
from dashboard.exchange.json_types import objects_in
from dashboard.exchange.operations.base import rfc3339
from dashboard.exchange.shapes.allocations import SupplyAllocation
from dashboard.exchange.shapes.assistant import FieldingAssistantModulesAssignment
from dashboard.exchange.shapes.drafts import FetchTargetGroupResponse
from dashboard.exchange.shapes.pricing import CalculateTargetGroupFeasibilityRequest
from dashboard.exchange.shapes.profiling import profiling_request
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.columns import limits
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.edits import draft_profiles, merge
from dashboard.sync.edits.kinds import base
from dashboard.sync.edits.kinds.base import (
    Editable,
    ExchangeIds,
    Members,
    RemoteValue,
    money_value,
)
from dashboard.sync.edits.merge import SENT, WHOLE, Merged

Value = dict[str, base.Value]
REFERENCE, PRICE, NOTE = (
    "target_group_customer_reference_number",
    "cost_per_interview",
    "client_cost_per_interview_note",
)
LOI, IR = "expected_length_of_interview_minutes", "expected_incidence_rate"
PERIOD, ASSISTANT = "fielding_specification", "fielding_assistant_assignment"
PROFILING = "profiling"
PLAIN = (
    "name",
    "business_unit_id",
    "locale",
    "collects_pii",
    "project_manager_id",
    "completes_goal",
    LOI,
    IR,
    "study_type_code",
    "industry_code",
    "industry_lockout_code",
    "client_id",
    "respondent_activity_exclusions",
    "live_url",
    "test_url",
    "re_entry_configuration",
    REFERENCE,
)
FIELDS = (*PLAIN, PERIOD, "pricing_model", PRICE, NOTE, "exclusion", PROFILING)
PASSTHROUGH = (ASSISTANT, "allocations")
# Fields that null clears; the others stay as they are when they are not sent.
_NULLABLE = ("live_url", "test_url", "client_id", REFERENCE)
_DAYS = {"D": 1, "W": 7}
MOST_ESTIMATED = 10_000  # completes, the exchange's limit for an estimate


def value_of(draft: FetchTargetGroupResponse) -> Value:
    """A draft that was read, with its passthrough members; None for fields that it lacks."""
    value: Value = {name: getattr(draft, name) for name in PLAIN}
    plan, exclusion = draft.fielding_specification, draft.exclusion or {}
    start, end = (plan.start_at, plan.end_at) if plan else (None, None)
    if draft.expected_incidence_rate is not None:
        value[IR] = round(float(draft.expected_incidence_rate), 4)
    if draft.re_entry_configuration is not None:
        value["re_entry_configuration"] = msgspec.to_builtins(draft.re_entry_configuration)
    value["respondent_activity_exclusions"] = limits.fit_json(
        draft.respondent_activity_exclusions or []
    )
    return value | {
        PERIOD: {
            "start_at": rfc3339(start) if start else None,
            "end_at": rfc3339(end) if end else None,
        },
        "pricing_model": "rate_card" if draft.pricing_model == "rate_card" else "dynamic",
        PRICE: money_value(draft.cost_per_interview),
        NOTE: money_value(draft.client_cost_per_interview_note),
        "exclusion": bool(exclusion.get("enabled")),
        PROFILING: draft_profiles.with_texts(draft.profiling or {}),
        **passthrough(draft.fielding_assistant_assignment, draft.allocations),
    }


def whole_of(read: Whole[FetchTargetGroupResponse]) -> Value:
    """A draft that was read, with the request that would send it back unchanged."""
    return value_of(read.value) | {WHOLE: limits.fit_json(sendable.draft(read.raw))}


def stored_draft(group: TargetGroup) -> Value | None:
    """The draft in our tables; None if they hold too little of it."""
    try:
        value = value_of(msgspec.convert(group.details, FetchTargetGroupResponse))
    except msgspec.ValidationError:
        return None
    return value if value["name"] else None


def passthrough(
    assistant: FieldingAssistantModulesAssignment | None,
    allocations: SupplyAllocation | None,
) -> Value:
    """The passthrough members as they are sent."""
    modules = assistant or FieldingAssistantModulesAssignment()
    return {
        ASSISTANT: msgspec.to_builtins(modules.as_request()),
        "allocations": msgspec.to_builtins((allocations or SupplyAllocation()).as_request()),
    }


def draft_request(value: Value) -> Value:
    """The request for a new draft: the form's fields on top of a copied draft, if any."""
    copied = dict(value.get(WHOLE) or {})
    view = _request_members(value) | {
        n: value[n] for n in PASSTHROUGH if n in value and WHOLE not in value
    }
    body = merge.patched(copied, merge.restricted(copied, view), view)
    return _completed_request(body, value)


def draft_update(value: Value, held: Value, raw: Members) -> Value:
    """The request that changes a draft from `held` to `value`; `raw`: the draft as it came.

    A field that a person cleared is sent as null if the exchange takes it, else left out.
    """
    was, wanted = _request_members(held), _request_members(value)
    body = merge.patched(sendable.draft(raw), was, wanted)
    emptied = (n for n in _NULLABLE if was[n] is not None and wanted[n] is None)
    return _completed_request(body | dict.fromkeys(emptied), value)


def _request_members(value: Value) -> Value:
    """The form's fields as members of a request; None for those that are not to be sent."""
    view = {name: value.get(name) for name in PLAIN}
    by_card = value["pricing_model"] == "rate_card"  # a CPI would ask for dynamic pricing
    client = view["client_id"]
    return view | {
        "business_unit_id": str(value["business_unit_id"]),
        "client_id": int(client) if client is not None else None,
        PERIOD: value[PERIOD],
        PRICE: None if by_card else value.get(PRICE),
        NOTE: None if by_card else value.get(NOTE),
        "exclusion": {"enabled": bool(value["exclusion"])},
        PROFILING: sendable.profiling(value.get(PROFILING) or {}) or None,
    }


def _completed_request(body: Members, value: Value) -> Value:
    """The request with the members that every draft needs."""
    by_card = value["pricing_model"] == "rate_card"
    modules = _modules_with_pricing(body.get(ASSISTANT) or {}, by_card=by_card)
    shares = body.get("allocations") or sendable.allocations({})
    return {**body, ASSISTANT: modules, "allocations": shares}


def _modules_with_pricing(assistant: Members, *, by_card: bool) -> Value:
    """The assistant's modules with the pricing module that the pricing model needs."""
    modules = dict(assistant)
    kind = (modules.get("pricing") or {}).get("type")
    if by_card and kind != "rate_card":
        modules["pricing"] = {"type": "rate_card"}
    elif not by_card and kind == "rate_card":
        del modules["pricing"]
    return modules


def feasibility_request(value: Value) -> CalculateTargetGroupFeasibilityRequest:
    """The feasibility request for a draft as it is filled in, before it is saved.

    A larger goal is reduced to `MOST_ESTIMATED` completes, with its quotas in proportion.
    """
    body: Value = {name: value[name] for name in ("locale", LOI, IR)}
    goal = value["completes_goal"]
    body |= {
        "completes_goal": min(goal, MOST_ESTIMATED),
        "business_unit_id": int(value["business_unit_id"]),
        PERIOD: value[PERIOD],
        "collects_pii": value["collects_pii"],
    }
    if value["pricing_model"] == "dynamic" and value.get(PRICE):
        body[PRICE] = value[PRICE]
    if value.get("allocations"):
        body["allocations"] = value["allocations"]
    profiling = profiling_request(value.get(PROFILING) or {})
    if profiles := objects_in(profiling, "profiles"):
        kinds = ("object", "blended_type", "quotas_enabled", "targets")
        body[PROFILING] = {
            "profile_adjustment_type": profiling["profile_adjustment_type"],
            "profiles": [
                {n: profile[n] for n in kinds if n in profile}
                | {"targets": _scaled_targets(objects_in(profile, "targets"), goal)}
                for profile in profiles
            ],
        }
    return msgspec.convert(body, CalculateTargetGroupFeasibilityRequest)


def _scaled_targets(targets: list[Value], goal: int) -> list[Value]:
    """Targets with their quotas in completes scaled to the estimated goal."""
    if goal <= MOST_ESTIMATED:
        return targets
    name = "completes_goal"
    return [
        each | {"quota": {name: each["quota"][name] * MOST_ESTIMATED // goal}}
        if name in each.get("quota", {})
        else each
        for each in targets
    ]


def read_draft(client: ExchangeClient, ids: Mapping[str, str]) -> Value:
    """The draft that the exchange holds; AlreadyLaunched if it is no longer a draft."""
    return whole_of(client.get_whole_target_group(**ids))


def merge_drafts(was: Value, theirs: Value, ours: Value) -> Merged:
    """Merge two people's changes of one draft; pricing model and CPI are indivisible."""
    filled_in = merge.three_way(_form_fields(was), _form_fields(theirs), _form_fields(ours))
    priced = ours
    if merge.alike(_pricing(was), _pricing(ours)):
        priced = theirs
    clash = priced is ours and not (
        merge.alike(_pricing(was), _pricing(theirs))
        or merge.alike(_pricing(theirs), _pricing(ours))
    )
    value = filled_in.value | {name: priced.get(name) for name in ("pricing_model", PRICE)}
    return Merged(value, (*filled_in.clashes, *([(PRICE,)] if clash else ())))


def _form_fields(value: Value) -> Value:
    """The form's fields except the price."""
    return {name: value.get(name) for name in FIELDS if name not in ("pricing_model", PRICE)}


def _pricing(value: Value) -> list[base.Value]:
    model = value.get("pricing_model")
    return [model, value.get(PRICE) if model == "dynamic" else None]


def fingerprint(value: Value) -> str:
    """A short hash that changes when a draft or its passthrough members change."""
    comparable = _comparable(value) | {name: value[name] for name in PASSTHROUGH}
    return hashlib.sha256(repr(sorted(comparable.items())).encode()).hexdigest()[:32]


def differing_fields(held_value: Value, wanted_value: Value) -> list[str]:
    """The names of fields in which the exchange (first) does not hold a value (second)."""
    held, wanted = _comparable(held_value), _comparable(wanted_value)
    return [
        name for name in FIELDS if wanted[name] is not None and not _same_field(name, held, wanted)
    ] + [name for name in _NULLABLE if wanted[name] is None and held[name] is not None]


def _same_field(name: str, held: Value, wanted: Value) -> bool:
    """Whether both mean the same under a name; text may be written differently."""
    held_part, wanted_part = held[name], wanted[name]
    return held_part == wanted_part or (
        isinstance(wanted_part, str) and merge.alike(held_part, wanted_part, name)
    )


def same_draft(held: Value, wanted: Value) -> bool:
    """Whether the exchange (first) holds all that a value (second) says, and all that was sent."""
    sent = wanted.get(SENT) if WHOLE in held else None
    return not differing_fields(held, wanted) and (sent is None or merge.holds(held[WHOLE], sent))


def _comparable(value: Value) -> Value:
    """The fields in a form that is equal for drafts that mean the same."""
    comparable = {name: value.get(name) for name in FIELDS}
    period = value.get(PERIOD) or {}
    comparable[PERIOD] = [_as_datetime(period.get(end)) for end in ("start_at", "end_at")]
    comparable["business_unit_id"] = str(value.get("business_unit_id") or "")
    for name in (PRICE, NOTE):
        comparable[name] = (
            _as_amount(value.get(name)) if value.get("pricing_model") == "dynamic" else None
        )
    if comparable["client_id"] is not None:
        comparable["client_id"] = str(comparable["client_id"])
    if (rate := comparable[IR]) is not None:
        comparable[IR] = round(float(rate), 4)
    comparable[PROFILING] = draft_profiles.comparable_profiles(value.get(PROFILING) or {})
    exclusions = value.get("respondent_activity_exclusions") or []
    comparable["respondent_activity_exclusions"] = sorted(
        (
            str(exclusion.get("type")),
            str(exclusion.get("id")),
            days_of_period(exclusion.get("duration")),
        )
        for exclusion in exclusions
    )
    return comparable


def _as_datetime(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _as_amount(amount: Value | None) -> tuple[Decimal, str] | None:
    if not amount:
        return None
    return Decimal(amount["value"]), str(amount["currency_code"]).upper()


def days_of_period(duration: str | None) -> str:
    """A period in days: weeks are converted; none is the exchange's default of 90 days."""
    text = str(duration or "P90D")
    match = re.fullmatch(r"P(\d{1,4})([DW])", text)
    return f"P{int(match[1]) * _DAYS[match[2]]}D" if match else text


def draft_columns(group: TargetGroup, value: Value) -> Columns:
    """The columns of our table for a draft."""
    locale = limits.fit_text(value["locale"], 16)
    language, _, country = locale.partition("_")
    period, price = value[PERIOD], value[PRICE]
    columns: Columns = {
        "name": limits.fit_text(value["name"]),
        "reference_number": limits.fit_text(value[REFERENCE], 200),
        "locale": locale,
        "language_code": language[:3].lower(),
        "country_code": country[:2].lower(),
        "project_manager_id": limits.fit_text(value["project_manager_id"], 64),
        "pricing_model": value["pricing_model"],
        "expected_loi_minutes": value[LOI],
        "expected_incidence_rate": value[IR],
        "completes_goal": value["completes_goal"],
        "starts_at": _as_datetime(period["start_at"]),
        "ends_at": _as_datetime(period["end_at"]),
        "re_entry": value["re_entry_configuration"],
        "details": group.details
        | {name: value[name] for name in FIELDS}
        | {"exclusion": {"enabled": value["exclusion"]}},
    }
    if price:
        columns |= {"cpi": Decimal(price["value"]), "currency": price["currency_code"][:3].upper()}
    return columns


def _read_draft(client: ExchangeClient, ids: ExchangeIds) -> RemoteValue:
    read = client.get_whole_target_group(**ids)
    return RemoteValue(whole_of(read), raw=read.raw)


def _draft_request(value: Value, held: RemoteValue) -> Members:
    return draft_update(value, held.value, held.raw)


def _write_draft(client: ExchangeClient, ids: ExchangeIds, value: Value, held: RemoteValue) -> None:
    client.update_target_group(**ids, draft=_draft_request(value, held))


EDITABLE = Editable(
    Edit.Kind.DRAFT,
    _read_draft,
    _write_draft,
    draft_columns,
    same_draft,
    owns=(
        "name",
        "reference_number",
        "locale",
        "language_code",
        "country_code",
        "project_manager_id",
        "pricing_model",
        "expected_loi_minutes",
        "expected_incidence_rate",
        "completes_goal",
        "starts_at",
        "ends_at",
        "re_entry",
        "details",
        "cpi",
        "currency",
    ),
    changelog=lambda _before, _wanted: [],  # the changelog does not show changes of drafts
    merge=merge_drafts,
    request=_draft_request,
)
