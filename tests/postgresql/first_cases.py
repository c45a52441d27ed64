"""A pytest plugin: of each test that repeats one question with other texts, the first two cases.

SQLite has tried them all, and those that use no tables. Every case is kept of the modules in which
each asks the database something else; with `EVERY_CASE=1` in the environment, of all modules.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from django.test import TransactionTestCase

CASES = 2
EVERY_CASE_OF = (
    "alerts/test_crash.py",  # a death at each statement
    "alerts/mail/test_client_schedule.py",
    "web/tables/test_tables.py",  # a filter of each column
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the further cases."""
    if os.environ.get("EVERY_CASE") == "1":
        return
    seen: Counter[str] = Counter()
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        test = item.nodeid.partition("[")[0]
        seen[test] += 1
        is_kept = seen[test] <= CASES or test.partition("::")[0].endswith(EVERY_CASE_OF)
        is_kept &= _uses_tables(item)
        (kept if is_kept else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


def _uses_tables(item: pytest.Item) -> bool:
    case = getattr(item, "cls", None)
    fixtures = {"db", "transactional_db"}.intersection(getattr(item, "fixturenames", ()))
    return (
        bool(fixtures)
        or item.get_closest_marker("django_db") is not None
        or (case is not None and issubclass(case, TransactionTestCase))
    )
