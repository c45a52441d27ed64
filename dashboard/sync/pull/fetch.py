"""Read one group beyond its row in the list. Network only: nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import BadItem
from dashboard.exchange.errors import (
    BadAnswer,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    NotOffered,
    Redirected,
    Refused,
    Unavailable,
)
from dashboard.exchange.pagination import UNFINISHED, iterate_pages
from dashboard.exchange.shapes.groups import CompletesPoint, TargetGroupChangelogBatch
from dashboard.sync.columns import group_columns, group_panels, limits
from dashboard.sync.columns.group_columns import Columns

# Failures that concern one group only; the others of its project are read all the same.
GROUP_FAILURES = (
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Refused,
    Redirected,
    BadAnswer,
    Unavailable,
)
# A part that is not there is stored as absent. A part that we may not read may well be there: the
# tables keep what was read of it last.
NOT_THERE = (NotFound, NotOffered)
NOT_ALLOWED = (Forbidden, MethodNotAllowed)
NO_SUCH_ADDRESS = (404, 410)
T = TypeVar("T")


@dataclass(frozen=True)
class GroupRequest:
    """The parts of one group that are to be read."""

    project: str
    group: str
    status: str
    moved: bool = False  # its row is new, or says something new
    performance: bool = False
    overview: bool = False
    completes: bool = False
    changelog: bool = False
    details: bool = False
    profiles: bool = False
    rate_card: bool = False
    links: bool = False  # its one-time survey links, which not every account has
    changelog_since: datetime | None = None
    webhook_changed_at: datetime | None = None  # the webhook event that this request answers
    pk: int | None = None  # its row in the tables, where the project has it

    @classmethod
    def everything(
        cls, project: str, group: str, status: str, *, moved: bool, links: bool = False
    ) -> GroupRequest:
        """A request for every part; links: where the group may be asked for them."""
        return cls(
            project,
            group,
            status,
            moved=moved,
            performance=True,
            overview=True,
            completes=True,
            changelog=True,
            details=True,
            profiles=True,
            rate_card=True,
            links=links,
        )

    @property
    def is_everything(self) -> bool:
        """Whether no part is left out that every account has."""
        parts = (self.performance, self.overview, self.completes, self.changelog, self.details)
        return all((*parts, self.profiles, self.rate_card))

    @property
    def cost(self) -> int:
        """About how many requests it takes."""
        single = (self.performance, self.overview, self.completes, self.changelog, self.profiles)
        return sum((*single, self.links)) + 3 * self.details


class Failure(NamedTuple):
    """A part of a group that could not be read, why, and the kind of that error."""

    part: str
    words: str
    kind: str


@dataclass
class GroupAnswer:
    """What the exchange answered for one group, as columns and rows, and what could not be read."""

    request: GroupRequest
    at: datetime
    columns: Columns = field(default_factory=dict)
    fallbacks: Columns = field(default_factory=dict)  # used where the list row has none
    panels: Columns = field(default_factory=dict)  # columns of its `GroupPanels`
    completes: list[CompletesPoint] | None = None
    changes: list[TargetGroupChangelogBatch] = field(default_factory=list)
    quarantined: list[tuple[str, BadItem]] = field(default_factory=list)
    noted: list[tuple[str, BadItem]] = field(default_factory=list)  # stored, with bad text
    failures: list[Failure] = field(default_factory=list)
    refused: bool = False  # an error that waiting does not fix
    unreadable: dict[str, dict[str, str]] = field(default_factory=dict)  # by answer and member
    unknown: bool = False  # the exchange knows no such group in this project
    links_offered: bool | None = None  # whether the account has survey links; None: it does not say
    requests: int = 0

    @property
    def error(self) -> str:
        """What could not be read, by reason; empty if nothing failed."""
        parts: dict[str, list[str]] = {}
        for failure in self.failures:
            parts.setdefault(failure.words.rstrip("."), []).append(failure.part)
        return " ".join(f"Not read: {', '.join(names)}. {words}." for words, names in parts.items())


def fetch_group(
    client: ExchangeClient, request: GroupRequest, *, now: Callable[[], datetime]
) -> GroupAnswer:
    """Read every part that `request` names.

    A failure of this group is part of the answer; one of the exchange raises ExchangeError.
    """
    answer = GroupAnswer(request=request, at=now())
    before = client.requests_here
    client.take_notes()  # left over from an earlier group
    ids = {"project_id": request.project, "target_group_id": request.group}
    launched = request.status != "draft"
    parts: list[tuple[str, bool, Callable[[], None]]] = [
        (
            "price and cost",
            request.overview and launched,
            lambda: _fetch_overview(client, ids, answer),
        ),
        ("the draft", request.details and not launched, lambda: _fetch_draft(client, ids, answer)),
        (
            "performance",
            request.performance and launched,
            lambda: _fetch_performance(client, ids, answer),
        ),
        (
            "completes by hour",
            request.completes and launched,
            lambda: _fetch_completes(client, ids, answer),
        ),
        ("details", request.details and launched, lambda: _fetch_details(client, ids, answer)),
        ("fielding period", request.details and launched, lambda: _fetch_run(client, ids, answer)),
        ("re-entry", request.details and launched, lambda: _fetch_re_entry(client, ids, answer)),
        ("quotas", request.profiles and launched, lambda: _fetch_profiles(client, ids, answer)),
        ("rate card", request.rate_card, lambda: _fetch_rate_card(client, ids, answer)),
        ("survey links", request.links and launched, lambda: _fetch_links(client, answer)),
        ("history", request.changelog, lambda: _fetch_changelog(client, answer)),
    ]
    for name, wanted, read in parts:
        if wanted:
            try:
                read()
            except GROUP_FAILURES as exc:
                answer.failures.append(Failure(name, str(exc), exc.kind))
                answer.refused = answer.refused or not exc.waiting_helps
                answer.unknown = answer.unknown or isinstance(exc, NotFound)
            except limits.DoesNotFit as exc:
                bad = BadItem(raw_text=str(exc), reason=str(exc), id=request.group)
                answer.quarantined.append(("group", bad))
    answer.requests = client.requests_here - before
    answer.noted = [
        (operation, msgspec.structs.replace(note, id=note.id or request.group))
        for operation, note in client.take_notes()
    ]
    return answer


def _fetch_overview(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    overview = client.get_target_group_overview(**ids)
    answer.columns |= group_columns.overview_columns(overview)
    answer.fallbacks |= group_columns.fallback_columns(overview)
    answer.unreadable["overview"] = group_columns.unreadable_members(overview)


def _fetch_performance(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    performance = client.get_target_group_performance(**ids)
    answer.columns |= group_columns.performance_columns(performance)
    answer.unreadable["performance"] = group_columns.unreadable_members(performance)
    if performance.last_complete:
        answer.fallbacks["last_complete_at"] = performance.last_complete


def _fetch_completes(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    page = client.get_target_group_completes_aggregated_by_interval(
        **ids, aggregation_interval="PT1H"
    )
    answer.completes = page.items
    answer.quarantined += [
        ("get_target_group_completes_aggregated_by_interval", bad) for bad in page.quarantined
    ]


def _fetch_details(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    details = client.get_target_group_details(**ids)
    answer.columns |= group_columns.details_columns(details)
    answer.unreadable["details"] = group_columns.unreadable_members(details)


def _fetch_draft(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    draft = client.get_target_group(**ids)
    answer.columns |= group_columns.draft_columns(draft)
    answer.unreadable["details"] = group_columns.unreadable_members(draft)


def _fetch_run(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    page = client.get_fielding_runs_by_target_group_id(**ids)
    operation = "get_fielding_runs_by_target_group_id"
    answer.quarantined += [(operation, bad) for bad in page.quarantined]
    if page.items or not page.quarantined:
        answer.columns |= group_columns.run_columns(page.items)


def _fetch_re_entry(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    try:
        answer.columns |= group_columns.re_entry_columns(client.get_re_entry_configuration(**ids))
    except NotOffered:
        answer.columns |= group_columns.re_entry_columns(None)


def _fetch_profiles(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    answer.panels |= _columns_if_there(
        lambda: client.list_profiles(**ids), group_panels.profile_columns
    )


def _fetch_rate_card(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    """The rate card; skipped for a new group that its overview or draft prices otherwise."""
    if answer.columns.get("pricing_model", "rate_card") != "rate_card":
        return
    answer.panels |= _columns_if_there(
        lambda: client.get_target_group_rate_card(**ids), group_panels.rate_card_columns
    )


def _fetch_links(client: ExchangeClient, answer: GroupAnswer) -> None:
    """The survey links; nothing where the account does not have them, none where the group has no
    such address."""
    try:
        stats = client.get_live_respondent_unique_codes_stats(target_group_id=answer.request.group)
    except NotOffered as exc:
        if exc.status in NO_SUCH_ADDRESS:
            answer.columns |= group_columns.links_columns(None)
        else:
            answer.links_offered = False
        return
    answer.links_offered = True
    answer.columns |= group_columns.links_columns(stats)
    answer.unreadable["survey links"] = group_columns.unreadable_members(stats)


def _columns_if_there(read: Callable[[], T], columns: Callable[[T | None], Columns]) -> Columns:
    """The columns of a part that may be absent; no columns at all if we may not read it."""
    try:
        return columns(read())
    except NOT_THERE:
        return columns(None)
    except NOT_ALLOWED:
        return {}


def _fetch_changelog(client: ExchangeClient, answer: GroupAnswer) -> None:
    """The changes back to the newest stored one; the list may run in either direction."""
    since = answer.request.changelog_since
    changes = iterate_pages(
        lambda cursor: client.get_target_group_changelog(
            project_id=answer.request.project,
            target_group_id=answer.request.group,
            page_size=50,
            start_after=cursor,
        )
    )
    caught_up = False
    for page in changes.pages():
        answer.changes += page.items
        answer.quarantined += [("get_target_group_changelog", bad) for bad in page.quarantined]
        if since is not None and _reaches_back_to(page.items, since):
            caught_up = True
            break
    if not (caught_up or changes.complete):
        answer.failures.append(Failure("history", changes.reason, UNFINISHED))


def _reaches_back_to(batches: Sequence[TargetGroupChangelogBatch], since: datetime) -> bool:
    """Whether a list that runs from new to old has come to a change before `since`."""
    if not batches or batches[0].occurred_at < batches[-1].occurred_at:
        return False
    return batches[-1].occurred_at < since
