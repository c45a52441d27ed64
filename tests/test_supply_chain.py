"""What is installed is listed, and held against a database of vulnerabilities if there is one."""

from __future__ import annotations

import importlib.util
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import dashboard

ROOT = Path(__file__).resolve().parent.parent
PINNED = f"vine==5.1.0 --hash=sha256:{'0' * 64}\n"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "requirements" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Database(ThreadingHTTPServer):
    """A database of vulnerabilities that speaks as osv.dev does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Query)
        self.url = f"http://127.0.0.1:{self.server_port}/v1/query"
        self.vulnerable = {"django"}
        self.status = 200
        self.answer: Callable[[str], bytes] = self.answer_by_name

    def answer_by_name(self, name: str) -> bytes:
        known = {
            "id": "PYSEC-2026-1",
            "summary": "a hole",
            "modified": "2026-01-01T00:00:00Z",
            "affected": [],
        }
        return json.dumps({"vulns": [known]} if name in self.vulnerable else {}).encode()


class Query(BaseHTTPRequestHandler):
    server: Database

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = self.server.answer(asked["package"]["name"])
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def database() -> Iterator[Database]:
    server = Database()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_database_that_cannot_be_used_is_named_and_nothing_hangs(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    audit, ends = script("audit"), threading.Event()

    def wait(_: str) -> bytes:
        ends.wait(30)
        return b"{}"

    cases: list[tuple[int, Callable[[str], bytes], str]] = [
        (503, lambda _: b"", "it answers 503"),
        (200, lambda _: b"<html>", "its answer is not JSON"),
        (200, lambda _: b"{}", "it does not know a release with known vulnerabilities"),
        (200, lambda _: b"[]", "it does not know a release with known vulnerabilities"),
        (200, wait, "no answer within 0.5 s"),
    ]
    for database.status, database.answer, reason in cases:
        began = time.monotonic()
        assert audit.audit_pins(database.url, audit.FILES, patience=0.5) == 0
        assert time.monotonic() - began < 5
        printed = capsys.readouterr().out
        assert printed.startswith("pip-audit skipped: ")
        assert reason in printed or (reason.startswith("no answer") and "no connection" in printed)
    ends.set()
    assert "ConnectionRefusedError" in audit.why_unreachable("http://127.0.0.1:1/")
    assert audit.why_unreachable("http://no-such-host.invalid/") in (
        "its name cannot be resolved",
        "no answer within 4 s",
    )


def test_a_known_vulnerability_of_a_pin_fails_the_check(database: Database, tmp_path: Path) -> None:
    audit, pins = script("audit"), tmp_path / "pins.txt"
    pins.write_text(PINNED)
    assert audit.audit_pins(database.url, [pins]) == 0
    database.vulnerable.add("vine")
    assert audit.audit_pins(database.url, [pins]) == 1


def test_the_bill_of_materials_lists_every_pin_and_is_reproducible() -> None:
    sbom = script("sbom").build_sbom()
    pins = re.findall(r"^([\w.-]+)(?:\[.*\])?==([^ ;\\]+)", script("sbom").PINS.read_text(), re.M)
    assert {(row["name"], row["version"]) for row in sbom["components"]} == set(pins)
    assert sbom["bomFormat"] == "CycloneDX"
    ours = sbom["metadata"]["component"]
    assert (ours["name"], ours["version"]) == ("fieldwatch", dashboard.__version__)
    text = json.dumps(sbom)
    assert not {"timestamp", "serialNumber"} & (set(sbom) | set(sbom["metadata"]))
    assert str(ROOT) not in text
    assert set(re.findall(r"https://[^/\"]*/simple", text)) == {"https://pypi.org/simple"}
    assert all(row["externalReferences"][0]["hashes"] for row in sbom["components"])
    direct = next(row for row in sbom["dependencies"] if row["ref"] == ours["bom-ref"])
    assert len(direct["dependsOn"]) > 20
