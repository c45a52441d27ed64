"""What a person asks the exchange for by looking: short deadlines, and nothing is changed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import BadAnswer, ExchangeError, Forbidden, NotFound
from dashboard.exchange.shapes.groups import TargetGroupOverviewByTargetGroupId
from dashboard.exchange.shapes.profiling import ProfilingQuestion
from dashboard.fielding.models import BusinessUnit, ExchangeAccount, Project
from dashboard.sync import scheduling
from dashboard.sync.columns import group_panels
from dashboard.sync.connections import clients
from dashboard.sync.edits import moves
from dashboard.sync.edits.kinds import draft

SECONDS = 6.0
LEAST = 2.0  # seconds for one of many accounts


def rate_card(
    *, unit: BusinessUnit, country: str, client: ExchangeClient | None = None
) -> dict[str, Any]:
    """The rate card of a business unit for a country (two letters); raises ExchangeError."""
    client = client or clients.client_for(unit.account)
    with client.deadline(SECONDS):
        card = client.get_rate_card(business_unit_id=unit.exchange_id, country_code=country)
    return group_panels.price_table(card.rate_card_data)


@dataclass(frozen=True, slots=True)
class Feasible:
    """What the exchange thinks of a group that does not exist yet: prices in `currency`."""

    currency: str
    price: Decimal
    prices: tuple[Decimal, Decimal] | None  # from, to
    completes: tuple[int, int] | None  # from, to


def estimate_feasibility(
    *, account: ExchangeAccount, value: draft.Value, client: ExchangeClient | None = None
) -> Feasible:
    """Price and completes that are likely for a draft as it is filled in; raises ExchangeError."""
    client = client or clients.client_for(account)
    with client.deadline(SECONDS):
        told = client.calculate_target_group_feasibility(request=draft.feasibility_request(value))
    if told.suggested_price is None:
        raise BadAnswer("The exchange suggests no price for this")
    span, goal = told.suggested_price_range, told.suggested_completes_goal_range
    return Feasible(
        told.suggested_price.currency_code,
        told.suggested_price.value,
        (span.min.value, span.max.value) if span and span.min and span.max else None,
        (goal.min, goal.max) if goal and goal.min is not None and goal.max is not None else None,
    )


def find_questions(
    *,
    account: ExchangeAccount,
    locale: str,
    words: str = "",
    ids: Sequence[int] = (),
    client: ExchangeClient | None = None,
) -> list[draft.Value]:
    """Questions of the exchange's library as profiles without quotas, each answer a target."""
    client = client or clients.client_for(account)
    with client.deadline(SECONDS):
        page = client.account_questions_translation(locale=locale, words=words, ids=ids)
    found = (_question(one) for one in page.items)
    return [one for one in found if one["targets"]]


def _question(told: ProfilingQuestion) -> draft.Value:
    words = {
        "name": told.name,
        "description": told.description,
        "description_translated": told.description_translated,
    }
    targets = [
        ({"text": text} if (text := each.text_translated or each.text) else {})
        | {"object": "nominal", "conditions": [_condition(one) for one in each.conditions]}
        for each in told.targets
        if each.conditions
    ]
    said = {name: word for name, word in words.items() if word}
    return said | {"object": "regular", "quotas_enabled": False, "targets": targets}


def _condition(given: dict[str, Any]) -> draft.Value:
    """A condition as a draft takes it; the library leaves out what is still to be chosen."""
    kept = {"object": given.get("object"), "question_id": given.get("question_id")}
    if kept["object"] == "range":
        return kept | {"min": given.get("min"), "max": given.get("max")}
    if kept["object"] == "open_ended":
        return kept | {"allow_all_values": True, "open_ended_values": None}
    return kept | {"option": str(given.get("option"))}


@dataclass(frozen=True)
class LookupMatches:
    """A group that the exchange knows and we have not read yet."""

    account: ExchangeAccount
    project: Project | None
    name: str
    project_name: str
    status: str


@dataclass(frozen=True)
class LookupAnswer:
    """Where a group was found; else which accounts could not be asked, with the reason."""

    found: LookupMatches | None
    failed: list[tuple[ExchangeAccount, str]]


def group_by_id(
    *, ulid: str, accounts: Sequence[ExchangeAccount], now: datetime | None = None
) -> LookupAnswer:
    """Ask the exchange for a group by its id alone, over each of these accounts in turn.

    A group of any other account counts as not there. Its project is read next if we know it.
    """
    failed = []
    for account in accounts:
        try:
            told = _ask(account, ulid, max(LEAST, SECONDS / len(accounts)))
        except (NotFound, Forbidden):
            continue
        except ExchangeError as exc:
            failed.append((account, str(exc)))
            continue
        if told.account_id == account.exchange_id:
            return LookupAnswer(_found(account, ulid, told, now or timezone.now()), failed)
    return LookupAnswer(None, failed)


def _ask(account: ExchangeAccount, ulid: str, seconds: float) -> TargetGroupOverviewByTargetGroupId:
    client = clients.client_for(account)
    with client.deadline(seconds):
        return client.get_target_group_overview_by_target_group_id(target_group_id=ulid)


def _found(
    account: ExchangeAccount,
    ulid: str,
    told: TargetGroupOverviewByTargetGroupId,
    now: datetime,
) -> LookupMatches:
    """The group with its project, which is due now; an unknown one comes with the account's."""
    group = account.target_groups.filter(exchange_id=ulid).select_related("project").first()
    if group is not None:
        moves.move_group(
            group=group,
            project_exchange_id=told.project_id,
            evidence_at=now,
            project_name=told.project_name or "",
        )
    known = account.projects.filter(exchange_id=told.project_id)
    project = known.first()
    scheduling.request_refresh(known, now=now)
    name, of = told.target_group_name or "", told.project_name or ""
    return LookupMatches(account, project, name, of, told.status)
