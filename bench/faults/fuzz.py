"""Ten thousand odd requests over every address, in each role: how many broke a page."""

import os
import re
import subprocess
import sys

from bench.shared.figure import Figure

REQUESTS = 10_000


def figures() -> list[Figure]:
    """The fuzzer that `make test` runs small, at its full size."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/web/test_fuzz.py", "-k", "breaks"],
        env={**os.environ, "FUZZ_REQUESTS": str(REQUESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.search(r"(\d+) failed", ended.stdout)
    broken = int(said[1]) if said else int(ended.returncode != 0)
    note = f"{REQUESTS:,} requests" if not broken else ended.stdout[-2000:]
    return [Figure("fuzz_roles_with_a_broken_page", broken, "<=0", not broken, note)]
