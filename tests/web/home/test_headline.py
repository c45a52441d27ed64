"""The figures above the home page's list, the ranges of its changes, and visits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F, QuerySet
from django.test import Client

from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup, User
from dashboard.web.home import headline, recent_changes, visits
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def anna(client: Client, account: ExchangeAccount) -> User:
    user = factories.person("viewer", account, first_name="Anna", time_zone="Europe/Berlin")
    client.force_login(user)
    return user


def test_the_figures_of_the_field(client: Client, account: ExchangeAccount, anna: User) -> None:
    project = factories.project(account)
    day = timedelta(days=1)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    common = {"time_zone": "UTC", "ends_at": midnight + 10 * day, "cpi": Decimal("2.50")}
    at = (midnight + day / 2).isoformat()
    factories.group(
        project,
        completes=100,
        filling_goal=200,
        insight={"at": at, "today": 20, "pace": {"band": "behind"}},
        currency="EUR",
        **common,
    )
    factories.group(
        project,
        completes=100,
        filling_goal=100,
        insight={"at": at, "today": 4, "pace": {"band": "ahead"}},
        currency="USD",
        **common,
    )
    factories.group(
        project, status="paused", status_changed_by="system_user", insight={"today": "x"}
    )
    fields = TargetGroup.objects.values_list(*headline.FIELDS, named=True)
    told = headline.headline_of(fields, now=midnight + day / 2)
    assert (told.live, told.behind, told.paused, told.today) == (2, 1, 1, 24)
    assert told.needed == pytest.approx(120 / 10 + 4 / 10)
    assert told.spend == "50\N{NO-BREAK SPACE}EUR + 10\N{NO-BREAK SPACE}USD"
    page = client.get("/").content.decode()
    assert "50\N{NO-BREAK SPACE}EUR + 10\N{NO-BREAK SPACE}USD" in page


def test_one_sentence_names_what_was_never_read(
    client: Client, account: ExchangeAccount, anna: User
) -> None:
    project, read = factories.project(account), datetime.now(UTC)
    factories.group(project, completes_read_at=read, details_read_at=read)
    assert "Not read yet" not in client.get("/").content.decode()
    Project.objects.update(version=F("version") + 1)
    factories.group(project, completes_read_at=None, details_read_at=None)
    factories.group(project, completes_read_at=None, details_read_at=read)
    factories.group(project, completes_read_at=None, details_read_at=None, status="completed")
    page = client.get("/").content.decode()
    assert (
        "Not read yet: the completes history and quotas of 2 groups and the details"
        " (LOI, IR, dates) of 1 group."
    ) in page


def test_only_the_figures_of_changed_projects_are_read_again() -> None:
    projects = [factories.project(factories.account()) for _ in range(3)]
    for project in projects:
        factories.group(project, insight={"pace": {"band": "behind"}})
    kept, loads = headline.ProjectHeadlines(), list[list[int]]()

    def load(pks: Collection[int]) -> QuerySet[Any, Any]:
        loads.append(sorted(pks))
        groups = TargetGroup.objects.filter(project__in=pks)
        return groups.values_list(*headline.FIELDS, named=True)

    def seen(now: datetime = factories.NOW) -> tuple[int, int]:
        versions = dict(Project.objects.values_list("pk", "version"))
        total = kept.sum_of(versions, load, now=now)
        return total.live, total.behind

    assert seen() == seen() == (3, 3)
    TargetGroup.objects.filter(project=projects[1]).update(status="paused")
    assert seen() == (3, 3)  # what is stored without a new version has not happened
    Project.objects.filter(pk=projects[1].pk).update(version=1)
    assert seen() == (2, 2)
    everything = [project.pk for project in projects]
    assert loads == [everything, [projects[1].pk]]
    assert seen(factories.NOW + timedelta(minutes=15)) == (2, 2)
    assert loads[2:] == [everything]


def test_spans_begin_on_friday_evening_where_the_person_is() -> None:
    user = factories.person(time_zone="Asia/Tokyo")
    spans = recent_changes.since_choices(
        user, datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    )  # Monday in Tokyo
    assert [span.key for span in spans] == ["friday", "24h"]
    assert spans[0].start == datetime(2026, 11, 20, 9, tzinfo=UTC)
    early = recent_changes.since_choices(
        user, datetime(2026, 11, 20, 8, 59, tzinfo=UTC)
    )  # Friday, before 18:00
    assert early[0].start == datetime(2026, 11, 13, 9, tzinfo=UTC)


def test_a_visit_is_not_each_look() -> None:
    user = factories.person()
    nine = datetime(2026, 11, 20, 9, tzinfo=UTC)
    visits.record_visit(user, now=nine)
    assert user.last_visit_at is None
    visits.record_visit(user, now=nine + timedelta(minutes=20))
    assert user.last_visit_at is None
    visits.record_visit(user, now=nine + timedelta(hours=8))
    user.refresh_from_db()
    assert user.last_visit_at == nine + timedelta(minutes=20)
    assert user.seen_at == nine + timedelta(hours=8)


def test_of_two_looks_at_once_one_moves_the_visit() -> None:
    user = factories.person()
    visits.record_visit(user, now=factories.NOW)
    same = User.objects.get(pk=user.pk)
    later = factories.NOW + timedelta(hours=2)
    visits.record_visit(user, now=later)
    visits.record_visit(same, now=later + timedelta(seconds=90))
    user.refresh_from_db()
    assert (user.last_visit_at, user.seen_at) == (factories.NOW, later)


def test_a_refresh_is_no_visit(client: Client, anna: User) -> None:
    client.get("/", headers={"HX-Request": "true", "If-None-Match": '"x"'})
    anna.refresh_from_db()
    assert anna.seen_at is None
    client.get("/")
    anna.refresh_from_db()
    assert anna.seen_at is not None
