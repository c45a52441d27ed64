"""The pages of channels: whose channels they are, how each is doing, and the form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, QueryDict
from django.urls import reverse

from dashboard.alerts.channels.allowed_addresses import AddressRefused
from dashboard.alerts.channels.outbox import SENT_AGAIN_WITHIN
from dashboard.alerts.channels.services.registry import FORMATS
from dashboard.alerts.channels.settings import (
    MOST_CHANNELS,
    SHORTEST_KEY,
    describe_address,
    is_full,
    set_address,
)
from dashboard.alerts.text import format_count
from dashboard.fielding.models import Channel, Mail, Project, User
from dashboard.web.alerts.mail_preferences import EVERY_DAY, WeekdayField
from dashboard.web.alerts.scopes import Scope

Sends = Channel.Sends


@dataclass(frozen=True, slots=True)
class ChannelHome:
    """Whose channels a page shows: those of a connection or a project, or of a person.

    Only administrators send an account's data to another address; editors change the rest.
    """

    scope: Scope | None = None
    owner: User | None = None
    may_set_address: bool = True

    def new_channel(self) -> Channel:
        """Return a channel (not saved) that belongs here."""
        if self.scope is None:
            return Channel(owner=self.owner)
        return Channel(account=self.scope.account, project=self.scope.project)

    def list_channels(self, *, now: datetime) -> list[Channel]:
        """Return the channels with the number of messages that could not be delivered."""
        if self.scope is None:
            rows = Channel.objects.filter(owner=self.owner)
        else:
            rows = Channel.objects.filter(account=self.scope.account, project=self.scope.project)
        dead = Q(
            messages__state=Mail.State.DEAD,
            messages__created_at__gt=now - SENT_AGAIN_WITHIN,
            messages__notices__isnull=False,
        )
        rows = rows.annotate(undelivered=Count("messages", filter=dead, distinct=True))
        return list(rows.select_related("account", "project", "owner"))

    def find_channel(self, pk: int, *, now: datetime) -> Channel:
        """Return one of these channels; Http404 for any other."""
        for channel in self.list_channels(now=now):
            if channel.pk == pk:
                return channel
        raise Http404

    def address_of(self, page: str, channel: int | None = None) -> str:
        """Return the address of one of the pages of channels: `channels`, `channel-test`, …"""
        more = {} if channel is None else {"channel": channel}
        if self.scope is None:
            return reverse(f"my-{page}", kwargs=more)
        return reverse(page, kwargs={"kind": self.scope.kind, "pk": self.scope.pk, **more})

    def projects_with_channels(self) -> list[Project]:
        """Return the projects of a connection that have channels of their own."""
        if self.scope is None or self.scope.project is not None:
            return []
        rows = Project.objects.filter(account=self.scope.account, channels__isnull=False)
        return list(rows.distinct().order_by("name", "pk"))


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A channel in the list, and the addresses of what can be done with it."""

    channel: Channel
    sends: str
    state: str
    tone: str
    undelivered: str  # "3 messages"; empty if all arrived
    edit: str
    test: str
    again: str


def channel_line(channel: Channel, home: ChannelHome) -> ChannelLine:
    """Return a channel as the list shows it."""
    if channel.refused:
        state, tone = "Stopped", "bad"
    elif channel.failing_since:
        state, tone = "Failing", "warn"
    else:
        state, tone = ("Works", "good") if channel.last_sent_at else ("Not used yet", "info")
    count = getattr(channel, "undelivered", 0)
    return ChannelLine(
        channel,
        _describe_sends(channel),
        state,
        tone,
        format_count(count, "message") if count else "",
        home.address_of("channel", channel.pk),
        home.address_of("channel-test", channel.pk),
        home.address_of("channel-again", channel.pk),
    )


def _describe_sends(channel: Channel) -> str:
    """Return what a channel sends: Critical alerts; A daily digest, 08:00 Europe/Berlin."""
    words = channel.get_sends_display()
    words = words[:1].upper() + words[1:]
    if channel.sends == Sends.DIGEST:
        return f"{words}, {channel.digest_at:%H:%M} {channel.time_zone}"
    return words


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new channel, or the settings of one; its address and its key are never shown again."""

    address = forms.CharField(
        max_length=2000,
        label="Webhook address",
        help_text="The incoming webhook of the room. It is stored encrypted and never shown again.",
    )
    signing_key = forms.CharField(
        min_length=SHORTEST_KEY,
        max_length=200,
        required=False,
        label="Signing key",
        help_text=(
            f"At least {SHORTEST_KEY} characters that only you and your receiver know: it proves "
            "that a message is from Fieldwatch."
        ),
    )
    time_zone = forms.ChoiceField(label="Time zone")
    digest_days = WeekdayField("Days")
    quiet_days = WeekdayField("Quiet days", "Only critical alerts are sent on these days.")

    class Meta:
        """The columns of the form."""

        model = Channel
        fields = (
            "service",
            "name",
            "address",
            "signing_key",
            "sends",
            "time_zone",
            "digest_at",
            "digest_days",
            "quiet_from",
            "quiet_until",
            "quiet_days",
            "quiet_critical",
        )
        labels = {
            "service": "Service",
            "name": "Name",
            "sends": "Send",
            "digest_at": "Time",
            "quiet_from": "Quiet from",
            "quiet_until": "Quiet until",
            "quiet_critical": "Also for critical alerts",
        }
        help_texts = {
            "name": "Its name in Fieldwatch, such as #fieldwork.",
            "quiet_until": "Set both to the same time to switch quiet hours off.",
        }
        widgets = {"sends": forms.RadioSelect}

    def __init__(self, data: QueryDict | None, *, instance: Channel, zone: str) -> None:
        super().__init__(data, instance=instance)
        # Django's fields of a form have no type that names their own attributes: Any.
        fields: dict[str, Any] = self.fields
        for name in ("digest_at", "quiet_from", "quiet_until"):
            fields[name].widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
        zones = sorted({*available_timezones(), zone} - {"localtime", "Factory"})
        fields["time_zone"].choices = [(each, each) for each in zones]
        fields["sends"].choices = [
            (value, label[:1].upper() + label[1:]) for value, label in Sends.choices
        ]
        secret = {"autocomplete": "off", "spellcheck": "false"}
        fields["address"].widget.attrs |= secret
        fields["signing_key"].widget.attrs |= secret
        for name in ("address", "signing_key"):
            self.initial.pop(name, None)  # secrets are written and never read
        if instance.pk is None:
            fields["service"].choices = Channel.Service.choices
            self.initial["time_zone"] = zone
        else:
            del self.fields["service"]
            fields["address"].required = False
            fields[
                "address"
            ].help_text = f"Leave it empty to keep the current one ({instance.address_hint})."
            if instance.service != Channel.Service.WEBHOOK:
                del self.fields["signing_key"]
            else:
                fields["signing_key"].help_text = "Leave it empty to keep the current one."

    def drop_secrets(self) -> None:
        """Leave out the address and the key, for people who may change everything else."""
        del self.fields["address"]
        self.fields.pop("signing_key", None)

    def clean(self) -> dict[str, object]:
        """Check the address against its service, the key, and the days."""
        data: dict[str, Any] = super().clean() or {}  # Django's own type
        service = data.get("service", self.instance.service)
        if self.instance.pk is None and is_full(self.instance):
            reason = (
                f"There are {MOST_CHANNELS} channels here, which is the most. Remove one first."
            )
            self.add_error("name", ValidationError(reason))
        if address := data.get("address"):
            self._check_address(address.strip(), service)
        if service == Channel.Service.WEBHOOK and not self._has_key(data):
            self.add_error("signing_key", ValidationError("Enter a signing key."))
        if data.get("sends") == Sends.DIGEST and data.get("digest_days") == "":
            self.add_error("digest_days", ValidationError("Choose at least one day."))
        if data.get("quiet_days") == EVERY_DAY and data.get("sends") != Sends.DIGEST:
            self.add_error("quiet_days", ValidationError("Leave at least one day without quiet."))
        return data

    def _has_key(self, data: dict[str, Any]) -> bool:
        is_wrong = "signing_key" in self.errors  # says so already
        return bool(data.get("signing_key") or self.instance.signing_key or is_wrong)

    def _check_address(self, address: str, service: str) -> None:
        if service not in FORMATS:
            return  # the choice of the service has its own error
        try:
            describe_address(address, service)
        except AddressRefused as exc:
            self.add_error("address", ValidationError(str(exc)))

    def _post_clean(self) -> None:
        """Keep the stored secrets where nothing was typed."""
        kept = self.instance.address, self.instance.signing_key
        super()._post_clean()  # type: ignore[misc]
        address = (self.cleaned_data.get("address") or "").strip()
        key = self.cleaned_data.get("signing_key") or ""
        self.instance.address, self.instance.signing_key = kept
        if self.instance.service == Channel.Service.WEBHOOK:
            self.instance.signing_key = key or kept[1]
        if address and not self.errors:
            set_address(self.instance, address)
