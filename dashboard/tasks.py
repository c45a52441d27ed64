"""All Celery tasks: each calls one function. The tables say what is due, not the queue."""

from __future__ import annotations

import socket
from datetime import timedelta

from celery.signals import worker_ready
from django.conf import settings
from django.utils import timezone

from dashboard.alerts import downtime, heartbeat
from dashboard.alerts.channels import outbox as messages
from dashboard.alerts.channels import schedule
from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.celery import app
from dashboard.fielding.advice import learning, records
from dashboard.fielding.figures import price_effects
from dashboard.fielding.insight import baselines
from dashboard.fielding.models import ExchangeAccount, Project
from dashboard.sync import retention, scheduling
from dashboard.sync.batches import jobs
from dashboard.sync.connections import remove
from dashboard.sync.edits import create, launch, send
from dashboard.sync.pull import rounds
from dashboard.sync.webhooks import delivery, subscription

BATCH_SIZE = 200


@worker_ready.connect
def note_start(**_: object) -> None:
    """Record that a worker starts, by which workers that keep ending are known."""
    heartbeat.record_start(socket.gethostname(), now=timezone.now())


@app.task(name="dashboard.tasks.wake")
def wake() -> None:
    """Enqueue everything that is due; the beat calls it every few seconds."""
    now, accounts = timezone.now(), ExchangeAccount.objects.filter(polling=True)
    downtime.note_work(now=now)
    scheduling.promote_overdue(now=now)
    for pk in scheduling.due_rows(accounts, now=now, limit=BATCH_SIZE):
        if scheduling.mark_hinted(ExchangeAccount, pk, now=now):
            pull_account.apply_async((pk,), priority=0)
    for pk in remove.pending_removals():
        if scheduling.mark_hinted(ExchangeAccount, pk, now=now):
            finish_removal.apply_async((pk,))
    _enqueue_projects()
    _enqueue_read_backs()
    settle_edits.delay()
    evaluate_alerts.delay()
    deliver_mail.delay()
    deliver_messages.delay()


def _enqueue_projects() -> None:
    now = timezone.now()
    for pk in scheduling.due_projects(now=now, limit=BATCH_SIZE):
        if scheduling.mark_hinted(Project, pk, now=now):
            pull_project.apply_async((pk,), priority=settings.PULL_PRIORITY)


@app.task(name="dashboard.tasks.pull_account")
def pull_account(pk: int) -> None:
    """Read an account's own lists once."""
    downtime.note_work(now=timezone.now())
    rounds.account_round(pk, clock=timezone.now)


@app.task(name="dashboard.tasks.pull_project")
def pull_project(pk: int) -> None:
    """Read the most urgent project that is due, then evaluate its alerts."""
    downtime.note_work(now=timezone.now())
    if cycle := rounds.run_next_round(pk, clock=timezone.now):
        detect.after_cycle(cycle=cycle, now=timezone.now())
        if cycle.groups_written and cycle.project_id:
            price_effects.measure_new_price_changes(
                cycle.project_id, seen_since=cycle.started_at, now=timezone.now()
            )
        _enqueue_projects()  # the next one need not wait for the beat


# The next four may overlap with each other and themselves: each write has a condition that only
# one worker can meet (an unchanged row, a lease or a unique key).
@app.task(name="dashboard.tasks.settle_edits")
def settle_edits() -> None:
    """Read back edits that are open on the exchange, and continue bulk changes."""
    downtime.note_work(now=timezone.now())
    read_back()
    jobs.run_due_steps()


@app.task(name="dashboard.tasks.evaluate_alerts")
def evaluate_alerts() -> None:
    """Evaluate what depends on time only: timers, repeats, mutes, open edits, missing data."""
    downtime.note_work(now=timezone.now())
    now = timezone.now()
    detect.evaluate_by_time(now=now)
    detect.check_accounts(now=now)


@app.task(name="dashboard.tasks.deliver_mail")
def deliver_mail() -> None:
    """Compose the mails that are due and send the waiting ones."""
    downtime.note_work(now=timezone.now())
    outbox.compose_due_mails(now=timezone.now())
    outbox.send_due(now=timezone.now(), limit=BATCH_SIZE)


@app.task(name="dashboard.tasks.deliver_messages")
def deliver_messages() -> None:
    """Compose the messages to channels that are due and send the waiting ones."""
    schedule.compose_due_messages(now=timezone.now())
    messages.send_due_messages(now=timezone.now(), limit=BATCH_SIZE)


@app.task(name="dashboard.tasks.look_back")
def read_back() -> None:
    """Read back the edits, creations and launches that are due by now."""
    send.settle_due(clock=timezone.now)
    create.settle_due(clock=timezone.now)
    launch.run_due_launches(clock=timezone.now)


def _enqueue_read_backs() -> None:
    """Enqueue the read-backs that are due before the next beat.

    The tables say what is due: a lost message costs at most one beat.
    """
    now = timezone.now()
    for at in send.check_times_until(now + timedelta(seconds=settings.BEAT_SECONDS)):
        wait = max((at - now).total_seconds(), 0.0)
        read_back.apply_async(countdown=wait, expires=wait + settings.BEAT_SECONDS * 2, priority=0)


@app.task(name="dashboard.tasks.heartbeat")
def ping_operator() -> None:
    """Call the operator's URL while alerts are evaluated and mail is delivered, every minute."""
    if settings.HEARTBEAT_URL:
        heartbeat.ping_operator(settings.HEARTBEAT_URL, now=timezone.now())


@app.task(name="dashboard.tasks.tidy")
def tidy() -> None:
    """Delete rows past their retention, every hour."""
    delivery.delete_old_events(now=timezone.now())
    retention.delete_old_rows(now=timezone.now())


@app.task(name="dashboard.tasks.finish_removal")
def finish_removal(pk: int) -> None:
    """Delete the rows of a connection that was removed."""
    remove.finish_removal(pk)


@app.task(name="dashboard.tasks.check_webhooks")
def check_webhooks() -> None:
    """Find webhooks that the exchange has lost, every hour."""
    subscription.check_due(clock=timezone.now)


@app.task(name="dashboard.tasks.measure_prices")
def measure_prices() -> None:
    """Measure what followed each recent change of price, every five minutes."""
    downtime.note_work(now=timezone.now())
    price_effects.measure_due_price_changes(now=timezone.now())


@app.task(name="dashboard.tasks.learn")
def learn() -> None:
    """Learn the baselines of each project and country, what price changes did, and what came of
    advice, every hour."""
    baselines.learn_baselines(now=timezone.now())
    learning.learn_elasticities(now=timezone.now())
    records.settle_advice(now=timezone.now())
