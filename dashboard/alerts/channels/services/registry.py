"""Every service and its format; a new one is a line here and a module beside this."""

from __future__ import annotations

from dashboard.alerts.channels.services import discord, google_chat, slack, teams, webhook
from dashboard.alerts.channels.services.service_format import ServiceFormat
from dashboard.fielding.models import Channel

Service = Channel.Service
FORMATS: dict[str, ServiceFormat] = {
    Service.SLACK: slack.FORMAT,
    Service.TEAMS: teams.FORMAT,
    Service.GOOGLE_CHAT: google_chat.FORMAT,
    Service.DISCORD: discord.FORMAT,
    Service.WEBHOOK: webhook.FORMAT,
}
SERVICE_HOSTS = tuple(host for form in FORMATS.values() for host in form.hosts)
