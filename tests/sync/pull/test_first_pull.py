"""When a connection's first pull is over."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.sync.pull.first_pull import is_first_pull_done
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("project", "done"),
    [
        ({}, True),
        ({"read_at": None}, False),
        ({"read_at": None, "error": "Cint refused it."}, True),
        ({"read_at": None, "missing_since": factories.NOW}, True),
        ({"pass_started_at": factories.NOW}, False),
    ],
    ids=["read", "not read yet", "refused", "no longer listed", "read in part"],
)
def test_a_first_pull_is_done_once_each_listed_project_was_read_or_refused(
    project: dict[str, Any], done: bool
) -> None:
    account = factories.account(first_pull_completed_at=None)
    factories.project(account)
    factories.project(account, **project)
    factories.project(factories.account(), read_at=None)  # another connection's
    assert is_first_pull_done(account) is done
