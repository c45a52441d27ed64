"""Part of `make check`: known vulnerabilities of what is pinned, if their database can be reached.

It asks osv.dev first about a release that is known to be vulnerable. Without a proper answer within
a few seconds the audit is skipped, with the reason on the screen; an audit that finds nothing
because nothing answers would look like a clean one.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "https://api.osv.dev/v1/query"
KNOWN = {"package": {"name": "django", "ecosystem": "PyPI"}, "version": "1.2"}
PATIENCE = 4.0  # seconds, for the name, the connection and the answer together
FILES = [ROOT / "requirements" / name for name in ("app.txt", "dev.txt")]


def why_unreachable(database: str, *, patience: float = PATIENCE) -> str:
    """Return why the database cannot be used; empty if it can."""
    reasons: list[str] = []
    thread = threading.Thread(target=lambda: reasons.append(_ask(database, patience)), daemon=True)
    thread.start()
    thread.join(patience)  # the socket's timeout does not cover the look-up of the name
    return reasons[0] if reasons else f"no answer within {patience:g} s"


def _ask(database: str, patience: float) -> str:
    request = urllib.request.Request(  # noqa: S310  a fixed address
        database, json.dumps(KNOWN).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=patience) as answer:  # noqa: S310
            document = json.load(answer)
    except urllib.error.HTTPError as exc:
        return f"it answers {exc.code}"
    except ValueError:
        return "its answer is not JSON"
    except OSError as exc:
        reason = getattr(exc, "reason", exc)
        no_name = isinstance(reason, socket.gaierror)
        return "its name cannot be resolved" if no_name else f"no connection ({reason!r})"
    is_known = isinstance(document, dict) and bool(document.get("vulns"))
    return "" if is_known else "it does not know a release with known vulnerabilities"


def audit_pins(database: str, files: Sequence[Path], *, patience: float = PATIENCE) -> int:
    """Audit requirements files and print the result; return the exit status."""
    if reason := why_unreachable(database, patience=patience):
        print(f"pip-audit skipped: the vulnerability database cannot be used: {reason}")
        return 0
    tool = Path(sys.executable).with_name("pip-audit")
    flags = ["--vulnerability-service", "osv", "--osv-url", database, "--progress-spinner", "off"]
    named = [part for file in files for part in ("--requirement", str(file))]
    command = [str(tool), *flags, "--disable-pip", "--require-hashes", "--strict", *named]
    return subprocess.run(command, check=False).returncode  # noqa: S603  a pinned tool


if __name__ == "__main__":
    sys.exit(audit_pins(DATABASE, FILES))
