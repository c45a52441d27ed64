"""Add, change and remove channels."""

from __future__ import annotations

from dashboard.alerts.channels.outbox import allowed_addresses
from dashboard.fielding.models import Channel

SHORTEST_KEY = 16  # characters of a webhook's signing key
MOST_CHANNELS = 20  # of a connection, a project or a person: each gets a message of its own


def is_full(channel: Channel) -> bool:
    """Whether the connection, project or person of a new channel has the most that they may."""
    beside = Channel.objects.filter(
        owner=channel.owner, account=channel.account, project=channel.project
    )
    return beside.count() >= MOST_CHANNELS


def describe_address(address: str, service: str) -> str:
    """Return the host and the last four characters; AddressRefused for one that will not do."""
    url = allowed_addresses().check_address(address, service)
    return f"{url.host} …{address[-4:]}"


def set_address(channel: Channel, address: str) -> None:
    """Give a channel (not saved) an address; a refusal of the old one is forgotten."""
    channel.address_hint = describe_address(address, channel.service)
    channel.address = address
    channel.refused, channel.failing_since, channel.error = False, None, ""
