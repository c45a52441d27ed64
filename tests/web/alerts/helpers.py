"""What tests of the pages of alerts share."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import ExchangeAccount, Incident, TargetGroup, User
from tests import factories


def signed_in(client: Client, role: str, account: ExchangeAccount) -> User:
    """Somebody of that role, signed in."""
    user = factories.person(role, account)
    client.force_login(user)
    return user


def opened(group: TargetGroup, **fields: Any) -> Incident:
    """An incident that fires on a group."""
    given = {
        "rule": "drop_off",
        "key": "k",
        "state": "firing",
        "severity": 2,
        "headline": "Dropping off: Japan",
        "sentence": "38 % leave.",
        "breached_at": timezone.now(),
        "fired_at": timezone.now(),
        "sequence": 1,
    }
    of = {"account": group.account, "project": group.project, "group": group}
    return Incident.objects.create(**(of | given | fields))
