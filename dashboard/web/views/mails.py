"""Mails: those to a person, what they want by mail and when, and who gets what on a connection."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.alerts import heartbeat
from dashboard.alerts.mail import outbox as deliver
from dashboard.alerts.mail import preferences
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import ExchangeAccount, Mail, Membership, User
from dashboard.fielding.models.querysets.rows import MailQuerySet
from dashboard.web.alerts.mail_preferences import MailChoiceForm
from dashboard.web.auth.permissions import Permission, current_user, require_administrator, requires

SHOWN = 100
DEAD_FOR = timedelta(days=14)


@requires(Permission.SIGNED_IN)
@require_safe
def mail_list(request: HttpRequest) -> HttpResponse:
    """The newest mails to the person."""
    mine = MailQuerySet(Mail).to(current_user(request))
    return render(request, "alerts/mails.html", {"mails": mine[:SHOWN], "shown": SHOWN})


@requires(Permission.MEMBER)
@require_safe
def mail_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One mail, as text."""
    one = MailQuerySet(Mail).to(current_user(request)).filter(pk=pk).first()
    if one is None:
        raise Http404
    return render(request, "alerts/mail.html", {"mail": one})


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def mail_preferences(request: HttpRequest) -> HttpResponse:
    """What the person wants by mail, and when."""
    user = current_user(request)
    form = MailChoiceForm(request.POST or None, instance=preferences.preferences_of(user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved. It holds from the next mail on.")
        return redirect("mail-choice")
    return render(
        request,
        "alerts/mail_preferences.html",
        {"form": form, "zone": zone_named(user.time_zone).key},
    )


@requires(Permission.SIGNED_IN)
@require_POST
def send_test_mail(request: HttpRequest) -> HttpResponse:
    """A test mail to oneself; an address that was refused is tried again."""
    _put_out(request, current_user(request))
    return redirect("mails")


def _put_out(request: HttpRequest, to: User) -> None:
    """Write a test mail, and say where its outcome is to be seen."""
    deliver.compose_test(to=to, now=timezone.now())
    messages.success(request, f"A test mail to {to.email} is on its way; see below how it went.")


@requires(Permission.ADMINISTRATOR)
@require_safe
def mail_outbox(request: HttpRequest, pk: int) -> HttpResponse:
    """Who gets what on a connection, which addresses are refused, and what came of its mails."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    members = account.memberships.select_related("user__mail_preferences").order_by(
        "user__username"
    )
    theirs = Q(account=account) | Q(account=None, recipient__memberships__account=account)
    mails = Mail.objects.filter(theirs).select_related("recipient").defer("sealed").order_by("-pk")
    since = timezone.now() - DEAD_FOR
    context = {
        "connection": account,
        "people": [(one, preferences.preferences_of(one.user)) for one in members],
        "dead": mails.filter(state=Mail.State.DEAD, created_at__gt=since)[:SHOWN],
        "mails": mails[:SHOWN],
        "shown": SHOWN,
        "complaints": heartbeat.list_problems(now=timezone.now()),
    }
    return render(request, "alerts/outbox.html", context)


@requires(Permission.ADMINISTRATOR)
@require_POST
def send_again(request: HttpRequest, pk: int, membership: int) -> HttpResponse:
    """A test mail to somebody on a connection, whose address was refused."""
    require_administrator(request, pk)
    one = get_object_or_404(Membership.objects.select_related("user"), account=pk, pk=membership)
    _put_out(request, one.user)
    return redirect("outbox", pk)
