"""A connection whose address is not allowed any more is not polled, and its pages say why."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django import Settings

from dashboard.fielding.models import Cycle, ExchangeAccount, Project
from dashboard.sync.pull import rounds
from tests import factories

pytestmark = pytest.mark.django_db
NAMED = "EXCHANGE_ALLOWED_HOSTS has to name exchange.example.com:8443"


@pytest.fixture
def account(settings: Settings) -> ExchangeAccount:
    """One on a port that the list of allowed hosts does not have."""
    settings.EXCHANGE_ALLOWED_HOSTS = ["exchange.example.com"]
    return factories.account(base_url="https://exchange.example.com:8443/v1", due_at=timezone.now())


def test_its_round_ends_with_the_name_of_the_setting(account: ExchangeAccount) -> None:
    cycle = rounds.account_round(account.pk, clock=timezone.now)
    account.refresh_from_db()
    assert cycle
    assert account.health == ExchangeAccount.Health.ERROR
    assert NAMED in account.health_reason
    assert account.lease == ""
    assert account.due_at
    assert account.due_at > timezone.now()


def test_its_projects_are_released_without_an_error_of_ours(account: ExchangeAccount) -> None:
    project = factories.project(account, due_at=timezone.now())
    assert rounds.project_round(project.pk, clock=timezone.now) is None
    assert Project.objects.get(pk=project.pk).lease == ""
    assert not Cycle.objects.exists()
