"""What every test run starts with, set before Django reads its settings: a folder of its own."""

from __future__ import annotations

import os
import tempfile

if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["FIELDWATCH_HOME"] = tempfile.mkdtemp(prefix="fieldwatch-test-")
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "PORT", "FIELDWATCH_URL"):
        os.environ.pop(name, None)
