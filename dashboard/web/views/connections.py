"""Connections to the exchange, for their administrators: how each does, and what was set aside."""

from __future__ import annotations

from typing import Any
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
SET_ASIDE_SHOWN = 100
WEB_SECONDS = 10.0


@requires(Permission.SIGNED_IN)
@require_safe
def connection_list(request: HttpRequest) -> HttpResponse:
    """The connections that the person administers."""
    mine = ExchangeAccount.objects.filter(pk__in=administered_accounts(request))
    rows = mine.annotate(
        set_aside=Count("quarantine", distinct=True),
        overdue=Count("projects", filter=Q(projects__due_at__lt=timezone.now()), distinct=True),
        webhook_lost=Q(webhook__lost_at__isnull=False),
    )
    return render(request, "connections/list.html", {"connections": rows})


@requires(Permission.ADMINISTRATOR)
@require_safe
def connection_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One connection: its last rounds, and what of the exchange's answers was not understood."""
    require_administrator(request, pk)
    of = get_object_or_404(ExchangeAccount, pk=pk)
    context: dict[str, Any] = {
        "connection": of,
        "polled": polling_status.polling_figures(of, now=timezone.now()),
        "told": webhook_status.webhook_status(of, now=timezone.now()),
        "public_url": settings.FIELDWATCH_URL,
        "cycles": _cycles(of),
        "cycles_shown": CYCLES_SHOWN,
        "set_aside": of.quarantine.order_by("-last_seen_at", "pk")[:SET_ASIDE_SHOWN],
        "set_aside_shown": SET_ASIDE_SHOWN,
    }
    return render(request, "connections/detail.html", context)


@requires(Permission.ADMINISTRATOR)
@require_POST
def switch_polling(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause the polling of a connection, or go on with it; what is asked for twice is as once."""
    require_administrator(request, pk)
    polls = request.POST.get("do") == "resume"
    account = get_object_or_404(ExchangeAccount, pk=pk)
    resumed = {"resumed_at": timezone.now()} if polls else {}
    with transaction.atomic():
        changing = ExchangeAccount.objects.filter(pk=pk, polling=not polls)
        if changing.update(polling=polls, **resumed):
            kind = AuditKind.POLLING_ON if polls else AuditKind.POLLING_OFF
            audit.record(request, kind, account=account)
    said = "Polling goes on." if polls else "Polling is paused. Edits still reach the exchange."
    messages.success(request, said)
    return redirect("connection", pk)


@requires(Permission.ADMINISTRATOR)
@require_POST
def register_webhook_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the exchange tell changes again to the address that it told them to before."""
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
        messages.error(request, f"The webhook was not registered: {exc}.")
    else:
        target = urlsplit(hook.url).netloc
        audit.record(request, AuditKind.WEBHOOK_ADDED, account=hook.account, target=target)
        messages.success(request, "The webhook is registered; the exchange tells changes again.")
    return redirect("connection", pk)


@requires(Permission.ADMINISTRATOR)
@require_POST
def test_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the exchange what it offers this connection: reads only, nothing is stored."""
    require_administrator(request, pk)
    of = get_object_or_404(ExchangeAccount, pk=pk)
    audit.record(request, AuditKind.CONNECTION_TESTED, account=of)
    lines, all_asked = polling_status.test_connection(of)
    context = {
        "connection": of,
        "lines": lines,
        "all_asked": all_asked,
        "spoilt": [line for line in lines if line.spoils],
    }
    return render(request, "connections/test.html", context)


def _cycles(of: ExchangeAccount) -> list[tuple[Cycle, float | None]]:
    """The last rounds, each with how many seconds it took."""
    rows = Cycle.objects.filter(account=of).select_related("project").order_by("-started_at", "-pk")
    return [
        (one, (one.finished_at - one.started_at).total_seconds() if one.finished_at else None)
        for one in rows[:CYCLES_SHOWN]
    ]
