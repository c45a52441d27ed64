"""A real PostgreSQL cluster is switched to its standby: connections follow within seconds.

The connections are the product's own, as web and workers use them: one look before each request or
task, and a new connection where the old one is dead or takes no writes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import dj_database_url
import pytest
from django.db import DatabaseError, InterfaceError
from pytest_django import DjangoDbBlocker

from dashboard.fielding.postgresql.base import DatabaseWrapper
from tests.resilience.servers import PostgreSQL

pytestmark = pytest.mark.services
RECOVERED_WITHIN_SECONDS = 30.0


@pytest.fixture
def cluster(django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[PostgreSQL, PostgreSQL]]:
    """A primary and a standby that follows it."""
    primary, standby = PostgreSQL(), PostgreSQL()
    primary.make()
    primary.query("CREATE TABLE note (text text)")
    standby.make_standby(primary)
    with django_db_blocker.unblock():  # the connections of this test are none of the test database
        yield primary, standby
    for server in (primary, standby):
        server.remove()


def connect(*servers: PostgreSQL) -> DatabaseWrapper:
    """The product's connection to whichever of the servers takes writes."""
    hosts, ports = ("127.0.0.1," * len(servers))[:-1], ",".join(str(each.port) for each in servers)
    url = f"postgres://postgres@/postgres?host={hosts}&port={ports}"
    config = dj_database_url.parse(
        f"{url}&target_session_attrs=read-write&connect_timeout=5",
        conn_max_age=600,
        conn_health_checks=True,
    )
    defaults = {"TIME_ZONE": None, "ATOMIC_REQUESTS": False, "AUTOCOMMIT": True}
    return DatabaseWrapper(defaults | dict(config) | {"ENGINE": "dashboard.fielding.postgresql"})


def write_once(connection: DatabaseWrapper) -> None:
    """Do what a request does: the look before it, and one write."""
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO note VALUES ('here')")


def seconds_until_it_writes(connection: DatabaseWrapper) -> tuple[float, int]:
    """How long writes failed, and how many failed."""
    began, failures = time.monotonic(), 0
    while True:
        try:
            write_once(connection)
        except (DatabaseError, InterfaceError):
            failures += 1
            assert time.monotonic() - began < RECOVERED_WITHIN_SECONDS
            time.sleep(0.05)
        else:
            return time.monotonic() - began, failures


def test_a_primary_that_turns_read_only_is_left(cluster: tuple[PostgreSQL, PostgreSQL]) -> None:
    """The old primary goes on answering; the next request already goes to the new one."""
    primary, standby = cluster
    connection = connect(primary, standby)
    write_once(connection)
    primary.query("ALTER SYSTEM SET default_transaction_read_only = on")
    primary.query("SELECT pg_reload_conf()")
    standby.promote()
    until = time.monotonic() + 10
    while primary.query("SHOW transaction_read_only") != [("on",)]:
        assert time.monotonic() < until
    seconds, failures = seconds_until_it_writes(connection)
    assert failures <= 1, "a request that had begun may fail; the next may not"
    assert seconds < RECOVERED_WITHIN_SECONDS
    assert standby.query("SELECT count(*) FROM note") == [(2,)]
    connection.close()


def test_a_primary_that_dies_is_left(cluster: tuple[PostgreSQL, PostgreSQL]) -> None:
    """Writes fail until the standby is promoted, and never longer."""
    primary, standby = cluster
    connection = connect(primary, standby)
    write_once(connection)
    primary.stop()
    with pytest.raises(DatabaseError):
        write_once(connection)
    standby.promote()
    seconds, _ = seconds_until_it_writes(connection)
    assert seconds < RECOVERED_WITHIN_SECONDS
    assert standby.query("SELECT count(*) FROM note") == [(2,)]
    connection.close()
    primary.start()
