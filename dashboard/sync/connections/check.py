"""Check which operations a connection offers: reads only, one line per check, nothing stored."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import Page
from dashboard.exchange.errors import ExchangeError, Rejected
from dashboard.exchange.shapes.accounts import AccountShape, BusinessUnitShape
from dashboard.exchange.shapes.groups import (
    ComputeTargetGroupTransitionsRequest,
    TargetGroupOverview,
    TargetGroupsListItem,
)
from dashboard.exchange.shapes.pricing import RateCardData
from dashboard.exchange.shapes.projects import ProjectListItem
from dashboard.sync.connections.diagnosis import LARGEST_SKEW

T = TypeVar("T")

OFFERED, REFUSED, FAILED, SKIPPED = "offered", "refused", "failed", "skipped"
PROJECTS_LOOKED_AT = 10
GROUPS_LOOKED_AT = 30  # to find one that is priced by a rate card
# Without these no page works; without the others a part of a page is missing.
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


# Each check as people read it, and what is missing from Fieldwatch while it does not succeed.
_LABELS = {
    "get_user_accounts": ("Accounts of the credentials", "the account id cannot be verified"),
    "get_account_users": ("People", "project managers have no names"),
    "get_account_service_clients": ("Service clients", "changes by software have no name"),
    "get_business_units": ("Business units", "new projects have no business unit"),
    "get_locales": ("Countries and languages", "drafts cannot be created"),
    "get_webhooks": ("Webhooks", "changes are found by polling only"),
    "list_account_projects": ("Projects", ""),
    "project_overview": ("Figures of a project", "the totals of projects stay empty"),
    "get_list_target_groups": ("Target groups of a project", ""),
    "target groups": ("A launched target group", ""),
    "get_target_group_overview": ("Figures of a target group", ""),
    "get_target_group_overview_by_target_group_id": (
        "Target group by its id",
        "groups that moved to another project are found late",
    ),
    "get_target_group_performance": ("Performance of a target group", ""),
    "get_target_group_completes_aggregated_by_interval": ("Completes by hour", ""),
    "get_target_group_changelog": ("Changes of a target group", ""),
    "get_target_group_details": ("Settings of a target group", ""),
    "get_fielding_runs_by_target_group_id": ("Fielding runs", ""),
    "get_re_entry_configuration": ("Re-entry", "re-entry cannot be changed"),
    "get_fielding_assistant_assignment": (
        "Fielding assistant",
        "the settings of the assistant cannot be changed",
    ),
    "list_profiles": ("Quotas", "quotas are not shown"),
    "compute_target_group_transitions": (
        "Possible actions",
        "groups cannot be paused, resumed or completed here",
    ),
    "get_target_group_rate_card": ("Rate card of a target group", "its prices are not shown"),
    "get_rate_card": ("Rate card of a business unit", "its prices are not shown"),
    "get_target_group": ("Drafts", "drafts cannot be opened"),
    "clock": ("Clock", ""),
    "latency": ("Response time", ""),
}


@dataclass(frozen=True)
class CheckLine:
    """One check: the operation, its verdict and its result in words."""

    name: str
    verdict: str
    words: str = ""

    @property
    def spoils(self) -> bool:
        """Whether this result makes the connection unusable for Fieldwatch."""
        return self.name in NEEDED and self.verdict in (REFUSED, FAILED)

    @property
    def label(self) -> str:
        """The check in words."""
        return _LABELS[self.name][0]

    @property
    def remedy(self) -> str:
        """What to do about a check that did not succeed, in a sentence; empty if nothing."""
        if self.verdict in (OFFERED, SKIPPED):
            return ""
        if self.name == "clock":
            return "Set the clock of this machine automatically (NTP), then test again."
        if self.verdict == FAILED:
            return f"{self._consequence}Test again in a few minutes."
        return f"{self._consequence}Ask Cint to allow this for the credentials."

    @property
    def _consequence(self) -> str:
        missing = _LABELS[self.name][1]
        return f"Until this works, {missing}. " if missing else ""

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.name:<52} {self.words}".rstrip()


@dataclass
class CheckSample:
    """The ids that later checks need, collected by earlier ones."""

    project: str = ""
    launched: list[str] = field(default_factory=list)
    draft: tuple[str, str] | None = None
    units: int = 0
    unit: str = ""  # a business unit with a rate card
    country: str = ""


class ConnectionCheck:
    """One run of all checks over a connection."""

    def __init__(self, client: ExchangeClient, account_id: str) -> None:
        self._client = client
        self._account = account_id
        self._times: list[float] = []
        self._sample = CheckSample()

    def lines(self) -> Iterator[CheckLine]:
        """Yield each check as it is done."""
        yield from self._check_account()
        yield from self._check_projects()
        if self._sample.launched:
            yield from self._check_group()
        else:
            yield CheckLine("target groups", SKIPPED, "no launched group to check")
        yield from self._check_rate_cards()
        if self._sample.draft:
            project, group = self._sample.draft
            yield self._ask(
                self._client.get_target_group,
                project_id=project,
                target_group_id=group,
                describe=lambda _: "draft",
            )
        else:
            yield CheckLine("get_target_group", SKIPPED, "no draft to check")
        yield self._check_clock()
        yield self._report_latency()

    def _ask(
        self, call: Callable[..., T], *, describe: Callable[[T], str], **arguments: object
    ) -> CheckLine:
        """Call the operation once; `describe` puts its answer into words."""
        name, started = call.__name__, time.monotonic()
        try:
            answer = call(**arguments)
        except ExchangeError as exc:
            verdict = REFUSED if isinstance(exc, Rejected) else FAILED
            return CheckLine(name, verdict, f"{exc}{f' ({exc.status})' if exc.status else ''}")
        took = 1000 * (time.monotonic() - started)
        self._times.append(took)
        unreadable = len(answer.quarantined) if isinstance(answer, Page) else 0
        more = f", {unreadable} unreadable" if unreadable else ""
        return CheckLine(name, OFFERED, f"{describe(answer)}{more}, {took:.0f} ms".lstrip(", "))

    def _check_account(self) -> Iterator[CheckLine]:
        client = self._client
        yield self._ask(client.get_user_accounts, describe=self._describe_accounts)
        yield self._ask(client.get_account_users, describe=_counted("user"))
        yield self._ask(client.get_account_service_clients, describe=_counted("service client"))
        yield self._ask(client.get_business_units, describe=self._collect_units)
        yield self._ask(client.get_locales, describe=_counted("country", "countries"))
        yield self._ask(client.get_webhooks, describe=_counted("webhook"))

    def _describe_accounts(self, page: Page[AccountShape]) -> str:
        is_included = any(account.id == self._account for account in page.items)
        included = "included" if is_included else "NOT included"
        return f"{_counted('account')(page)}, {self._account} {included}"

    def _collect_units(self, page: Page[BusinessUnitShape]) -> str:
        priced = [unit.id for unit in page.items if "rate_card" in unit.pricing_models]
        self._sample.units, self._sample.unit = len(page.items), next(iter(priced), "")
        return _counted("business unit")(page)

    def _check_projects(self) -> Iterator[CheckLine]:
        projects: list[str] = []

        def collect(page: Page[ProjectListItem]) -> str:
            projects.extend(project.id for project in page.items)
            return _counted("project")(page) + (" on the first page" if page.has_more else "")

        yield self._ask(self._client.list_account_projects, describe=collect)
        if not projects:
            yield CheckLine("get_list_target_groups", SKIPPED, "no project to check")
            return
        yield self._ask(
            self._client.project_overview,
            project_id=projects[0],
            describe=lambda overview: str(overview.status),
        )
        for project in projects[:PROJECTS_LOOKED_AT]:
            line = self._ask(
                self._client.get_list_target_groups,
                project_id=project,
                describe=self._collect_groups_of(project),
            )
            if self._sample.launched or line.verdict != OFFERED:
                break
        yield line

    def _collect_groups_of(self, project: str) -> Callable[[Page[TargetGroupsListItem]], str]:
        def collect(page: Page[TargetGroupsListItem]) -> str:
            self._sample.project = project
            for row in page.items:
                if row.status != "draft":
                    self._sample.launched.append(row.id)
                elif self._sample.draft is None:
                    self._sample.draft = project, row.id
            return _counted("group")(page)

        return collect

    def _check_group(self) -> Iterator[CheckLine]:
        client = self._client
        project, group = self._sample.project, self._sample.launched[0]
        ids = {"project_id": project, "target_group_id": group}
        transitions = ComputeTargetGroupTransitionsRequest(included_target_group_ids=[group])
        yield self._ask(client.get_target_group_overview, **ids, describe=self._collect_country)
        yield self._ask(
            client.get_target_group_overview_by_target_group_id,
            target_group_id=group,
            describe=_no_words,
        )
        yield self._ask(client.get_target_group_performance, **ids, describe=_no_words)
        yield self._ask(
            client.get_target_group_completes_aggregated_by_interval,
            **ids,
            aggregation_interval="PT1H",
            describe=_counted("hour"),
        )
        yield self._ask(client.get_target_group_changelog, **ids, describe=_counted("change"))
        yield self._ask(client.get_target_group_details, **ids, describe=_no_words)
        yield self._ask(
            client.get_fielding_runs_by_target_group_id, **ids, describe=_counted("run")
        )
        yield self._ask(
            client.get_re_entry_configuration,
            **ids,
            describe=lambda _: "at the configured path",
        )
        yield self._ask(client.get_fielding_assistant_assignment, **ids, describe=_no_words)
        yield self._ask(client.list_profiles, **ids, describe=_no_words)
        yield self._ask(
            client.compute_target_group_transitions,
            project_id=project,
            groups=transitions,
            describe=_no_words,
        )

    def _collect_country(self, overview: TargetGroupOverview) -> str:
        self._sample.country = overview.country_code or ""
        return f"{overview.pricing_model or 'no'} pricing"

    def _check_rate_cards(self) -> Iterator[CheckLine]:
        sample = self._sample
        group, looked_at = self._find_group_with_rate_card()
        if group:
            ids = {"project_id": sample.project, "target_group_id": group}
            yield self._ask(
                self._client.get_target_group_rate_card,
                **ids,
                describe=lambda card: _describe_prices(card.data),
            )
        else:
            words = f"none of {looked_at} groups checked is priced by a rate card"
            yield CheckLine("get_target_group_rate_card", SKIPPED, words)
        if sample.units and not sample.unit:
            words = f"none of {sample.units} business units is priced by a rate card"
            yield CheckLine("get_rate_card", SKIPPED, words)
        elif sample.unit and sample.country:
            yield self._ask(
                self._client.get_rate_card,
                business_unit_id=sample.unit,
                country_code=sample.country,
                describe=lambda card: _describe_prices(card.rate_card_data),
            )
        else:
            yield CheckLine("get_rate_card", SKIPPED, "no business unit or country to check")

    def _find_group_with_rate_card(self) -> tuple[str, int]:
        """A group that is priced by a rate card, else "", and how many others were checked."""
        candidates = self._sample.launched[:GROUPS_LOOKED_AT]
        for looked_at, group in enumerate(candidates):
            try:
                overview = self._client.get_target_group_overview(
                    project_id=self._sample.project, target_group_id=group
                )
            except ExchangeError:
                return "", looked_at
            if overview.pricing_model == "rate_card":
                return group, looked_at
        return "", len(candidates)

    def _check_clock(self) -> CheckLine:
        skew = self._client.clock_skew
        if skew is None:
            return CheckLine("clock", SKIPPED, "Cint sent no time")
        verdict = OFFERED if abs(skew) <= LARGEST_SKEW else FAILED
        ahead = "ahead of" if skew >= 0 else "behind"
        words = f"Cint's clock is {abs(skew):.1f} s {ahead} ours"
        return CheckLine("clock", verdict, words)

    def _report_latency(self) -> CheckLine:
        if not self._times:
            return CheckLine("latency", SKIPPED, "no answers")
        median, longest = statistics.median(self._times), max(self._times)
        words = f"median {median:.0f} ms, longest {longest:.0f} ms of {len(self._times)} answers"
        return CheckLine("latency", OFFERED, words)


def _counted(singular: str, plural: str = "") -> Callable[[Page[T]], str]:
    def describe(page: Page[T]) -> str:
        number = len(page.items)
        return f"{number} {singular if number == 1 else plural or f'{singular}s'}"

    return describe


def _no_words(_answer: object) -> str:
    return ""


def _describe_prices(card: RateCardData | None) -> str:
    prices = [price for row in card.pricing_table_data for price in row] if card else []
    if card is None or not prices:
        return "empty"
    currency = card.pricing_table_currency_code or "?"
    return f"prices from {min(prices):g} to {max(prices):g}, read as minor units of {currency}"
