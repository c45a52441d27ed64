"""Connections to the exchange, for their administrators: polling, webhook, data errors."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.exchange.errors import ExchangeError
from dashboard.fielding import setup
from dashboard.fielding.models import AuditKind, Cycle, ExchangeAccount, Webhook
from dashboard.sync.connections import clients, examine
from dashboard.sync.webhooks import subscription
from dashboard.web.auth import audit
from dashboard.web.auth.permissions import (
    Permission,
    administered_accounts,
    may_add_connections,
    require_administrator,
    requires,
)
from dashboard.web.auth.proof import proof_required
from dashboard.web.connections import polling_status, webhook_status

CYCLES_SHOWN = 50
QUARANTINE_SHOWN = 100
WEB_SECONDS = 10.0
TEST_SECONDS = 20.0


@requires(Permission.SIGNED_IN)
@require_safe
def connection_list(request: HttpRequest) -> HttpResponse:
    """List the connections that the person administers."""
    accounts = ExchangeAccount.objects.filter(pk__in=administered_accounts(request))
    rows = accounts.annotate(
        set_aside=Count("quarantine", distinct=True),
        overdue=Count("projects", filter=Q(projects__due_at__lt=timezone.now()), distinct=True),
        webhook_lost=Q(webhook__lost_at__isnull=False),
    )
    setup_open = not may_add_connections(request) and setup.is_setup_open()
    context = {"connections": rows, "setup_open": setup_open}
    return render(request, "connections/list.html", context)


@requires(Permission.ADMINISTRATOR)
@require_safe
def connection_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one connection: its last syncs, its webhook, and items that could not be parsed."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    context: dict[str, object] = {
        "connection": account,
        "polled": polling_status.polling_figures(account, now=timezone.now()),
        "told": webhook_status.webhook_status(account, now=timezone.now()),
        "public_url": settings.FIELDWATCH_URL,
        "is_public": webhook_status.is_public_host(settings.FIELDWATCH_URL),
        "cycles": _last_cycles(account),
        "cycles_shown": CYCLES_SHOWN,
        "set_aside": account.quarantine.order_by("-last_seen_at", "pk")[:QUARANTINE_SHOWN],
        "set_aside_shown": QUARANTINE_SHOWN,
    }
    return render(request, "connections/detail.html", context)


@requires(Permission.ADMINISTRATOR)
@require_POST
def switch_polling(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause the polling of a connection, or resume it; a repeated request changes nothing."""
    require_administrator(request, pk)
    is_resuming = request.POST.get("do") == "resume"
    account = get_object_or_404(ExchangeAccount, pk=pk)
    resumed = {"resumed_at": timezone.now()} if is_resuming else {}
    with transaction.atomic():
        changing = ExchangeAccount.objects.filter(pk=pk, polling=not is_resuming)
        if changing.update(polling=is_resuming, **resumed):
            kind = AuditKind.POLLING_ON if is_resuming else AuditKind.POLLING_OFF
            audit.record(request, kind, account=account)
    sentence = (
        "Polling resumed." if is_resuming else "Polling paused. Edits are still sent to Cint."
    )
    messages.success(request, sentence)
    return redirect("connection", pk)


@requires(Permission.ADMINISTRATOR)
@require_POST
def register_webhook_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Register the webhook again, with the address that it had before."""
    require_administrator(request, pk)
    hook = Webhook.objects.select_related("account").filter(account=pk).first()
    if hook is None:
        messages.error(request, "This connection has no webhook.")
        return redirect("connection", pk)

    def register() -> None:
        client = clients.client_for(hook.account)
        subscription.register_again(hook=hook, client=client, now=timezone.now())

    if _ask_exchange(request, hook.account, register, "The webhook could not be registered"):
        target = urlsplit(hook.url).netloc
        audit.record(request, AuditKind.WEBHOOK_ADDED, account=hook.account, target=target)
        messages.success(request, "Webhook registered. Cint sends changes again.")
    return redirect("connection", pk)


@requires(Permission.ADMINISTRATOR)
@require_POST
def change_webhook(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    """Register a webhook, rotate its secret, or remove it."""
    require_administrator(request, pk)
    if step not in _WEBHOOK_STEPS:
        raise Http404
    answer: HttpResponse = _carry_out(request, get_object_or_404(ExchangeAccount, pk=pk), step)
    return answer


@proof_required
def _carry_out(request: HttpRequest, account: ExchangeAccount, step: str) -> HttpResponse:
    """Change the webhook for somebody who has just confirmed their identity."""
    hook = Webhook.objects.filter(account=account).first()
    if step != "add" and (hook is None or not hook.secret):
        messages.error(request, "This connection has no webhook.")
        return redirect("connection", account.pk)
    now, target = timezone.now(), urlsplit(hook.url if hook else settings.FIELDWATCH_URL).netloc

    def change() -> None:
        client = clients.client_for(account)
        if step == "add":
            root = settings.FIELDWATCH_URL
            subscription.register_webhook(account=account, client=client, root=root, now=now)
        elif step == "rotate" and hook:
            subscription.rotate_secret(hook=hook, client=client, now=now)
        elif hook:
            subscription.remove_webhook(hook=hook, client=client)

    kind, success, failure = _WEBHOOK_STEPS[step]
    if _ask_exchange(request, account, change, failure):
        audit.record(request, kind, account=account, target=target)
        messages.success(request, success)
    return redirect("connection", account.pk)


_WEBHOOK_STEPS = {
    "add": (
        AuditKind.WEBHOOK_ADDED,
        "Webhook registered. Cint sends changes as they happen.",
        "The webhook could not be registered",
    ),
    "rotate": (
        AuditKind.WEBHOOK_SECRET_CHANGED,
        "The webhook has a new secret. The old one is accepted for another hour.",
        "The secret could not be changed",
    ),
    "remove": (
        AuditKind.WEBHOOK_REMOVED,
        "Webhook removed. Changes are now found by polling only.",
        "The webhook could not be removed",
    ),
}


def _ask_exchange(
    request: HttpRequest,
    account: ExchangeAccount,
    ask: Callable[[], None],
    failure: str,
) -> bool:
    """Do something on the exchange; a failure becomes a message. Return whether it was done."""
    try:
        with clients.client_for(account).deadline(WEB_SECONDS):
            ask()
    except ExchangeError as exc:
        messages.error(request, f"{failure}: {exc}.")
        return False
    return True


@requires(Permission.ADMINISTRATOR)
@require_POST
def test_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Check what the exchange allows this connection: reads only, nothing is stored."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    audit.record(request, AuditKind.CONNECTION_TESTED, account=account)
    report = examine.examine_connection(account, seconds=TEST_SECONDS)
    return render(request, "connections/test.html", {"connection": account, "report": report})


def _last_cycles(account: ExchangeAccount) -> list[tuple[Cycle, float | None]]:
    """Return the last rounds, each with its duration in seconds."""
    rows = (
        Cycle.objects.filter(account=account)
        .select_related("project")
        .order_by("-started_at", "-pk")
    )
    return [
        (
            cycle,
            (cycle.finished_at - cycle.started_at).total_seconds() if cycle.finished_at else None,
        )
        for cycle in rows[:CYCLES_SHOWN]
    ]
