"""Statements that are written once and from then on only given their values.

A round asks the same twenty things of the tables for each project. The ORM takes 0.3 to 0.6 ms of
CPU to write one of them, the database 0.1 ms to run it.

    _LIVE = Read(lambda: TargetGroup.objects.filter(project=Given("project"), status="live"))
    groups = _LIVE(project=7)

What is `Given` stands in the place of one value; for many, as a list, there is the lookup `among`.
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
    """A value that is named where a statement is written and told where it is run."""

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

    def _as(self, words: str, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        column, before = self.process_lhs(compiler, connection)
        values, after = self.process_rhs(compiler, connection)
        return words.format(column, values), (*before, *after)


class CompiledQuery(Generic[Row]):
    """A queryset that is compiled once a process; each call gives the rows of its values."""

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self._build = build
        self._written: tuple[QuerySet[Any, Row], SQLCompiler, Sql] | None = None

    def __call__(self, **given: Any) -> list[Row]:
        """The rows; raises KeyError where a value is missing."""
        written, compiler, (sql, params) = self._written or self._write()
        connection = connections[DEFAULT_DB_ALIAS]
        bound = _bound(params, given, connection)

        def get_compiler(*_: Any, **__: Any) -> SQLCompiler:
            mine = copy.copy(compiler)
            mine.connection = connection
            mine.as_sql = lambda *_, **__: (sql, bound)  # type: ignore[method-assign]
            return mine

        rows = written.all()
        rows.query.get_compiler = get_compiler  # type: ignore[method-assign]
        return list(rows)

    def one(self, **given: Any) -> Row | None:
        """The first row, or None."""
        return next(iter(self(**given)), None)

    def _write(self) -> tuple[QuerySet[Any, Row], SQLCompiler, Sql]:
        rows = self._build()
        compiler = rows.query.clone().get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([each for each, *_ in compiler.select])
        compiler.get_converters = lambda _: converters
        self._written = rows, compiler, (sql, tuple(params))
        return self._written


class CompiledUpdate:
    """An update that is compiled once a process; each call gives the number of rows it changed."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]], **values: Any) -> None:
        self._build, self._values = build, values
        self._written: Sql | None = None

    def __call__(self, **given: Any) -> int:
        """Run it; raises KeyError where a value is missing."""
        sql, params = self._written or self._write()
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.cursor() as cursor:
            cursor.execute(sql, _bound(params, given, connection))
            return int(cursor.rowcount)

    def _write(self) -> Sql:
        query: UpdateQuery = self._build().query.chain(UpdateQuery)  # type: ignore[assignment]
        query.add_update_values(self._values)
        sql, params = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        self._written = sql, tuple(params)
        return self._written


def _bound(
    params: tuple[Any, ...], given: dict[str, Any], connection: BaseDatabaseWrapper
) -> tuple[Any, ...]:
    return tuple(
        _told(given[each.name], connection) if isinstance(each, Param) else each for each in params
    )


def _told(value: Any, connection: BaseDatabaseWrapper) -> Any:
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
