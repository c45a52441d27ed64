"""Every Celery task: take an id, call one function. The tables hold what is due, not the queue."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from dashboard.alerts import downtime
from dashboard.alerts.heartbeat import ping_operator
from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.celery import app
from dashboard.fielding.insight import baselines
from dashboard.fielding.models import ExchangeAccount, Project
from dashboard.sync import retention, scheduling
from dashboard.sync.batches import jobs
from dashboard.sync.edits import create, launch, send
from dashboard.sync.pull import rounds
from dashboard.sync.webhooks import delivery, subscription

LIMIT = 200


@app.task(name="dashboard.tasks.wake")
def wake() -> None:
    """Send hints for everything that is due; the beat calls this every few seconds."""
    now, accounts = timezone.now(), ExchangeAccount.objects.filter(polling=True)
    downtime.note_work(now=now)
    scheduling.promote_overdue(now=now)
    for pk in scheduling.due_rows(accounts, now=now, limit=LIMIT):
        if scheduling.mark_hinted(ExchangeAccount, pk, now=now):
            pull_account.apply_async((pk,), priority=0)
    _hint_at_projects()
    _hint_at_due_checks()
    tell.delay()


def _hint_at_projects() -> None:
    now = timezone.now()
    for pk in scheduling.due_projects(now=now, limit=LIMIT):
        if scheduling.mark_hinted(Project, pk, now=now):
            pull_project.apply_async((pk,), priority=settings.PULL_PRIORITY)


@app.task(name="dashboard.tasks.pull_account")
def pull_account(pk: int) -> None:
    """Read an account's own lists."""
    downtime.note_work(now=timezone.now())
    rounds.account_round(pk, clock=timezone.now)


@app.task(name="dashboard.tasks.pull_project")
def pull_project(pk: int) -> None:
    """Read the most urgent due project, then evaluate the alert rules on it."""
    downtime.note_work(now=timezone.now())
    if cycle := rounds.run_next_round(pk, clock=timezone.now):
        detect.after_cycle(cycle=cycle, now=timezone.now())
        _hint_at_projects()  # so that the next one need not wait for the beat


@app.task(name="dashboard.tasks.tell")
def tell() -> None:
    """Settle what is open on the exchange, judge what time alone can break, send what waits."""
    downtime.note_work(now=timezone.now())
    look_back()
    jobs.run_due_steps()
    now = timezone.now()
    detect.by_time(now=now)
    detect.no_data(now=now)
    outbox.compose_due_mails(now=now)
    outbox.send_due(now=timezone.now(), limit=LIMIT)


@app.task(name="dashboard.tasks.look_back")
def look_back() -> None:
    """Settle edits, new drafts and launches whose outcome is open and due."""
    send.settle_due(clock=timezone.now)
    create.settle_due(clock=timezone.now)
    launch.run_due_launches(clock=timezone.now)


def _hint_at_due_checks() -> None:
    """Send hints for edits that are to be checked before the next beat.

    The tables hold what is due: a lost hint costs no more than a beat.
    """
    now = timezone.now()
    for at in send.check_times_until(now + timedelta(seconds=settings.BEAT_SECONDS)):
        wait = max((at - now).total_seconds(), 0.0)
        look_back.apply_async(countdown=wait, expires=wait + settings.BEAT_SECONDS * 2, priority=0)


@app.task(name="dashboard.tasks.heartbeat")
def heartbeat() -> None:
    """Call the operator's URL while alerts are detected and mail is sent; the beat calls it."""
    if settings.HEARTBEAT_URL:
        ping_operator(settings.HEARTBEAT_URL, now=timezone.now())


@app.task(name="dashboard.tasks.tidy")
def tidy() -> None:
    """Delete old rows; the beat calls this every hour."""
    delivery.delete_old_events(now=timezone.now())
    retention.delete_old_rows(now=timezone.now())


@app.task(name="dashboard.tasks.check_webhooks")
def check_webhooks() -> None:
    """Check that the exchange still has our webhooks; the beat calls this every hour."""
    subscription.check_due(clock=timezone.now)


@app.task(name="dashboard.tasks.learn")
def learn() -> None:
    """Learn the baselines of each project and country; the beat calls this every hour."""
    baselines.learn_baselines(now=timezone.now())
