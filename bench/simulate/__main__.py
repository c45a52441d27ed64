"""Tell a story step by step: `python -m bench.simulate 17 --hours 2`."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from bench.simulate.stories import ROOT, environment, migrated_tables

with migrated_tables() as tables, tempfile.TemporaryDirectory() as home:
    command = [sys.executable, "-m", "bench.simulate.run", *sys.argv[1:], "--show"]
    ended = subprocess.run(
        [*command, "--tables", str(tables)], cwd=ROOT, env=environment(home), check=False
    )
sys.exit(ended.returncode)
