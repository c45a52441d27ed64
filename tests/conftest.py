"""What every test stands on."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.db import connection
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django import Settings

from dashboard.exchange.clock import SystemClock
from tests import prepared
from tests.fakes.clock import NappingClock

if TYPE_CHECKING:
    from tests.fakes.edit_gateway import FakeExchange

CHROMIUM = Path("/usr/bin/chromium")
TESTS = Path(__file__).parent
FIRST = ("end_to_end", "postgresql", "resilience", "browser", "management")  # the longest first
ON_THE_DEMO = ("test_journey", "test_random_kills", "test_run")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


# Written by `migrate` alone; emptied, they would be written again after each test, in 40 ms.
MIGRATIONS_OWN = ("auth_permission", "django_content_type")
PLAIN = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def pytest_configure() -> None:
    """Hash passwords quickly: tests make hundreds of people. No test collects static files.

    Both for the whole run: a request that outlives its test would meet the other storage, and
    leave it to the next test.
    """
    hypothesis.settings.register_profile("ours", deadline=None)  # a machine may be busy
    hypothesis.settings.load_profile("ours")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = settings.STORAGES | {"staticfiles": PLAIN}
    if connection.vendor == "sqlite":
        # Tables in memory are locked as a whole, even by readers, and nobody waits for them.
        connection.settings_dict["OPTIONS"]["init_command"] += "PRAGMA read_uncommitted=1;"
        connection.creation.create_test_db = prepared.copy_into_test_database  # type: ignore[method-assign]
    elif template := os.environ.get("FIELDWATCH_TEST_TEMPLATE"):
        connection.settings_dict["TEST"]["TEMPLATE"] = template
    # Of the class, not of this one connection: a browser's tests have another one.
    type(connection.ops).sql_flush = _emptied  # type: ignore[method-assign,assignment]
    flush.emit_post_migrate_signal = _keep_what_migrations_made  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no database behind, once every worker has ended."""
    if not hasattr(config, "workerinput"):
        prepared.drop_template()


def _keep_what_migrations_made(*_: object, **__: object) -> None:
    """Do not write permissions and content types again after each test: they are not emptied."""


def _emptied(_operations: object, style: object, tables: Iterable[str], **_: object) -> list[str]:
    """How tables are emptied between tests: TRUNCATE makes every file of every table anew.

    The triggers that keep the audit log rest meanwhile.
    """
    names = [connection.ops.quote_name(table) for table in tables if table not in MIGRATIONS_OWN]
    empty = [f"DELETE FROM {name}" for name in names]  # noqa: S608
    if connection.vendor == "postgresql":
        audit = "ALTER TABLE fielding_auditevent"
        return [f"{audit} DISABLE TRIGGER USER", *empty, f"{audit} ENABLE TRIGGER USER"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
    return [f"DROP TRIGGER {name}" for name, _ in triggers] + empty + [sql for _, sql in triggers]


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest-xdist, and around pytest-django
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Spread what runs whole products among the other tests, and begin with the longest.

    All at once they would wait for one another's processes until their limits, and last they would
    leave workers idle. Those that use one running demo are one group, for one worker; every
    other module of these rooms is one. pytest-xdist reads the groups; pytest-django sorts by
    use of the tables, so the order is settled after it.
    """
    for item in items:
        if _room(item) in ("end_to_end", "resilience", "browser", "management"):
            name = item.path.stem
            group = "demo" if name in ON_THE_DEMO else name
            item.add_marker(pytest.mark.xdist_group(f"{_room(item)}-{group}"))
    yield
    quick = [item for item in items if _room(item) not in FIRST]
    slow: dict[str, list[pytest.Item]] = {}
    for item in sorted(
        (i for i in items if _room(i) in FIRST), key=lambda i: FIRST.index(_room(i))
    ):
        marker = item.get_closest_marker("xdist_group")
        slow.setdefault(str(marker.args[0]) if marker else item.nodeid, []).append(item)
    step = max(1, len(quick) * 2 // 3 // max(len(slow), 1))
    ordered: list[pytest.Item] = []
    for number, together in enumerate(slow.values()):
        ordered += [*together, *quick[number * step : (number + 1) * step]]
    items[:] = [*ordered, *quick[len(slow) * step :]]


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays until the end: modules, tests, libraries."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def _room(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


def missing(what: str) -> None:
    """Skip with the reason; fail where services are required."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what}, and REQUIRE_SERVICES=1 asks for it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a process."""
    if not CHROMIUM.exists():
        missing(f"{CHROMIUM} is missing")
    # Playwright keeps a loop in this thread; the ORM is used beside it, never inside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=60_000)  # as patient as a machine with other work needs
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def naps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tries of a request nobody waits, but where the waiting itself is tried."""
    if _room(request.node) in ("sync", "web", "browser", "edits"):
        monkeypatch.setattr(SystemClock, "sleep", NappingClock.sleep)


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Each test has tables of its own, so what the process knows of the last ones is void."""
    from dashboard.alerts import heartbeat  # noqa: PLC0415  needs the apps
    from dashboard.web.home.page import HEADLINES, PRICES  # noqa: PLC0415

    heartbeat._recorded.clear()
    HEADLINES.forget()
    PRICES.forget()


@pytest.fixture
def exchange(settings: Settings) -> FakeExchange:
    """The exchange behind the forms, in the test client and in a browser; each test's is fresh."""
    from tests.fakes import edit_gateway_urls  # noqa: PLC0415  needs the apps

    settings.ROOT_URLCONF = "tests.fakes.edit_gateway_urls"
    edit_gateway_urls.EXCHANGE.start_over()
    return edit_gateway_urls.EXCHANGE
