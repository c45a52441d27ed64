"""Signs of life: what a load balancer, Prometheus and whoever runs it are told."""

from __future__ import annotations

import logging
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

import dashboard
from dashboard.alerts import heartbeat
from dashboard.fielding.models import Cycle, ExchangeAccount, Heartbeat, Mail
from dashboard.web.monitoring import health
from tests import factories

pytestmark = pytest.mark.django_db
RULES = Path(__file__).parents[3] / "docs" / "prometheus-rules.yml"
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _no_redis(settings: Settings) -> None:
    settings.REDIS_URL = NOBODY
    health._checked_at.clear()


def ready(client: Client, **headers: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of /readyz."""
    answer = client.get("/readyz", headers=headers)
    return answer.status_code, answer.json()


def rounds_done() -> None:
    """Workers and mail did their rounds just now."""
    for name in ("time", "deliver", "judge"):
        Heartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now()})


def figures(client: Client, **headers: str) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics by its name and labels."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_alive_asks_nothing(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"alive\n"


def test_each_answer_and_each_page_name_the_release(client: Client) -> None:
    assert client.get("/healthz")["Fieldwatch-Version"] == dashboard.__version__
    client.force_login(factories.person())
    footer = client.get("/").content.decode().partition("<footer")[2]
    assert f"Fieldwatch {dashboard.__version__}\n" in footer


def test_without_redis_it_is_degraded_and_serves(client: Client) -> None:
    rounds_done()
    status, told = ready(client)
    assert (status, told["status"]) == (200, "degraded")
    assert told["why"] == ["redis: does not answer; work waits for the next round"]
    assert told["checks"]["database"] == told["checks"]["migrations"] == "ok"


def test_workers_that_have_not_begun_are_named(client: Client) -> None:
    _, told = ready(client)
    assert "alert detection has not started yet" in told["checks"]["workers"]
    assert "email delivery has not started yet" in told["checks"]["mail"]


def test_what_is_not_fresh_is_counted_and_named_only_to_who_has_the_token(
    client: Client, settings: Settings
) -> None:
    rounds_done()
    factories.account(name="secret client", health=ExchangeAccount.Health.ERROR)
    late = factories.account(name="late")
    factories.project(late, due_at=timezone.now() - timedelta(minutes=30))
    assert ready(client)[1]["checks"]["freshness"] == "2 connections not up to date"
    assert "secret" not in client.get("/readyz").content.decode()
    settings.METRICS_TOKEN = "a-long-token"
    assert ready(client)[1]["checks"]["freshness"] == "2 connections not up to date"
    told = ready(client, authorization="Bearer a-long-token")[1]
    assert set(told["checks"]["freshness"].split(", ")) == {
        "secret client",
        "late is 30 min behind",
    }


def test_a_database_behind_the_code_is_503(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    status, told = ready(client)
    assert (status, told["status"]) == (503, "broken")
    assert told["why"][0] == "migrations: 1 to apply"


def test_figures_are_read_from_the_tables(client: Client) -> None:
    account = factories.account(name="main")
    project = factories.project(account, due_at=timezone.now() - timedelta(seconds=90))
    factories.group(project, status="live")
    for complete in (True, True, False):
        Cycle.objects.create(
            account=account,
            project=project,
            started_at=timezone.now(),
            complete=complete,
            listed=True,
            requests=3,
        )
    found = figures(client)
    assert found["fieldwatch_cycles_15m", "main", "complete"] == 2
    assert found["fieldwatch_cycles_15m", "main", "listed"] == 1
    assert found["fieldwatch_requests_15m", "main"] == 9
    assert 89 <= found["fieldwatch_lag_seconds", "main"] <= 120
    assert found["fieldwatch_projects_due",] == 1
    assert found["fieldwatch_target_groups", "live"] == 1
    assert found["fieldwatch_redis_up",] == 0


def test_errors_of_rounds_are_counted_by_kind(client: Client) -> None:
    account = factories.account(name="main")
    for name, kinds in ((1, ("TimedOut", "TimedOut", "NotFound")), (2, ("TimedOut",)), (3, ())):
        cycle = Cycle(account=account, started_at=timezone.now() - timedelta(minutes=name))
        for kind in kinds:
            cycle.failed("A group with a name: words of Cint", kind=kind)
        cycle.save()
    found = figures(client)
    assert found["fieldwatch_errors_15m", "main", "TimedOut"] == 3
    assert found["fieldwatch_errors_15m", "main", "NotFound"] == 1


def test_the_example_alerts_ask_for_figures_that_are_told(client: Client) -> None:
    factories.account()
    rounds_done()
    asked = re.findall(r"fieldwatch_\w+", RULES.read_text())
    assert asked
    assert set(asked) <= {name for name, *_ in figures(client)}


def test_mail_that_waits_has_an_age(client: Client) -> None:
    person = factories.person()
    Mail.objects.create(
        recipient=person,
        address=person.email,
        message_id="<1@test>",
        subject="Paused",
        text="Paused",
        created_at=timezone.now() - timedelta(minutes=2),
        next_try_at=timezone.now(),
    )
    assert 119 <= figures(client)["fieldwatch_mail_age_seconds",] <= 150


def test_with_a_token_only_who_has_it_reads_figures(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a-long-token"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer no"}).status_code == 401
    assert figures(client, authorization="Bearer a-long-token")


def test_in_production_figures_need_a_token(client: Client, settings: Settings) -> None:
    settings.PRODUCTION = True
    assert client.get("/metrics").status_code == 401


@pytest.mark.parametrize(
    ("given", "kept"), [("proxy-made-1234", True), ("short", False), ("a\tb" * 9, False)]
)
def test_each_request_has_an_id_and_a_line(
    client: Client, caplog: pytest.LogCaptureFixture, given: str, kept: bool
) -> None:
    with caplog.at_level(logging.INFO, logger="dashboard.web.http.middleware"):
        answer = client.get("/sign-in/?secret=1", headers={"X-Request-ID": given})
    assert (answer["X-Request-ID"] == given) is kept
    line = caplog.records[-1].of  # type: ignore[attr-defined]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/sign-in/", 200)


@pytest.mark.parametrize("where", ["/sign-in/?next=a%00b", "/groups/1/edit/a%00b/", "/?a%00b=1"])
def test_bytes_that_are_no_text_are_told_and_reach_no_table(client: Client, where: str) -> None:
    client.force_login(factories.person())
    answer = client.get(where)
    assert answer.status_code == 400
    assert "Invalid characters" in answer.content.decode()


def test_a_form_with_bytes_that_are_no_text_is_told_too(client: Client) -> None:
    answer = client.post("/sign-in/", {"username": "a\x00b", "password": "x"})
    assert answer.status_code == 400


def test_probes_are_answered_whatever_the_host_and_the_cookies(client: Client) -> None:
    """By a pod's address, a service's name or nonsense; a session of somebody changes nothing."""
    client.cookies["sessionid"] = "no-such-session"
    for host in ("10.1.2.3:8000", "fieldwatch-web", "metadata.google.internal", "[fe80::1]:8000"):
        for path, kind in (
            ("/healthz", "text/plain"),
            ("/readyz", "application/json"),
            ("/metrics", "text/plain"),
        ):
            answer = client.get(path, headers={"host": host})
            assert answer.status_code == 200, (host, path)
            assert answer["Content-Type"].startswith(kind)
            assert "Set-Cookie" not in answer
            assert "no-store" in answer["Cache-Control"]
    assert client.get("/sign-in/", headers={"host": "10.1.2.3"}).status_code == 400


def test_ready_names_a_read_only_database(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rounds_done()
    name = tmp_path / "file.sqlite3"
    name.touch()
    monkeypatch.setitem(connection.settings_dict, "NAME", str(name))
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    if connection.vendor == "sqlite":
        assert ready(client)[1]["checks"]["database"].startswith("is read-only")
    monkeypatch.undo()
    assert health.is_read_only() is False


def test_ready_names_a_redis_that_refuses_writes(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds_done()

    def refuse(*_: object, **__: object) -> None:
        raise redis.ResponseError("OOM command not allowed")

    monkeypatch.setattr(redis.Redis, "set", refuse)
    assert ready(client)[1]["checks"]["redis"].startswith("refuses writes (OOM")


def test_ready_names_keys_that_decrypt_nothing(client: Client, settings: Settings) -> None:
    rounds_done()
    factories.account()
    assert ready(client)[1]["checks"]["keys"] == "ok"
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert "ENCRYPTION_KEYS no longer holds" in ready(client)[1]["checks"]["keys"]


def test_ready_names_dead_workers_within_a_minute_and_flapping_ones(client: Client) -> None:
    rounds_done()
    now = timezone.now()
    work, _ = Heartbeat.objects.update_or_create(name="work", defaults={"at": now})
    assert ready(client)[1]["checks"]["workers"] == "ok"
    Heartbeat.objects.filter(pk=work.pk).update(at=now - timedelta(seconds=50))
    assert "no worker has done anything" in ready(client)[1]["checks"]["workers"]
    Heartbeat.objects.filter(pk=work.pk).update(at=timezone.now())
    for minute in range(heartbeat.FLAPPING_STARTS - 1):
        heartbeat.record_start("host-1", now=now - timedelta(minutes=minute))
    heartbeat.record_start("host-2", now=now)
    assert ready(client)[1]["checks"]["workers"] == "ok"
    heartbeat.record_start("host-1", now=now)
    assert "workers on host-1 keep ending" in ready(client)[1]["checks"]["workers"]
    assert not any("start-" in label for name in figures(client) for label in name)
