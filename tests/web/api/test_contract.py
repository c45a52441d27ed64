"""The OpenAPI document is what the code gives, and the code keeps to it: tried by schemathesis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from pytest_django import Settings

from dashboard.web.api.openapi import openapi_document, openapi_text
from tests.web.api.conftest import SECRET, ApiWorld

# The WSGI transport of schemathesis does not unpack answers.
AUTHORIZED = {"Authorization": f"Bearer {SECRET}", "Accept-Encoding": "identity"}
ROOT = Path(__file__).resolve().parents[3]
CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 7,
        "generation": {"max-examples": 4, "deterministic": True, "database": "none"},
        "suppress-health-check": ["all"],  # one world serves all
    }
)


@pytest.fixture(scope="module")
def api_schema() -> Any:
    """What schemathesis knows of the API."""
    schema = schemathesis.openapi.from_dict(openapi_document(), config=CONFIG)
    schema.app = WSGIHandler()
    return schema


# Cases are made when the test runs, not wherever tests are collected: that takes seconds.
schema = schemathesis.pytest.from_fixture("api_schema")


def test_the_code_of_the_api_is_loaded_with_the_first_request() -> None:
    script = (
        "import sys, django; django.setup()\n"
        "from django.test import Client\n"
        "import dashboard.urls\n"
        "print('ninja' in sys.modules)\n"
        "print(Client(HTTP_HOST='localhost').get('/api/v1/openapi.json').status_code)\n"
        "print('ninja' in sys.modules)\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert done.stdout.decode().split() == ["False", "200", "True"]


def test_the_committed_document_is_the_one_of_the_code() -> None:
    assert (ROOT / "docs" / "openapi.json").read_text() == openapi_text(), "run `make docs`"


def test_the_document_is_served_to_everybody(client: Client) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")
    assert client.post("/api/v1/openapi.json").status_code == 405


def test_every_operation_says_what_it_does_and_how_it_fails() -> None:
    for address, methods in openapi_document()["paths"].items():
        assert set(methods) == {"get"}, address
        operation = methods["get"]
        assert operation["description"].endswith(".")
        assert {"200", "304", "400", "401", "403", "429", "500"} <= set(operation["responses"])
        assert ("404" in operation["responses"]) == ("{id}" in address)


def test_what_is_there_has_the_form_of_the_document(api_world: ApiWorld, api_schema: Any) -> None:
    ids = {
        "projects": api_world.project.pk,
        "groups": api_world.group.pk,
        "incidents": api_world.group.incidents.get().pk,
    }
    for address, methods in api_schema.items():
        kind = address.split("/")[3]
        case = methods["GET"].Case(path_parameters={"id": ids[kind]} if "{id}" in address else {})
        answer = case.call_and_validate(headers=AUTHORIZED)
        assert answer.status_code == 200, address


@schema.parametrize()
def test_the_answers_keep_to_the_document(
    case: schemathesis.Case[Any], api_world: ApiWorld, settings: Settings
) -> None:
    """Every check of schemathesis, with right and with wrong parameters, over the WSGI handler."""
    settings.API_REQUESTS_PER_MINUTE = 100_000
    case.call_and_validate(headers=AUTHORIZED)
