"""Metrics for Prometheus, read from the tables, so that every process returns the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Min, QuerySet, Sum
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.alerts.heartbeat import START
from dashboard.fielding.domain.scope import LISTED
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
    """Return all metrics in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Tables(now))
    return generate_latest(registry)


class _Tables(Collector):
    """One reading of the tables."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def describe(self) -> Iterable[Metric]:
        """Describe nothing before the tables are read."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return all metric families."""
        yield from _account_metrics(self.now)
        yield from _cycle_metrics(self.now)
        yield from _queue_metrics(self.now)
        yield from _mail_metrics(self.now)
        yield from _work_metrics(self.now)


def _new_family(name: str, help_text: str, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fieldwatch_{name}", help_text, labels=list(labels))


def _new_gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    family = _new_family(name, help_text)
    family.add_metric([], value)
    return family


def _account_metrics(now: datetime) -> Iterator[Metric]:
    lag = _new_family("lag_seconds", "How long the most overdue project has waited", ["account"])
    age = _new_family("age_seconds", "Seconds since the account was last read", ["account"])
    fresh = _new_family("fresh", "1 while the account's numbers are up to date", ["account"])
    for account, waits in health.account_lags(now):
        lag.add_metric([account.name], max(waits.total_seconds(), 0))
        if account.read_at:
            age.add_metric([account.name], (now - account.read_at).total_seconds())
        fresh.add_metric([account.name], float(account.health == ExchangeAccount.Health.FRESH))
    yield from (lag, age, fresh)


def _cycle_metrics(now: datetime) -> Iterator[Metric]:
    """Return polling rounds and requests of the last 15 minutes."""
    rounds = _new_family("cycles_15m", "Syncs in the last 15 minutes", ["account", "outcome"])
    requests = _new_family("requests_15m", "Requests to Cint in the last 15 minutes", ["account"])
    recent = _recent_cycles(now).values_list("account__name")
    for account, listed, complete, number in recent.values_list(
        "account__name", "listed", "complete"
    ).annotate(Count("pk")):
        outcome = "complete" if complete else "listed" if listed else "failed"
        rounds.add_metric([account, outcome], number)
    for account, total in recent.annotate(Sum("requests")):
        requests.add_metric([account], total)
    aside = _new_family("quarantined_items", "Items from Cint that cannot be parsed", ["account"])
    for account, number in Quarantine.objects.values_list("account__name").annotate(Count("pk")):
        aside.add_metric([account], number)
    errors = _new_family("errors_15m", "Sync errors in the last 15 minutes", ["account", "kind"])
    for (account, kind), number in _count_errors(now).items():
        errors.add_metric([account, kind], number)
    yield from (rounds, requests, errors, aside)


def _recent_cycles(now: datetime) -> QuerySet[Cycle]:
    """Return the rounds of the window, using the index that begins with the account."""
    accounts = ExchangeAccount.objects.values("pk")
    return Cycle.objects.filter(account__in=accounts, started_at__gt=now - WINDOW)


def _count_errors(now: datetime) -> Counter[tuple[str, str]]:
    """Count errors by account and kind; kinds are a fixed set, whatever the exchange sends."""
    counts: Counter[tuple[str, str]] = Counter()
    rows = _recent_cycles(now).filter(kinds__isnull=False)
    for account, kinds in rows.values_list("account__name", "kinds"):
        counts.update({(account, kind): number for kind, number in (kinds or {}).items()})
    return counts


def _queue_metrics(now: datetime) -> Iterator[Metric]:
    due = Project.objects.filter(due_at__lt=now, account__polling=True)
    first = due.aggregate(first=Min("due_at"))["first"]
    yield _new_gauge("projects_due", "Projects that are due for a sync", due.count())
    yield _new_gauge(
        "queue_age_seconds",
        "How long the first of them has waited",
        _age_seconds(first, now),
    )
    tasks = health.waiting_tasks()
    yield _new_gauge("redis_up", "1 while Redis responds", float(tasks is not None))
    if tasks is not None:
        yield _new_gauge("tasks_waiting", "Tasks that no worker has taken yet", tasks)


def _mail_metrics(now: datetime) -> Iterator[Metric]:
    states = _new_family("mails", "Emails by state", ["state"])
    emails, messages = Mail.objects.filter(channel=None), Mail.objects.exclude(channel=None)
    counts = dict(emails.values_list("state").annotate(Count("pk")))
    for state in Mail.State.values:
        states.add_metric([state], counts.get(state, 0))
    yield states
    states = _new_family("channel_messages", "Messages to channels by state", ["state"])
    counts = dict(messages.values_list("state").annotate(Count("pk")))
    for state in Mail.State.values:
        states.add_metric([state], counts.get(state, 0))
    yield states
    waiting = emails.filter(state=Mail.State.WAITING)
    first = waiting.aggregate(first=Min("created_at"))["first"]
    yield _new_gauge(
        "mail_age_seconds", "How long the oldest unsent email has waited", _age_seconds(first, now)
    )


def _work_metrics(now: datetime) -> Iterator[Metric]:
    groups = _new_family("target_groups", "Target groups that Cint lists, by status", ["status"])
    listed = TargetGroup.objects.filter(LISTED)
    for status, number in listed.values_list("status").annotate(Count("pk")):
        groups.add_metric([status], number)
    incidents = _new_family("incidents_open", "Open alerts", ["severity"])
    opened = IncidentQuerySet(Incident).open().values_list("severity")
    for severity, number in opened.annotate(Count("pk")):
        incidents.add_metric([str(Incident.Severity(severity).label)], number)
    edits = _new_family("edits_open", "Changes without a known result", ["state"])
    for state in (Edit.State.SENDING, Edit.State.UNKNOWN):
        edits.add_metric([state], Edit.objects.filter(state=state).count())
    rounds = _new_family("round_age_seconds", "Seconds since a part last ran", ["part"])
    for heartbeat in Heartbeat.objects.exclude(name__startswith=START):
        rounds.add_metric([heartbeat.name], (now - heartbeat.at).total_seconds())
    yield from (groups, incidents, edits, rounds)


def _age_seconds(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0
