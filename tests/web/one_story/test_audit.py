"""A second exchange is read as it answers: files and charts against its answers alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from bench.pages.audit import Audit, body_of, read_over_http
from dashboard.fielding.models import TargetGroup
from tests import factories
from tests.contract import validate
from tests.fakes.second_exchange import SecondExchange, serving

pytestmark = pytest.mark.django_db
NEVER: dict[str, Any] = {"health": "new", "read_at": None, "first_pull_completed_at": None}


def test_the_second_exchange_answers_as_the_contract_has_it() -> None:
    exchange = SecondExchange()
    (project, *_), (one, *_) = exchange.fields, next(iter(exchange.fields.values()))
    group = f"/demand/accounts/101/projects/{project}/target-groups/{one.row['id']}"
    addresses = [f"{group}/{part}" for part in one.answers]
    addresses += ["/demand/accounts/101/projects", group.rpartition("/")[0]]
    for address in addresses:
        operation = validate.operation_at("GET", address)
        assert operation, address
        status, body, *_ = exchange.reply("GET", address, None)
        validate.validate_response(operation.id, status, body)
        assert validate.undeclared(operation.id, status, body) == []


@pytest.fixture
def audited(client: Client, settings: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with serving(SecondExchange()) as exchange:
        account = factories.account(base_url=exchange.url, requests_per_minute=0, **NEVER)
        with pytest.raises(SystemExit) as ended:
            call_command("pull", account.name)
        assert ended.value.code == 0, capsys.readouterr().out
        client.force_login(factories.person("viewer", account, time_zone="UTC"))
        yield Audit(read_over_http(exchange.url), lambda address: body_of(client.get(address)))


def test_files_and_charts_say_what_the_second_exchange_answers(audited: Audit) -> None:
    audited.run()
    assert audited.differs == [], "\n".join(audited.differs)
    assert audited.compared > 300


def test_the_audit_finds_what_differs(audited: Audit) -> None:
    group = TargetGroup.objects.filter(status="live", cost__gt=0).first()
    assert group
    TargetGroup.objects.filter(pk=group.pk).update(cost=(group.cost or 0) + 1)
    audited.run()
    assert any(re.search("spend", line) for line in audited.differs)
