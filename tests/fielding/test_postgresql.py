"""Times as PostgreSQL writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.postgres import types

from dashboard.fielding.postgresql.base import Moments

LOADER = Moments(types["timestamptz"].oid)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-11-25 08:30:00+00", datetime(2026, 11, 25, 8, 30, tzinfo=UTC)),
        ("2026-11-25 08:30:00.25+00", datetime(2026, 11, 25, 8, 30, 0, 250_000, UTC)),
        ("1999-12-31 23:59:59.999999+00", datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC)),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_exactly_and_in_utc(told: str, meant: datetime) -> None:
    for data in (told.encode(), memoryview(told.encode())):
        read = LOADER.load(data)
        assert read == meant
        assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "told", ["infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "10000-01-01 00:00:00+00"]
)
def test_what_no_datetime_can_be_is_refused(told: str) -> None:
    with pytest.raises(psycopg.DataError):
        LOADER.load(told.encode())
