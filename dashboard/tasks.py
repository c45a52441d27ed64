"""Every Celery task: fetch by id, call one function. The tables say what is due, not the queue."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from dashboard.alerts import deliver, detect
from dashboard.celery import app
from dashboard.fielding import usual
from dashboard.fielding.models import ExchangeAccount, Project
from dashboard.sync import hear, plan, push, work

AT_ONCE = 200


@app.task(name="dashboard.tasks.wake")
def wake() -> None:
    """Hint at everything that is due; the beat calls it every few seconds."""
    now = timezone.now()
    plan.promote(now=now)
    for rows, task, priority in (
        (ExchangeAccount.objects.filter(polling=True), pull_account, 0),
        (Project.objects.filter(account__polling=True), pull_project, settings.PULL_PRIORITY),
    ):
        for pk in plan.due(rows, now=now, limit=AT_ONCE):
            if plan.queue(rows, pk, now=now):
                task.apply_async((pk,), priority=priority)
    tell.delay()


@app.task(name="dashboard.tasks.pull_account")
def pull_account(pk: int) -> None:
    """One round over an account's own lists."""
    work.account_round(pk, clock=timezone.now)


@app.task(name="dashboard.tasks.pull_project")
def pull_project(pk: int) -> None:
    """One round over the most urgent project that is due, then what of it needs a person."""
    if cycle := work.next_round(pk, clock=timezone.now):
        detect.after_cycle(cycle=cycle, now=timezone.now())


@app.task(name="dashboard.tasks.tell")
def tell() -> None:
    """Settle open edits, judge what time alone can break, and send what is waiting."""
    push.settle_due(clock=timezone.now)
    now = timezone.now()
    detect.by_time(now=now)
    detect.no_data(now=now)
    deliver.compose(now=now)
    deliver.send_due(now=timezone.now(), limit=AT_ONCE)


@app.task(name="dashboard.tasks.tidy")
def tidy() -> None:
    """Forget what is kept for a while only; the beat calls it every hour."""
    hear.forget(now=timezone.now())


@app.task(name="dashboard.tasks.learn")
def learn() -> None:
    """Learn what is usual in each project and country; the beat calls it every hour."""
    for account in ExchangeAccount.objects.filter(polling=True):
        usual.learn_account(account, now=timezone.now())
