"""Figures for Prometheus, read from the tables: the same whichever process is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Min, QuerySet, Sum
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.fielding.models import (
    Cycle,
    Edit,
    ExchangeAccount,
    Heartbeat,
    Incident,
    Mail,
    Project,
    Quarantine,
    TargetGroup,
)
from dashboard.fielding.models.querysets.rows import IncidentQuerySet
from dashboard.web.monitoring import health

WINDOW = timedelta(minutes=15)


def metrics_text(*, now: datetime) -> bytes:
    """Every figure in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Tables(now))
    return generate_latest(registry)


class _Tables(Collector):
    """One look at the tables."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def describe(self) -> Iterable[Metric]:
        """Nothing is promised before the look."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield from _accounts(self.now)
        yield from _cycles(self.now)
        yield from _queue(self.now)
        yield from _mail(self.now)
        yield from _work(self.now)


def _family(name: str, help_text: str, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fieldwatch_{name}", help_text, labels=list(labels))


def _single(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    family = _family(name, help_text)
    family.add_metric([], value)
    return family


def _accounts(now: datetime) -> Iterator[Metric]:
    lag = _family("lag_seconds", "How long the most overdue project waits", ["account"])
    age = _family("age_seconds", "Since the account was last read", ["account"])
    fresh = _family("fresh", "1 while the account's numbers can be relied on", ["account"])
    for account, waits in health.account_lags(now):
        lag.add_metric([account.name], max(waits.total_seconds(), 0))
        if account.read_at:
            age.add_metric([account.name], (now - account.read_at).total_seconds())
        fresh.add_metric([account.name], float(account.health == ExchangeAccount.Health.FRESH))
    yield from (lag, age, fresh)


def _cycles(now: datetime) -> Iterator[Metric]:
    """Of the last 15 minutes."""
    rounds = _family("cycles_15m", "Rounds of the last 15 minutes", ["account", "outcome"])
    requests = _family("requests_15m", "Requests to the exchange, 15 minutes", ["account"])
    recent = _recent(now).values_list("account__name")
    for account, listed, complete, number in recent.values_list(
        "account__name", "listed", "complete"
    ).annotate(Count("pk")):
        outcome = "complete" if complete else "listed" if listed else "failed"
        rounds.add_metric([account, outcome], number)
    for account, total in recent.annotate(Sum("requests")):
        requests.add_metric([account], total)
    aside = _family("quarantined_items", "Items of the exchange not understood", ["account"])
    for account, number in Quarantine.objects.values_list("account__name").annotate(Count("pk")):
        aside.add_metric([account], number)
    wrong = _family("errors_15m", "What rounds could not read, 15 minutes", ["account", "kind"])
    for (account, kind), number in _errors(now).items():
        wrong.add_metric([account, kind], number)
    yield from (rounds, requests, wrong, aside)


def _recent(now: datetime) -> QuerySet[Cycle]:
    """Rounds of the window, found by the index, which begins with the account."""
    accounts = ExchangeAccount.objects.values("pk")
    return Cycle.objects.filter(account__in=accounts, started_at__gt=now - WINDOW)


def _errors(now: datetime) -> Counter[tuple[str, str]]:
    """Errors by account and kind; the kinds are those of the code, however odd the exchange."""
    counts: Counter[tuple[str, str]] = Counter()
    rows = _recent(now).filter(kinds__isnull=False)
    for account, kinds in rows.values_list("account__name", "kinds"):
        counts.update({(account, kind): number for kind, number in (kinds or {}).items()})
    return counts


def _queue(now: datetime) -> Iterator[Metric]:
    due = Project.objects.filter(due_at__lt=now, account__polling=True)
    first = due.aggregate(first=Min("due_at"))["first"]
    yield _single("projects_due", "Projects that wait to be read", due.count())
    yield _single("queue_age_seconds", "How long the first of them waits", _age(first, now))
    tasks = health.waiting_tasks()
    yield _single("redis_up", "1 while Redis answers", float(tasks is not None))
    if tasks is not None:
        yield _single("tasks_waiting", "Hints that no worker took yet", tasks)


def _mail(now: datetime) -> Iterator[Metric]:
    states = _family("mails", "Mails by state", ["state"])
    counts = dict(Mail.objects.values_list("state").annotate(Count("pk")))
    for state in Mail.State.values:
        states.add_metric([state], counts.get(state, 0))
    yield states
    waiting = Mail.objects.filter(state=Mail.State.WAITING)
    first = waiting.aggregate(first=Min("created_at"))["first"]
    yield _single("mail_age_seconds", "How long the oldest unsent mail waits", _age(first, now))


def _work(now: datetime) -> Iterator[Metric]:
    groups = _family("target_groups", "Target groups by status", ["status"])
    for status, number in TargetGroup.objects.values_list("status").annotate(Count("pk")):
        groups.add_metric([status], number)
    incidents = _family("incidents_open", "Incidents that are open", ["severity"])
    opened = IncidentQuerySet(Incident).open().values_list("severity")
    for severity, number in opened.annotate(Count("pk")):
        incidents.add_metric([str(Incident.Severity(severity).label)], number)
    edits = _family("edits_open", "Changes whose outcome is open", ["state"])
    for state in (Edit.State.SENDING, Edit.State.UNKNOWN):
        edits.add_metric([state], Edit.objects.filter(state=state).count())
    rounds = _family("round_age_seconds", "Since a part last did its round", ["part"])
    for heartbeat in Heartbeat.objects.all():
        rounds.add_metric([heartbeat.name], (now - heartbeat.at).total_seconds())
    yield from (groups, incidents, edits, rounds)


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
