"""Every Celery task: fetch by id, call one function. The tables say what is due, not the queue."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from dashboard.alerts import downtime
from dashboard.alerts import heartbeat as pulse
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

AT_ONCE = 200


@app.task(name="dashboard.tasks.wake")
def wake() -> None:
    """Hint at everything that is due; the beat calls it every few seconds."""
    now, accounts = timezone.now(), ExchangeAccount.objects.filter(polling=True)
    downtime.note_work(now=now)
    scheduling.promote_overdue(now=now)
    for pk in scheduling.due_rows(accounts, now=now, limit=AT_ONCE):
        if scheduling.mark_hinted(ExchangeAccount, pk, now=now):
            pull_account.apply_async((pk,), priority=0)
    _hint_at_projects()
    _hint_at_looks()
    tell.delay()


def _hint_at_projects() -> None:
    now = timezone.now()
    for pk in scheduling.due_projects(now=now, limit=AT_ONCE):
        if scheduling.mark_hinted(Project, pk, now=now):
            pull_project.apply_async((pk,), priority=settings.PULL_PRIORITY)


@app.task(name="dashboard.tasks.pull_account")
def pull_account(pk: int) -> None:
    """One round over an account's own lists."""
    downtime.note_work(now=timezone.now())
    rounds.account_round(pk, clock=timezone.now)


@app.task(name="dashboard.tasks.pull_project")
def pull_project(pk: int) -> None:
    """One round over the most urgent project that is due, then what of it needs a person."""
    downtime.note_work(now=timezone.now())
    if cycle := rounds.run_next_round(pk, clock=timezone.now):
        detect.after_cycle(cycle=cycle, now=timezone.now())
        _hint_at_projects()  # the next one need not wait for the beat


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
    outbox.send_due(now=timezone.now(), limit=AT_ONCE)


@app.task(name="dashboard.tasks.look_back")
def look_back() -> None:
    """Settle what is open on the exchange and due by now."""
    send.settle_due(clock=timezone.now)
    create.settle_due(clock=timezone.now)
    launch.run_due_launches(clock=timezone.now)


def _hint_at_looks() -> None:
    """Hint at edits that are to be looked at before the beat comes again.

    The tables say what is due: a hint that is lost costs no more than a beat.
    """
    now = timezone.now()
    for at in send.looks_until(now + timedelta(seconds=settings.BEAT_SECONDS)):
        wait = max((at - now).total_seconds(), 0.0)
        look_back.apply_async(countdown=wait, expires=wait + settings.BEAT_SECONDS * 2, priority=0)


@app.task(name="dashboard.tasks.heartbeat")
def heartbeat() -> None:
    """Call the operator's URL while alerts are detected and mail is sent; the beat calls it."""
    if settings.HEARTBEAT_URL:
        pulse.ping_operator(settings.HEARTBEAT_URL, now=timezone.now())


@app.task(name="dashboard.tasks.tidy")
def tidy() -> None:
    """Forget what is kept for a while only; the beat calls it every hour."""
    delivery.delete_old_events(now=timezone.now())
    retention.delete_old_rows(now=timezone.now())


@app.task(name="dashboard.tasks.check_webhooks")
def check_webhooks() -> None:
    """Notice webhooks that vanished at the exchange; the beat calls it every hour."""
    subscription.check_due(clock=timezone.now)


@app.task(name="dashboard.tasks.learn")
def learn() -> None:
    """Learn what is usual in each project and country; the beat calls it every hour."""
    baselines.learn_baselines(now=timezone.now())
