"""Emails: those to a person, their notification settings, and the outbox of a connection."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.alerts import heartbeat
from dashboard.alerts.mail import outbox, preferences
from dashboard.alerts.mail.about import AboutFilter
from dashboard.alerts.mail.past_mails import count_past_mails
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import ExchangeAccount, Mail, Membership, User
from dashboard.fielding.models.querysets.rows import MailQuerySet
from dashboard.web.alerts.mail_preferences import MailPreferencesForm, describe_coverage
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    memberships_of,
    require_administrator,
    requires,
)
from dashboard.web.connections import waits

SHOWN = 100
FAILED_WITHIN = timedelta(days=14)


@requires(Permission.SIGNED_IN)
@require_safe
def mail_list(request: HttpRequest) -> HttpResponse:
    """List the newest emails to the person."""
    mails = MailQuerySet(Mail).to(current_user(request))[:SHOWN]
    workers = waits.known_workers(request, now=timezone.now())
    context = {"mails": waits.mails_with_waits(mails, workers), "shown": SHOWN}
    return render(request, "alerts/mails.html", context)


@requires(Permission.MEMBER)
@require_safe
def mail_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one email as text."""
    mail = MailQuerySet(Mail).to(current_user(request)).filter(pk=pk).first()
    if mail is None:
        raise Http404
    wait = waits.mail_wait(mail, waits.known_workers(request, now=timezone.now()))
    return render(request, "alerts/mail.html", {"mail": mail, "wait": wait})


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def mail_preferences(request: HttpRequest) -> HttpResponse:
    """Change the person's notification settings, or count the emails that they would bring."""
    user = current_user(request)
    form = MailPreferencesForm(request.POST or None, instance=preferences.preferences_of(user))
    is_count = "look" in request.POST
    if request.method == "POST" and form.is_valid() and not is_count:
        form.save()
        messages.success(request, "Saved.")
        return redirect("mail-choice")
    context: dict[str, object] = {"form": form}
    if not form.errors:
        context["past"] = count_past_mails(user, form.instance, now=timezone.now())
    if is_count and request.headers.get("HX-Request"):
        return render(request, "alerts/past_mails.html", context | {"errors_of": form})
    own = AboutFilter().count_own_groups(user)
    context |= {
        "zone": zone_named(user.time_zone).key,
        "coverage": describe_coverage(own, form),
        "unlinked": not any(row.exchange_user_id for row in memberships_of(request).values()),
    }
    return render(request, "alerts/mail_preferences.html", context)


@requires(Permission.SIGNED_IN)
@require_POST
def send_test_mail(request: HttpRequest) -> HttpResponse:
    """Send a test email to oneself; a refused address is tried again."""
    _queue_test_mail(request, current_user(request))
    return redirect("mails")


def _queue_test_mail(request: HttpRequest, to: User) -> None:
    """Queue a test email, and say where its result is shown."""
    outbox.compose_test(to=to, now=timezone.now())
    messages.success(request, f"Test email to {to.email} queued. The result is shown below.")


@requires(Permission.ADMINISTRATOR)
@require_safe
def mail_outbox(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the notification settings on a connection, refused addresses, and what was sent."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    members = account.memberships.select_related("user__mail_preferences").order_by(
        "user__username"
    )
    of_account = (
        Q(account=account)
        | Q(account=None, recipient__memberships__account=account)
        | Q(account=None, channel__owner__memberships__account=account)
    )
    found = Mail.objects.filter(of_account)  # once for each connection of its person
    rows = Mail.objects.filter(pk__in=found.values("pk")).select_related("recipient", "channel")
    mails = rows.defer("sealed", "message").order_by("-pk")
    since = timezone.now() - FAILED_WITHIN
    context = {
        "connection": account,
        "people": [(member, preferences.preferences_of(member.user)) for member in members],
        "dead": mails.filter(state=Mail.State.DEAD, created_at__gt=since)[:SHOWN],
        "mails": waits.mails_with_waits(
            mails[:SHOWN], waits.known_workers(request, now=timezone.now())
        ),
        "shown": SHOWN,
        "complaints": heartbeat.list_problems(now=timezone.now()),
    }
    return render(request, "alerts/outbox.html", context)


@requires(Permission.ADMINISTRATOR)
@require_POST
def send_again(request: HttpRequest, pk: int, membership: int) -> HttpResponse:
    """Send a test email to a member of a connection whose address was refused."""
    require_administrator(request, pk)
    member = get_object_or_404(Membership.objects.select_related("user"), account=pk, pk=membership)
    _queue_test_mail(request, member.user)
    return redirect("outbox", pk)
