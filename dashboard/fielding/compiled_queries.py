"""Statements that are compiled once a process and from then on only take their values.

Only for hot statements: those of a polling round and of a group's page, its refresh and its chart.
What one saves stands where it is defined: CPU of our process, compiled and plain ORM in turn, on
SQLite and on PostgreSQL, a project of 100 groups of which a tenth moved. Together they save 10 to
14 ms of a project's round (which takes 34 to 57 ms with them), 8 to 12 ms of the page (42), 10 to
15 ms of its refresh (26 to 40) and 2 to 3 ms of its chart (5). Statements that save less than 1 %
of a round or of the page are plain ORM.

    _LIVE = CompiledQuery(lambda: TargetGroup.objects.filter(project=Param("project")))
    groups = _LIVE(project=7)

A `Param` stands in the place of one value; for many, as a list, there is the lookup `among`.

No other module uses what Django does not document of its compilers; a test names all that this one
relies on, and fails when a release of Django moves it.
"""

from __future__ import annotations

import copy
import enum
import json
from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Expression, Field, ForeignObject, Lookup, QuerySet
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    AnyLookup = Lookup[Any]
else:
    AnyLookup = Lookup

Row = TypeVar("Row")
Sql = tuple[str, tuple[Any, ...]]


class Param(Expression):
    """A value that is named where a statement is defined and filled in where it is run."""

    def __init__(self, name: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, *_: Any) -> Any:
        """A placeholder, with this in the place of its value."""
        return "%s", [self]


@Field.register_lookup
@ForeignObject.register_lookup
class Among(AnyLookup):
    """Whether a column is one of a list, which is one value however long it is."""

    lookup_name = "among"

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """An array."""
        return self._as("{} = ANY({})", compiler, connection)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> Any:
        """A JSON array."""
        return self._as("{} IN (SELECT value FROM json_each({}))", compiler, connection)

    def _as(self, template: str, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        column, before = self.process_lhs(compiler, connection)
        values, after = self.process_rhs(compiler, connection)
        return template.format(column, values), (*before, *after)


class CompiledQuery(Generic[Row]):
    """A queryset that is compiled once a process; each call gives the rows of its values."""

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self._build = build
        self._compiled: tuple[QuerySet[Any, Row], SQLCompiler, Sql] | None = None

    def __call__(self, **values: Any) -> list[Row]:
        """The rows; raises KeyError where a value is missing."""
        template, compiler, (sql, params) = self._compiled or self._compile()
        connection = connections[DEFAULT_DB_ALIAS]
        bound = _bind(params, values, connection)

        def get_compiler(*_: Any, **__: Any) -> SQLCompiler:
            bound_compiler = copy.copy(compiler)
            bound_compiler.connection = connection
            bound_compiler.as_sql = lambda *_, **__: (sql, bound)  # type: ignore[method-assign]
            return bound_compiler

        rows = template.all()
        rows.query.get_compiler = get_compiler  # type: ignore[method-assign]
        return list(rows)

    def first(self, **values: Any) -> Row | None:
        """The first row, or None."""
        return next(iter(self(**values)), None)

    def _compile(self) -> tuple[QuerySet[Any, Row], SQLCompiler, Sql]:
        rows = self._build()
        compiler = rows.query.clone().get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        compiler.get_converters = lambda _: converters
        self._compiled = rows, compiler, (sql, tuple(params))
        return self._compiled


class CompiledUpdate:
    """An update that is compiled once a process; each call gives the number of rows it changed."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]], **columns: Any) -> None:
        self._build, self._columns = build, columns
        self._compiled: Sql | None = None

    def __call__(self, **values: Any) -> int:
        """Run it; raises KeyError where a value is missing."""
        sql, params = self._compiled or self._compile()
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            cursor.execute(sql, _bind(params, values, connection))
            return int(cursor.rowcount)

    def _compile(self) -> Sql:
        query: UpdateQuery = self._build().query.chain(UpdateQuery)  # type: ignore[assignment]
        query.add_update_values(self._columns)
        sql, params = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        self._compiled = sql, tuple(params)
        return self._compiled


def _bind(
    params: tuple[Any, ...], values: dict[str, Any], connection: BaseDatabaseWrapper
) -> tuple[Any, ...]:
    return tuple(
        _adapt(values[param.name], connection) if isinstance(param, Param) else param
        for param in params
    )


def _adapt(value: Any, connection: BaseDatabaseWrapper) -> Any:
    """A value as the database's driver takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        return list(value) if connection.vendor == "postgresql" else json.dumps(list(value))
    return value
