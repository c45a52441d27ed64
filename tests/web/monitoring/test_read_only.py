"""While the database takes no writes, pages that only read are served as ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import TargetGroup, User
from dashboard.urls import urlpatterns
from dashboard.web.auth.permissions import Permission
from dashboard.web.auth.sessions import USED
from dashboard.web.monitoring.read_only import write_if_possible
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)  # each request commits for itself


@pytest.fixture
def read_only() -> Iterator[None]:
    """The database of this test refuses writes, as a standby does."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA query_only = ON")
        else:
            cursor.execute("SET default_transaction_read_only = on")
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA query_only = OFF")
        else:
            cursor.execute("SET default_transaction_read_only = off")


@pytest.fixture
def viewer(client: Client) -> Client:
    """Somebody whose last request was an hour ago, so that each page would write a visit."""
    account = factories.account()
    person = factories.person("administrator", account)
    User.objects.filter(pk=person.pk).update(seen_at=timezone.now() - timedelta(hours=1))
    factories.group(factories.project(account))
    client.force_login(person)
    assert USED not in client.session
    return client


def test_pages_without_ids_are_served(viewer: Client, read_only: None) -> None:
    """Every address without an id that answers a GET: a page or a redirect, and no error."""
    tried, wrong = 0, []
    for pattern in urlpatterns:
        route = str(getattr(pattern, "pattern", ""))
        rule = getattr(getattr(pattern, "callback", None), "rule", None)
        if "<" in route or "(" in route or rule in (None, Permission.OPEN, Permission.TOKEN):
            continue
        tried += 1
        answer = viewer.get(f"/{route}")
        if "export." in route:  # the audit log has to know who took a file
            if answer.status_code != 503 or b"cannot be stored" not in answer.content:
                wrong.append((route, answer.status_code))
        elif answer.status_code >= 400 and answer.status_code not in (404, 405):
            wrong.append((route, answer.status_code))
    assert not wrong
    assert tried > 15


def test_pages_of_a_project_and_a_group_are_served(viewer: Client, read_only: None) -> None:
    group = TargetGroup.objects.get()
    for path in (
        f"/projects/{group.project_id}/",
        f"/groups/{group.pk}/",
        f"/connections/{group.account_id}/",
    ):
        assert viewer.get(path).status_code == 200, path


def test_other_errors_are_not_hidden() -> None:
    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO no_such_table VALUES (1)")

    with pytest.raises(DatabaseError):
        write_if_possible(write)
