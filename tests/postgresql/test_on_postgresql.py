"""The rooms that write, once more on PostgreSQL: the same code, the same promises.

All but what asks a database nothing of its own: the matrix of who may do what, sign-in, the form
of a draft, what the exchange may answer, and whole days of the alert machine.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest

from tests.conftest import missing
from tests.end_to_end.product import ROOT

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]
ON_ONE = (
    "web/auth/test_permissions.py",
    "web/drafts/test_draft_views.py",
    "web/auth/test_sign_in.py",
    "web/auth/test_sso.py",
    "sync/connections/test_check.py",
    "sync/test_faults.py",
    "sync/pull/test_request_share.py",
    "alerts/incidents/test_lifecycle.py",
    "alerts/test_outage.py",
)
BUT = [f"--ignore=tests/{path}" for path in ON_ONE]


@pytest.mark.parametrize("path", ON_ONE)
def test_what_is_left_out_is_there(path: str) -> None:
    assert (ROOT / "tests" / path).exists()


@pytest.mark.parametrize("room", ["sync", "alerts", "web"])
def test_a_room_keeps_its_promises_on_postgresql(room: str) -> None:
    database = os.environ.get("TEST_DATABASE_URL")
    if not database:
        missing("TEST_DATABASE_URL names no PostgreSQL")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{room}", *BUT],
        cwd=ROOT,
        env=os.environ
        | {
            "FIELDWATCH_TEST_ON": str(database),
            "FIELDWATCH_TEST_NAME": f"{room}_{secrets.token_hex(4)}",
            "PYTEST_ADDOPTS": "",
            "PYTEST_XDIST_WORKER": "",
            "PGOPTIONS": "-c synchronous_commit=off",  # nothing here outlives the server
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-6000:]
