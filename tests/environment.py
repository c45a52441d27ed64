"""What every test run starts with, set before Django reads its settings: a folder of its own."""

from __future__ import annotations

import os
import sys
import tempfile

NAMED = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "PORT", "FIELDWATCH_URL")

# Workers and products start dozens of times in a run: each would compile every module again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# jsonschema would compile 39 grammars of IRIs, for seconds in each process: nobody states an IRI.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
if not os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["FIELDWATCH_HOME"] = tempfile.mkdtemp(prefix="fieldwatch-test-")
    for name in NAMED:
        os.environ.pop(name, None)
    if on := os.environ.pop("FIELDWATCH_TEST_ON", ""):
        # Django makes and drops a database `test_<name>` beside the one that is named.
        server, _, _ = on.rpartition("/")
        os.environ["DATABASE_URL"] = f"{server}/fw_{os.environ['FIELDWATCH_TEST_NAME']}"
