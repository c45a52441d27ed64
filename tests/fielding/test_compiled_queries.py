"""Statements that are compiled once say the same as those that the ORM writes each time."""

from __future__ import annotations

import ast
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import Count, Exists, F, Max, Model, OuterRef, Q, QuerySet
from django.db.models.sql import Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler, SQLUpdateCompiler
from django.test.utils import CaptureQueriesContext

from dashboard.fielding.compiled_queries import CompiledQuery, CompiledUpdate, Param
from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
HOUR = timedelta(hours=1)
DASHBOARD = Path(__file__).parents[2] / "dashboard"
# What Django does not document and `compiled_queries` calls, replaces or is called by.
INTERNALS: dict[Callable[..., Any], list[str]] = {
    Query.get_compiler: ["self", "using", "connection", "elide_empty"],
    Query.clone: ["self"],
    Query.chain: ["self", "klass"],
    UpdateQuery.add_update_values: ["self", "values"],
    SQLCompiler.as_sql: ["self", "with_limits", "with_col_aliases"],
    SQLCompiler.get_converters: ["self", "expressions"],
    SQLUpdateCompiler.as_sql: ["self"],
    BaseDatabaseOperations.adapt_datetimefield_value: ["self", "value"],
    BaseDatabaseOperations.adapt_datefield_value: ["self", "value"],
}


@pytest.fixture
def project() -> Project:
    """A project with a live group for each of three hours, and a draft."""
    project = factories.project(factories.account())
    for n in range(3):
        factories.group(project, name=f"Group {n}", status="live", ends_at=NOW + n * HOUR)
    factories.group(project, name="Draft", status="draft", ends_at=None)
    return project


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
    one = read.first(pk=project.pk)
    assert one is not None
    with CaptureQueriesContext(connection) as asked:
        assert one.account.name == project.account.name
    assert not asked
    assert {field.name: getattr(one, field.attname) for field in Project._meta.concrete_fields} == {
        field.name: getattr(Project.objects.get(pk=project.pk), field.attname)
        for field in Project._meta.concrete_fields
    }
    assert read.first(pk=project.pk + 1) is None


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


SHAPES: list[Callable[[Any], QuerySet[Any, Any]]] = [
    lambda project: TargetGroup.objects.filter(project=project).order_by("name"),
    lambda project: TargetGroup.objects.select_related("project__account").filter(project=project),
    lambda project: TargetGroup.objects.filter(project=project).only("name", "ends_at"),
    lambda project: (
        TargetGroup.objects.filter(project=project).defer("insight").order_by("-pk")[:2]
    ),
    lambda project: TargetGroup.objects.select_for_update().filter(project=project),
    lambda project: Project.objects.filter(pk=project).annotate(
        live=Count("target_groups", filter=Q(target_groups__status="live")),
        late=Exists(TargetGroup.objects.filter(project=OuterRef("pk"), ends_at__gt=NOW)),
        ends=Max("target_groups__ends_at"),
    ),
    lambda project: TargetGroup.objects.filter(project=project).values("status", "ends_at"),
    lambda project: TargetGroup.objects.filter(project=project).values_list("ends_at", "insight"),
    lambda project: TargetGroup.objects.filter(project=project).values_list("name", flat=True),
    lambda project: TargetGroup.objects.filter(project=project).values_list("pk", named=True),
    lambda project: TargetGroup.objects.exclude(project=project),
    lambda project: ExchangeAccount.objects.filter(projects=project),
]


def contents(row: object) -> object:
    """All that the ORM read of a row, and of the rows that came with it."""
    if not isinstance(row, Model):
        return row
    related = {name: contents(each) for name, each in row._state.fields_cache.items()}
    return type(row), {k: v for k, v in vars(row).items() if k != "_state"}, related


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_statement_has_the_rows_of_the_orm(
    project: Project, shape: Callable[[Any], QuerySet[Any, Any]]
) -> None:
    read = CompiledQuery(lambda: shape(Param("project")))
    for _ in range(2):  # compiled, and as it was compiled
        for pk in (project.pk, project.pk + 1):
            expected = sorted(map(repr, map(contents, shape(pk))))
            assert sorted(map(repr, map(contents, read(project=pk)))) == expected


@pytest.mark.parametrize("function", INTERNALS, ids=lambda function: function.__qualname__)
def test_django_takes_the_arguments_that_compiled_queries_rely_on(
    function: Callable[..., Any],
) -> None:
    assert list(inspect.signature(function).parameters) == INTERNALS[function]


def test_django_reads_rows_through_what_compiled_queries_replace(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queryset asks its query for a compiler, and that for its SQL and its converters."""
    rows = TargetGroup.objects.filter(project=project)
    compiler, asked = rows.query.get_compiler("default"), []
    for owner, name in (
        (rows.query, "get_compiler"),
        (compiler, "as_sql"),
        (compiler, "get_converters"),
    ):
        real = compiler if name == "get_compiler" else getattr(compiler, name)

        def replaced(*_: Any, name: str = name, real: Any = real, **__: Any) -> Any:
            asked.append(name)
            return real if name == "get_compiler" else real(*_, **__)

        monkeypatch.setattr(owner, name, replaced)
    assert len(list(rows)) == 4
    assert asked == ["get_compiler", "as_sql", "get_converters"]
    fields = [column for column, _sql, _alias in compiler.select]
    assert [each.target for each in fields] == list(TargetGroup._meta.concrete_fields)
    assert compiler.connection is connections["default"]
    assert compiler.klass_info["model"] is TargetGroup  # made by `as_sql`, copied with the compiler
    assert compiler.annotation_col_map == {}


def test_no_other_module_uses_what_django_does_not_document_of_its_compilers() -> None:
    names = {function.__name__ for function in INTERNALS} - {"as_sql", "clone", "chain"}
    users = set()
    for path in DASHBOARD.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            internal = module.startswith("django.db.models.sql")
            if internal or (isinstance(node, ast.Attribute) and node.attr in names):
                users.add(path.relative_to(DASHBOARD).as_posix())
    assert users == {"fielding/compiled_queries.py"}
