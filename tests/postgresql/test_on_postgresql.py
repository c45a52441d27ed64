"""What asks a database something of its own, once more on PostgreSQL: the same promises.

The rooms that write and wait for locks, and of the web what filters, sorts, adds up and pages
(`one_story` walks every page of a world). Not again: forms, panels and sign-in, which ask the
tables what every test asks, long worlds, and more than two cases of a question that does not
change with them (`first_cases.py`).
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest

from tests.conftest import missing
from tests.end_to_end.product import ROOT
from tests.postgresql.first_cases import EVERY_CASE_OF
from tests.prepared import prepare_template

pytestmark = [pytest.mark.services, pytest.mark.timeout(1500)]
ROOMS = {
    "sync": ("sync",),
    "alerts_and_web": (
        "alerts",
        "web/alerts/test_incidents.py",
        "web/api/test_answers.py",
        "web/auth/test_audit_log.py",
        "web/auth/test_last_administrator.py",
        "web/batches/test_batch_views.py",
        "web/charts",
        "web/connections/test_connections.py",
        "web/connections/test_webhooks.py",
        "web/edits/test_edit_views.py",
        "web/home",
        "web/monitoring",
        "web/projects",
        "web/reports",
        "web/tables",
        "web/one_story",
    ),
}
LEFT_OUT = (
    "sync/batches/test_job_results.py",
    "sync/connections/test_check.py",
    "sync/edits/test_drafts.py",
    "sync/edits/test_lag.py",
    "sync/edits/test_merge.py",
    "sync/edits/test_moves.py",
    "sync/edits/test_odd_answers.py",
    "sync/edits/test_request_bodies.py",
    "sync/test_faults.py",
    "sync/test_text.py",
    "sync/pull/test_empty_rates.py",
    "sync/pull/test_request_share.py",
    "alerts/channels/test_addresses.py",
    "alerts/channels/test_faults.py",
    "alerts/incidents/test_lifecycle.py",
    "alerts/replay",
    "alerts/rules",
    "alerts/test_downtime.py",
    "alerts/test_outage.py",
)
PLUGINS = ["-p", "no:cacheprovider", "-p", "tests.postgresql.first_cases"]
IGNORED = [f"--ignore=tests/{path}" for path in LEFT_OUT]


def test_what_the_lists_name_is_there() -> None:
    named = [*LEFT_OUT, *EVERY_CASE_OF, *ROOMS["sync"], *ROOMS["alerts_and_web"]]
    assert [path for path in named if not (ROOT / "tests" / path).exists()] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_keeps_its_promises_on_postgresql(room: str) -> None:
    database = os.environ.get("TEST_DATABASE_URL")
    if not database:
        missing("TEST_DATABASE_URL names no PostgreSQL")
    paths = [f"tests/{path}" for path in ROOMS[room]]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *PLUGINS, *paths, *IGNORED],
        cwd=ROOT,
        env=os.environ
        | {
            "FIELDWATCH_TEST_ON": str(database),
            "FIELDWATCH_TEST_NAME": f"{room}_{secrets.token_hex(4)}",
            "FIELDWATCH_TEST_TEMPLATE": prepare_template(str(database)),
            "PYTEST_ADDOPTS": "",
            "PYTEST_XDIST_WORKER": "",
            "PGOPTIONS": "-c synchronous_commit=off",  # nothing here outlives the server
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-6000:]
