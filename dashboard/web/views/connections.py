"""Connections to the exchange, for their administrators: polling, webhook, data errors."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import AuditKind, Cycle, ExchangeAccount, Webhook
from dashboard.sync.connections import clients
from dashboard.sync.webhooks import subscription
from dashboard.web.auth import audit
from dashboard.web.auth.permissions import (
    Permission,
    administered_accounts,
    require_administrator,
    requires,
)
from dashboard.web.connections import polling_status, webhook_status

CYCLES_SHOWN = 50
QUARANTINE_SHOWN = 100
WEB_SECONDS = 10.0


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
    return render(request, "connections/list.html", {"connections": rows})


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
    client = clients.client_for(hook.account)
    try:
        with client.deadline(WEB_SECONDS):
            subscription.register_again(hook=hook, client=client, now=timezone.now())
    except ExchangeError as exc:
        messages.error(request, f"The webhook could not be registered: {exc}.")
    else:
        target = urlsplit(hook.url).netloc
        audit.record(request, AuditKind.WEBHOOK_ADDED, account=hook.account, target=target)
        messages.success(request, "Webhook registered. Cint sends changes again.")
    return redirect("connection", pk)


@requires(Permission.ADMINISTRATOR)
@require_POST
def test_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Check what the exchange allows this connection: reads only, nothing is stored."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    audit.record(request, AuditKind.CONNECTION_TESTED, account=account)
    lines, all_asked = polling_status.test_connection(account)
    context = {
        "connection": account,
        "lines": lines,
        "all_asked": all_asked,
        "spoilt": [line for line in lines if line.spoils],
    }
    return render(request, "connections/test.html", context)


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
