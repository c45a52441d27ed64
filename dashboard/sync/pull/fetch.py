"""What one group is asked beyond its row in the list. Network only: nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

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
from dashboard.sync.columns import group as rows
from dashboard.sync.columns import group_panels, limits

# Failures of one group that leave the others of its project to be read.
OF_ONE_GROUP = (
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Refused,
    Redirected,
    BadAnswer,
    Unavailable,
)
# What a group may do without: its page then says that there is none. What we may not read, or no
# longer, may be there: what was read of it stays.
NOT_THERE = (NotFound, NotOffered)
NOT_FOR_US = (Forbidden, MethodNotAllowed)
T = TypeVar("T")


@dataclass(frozen=True)
class GroupRequest:
    """What to ask of one group."""

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
    changelog_since: datetime | None = None
    webhook_changed_at: datetime | None = None  # the webhook's word that this ask answers
    pk: int | None = None  # its row in the tables, where the project has it

    @classmethod
    def everything(cls, project: str, group: str, status: str, *, moved: bool) -> GroupRequest:
        """All that there is to ask."""
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
        )

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out that the group may owe."""
        parts = (self.performance, self.overview, self.completes, self.changelog, self.details)
        return all((*parts, self.profiles, self.rate_card))

    @property
    def cost(self) -> int:
        """About how many requests it takes."""
        single = (self.performance, self.overview, self.completes, self.changelog, self.profiles)
        return sum(single) + 3 * self.details


class Failure(NamedTuple):
    """A part of a group that could not be read, why, and the kind of that error."""

    part: str
    words: str
    kind: str


@dataclass
class GroupAnswer:
    """What the exchange said of one group, as columns and rows, and what it did not."""

    ask: GroupRequest
    at: datetime
    columns: dict[str, Any] = field(default_factory=dict)
    besides: dict[str, Any] = field(default_factory=dict)  # where the list's row has none
    panels: dict[str, Any] = field(default_factory=dict)  # columns of its `GroupPanels`
    completes: list[CompletesPoint] | None = None
    changes: list[TargetGroupChangelogBatch] = field(default_factory=list)
    quarantined: list[tuple[str, BadItem]] = field(default_factory=list)
    noted: list[tuple[str, BadItem]] = field(default_factory=list)  # taken, with bad text
    failures: list[Failure] = field(default_factory=list)
    refused: bool = False  # an error that waiting does not mend
    unreadable: dict[str, dict[str, str]] = field(default_factory=dict)  # by answer and member
    unknown: bool = False  # the exchange knows no such group in this project
    requests: int = 0

    @property
    def error(self) -> str:
        """What could not be read and why, a reason at a time; empty where nothing failed."""
        parts: dict[str, list[str]] = {}
        for failure in self.failures:
            parts.setdefault(failure.words.rstrip("."), []).append(failure.part)
        return " ".join(f"Not read: {', '.join(of)}. {words}." for words, of in parts.items())


def fetch_group(
    client: ExchangeClient, ask: GroupRequest, *, now: Callable[[], datetime]
) -> GroupAnswer:
    """Ask for everything that `ask` names; what is refused is said, what is down is raised."""
    answer = GroupAnswer(ask=ask, at=now())
    before = client.requests_here
    client.take_notes()  # of a group whose answers nobody waited for
    ids = {"project_id": ask.project, "target_group_id": ask.group}
    launched = ask.status != "draft"
    parts: list[tuple[str, bool, Callable[[], None]]] = [
        ("price and cost", ask.overview and launched, lambda: _overview(client, ids, answer)),
        ("the draft", ask.details and not launched, lambda: _draft(client, ids, answer)),
        ("performance", ask.performance and launched, lambda: _performance(client, ids, answer)),
        ("completes by hour", ask.completes and launched, lambda: _completes(client, ids, answer)),
        ("details", ask.details and launched, lambda: _details(client, ids, answer)),
        ("fielding period", ask.details and launched, lambda: _run(client, ids, answer)),
        ("re-entry", ask.details and launched, lambda: _re_entry(client, ids, answer)),
        ("quotas", ask.profiles and launched, lambda: _profiles(client, ids, answer)),
        ("rate card", ask.rate_card, lambda: _rate_card(client, ids, answer)),
        ("history", ask.changelog, lambda: _changelog(client, answer)),
    ]
    for name, wanted, read in parts:
        if wanted:
            try:
                read()
            except OF_ONE_GROUP as exc:
                answer.failures.append(Failure(name, str(exc), exc.kind))
                answer.refused = answer.refused or not exc.waiting_helps
                answer.unknown = answer.unknown or isinstance(exc, NotFound)
            except limits.DoesNotFit as exc:
                bad = BadItem(raw_text=str(exc), reason=str(exc), id=ask.group)
                answer.quarantined.append(("group", bad))
    answer.requests = client.requests_here - before
    answer.noted = [
        (operation, msgspec.structs.replace(note, id=note.id or ask.group))
        for operation, note in client.take_notes()
    ]
    return answer


def _overview(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    overview = client.get_target_group_overview(**ids)
    answer.columns |= rows.overview_columns(overview)
    answer.besides |= rows.fallback_columns(overview)
    answer.unreadable["overview"] = rows.unreadable(overview)


def _performance(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    performance = client.get_target_group_performance(**ids)
    answer.columns |= rows.performance_columns(performance)
    answer.unreadable["performance"] = rows.unreadable(performance)
    if performance.last_complete:
        answer.besides["last_complete_at"] = performance.last_complete


def _completes(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    page = client.get_target_group_completes_aggregated_by_interval(
        **ids, aggregation_interval="PT1H"
    )
    answer.completes = page.items
    answer.quarantined += [
        ("get_target_group_completes_aggregated_by_interval", bad) for bad in page.quarantined
    ]


def _details(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    details = client.get_target_group_details(**ids)
    answer.columns |= rows.details_columns(details)
    answer.unreadable["details"] = rows.unreadable(details)


def _draft(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    draft = client.get_target_group(**ids)
    answer.columns |= rows.draft_columns(draft)
    answer.unreadable["details"] = rows.unreadable(draft)


def _run(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    page = client.get_fielding_runs_by_target_group_id(**ids)
    operation = "get_fielding_runs_by_target_group_id"
    answer.quarantined += [(operation, bad) for bad in page.quarantined]
    if page.items or not page.quarantined:
        answer.columns |= rows.run_columns(page.items)


def _re_entry(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    try:
        answer.columns |= rows.re_entry_columns(client.get_re_entry_configuration(**ids))
    except NotOffered:
        answer.columns |= rows.re_entry_columns(None)


def _profiles(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    answer.panels |= _if_any(lambda: client.list_profiles(**ids), group_panels.profile_columns)


def _rate_card(client: ExchangeClient, ids: dict[str, str], answer: GroupAnswer) -> None:
    """The card of a group that is priced by one; a new group's overview or draft says whether."""
    if answer.columns.get("pricing_model", "rate_card") != "rate_card":
        return
    answer.panels |= _if_any(
        lambda: client.get_target_group_rate_card(**ids), group_panels.rate_card_columns
    )


def _if_any(read: Callable[[], T], columns: Callable[[T | None], dict[str, Any]]) -> dict[str, Any]:
    """The columns of what a group may do without; none at all where it is kept from us."""
    try:
        return columns(read())
    except NOT_THERE:
        return columns(None)
    except NOT_FOR_US:
        return {}


def _changelog(client: ExchangeClient, answer: GroupAnswer) -> None:
    """The changes, as far back as none is known; a list in either order is read rightly."""
    since = answer.ask.changelog_since
    changes = iterate_pages(
        lambda cursor: client.get_target_group_changelog(
            project_id=answer.ask.project,
            target_group_id=answer.ask.group,
            page_size=50,
            start_after=cursor,
        )
    )
    caught_up = False
    for page in changes.pages():
        answer.changes += page.items
        answer.quarantined += [("get_target_group_changelog", bad) for bad in page.quarantined]
        if since is not None and _reaches(page.items, since):
            caught_up = True
            break
    if not (caught_up or changes.complete):
        answer.failures.append(Failure("history", changes.reason, UNFINISHED))


def _reaches(batches: Sequence[TargetGroupChangelogBatch], since: datetime) -> bool:
    """Whether a list that runs from new to old has come to what is known."""
    if not batches or batches[0].occurred_at < batches[-1].occurred_at:
        return False
    return batches[-1].occurred_at < since
