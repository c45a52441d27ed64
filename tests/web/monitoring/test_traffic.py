"""What /metrics counts: answers, seconds, refused sign-ins; over all web processes of a machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests import factories
from tests.prepared import ROOT

COUNT = """
import sys
from dashboard.web.monitoring import traffic
traffic.count_answer("home", "GET", 200, 0.02)
traffic.count_answer("", "BREW", 404, 0.02)
sys.stdout.buffer.write(traffic.traffic_text())
"""


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.django_db
def test_answers_and_refused_sign_ins_are_counted(client: Client) -> None:
    before = samples(client.get("/metrics").content.decode())
    person = factories.person()
    client.get("/sign-in/")
    client.get("/no-such-page/")
    client.post("/sign-in/", {"username": person.username, "password": "wrong"})
    after = samples(client.get("/metrics").content.decode())
    gained = {name: after[name] - before.get(name, 0) for name in after}
    assert gained[("fieldwatch_http_answers_total", "GET", "200", "account_login")] == 1
    assert gained[("fieldwatch_http_answers_total", "GET", "404", "none")] == 1
    assert gained[("fieldwatch_http_seconds_count", "account_login")] == 2
    assert gained[("fieldwatch_refused_sign_ins_total",)] == 1
    assert not any("healthz" in label or "metrics" in label for name in after for label in name)


def test_processes_of_a_machine_add_up(tmp_path: Path) -> None:
    """As gunicorn starts them: each process keeps its counts in files of one folder."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for number in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", COUNT],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=True,
        )
        counted = samples(done.stdout.decode())
        assert counted[("fieldwatch_http_answers_total", "GET", "200", "home")] == number
        assert counted[("fieldwatch_http_answers_total", "other", "404", "none")] == number


def test_every_process_logs_json_at_the_level_that_was_asked_for() -> None:
    """A worker, the beat and gunicorn keep the product's logging; Celery would set its own."""
    script = (
        "import logging, django; django.setup()\n"
        "from dashboard.celery import app\n"
        "app.set_default(); app.log.setup(loglevel='WARNING')\n"
        "logging.getLogger('dashboard.sync').debug('a detail')\n"
        "logging.getLogger('celery.worker').warning('a warning')\n"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "dashboard.settings.worker",
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": "json",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    lines = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert {"a detail", "a warning"} <= {line["message"] for line in lines}


def test_gunicorn_itself_logs_json(tmp_path: Path) -> None:
    environment = os.environ | {"LOG_FORMAT": "json", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "gunicorn", "wsgiref.simple_server:demo_app"]
    with subprocess.Popen(
        [*command, "--bind", "127.0.0.1:0"], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        first = json.loads(process.stderr.readline())
        process.terminate()
    assert (first["level"], first["logger"]) == ("INFO", "gunicorn.error")
