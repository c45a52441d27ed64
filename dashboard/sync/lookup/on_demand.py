"""Reads of the exchange that a person triggers: short deadlines, and nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import BadAnswer, ExchangeError, Forbidden, NotFound
from dashboard.exchange.shapes.allocations import (
    AllocationGroup,
    OpenExchangeAllocations,
    PrivateExchangeAllocations,
    Supplier,
)
from dashboard.exchange.shapes.groups import TargetGroupOverviewByTargetGroupId
from dashboard.exchange.shapes.profiling import ProfilingQuestion
from dashboard.fielding.models import BusinessUnit, ExchangeAccount, Project, TargetGroup
from dashboard.sync import scheduling
from dashboard.sync.columns import group_panels
from dashboard.sync.connections import clients
from dashboard.sync.edits import moves
from dashboard.sync.edits.kinds import draft

SECONDS = 6.0
LEAST_SECONDS = 2.0  # for one of many accounts


def read_rate_card(
    *, unit: BusinessUnit, country: str, client: ExchangeClient | None = None
) -> group_panels.PriceTable:
    """The rate card of a business unit for a country (two letters); raises ExchangeError."""
    client = client or clients.client_for(unit.account)
    with client.deadline(SECONDS):
        card = client.get_rate_card(business_unit_id=unit.exchange_id, country_code=country)
    return group_panels.price_table(card.rate_card_data)


@dataclass(frozen=True, slots=True)
class Feasible:
    """The exchange's estimate for a group that does not exist yet: prices per complete."""

    currency: str
    price: Decimal
    prices: tuple[Decimal, Decimal] | None  # from, to
    completes: tuple[int, int] | None  # from, to


def estimate_feasibility(
    *, account: ExchangeAccount, value: draft.Value, client: ExchangeClient | None = None
) -> Feasible:
    """The exchange's price and completes for a draft as it is filled in; raises ExchangeError."""
    client = client or clients.client_for(account)
    with client.deadline(SECONDS):
        estimate = client.calculate_target_group_feasibility(
            request=draft.feasibility_request(value)
        )
    if estimate.suggested_price is None:
        raise BadAnswer("Cint suggests no price for this draft")
    prices, goal = estimate.suggested_price_range, estimate.suggested_completes_goal_range
    return Feasible(
        currency=estimate.suggested_price.currency_code,
        price=estimate.suggested_price.value,
        prices=(
            (prices.min.value, prices.max.value) if prices and prices.min and prices.max else None
        ),
        completes=(
            (goal.min, goal.max) if goal and goal.min is not None and goal.max is not None else None
        ),
    )


@dataclass(frozen=True, slots=True)
class SupplierCount:
    """A supplier of a group with what it delivered; None where Cint does not say.

    share: the lowest and the highest share of the group in percent, of the supplier or of the
    suppliers grouped with it, where one is set. group_name: empty outside a group.
    """

    name: str
    completes: int | None
    prescreens: int | None
    is_blocked: bool = False
    is_private: bool = False
    group_name: str = ""
    share: tuple[int, int] | None = None


def read_suppliers(
    group: TargetGroup, *, client: ExchangeClient | None = None
) -> list[SupplierCount]:
    """The suppliers of a launched group, as the exchange has them now; raises ExchangeError."""
    client = client or clients.client_for(group.account)
    with client.deadline(SECONDS):
        allocation = client.get_target_group_allocation_specification(
            project_id=group.project.exchange_id, target_group_id=group.exchange_id
        )
    opened, private = (
        allocation.open_exchange_allocations or OpenExchangeAllocations(),
        allocation.private_exchange_allocations or PrivateExchangeAllocations(),
    )
    everybody = _share_of(opened.exchange_min_percentage, opened.exchange_max_percentage)
    counts = [_supplier_count(one, share=everybody) for one in opened.exchange_suppliers]
    for part in opened.groups:
        counts += [
            _supplier_count(one, group_name=part.group_name or "", share=_share_of_group(part))
            for one in part.suppliers
        ]
    counts += [
        _supplier_count(
            Supplier(name=part.group_name) if part.supplier is None else part.supplier,
            is_private=True,
            share=_share_of_group(part),
            counted=part,
        )
        for part in private.groups
    ]
    counts += [_supplier_count(one, is_blocked=True) for one in opened.blocked_suppliers]
    counts += [
        _supplier_count(one, is_blocked=True, is_private=True) for one in private.blocked_suppliers
    ]
    return counts


def _supplier_count(
    supplier: Supplier | str | int,
    *,
    is_blocked: bool = False,
    is_private: bool = False,
    group_name: str = "",
    share: tuple[int, int] | None = None,
    counted: AllocationGroup | None = None,
) -> SupplierCount:
    """A supplier with its counts; one that is named by its id alone has none.

    counted: its own share of the private exchange, whose counts are the supplier's.
    """
    known = supplier if isinstance(supplier, Supplier) else Supplier(id=str(supplier))
    completes, prescreens = known.completes, known.pre_screens
    if counted is not None:
        completes = counted.completes if completes is None else completes
        prescreens = counted.prescreens if prescreens is None else prescreens
    return SupplierCount(
        name=known.name or (f"Supplier {known.id}" if known.id else "Unnamed supplier"),
        completes=completes,
        prescreens=prescreens,
        is_blocked=is_blocked,
        is_private=is_private,
        group_name=group_name,
        share=share,
    )


def _share_of_group(part: AllocationGroup) -> tuple[int, int] | None:
    return _share_of(part.min_percentage, part.max_percentage)


def _share_of(low: int | None, high: int | None) -> tuple[int, int] | None:
    """A share in percent; None where it is the whole range, which is no limit."""
    share = (0 if low is None else low, 100 if high is None else high)
    return None if share == (0, 100) else share


def find_questions(
    *,
    account: ExchangeAccount,
    locale: str,
    words: str = "",
    ids: Sequence[int] = (),
    client: ExchangeClient | None = None,
) -> list[draft.Value]:
    """Questions of the exchange's library as profiles without quotas, one target per answer."""
    client = client or clients.client_for(account)
    with client.deadline(SECONDS):
        page = client.account_questions_translation(locale=locale, words=words, ids=ids)
    profiles = (_profile_of(question) for question in page.items)
    return [profile for profile in profiles if profile["targets"]]


def _profile_of(question: ProfilingQuestion) -> draft.Value:
    texts = {
        "name": question.name,
        "description": question.description,
        "description_translated": question.description_translated,
    }
    targets = [
        ({"text": text} if (text := target.text_translated or target.text) else {})
        | {
            "object": "nominal",
            "conditions": [_draft_condition(condition) for condition in target.conditions],
        }
        for target in question.targets
        if target.conditions
    ]
    named = {name: text for name, text in texts.items() if text}
    return named | {"object": "regular", "quotas_enabled": False, "targets": targets}


def _draft_condition(condition: Mapping[str, object]) -> draft.Value:
    """A condition as a draft takes it; the library leaves out what is still to be chosen."""
    members = {"object": condition.get("object"), "question_id": condition.get("question_id")}
    if members["object"] == "range":
        return members | {"min": condition.get("min"), "max": condition.get("max")}
    if members["object"] == "open_ended":
        return members | {"allow_all_values": True, "open_ended_values": None}
    return members | {"option": str(condition.get("option"))}


@dataclass(frozen=True)
class LookupMatches:
    """A group that the exchange knows and Fieldwatch has not read yet."""

    account: ExchangeAccount
    project: Project | None
    name: str
    project_name: str
    status: str


@dataclass(frozen=True)
class LookupAnswer:
    """Where a group was found, and which accounts could not be asked, with the reason."""

    found: LookupMatches | None
    failed: list[tuple[ExchangeAccount, str]]


def group_by_id(
    *, ulid: str, accounts: Sequence[ExchangeAccount], now: datetime | None = None
) -> LookupAnswer:
    """Look a group up on the exchange by its id alone, through each of these accounts in turn.

    A group of another account counts as not found. Its project, if known, is due immediately.
    """
    failed = []
    for account in accounts:
        try:
            overview = _read_overview(account, ulid, max(LEAST_SECONDS, SECONDS / len(accounts)))
        except (NotFound, Forbidden):
            continue
        except ExchangeError as exc:
            failed.append((account, str(exc)))
            continue
        if overview.account_id == account.exchange_id:
            match = _match_in_account(account, ulid, overview, now or timezone.now())
            return LookupAnswer(match, failed)
    return LookupAnswer(None, failed)


def _read_overview(
    account: ExchangeAccount, ulid: str, seconds: float
) -> TargetGroupOverviewByTargetGroupId:
    client = clients.client_for(account)
    with client.deadline(seconds):
        return client.get_target_group_overview_by_target_group_id(target_group_id=ulid)


def _match_in_account(
    account: ExchangeAccount,
    ulid: str,
    overview: TargetGroupOverviewByTargetGroupId,
    now: datetime,
) -> LookupMatches:
    """The group with its project, which is due now; an unknown project is read with the account."""
    group = account.target_groups.filter(exchange_id=ulid).select_related("project").first()
    if group is not None:
        moves.move_group(
            group=group,
            project_exchange_id=overview.project_id,
            evidence_at=now,
            project_name=overview.project_name or "",
        )
    projects = account.projects.filter(exchange_id=overview.project_id)
    project = projects.first()
    scheduling.request_refresh(projects, now=now)
    return LookupMatches(
        account=account,
        project=project,
        name=overview.target_group_name or "",
        project_name=overview.project_name or "",
        status=overview.status,
    )
