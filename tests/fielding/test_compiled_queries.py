"""Statements that are compiled once say the same as those that the ORM writes each time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.models import F, Max, Q
from django.test.utils import CaptureQueriesContext

from dashboard.fielding.compiled_queries import CompiledQuery, CompiledUpdate, Param
from dashboard.fielding.models import Project, TargetGroup
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
HOUR = timedelta(hours=1)


@pytest.fixture
def project() -> Project:
    """A project with a live group for each of three hours, and a draft."""
    one = factories.project(factories.account())
    for n in range(3):
        factories.group(one, name=f"Group {n}", status="live", ends_at=NOW + n * HOUR)
    factories.group(one, name="Draft", status="draft", ends_at=None)
    return one


def test_rows_are_those_of_the_values_told_each_time(project: Project) -> None:
    read = CompiledQuery(
        lambda: TargetGroup.objects.filter(
            project=Param("project"), status="live", ends_at__gt=Param("after")
        ).order_by("name")
    )
    assert [group.name for group in read(project=project.pk, after=NOW)] == ["Group 1", "Group 2"]
    assert [group.name for group in read(project=project.pk, after=NOW + HOUR)] == ["Group 2"]
    assert read(project=project.pk + 1, after=NOW) == []


def test_a_row_is_as_whole_as_one_of_the_orm(project: Project) -> None:
    read = CompiledQuery(lambda: Project.objects.select_related("account").filter(pk=Param("pk")))
    one = read.one(pk=project.pk)
    assert one is not None
    with CaptureQueriesContext(connection) as asked:
        assert one.account.name == project.account.name
    assert not asked
    assert {field.name: getattr(one, field.attname) for field in Project._meta.concrete_fields} == {
        field.name: getattr(Project.objects.get(pk=project.pk), field.attname)
        for field in Project._meta.concrete_fields
    }
    assert read.one(pk=project.pk + 1) is None


@pytest.mark.parametrize("names", [(), ("Group 1",), ("Group 0", "Draft", "it's % \" \\ {x}")])
def test_a_list_is_one_value_however_long_it_is(project: Project, names: tuple[str, ...]) -> None:
    read = CompiledQuery(
        lambda: TargetGroup.objects.filter(
            Q(name__among=Param("names")), project__among=Param("projects")
        ).values_list("name", flat=True)
    )
    expected = TargetGroup.objects.filter(name__in=names).values_list("name", flat=True)
    assert sorted(read(names=set(names), projects=[project.pk])) == sorted(expected)
    assert read(names=names, projects={}) == []


def test_values_and_sums_come_as_the_orm_has_them(project: Project) -> None:
    read = CompiledQuery(
        lambda: (
            TargetGroup.objects.filter(project=Param("project"))
            .values_list("status")
            .annotate(latest=Max("ends_at"))
            .order_by("status")
        )
    )
    assert read(project=project.pk) == [("draft", None), ("live", NOW + 2 * HOUR)]


def test_an_update_counts_what_it_changed(project: Project) -> None:
    update = CompiledUpdate(
        lambda: Project.objects.filter(Q(due_at=None) | Q(due_at__lt=Param("now")), pk=Param("pk")),
        lease=Param("token"),
        due_at=Param("now"),
        attempts=F("attempts") + 1,
    )
    Project.objects.update(due_at=None)
    assert [update(pk=project.pk, now=NOW, token=token) for token in ("a", "b")] == [1, 0]
    project.refresh_from_db()
    assert (project.lease, project.due_at, project.attempts) == ("a", NOW, 1)


def test_what_is_missing_is_named(project: Project) -> None:
    read = CompiledQuery(lambda: TargetGroup.objects.filter(project=Param("project")))
    with pytest.raises(KeyError, match="project"):
        read(projects=project.pk)


@pytest.mark.django_db(transaction=True)
def test_one_statement_serves_many_threads_at_once(project: Project) -> None:
    read = CompiledQuery(
        lambda: TargetGroup.objects.filter(name=Param("name")).values_list("name", flat=True)
    )
    names = [f"Group {n}" for n in range(3)]

    def ask(name: str) -> set[str]:
        start.wait()
        try:
            return {row for _ in range(100) for row in read(name=name)}
        finally:
            connections.close_all()

    start = threading.Barrier(len(names))
    with ThreadPoolExecutor(len(names)) as threads:
        assert list(threads.map(ask, names)) == [{name} for name in names]
