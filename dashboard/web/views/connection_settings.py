"""Add a connection, change its settings and credentials, remove it: for administrators."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import ExchangeAccount, Webhook
from dashboard.sync.connections import clients, examine, remove, store
from dashboard.sync.connections.examine import ConnectionReport
from dashboard.sync.connections.store import ConnectionRefused
from dashboard.sync.webhooks import subscription
from dashboard.web.auth import audit
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    memberships_of,
    require_administrator,
    require_connector,
    requires,
)
from dashboard.web.auth.proof import proof_before_secrets, proof_required
from dashboard.web.connections.form import SECRETS, ConnectionForm

FORM = ["GET", "HEAD", "POST"]
TEST_SECONDS = 20.0
WEB_SECONDS = 10.0
# Columns with which another request would be sent: a change of one is tested first.
_TESTED = frozenset(
    {"exchange_id", "base_url", "auth", "secret", "token_url", "client_id", "audience"}
)
OF_THE_DEMO = "This is the demo's connection. Connect your own account to leave the demo."


@requires(Permission.CONNECTOR)
@sensitive_post_parameters()
@require_http_methods(FORM)
def add_connection(request: HttpRequest) -> HttpResponse:
    """Show the form of a new connection; POST tests what was typed, and stores what works."""
    require_connector(request)
    answer: HttpResponse = _add(request)
    return answer


@proof_before_secrets(*SECRETS)
def _add(request: HttpRequest) -> HttpResponse:
    demo_hosts = {
        urlsplit(membership.account.base_url).netloc
        for membership in memberships_of(request).values()
        if membership.account.is_demo
    }
    form = ConnectionForm(request.POST or None, demo_hosts=demo_hosts)

    def save(account: ExchangeAccount) -> None:
        origin, now, user = audit.origin_of(request), timezone.now(), current_user(request)
        store.add_connection(account=account, administrator=user, origin=origin, now=now)

    report = _test_and_save(form, save)
    if report and not form.errors and report.works:
        account = ExchangeAccount.objects.get(name=form.cleaned_data["name"])
        return redirect("first-sync", account.pk)
    form.ask_to_type_again()
    return render(request, "connections/add.html", {"form": form, "report": report})


@requires(Permission.ADMINISTRATOR)
@sensitive_post_parameters()
@require_http_methods(FORM)
def change_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the settings of a connection; POST tests the changed ones, and stores what works."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    if account.is_demo:
        messages.error(request, OF_THE_DEMO)
        return redirect("connection", pk)
    answer: HttpResponse = _change(request, account)
    return answer


@proof_before_secrets(*SECRETS)
def _change(request: HttpRequest, account: ExchangeAccount) -> HttpResponse:
    form = ConnectionForm(request.POST or None, account=account)

    def save(_described: ExchangeAccount) -> None:
        origin, now = audit.origin_of(request), timezone.now()
        stored = ExchangeAccount.objects.get(pk=account.pk)
        if columns := form.columns():
            store.change_connection(account=stored, columns=columns, origin=origin, now=now)

    report = _test_and_save(form, save)
    if report and not form.errors and report.works:
        messages.success(request, "Saved." if form.columns() else "Nothing was changed.")
        return redirect("connection", account.pk)
    form.ask_to_type_again()
    context = {"form": form, "report": report, "connection": account}
    return render(request, "connections/change.html", context)


def _test_and_save(
    form: ConnectionForm, save: Callable[[ExchangeAccount], None]
) -> ConnectionReport | None:
    """Test what was typed and store it if it works; problems go to the fields that cause them."""
    if not form.is_bound or not form.is_valid():
        return None
    account, report = form.described(), ConnectionReport()
    try:
        store.check_settings(account=account, now=timezone.now())
        if form.columns().keys() & _TESTED:
            report = examine.examine_settings(account, seconds=TEST_SECONDS)
        if report.works:
            save(account)
        else:
            form.mark_problems(report)
    except ConnectionRefused as exc:
        form.mark_reasons(exc.reasons)
    return report


@requires(Permission.ADMINISTRATOR)
@require_http_methods(FORM)
def remove_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what would be deleted with a connection; POST with its name removes it."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    if account.is_demo:
        messages.error(request, OF_THE_DEMO)
        return redirect("connection", pk)
    typed = request.POST.get("name", "").strip()
    if request.method == "POST" and typed == account.name:
        answer: HttpResponse = _remove(request, account)
        return answer
    context = {
        "connection": account,
        "held": remove.removal_summary(account).items(),
        "typed": typed,
        "is_wrong": request.method == "POST",
    }
    return render(request, "connections/remove.html", context)


@proof_required
def _remove(request: HttpRequest, account: ExchangeAccount) -> HttpResponse:
    """Remove the connection for somebody who has just confirmed their identity."""
    hook = Webhook.objects.filter(account=account).exclude(registered_at=None).first()
    if hook and (problem := _unregister(hook)):
        sentence = f"Cint still sends events to the webhook, which could not be removed: {problem}."
        messages.warning(request, sentence)
    origin, now = audit.origin_of(request), timezone.now()
    with transaction.atomic():
        remove.start_removal(account=account, origin=origin, now=now)
    removed = format_html("<bdi>{}</bdi> was removed. Its data is being deleted.", account.name)
    messages.success(request, removed)
    return redirect("connections")


def _unregister(hook: Webhook) -> str:
    """Remove a webhook at Cint; return why that failed, as a clause, or an empty text."""
    try:
        client = clients.client_for(hook.account)
        with client.deadline(WEB_SECONDS):
            subscription.remove_webhook(hook=hook, client=client)
    except ExchangeError as exc:
        return str(exc)
    return ""
