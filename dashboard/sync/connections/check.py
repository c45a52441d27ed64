"""What a connection is offered and refused: reads only, one line a check, nothing is stored."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import Page
from dashboard.exchange.errors import ExchangeError, Rejected
from dashboard.exchange.shapes.groups import ComputeTargetGroupTransitionsRequest
from dashboard.exchange.shapes.pricing import RateCardData

OFFERED, REFUSED, FAILED, SKIPPED = "offered", "refused", "failed", "skipped"
LARGEST_SKEW = 120.0  # seconds
PROJECTS_LOOKED_AT = 10
GROUPS_LOOKED_AT = 30  # for one that a rate card prices
# Without these nothing can be shown; without the others a part of a page is missing.
NEEDED = frozenset(
    {
        "list_account_projects",
        "get_list_target_groups",
        "get_target_group_overview",
        "get_target_group_performance",
        "get_target_group_completes_aggregated_by_interval",
        "get_target_group_changelog",
        "get_target_group_details",
        "get_fielding_runs_by_target_group_id",
        "clock",
    }
)


@dataclass(frozen=True)
class CheckLine:
    """One check: what it was, how it ended, and what is to be said of it."""

    name: str
    verdict: str
    words: str = ""

    @property
    def spoils(self) -> bool:
        """Whether Fieldwatch cannot work with this connection as it is."""
        return self.name in NEEDED and self.verdict in (REFUSED, FAILED)

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.name:<52} {self.words}".rstrip()


@dataclass
class CheckSample:
    """What further checks need, found by earlier ones."""

    project: str = ""
    launched: list[str] = field(default_factory=list)
    draft: tuple[str, str] | None = None
    units: int = 0
    unit: str = ""  # one that is priced by a rate card
    country: str = ""


class ConnectionCheck:
    """One run over a connection."""

    def __init__(self, client: ExchangeClient, account_id: str) -> None:
        self._client = client
        self._account = account_id
        self._times: list[float] = []
        self._sample = CheckSample()

    def lines(self) -> Iterator[CheckLine]:
        """Each check as it is done; stops where the exchange cannot be reached at all."""
        yield from self._of_the_account()
        yield from self._of_the_projects()
        if self._sample.launched:
            yield from self._of_a_group()
        else:
            yield CheckLine("target groups", SKIPPED, "no launched group to ask about")
        yield from self._of_rate_cards()
        if self._sample.draft:
            project, group = self._sample.draft
            yield self._ask(
                "get_target_group", project_id=project, target_group_id=group, say=lambda _: "draft"
            )
        else:
            yield CheckLine("get_target_group", SKIPPED, "no draft to ask about")
        yield self._clock()
        yield self._latency()

    def _ask(self, name: str, *, say: Callable[[Any], str] = str, **given: Any) -> CheckLine:
        """Call the operation of this name once; `say` puts its answer into words."""
        started = time.monotonic()
        try:
            found = getattr(self._client, name)(**given)
        except ExchangeError as exc:
            verdict = REFUSED if isinstance(exc, Rejected) else FAILED
            return CheckLine(name, verdict, f"{exc}{f' ({exc.status})' if exc.status else ''}")
        took = 1000 * (time.monotonic() - started)
        self._times.append(took)
        set_aside = len(found.quarantined) if isinstance(found, Page) else 0
        more = f", {set_aside} set aside" if set_aside else ""
        return CheckLine(name, OFFERED, f"{say(found)}{more}, {took:.0f} ms".lstrip(", "))

    def _of_the_account(self) -> Iterator[CheckLine]:
        yield self._ask("get_user_accounts", say=self._reached)
        yield self._ask("get_account_users", say=_count("user"))
        yield self._ask("get_account_service_clients", say=_count("service client"))
        yield self._ask("get_business_units", say=self._units)
        yield self._ask("get_locales", say=_count("country", "countries"))
        yield self._ask("get_webhooks", say=_count("webhook"))

    def _reached(self, page: Any) -> str:
        among = any(account.id == self._account for account in page.items)
        where = "among them" if among else "NOT among them"
        return f"{_count('account')(page)}, {self._account} {where}"

    def _units(self, page: Any) -> str:
        priced = [unit.id for unit in page.items if "rate_card" in unit.pricing_models]
        self._sample.units, self._sample.unit = len(page.items), next(iter(priced), "")
        return _count("business unit")(page)

    def _of_the_projects(self) -> Iterator[CheckLine]:
        projects: list[str] = []

        def listed(page: Any) -> str:
            projects.extend(project.id for project in page.items)
            return _count("project")(page) + (" on the first page" if page.has_more else "")

        yield self._ask("list_account_projects", say=listed)
        if not projects:
            yield CheckLine("get_list_target_groups", SKIPPED, "no project to ask about")
            return
        yield self._ask("project_overview", project_id=projects[0], say=lambda one: str(one.status))
        for project in projects[:PROJECTS_LOOKED_AT]:
            line = self._ask(
                "get_list_target_groups", project_id=project, say=self._groups_of(project)
            )
            if self._sample.launched or line.verdict != OFFERED:
                break
        yield line

    def _groups_of(self, project: str) -> Callable[[Any], str]:
        def listed(page: Any) -> str:
            self._sample.project = project
            for row in page.items:
                if row.status != "draft":
                    self._sample.launched.append(row.id)
                elif self._sample.draft is None:
                    self._sample.draft = project, row.id
            return _count("group")(page)

        return listed

    def _of_a_group(self) -> Iterator[CheckLine]:
        project, group = self._sample.project, self._sample.launched[0]
        ids = {"project_id": project, "target_group_id": group}
        transitions = ComputeTargetGroupTransitionsRequest(included_target_group_ids=[group])
        yield self._ask("get_target_group_overview", **ids, say=self._country)
        yield self._ask(
            "get_target_group_overview_by_target_group_id", target_group_id=group, say=_nothing
        )
        yield self._ask("get_target_group_performance", **ids, say=_nothing)
        yield self._ask(
            "get_target_group_completes_aggregated_by_interval",
            **ids,
            aggregation_interval="PT1H",
            say=_count("hour"),
        )
        yield self._ask("get_target_group_changelog", **ids, say=_count("change"))
        yield self._ask("get_target_group_details", **ids, say=_nothing)
        yield self._ask("get_fielding_runs_by_target_group_id", **ids, say=_count("run"))
        yield self._ask("get_re_entry_configuration", **ids, say=lambda _: "at the path as set")
        yield self._ask("get_fielding_assistant_assignment", **ids, say=_nothing)
        yield self._ask("list_profiles", **ids, say=_nothing)
        yield self._ask(
            "compute_target_group_transitions", project_id=project, groups=transitions, say=_nothing
        )

    def _country(self, overview: Any) -> str:
        self._sample.country = overview.country_code or ""
        return f"{overview.pricing_model or 'no'} pricing"

    def _of_rate_cards(self) -> Iterator[CheckLine]:
        sample = self._sample
        group, looked_at = self._priced_by_a_card()
        if group:
            ids = {"project_id": sample.project, "target_group_id": group}
            yield self._ask("get_target_group_rate_card", **ids, say=lambda one: _prices(one.data))
        else:
            words = f"of {looked_at} groups looked at none is priced by a rate card"
            yield CheckLine("get_target_group_rate_card", SKIPPED, words)
        if sample.units and not sample.unit:
            words = f"of {sample.units} business units none is priced by a rate card"
            yield CheckLine("get_rate_card", SKIPPED, words)
        elif sample.unit and sample.country:
            yield self._ask(
                "get_rate_card",
                business_unit_id=sample.unit,
                country_code=sample.country,
                say=lambda one: _prices(one.rate_card_data),
            )
        else:
            yield CheckLine("get_rate_card", SKIPPED, "no business unit or country to ask about")

    def _priced_by_a_card(self) -> tuple[str, int]:
        """A group that is, empty without one, and how many others were looked at."""
        among = self._sample.launched[:GROUPS_LOOKED_AT]
        for looked_at, group in enumerate(among):
            try:
                overview = self._client.get_target_group_overview(
                    project_id=self._sample.project, target_group_id=group
                )
            except ExchangeError:
                return "", looked_at
            if overview.pricing_model == "rate_card":
                return group, looked_at
        return "", len(among)

    def _clock(self) -> CheckLine:
        skew = self._client.clock_skew
        if skew is None:
            return CheckLine("clock", SKIPPED, "the exchange did not say its time")
        verdict = OFFERED if abs(skew) <= LARGEST_SKEW else FAILED
        return CheckLine("clock", verdict, f"the exchange's clock is {skew:+.1f} s from ours")

    def _latency(self) -> CheckLine:
        if not self._times:
            return CheckLine("latency", SKIPPED, "nothing was answered")
        middle, worst = statistics.median(self._times), max(self._times)
        words = f"median {middle:.0f} ms, longest {worst:.0f} ms of {len(self._times)} answers"
        return CheckLine("latency", OFFERED, words)


def _count(one: str, more: str = "") -> Callable[[Any], str]:
    def said(page: Any) -> str:
        number = len(page.items)
        return f"{number} {one if number == 1 else more or f'{one}s'}"

    return said


def _nothing(_answer: Any) -> str:
    return ""


def _prices(card: RateCardData | None) -> str:
    prices = [price for row in card.pricing_table_data for price in row] if card else []
    if card is None or not prices:
        return "empty"
    currency = card.pricing_table_currency_code or "?"
    return f"prices from {min(prices):g} to {max(prices):g}, taken as minor units of {currency}"
