"""What an account can still reconcile: how many completes, how much money, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.sync.lookup.reconciliation import Eligibility, EligibleGroup
from dashboard.web.formatting import numbers

NOT_OFFERED = "Reconciliation is not offered to this account."
NOTHING = "Nothing is open to reconciliation now."
SHOWN_GROUPS = 100


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """A group with completes that can still be reconciled; pk: None if Fieldwatch has no such."""

    pk: int | None
    name: str
    project: str
    completes: str
    cost: str
    until: str


@dataclass(frozen=True, slots=True)
class DueSum:
    """What can be reconciled until one deadline."""

    sentence: str
    until: datetime


@dataclass(frozen=True, slots=True)
class ReconciliationPanel:
    """The sums by deadline and the groups, the nearest deadline and the most completes first.

    trouble: why there are none, or why they may be out of date. can_retry: whether another try can
    help.
    """

    account: ExchangeAccount
    sums: Sequence[DueSum] = ()
    groups: Sequence[OpenGroup] = ()
    read_at: datetime | None = None
    trouble: str = ""
    can_retry: bool = False

    @property
    def shown(self) -> Sequence[OpenGroup]:
        """Return the groups that the page lists."""
        return self.groups[:SHOWN_GROUPS]

    @property
    def more(self) -> int:
        """Return the number of groups beyond those."""
        return max(len(self.groups) - SHOWN_GROUPS, 0)


def panel_of_account(account: ExchangeAccount, answer: Eligibility) -> ReconciliationPanel:
    """Return the panel of what the exchange answered; one query for the groups' names."""
    if answer.trouble == "not offered":
        return ReconciliationPanel(account, read_at=answer.read_at, trouble=NOT_OFFERED)
    rows = sorted(answer.groups, key=lambda row: (row.until, -row.completes, row.name.casefold()))
    known = _known_groups(account, rows)
    groups = [_open_group(row, known) for row in rows]
    return ReconciliationPanel(
        account,
        sums=_sums_by_deadline(rows),
        groups=groups,
        read_at=answer.read_at,
        trouble=_trouble_of(answer),
        can_retry=answer.trouble == "error",
    )


def _trouble_of(answer: Eligibility) -> str:
    if answer.trouble == "error":
        reason = answer.reason.rstrip(".")
        return f"{reason}; shown is the last answer." if answer.read_at else f"{reason}."
    if answer.reason:
        return f"The list is not complete: {answer.reason.rstrip('.')}."
    return "" if answer.groups else NOTHING


def _known_groups(
    account: ExchangeAccount, rows: Iterable[EligibleGroup]
) -> dict[str, tuple[int, str, str]]:
    """Return pk, name and project of the groups that Fieldwatch has, by the exchange's id."""
    ids = {row.exchange_id for row in rows}
    groups = TargetGroup.objects.filter(account=account, exchange_id__in=ids)
    columns = groups.values_list("exchange_id", "pk", "name", "project__name")
    return {id_: (pk, name, project) for id_, pk, name, project in columns}


def _open_group(row: EligibleGroup, known: Mapping[str, tuple[int, str, str]]) -> OpenGroup:
    pk, name, project = known.get(row.exchange_id, (None, row.name, row.project_name))
    return OpenGroup(
        pk=pk,
        name=name or row.exchange_id,
        project=project,
        completes=numbers.format_count(row.completes),
        cost=numbers.DASH if row.cost is None else numbers.format_cents(row.cost, row.currency),
        until=f"{_last_day(row.until):%-d %b}",
    )


def _sums_by_deadline(rows: Iterable[EligibleGroup]) -> list[DueSum]:
    by_deadline: dict[datetime, list[EligibleGroup]] = {}
    for row in rows:
        by_deadline.setdefault(row.until, []).append(row)
    return [_due_sum(parts, until) for until, parts in sorted(by_deadline.items())]


def _due_sum(rows: Sequence[EligibleGroup], until: datetime) -> DueSum:
    money: dict[str, Decimal] = {}
    for row in rows:
        if row.cost is not None:
            money[row.currency] = money.get(row.currency, Decimal(0)) + row.cost
    done = sum(row.completes for row in rows)
    completes = f"{numbers.format_count(done)} complete{'' if done == 1 else 's'}"
    groups = f"{numbers.format_count(len(rows))} group{'' if len(rows) == 1 else 's'}"
    cost = f", {numbers.format_totals(money)}," if money else ""
    sentence = f"{completes} of {groups}{cost} until {format_deadline(until)}"
    return DueSum(sentence, until)


def format_deadline(until: datetime) -> str:
    """Format the end of a day in US Central: "the end of 25 Dec 2026 (US Central)"."""
    return f"the end of {_last_day(until):%-d %b %Y} (US Central)"


def _last_day(until: datetime) -> datetime:
    """Return a time within the last day before a midnight in US Central."""
    return until - timedelta(hours=12)
