"""A world of two accounts, and the token of somebody on one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import Incident, Project, TargetGroup, User
from tests import factories

SECRET = "fw_of-anna"


@dataclass
class ApiWorld:
    """Anna's account with a project and two groups, and a project of somebody else."""

    anna: User
    project: Project
    group: TargetGroup
    other: TargetGroup
    foreign: TargetGroup


@pytest.fixture
def api_world(db: None) -> ApiWorld:
    account, elsewhere = factories.account(), factories.account()
    anna = factories.person("viewer", account)
    stranger = factories.person("administrator", elsewhere)
    factories.person("administrator", account)
    project = factories.project(
        account, name="Tracker", client_cpi=Decimal("6"), client_cpi_currency="USD"
    )
    group = factories.group(project, name="Japan", budget=Decimal("1000"))
    other = factories.group(project, currency="JPY", cpi=Decimal("310"), cost=Decimal("31000"))
    factories.completes(group, counts=[0, 10, 40, 100])
    foreign = factories.group(factories.project(elsewhere))
    for of in (group, foreign):
        factories.item(of)
        factories.edit(of)
        Incident.objects.create(
            account=of.account,
            project=of.project,
            group=of,
            key=f"key-{of.pk}",
            rule="drop_off",
            state="firing",
            severity=2,
            sentence="High drop-off.",
            breached_at=factories.NOW,
            fired_at=factories.NOW,
        )
        refresh_project_outlook(of.project_id, now=factories.NOW)
    factories.access_token(anna, SECRET)
    factories.access_token(stranger, "fw_of-the-stranger")
    return ApiWorld(anna, project, group, other, foreign)


Ask = Callable[..., HttpResponse]


@pytest.fixture
def ask(client: Client) -> Ask:
    """Ask the API, by default with Anna's token."""

    def get(address: str, secret: str = SECRET, **headers: Any) -> HttpResponse:
        given = {"Authorization": f"Bearer {secret}"} | headers
        return client.get(f"/api/v1/{address}", headers=given)  # type: ignore[return-value]

    return get
