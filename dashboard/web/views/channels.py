"""Channels of a connection, a project or a person: the list, the form, a test."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.alerts.channels import outbox
from dashboard.alerts.text import format_count
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import AuditKind, Channel, Mail
from dashboard.web.alerts.channel_pages import ChannelForm, ChannelHome, channel_line
from dashboard.web.alerts.scopes import find_scope, require_change
from dashboard.web.auth import audit
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    memberships_of,
    requires,
)


def list_channels(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Show the channels of a scope, and add one."""
    return _show_list(request, _home_of(request, kind, pk))


def change_channel(request: HttpRequest, kind: str, pk: int, channel: int) -> HttpResponse:
    """Change the settings of a channel."""
    return _change(request, _home_of(request, kind, pk), channel)


def test_channel(request: HttpRequest, kind: str, pk: int, channel: int) -> HttpResponse:
    """Send a test to a channel, and show its result."""
    return _send_test(request, _home_of(request, kind, pk), channel)


def resend_channel(request: HttpRequest, kind: str, pk: int, channel: int) -> HttpResponse:
    """Send what could not be delivered again."""
    return _send_again(request, _home_of(request, kind, pk), channel)


def remove_channel(request: HttpRequest, kind: str, pk: int, channel: int) -> HttpResponse:
    """Remove a channel with what was sent to it."""
    return _remove(request, _home_of(request, kind, pk), channel)


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def my_channels(request: HttpRequest) -> HttpResponse:
    """Show the person's own channels, and add one."""
    return _show_list(request, ChannelHome(owner=current_user(request)))


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def change_my_channel(request: HttpRequest, channel: int) -> HttpResponse:
    """Change the settings of one's own channel."""
    return _change(request, ChannelHome(owner=current_user(request)), channel)


@requires(Permission.SIGNED_IN)
@require_POST
def test_my_channel(request: HttpRequest, channel: int) -> HttpResponse:
    """Send a test to one's own channel, and show its result."""
    return _send_test(request, ChannelHome(owner=current_user(request)), channel)


@requires(Permission.SIGNED_IN)
@require_POST
def resend_my_channel(request: HttpRequest, channel: int) -> HttpResponse:
    """Send what could not be delivered again."""
    return _send_again(request, ChannelHome(owner=current_user(request)), channel)


@requires(Permission.SIGNED_IN)
@require_POST
def remove_my_channel(request: HttpRequest, channel: int) -> HttpResponse:
    """Remove one's own channel with what was sent to it."""
    return _remove(request, ChannelHome(owner=current_user(request)), channel)


def _home_of(request: HttpRequest, kind: str, pk: int) -> ChannelHome:
    """Return the scope in an address, if the person may change its recipients."""
    scope = find_scope(request, kind, pk)
    require_change(request, scope)
    administers = memberships_of(request)[scope.account.pk].may_administer
    return ChannelHome(scope=scope, may_set_address=administers)


def _show_list(request: HttpRequest, home: ChannelHome) -> HttpResponse:
    zone = zone_named(current_user(request).time_zone).key
    form = ChannelForm(request.POST or None, instance=home.new_channel(), zone=zone)
    if request.method == "POST" and not home.may_set_address:
        messages.error(request, "Only administrators can add channels.")
        return redirect(home.address_of("channels"))
    if request.method == "POST" and form.is_valid():
        channel = form.instance
        channel.created_by, channel.created_at = current_user(request), timezone.now()
        with transaction.atomic():
            channel.save()
            _record(request, AuditKind.CHANNEL_ADDED, channel)
        messages.success(request, f"{channel.name} added. Send a test to see whether it works.")
        return redirect(home.address_of("channels"))
    rows = home.list_channels(now=timezone.now())
    context = {
        "home": home,
        "of": home.scope,
        "lines": [channel_line(row, home) for row in rows],
        "projects": home.projects_with_channels(),
        "form": form,
    }
    return render(request, "alerts/channels.html", context)


def _change(request: HttpRequest, home: ChannelHome, pk: int) -> HttpResponse:
    channel = home.find_channel(pk, now=timezone.now())
    form = ChannelForm(request.POST or None, instance=channel, zone=channel.time_zone)
    if not home.may_set_address:
        form.drop_secrets()
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.instance.save()
            _record(request, AuditKind.CHANNEL_CHANGED, form.instance)
        messages.success(request, "Saved.")
        return redirect(home.address_of("channels"))
    context = {
        "of": home.scope,
        "line": channel_line(channel, home),
        "form": form,
        "back": home.address_of("channels"),
        "remove": home.address_of("channel-remove", channel.pk),
    }
    return render(request, "alerts/channel.html", context)


def _send_test(request: HttpRequest, home: ChannelHome, pk: int) -> HttpResponse:
    channel = home.find_channel(pk, now=timezone.now())
    mail = outbox.send_channel_test(channel=channel, now=timezone.now())
    if mail.state == Mail.State.SENT:
        messages.success(request, f"{channel.get_service_display()} accepted the test message.")
    else:
        messages.error(request, f"The test message did not get through: {mail.error}.")
    return redirect(home.address_of("channels"))


def _send_again(request: HttpRequest, home: ChannelHome, pk: int) -> HttpResponse:
    channel = home.find_channel(pk, now=timezone.now())
    count = outbox.send_dead_again(channel=channel, now=timezone.now())
    messages.success(request, f"{format_count(count, 'message')} queued again.")
    return redirect(home.address_of("channels"))


def _remove(request: HttpRequest, home: ChannelHome, pk: int) -> HttpResponse:
    channel = home.find_channel(pk, now=timezone.now())
    with transaction.atomic():
        _record(request, AuditKind.CHANNEL_REMOVED, channel)
        channel.delete()
    messages.success(request, f"{channel.name} removed.")
    return redirect(home.address_of("channels"))


def _record(request: HttpRequest, kind: AuditKind, channel: Channel) -> None:
    """Record a change of a channel in the audit log, with its host and never its address."""
    audit.record(
        request,
        kind,
        account=channel.account,
        target=channel.project.name if channel.project else "",
        details={
            "channel": channel.name,
            "service": channel.get_service_display(),
            "host": channel.address_hint.partition(" ")[0],
            "sends": channel.get_sends_display(),
        },
    )


_editor, _administrator = requires(Permission.EDITOR), requires(Permission.ADMINISTRATOR)
_form = require_http_methods(["GET", "HEAD", "POST"])
channels_edit = _editor(_form(list_channels))
channels_edit_account = _administrator(_form(list_channels))
channel_edit = _editor(_form(change_channel))
channel_edit_account = _administrator(_form(change_channel))
channel_test = _editor(require_POST(test_channel))
channel_test_account = _administrator(require_POST(test_channel))
channel_again = _editor(require_POST(resend_channel))
channel_again_account = _administrator(require_POST(resend_channel))
channel_remove = _editor(require_POST(remove_channel))
channel_remove_account = _administrator(require_POST(remove_channel))
