"""A group that the signed-in editor sees."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard.fielding.models import TargetGroup
from tests import factories
from tests.web.alerts.helpers import signed_in


@pytest.fixture
def group(client: Client) -> TargetGroup:
    """A group of an account that is polled every five minutes."""
    account = factories.account(poll_seconds=300)
    signed_in(client, "editor", account)
    return factories.group(factories.project(account))
