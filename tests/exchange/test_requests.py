"""What the client sends is what the contract takes, operation by operation."""

import json
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from dashboard.exchange.errors import BadAnswer, ExchangeError
from dashboard.exchange.operations.base import query_string
from tests.contract.validate import operation_at, operations, validate_request
from tests.exchange.calls import CALLS
from tests.exchange.conftest import MakeClient
from tests.exchange.examples import END, IN, RE_ENTRY, START
from tests.exchange.test_callers import client_operations


def sent_by(make_client: MakeClient, operation: str) -> httpx.Request:
    """The request of the example call of `operation`."""
    requests: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(418)

    with pytest.raises(ExchangeError):
        CALLS[operation](make_client(keep))
    return requests[0]


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_a_request_is_as_the_contract_says(make_client: MakeClient, operation: str) -> None:
    request = sent_by(make_client, operation)
    declared = operation_at(request.method, request.url.path)
    assert declared is not None
    assert declared.id == operation
    asked_for = parse_qs(request.url.query.decode(), keep_blank_values=True)
    validate_request(
        operation,
        path=request.url.path,
        method=request.method,
        query={name: each if len(each) > 1 else each[0] for name, each in asked_for.items()},
        headers=request.headers,
        body=json.loads(request.content) if request.content else None,
    )


def test_every_example_call_is_an_operation_of_the_contract() -> None:
    assert set(CALLS) <= set(operations())


def test_every_operation_of_the_client_has_an_example_call() -> None:
    # Re-entry is not in the published contract; "whole" reads are the same requests.
    names = {
        name.replace("_whole_", "_")
        for name in client_operations()
        if "re_entry_configuration" not in name
    }
    assert names == set(CALLS)


def test_re_entry_is_written_in_the_contract_s_shape(make_client: MakeClient) -> None:
    bodies: list[dict[str, object]] = []

    def echo(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, content=request.content)

    answered = make_client(echo).update_re_entry_configuration(**IN, configuration=RE_ENTRY)
    assert answered == RE_ENTRY
    draft = json.loads(sent_by(make_client, "create_target_group").content)
    assert bodies == [draft["re_entry_configuration"]]


def test_the_re_entry_path_is_a_setting(make_client: MakeClient) -> None:
    paths: list[str] = []

    def keep(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(200, json={})

    make_client(keep, re_entry_path="/v9/{target_group_id}/re").get_re_entry_configuration(**IN)
    assert paths == [f"/v1/v9/{IN['target_group_id']}/re"]


def test_a_re_entry_path_with_an_unknown_place_is_refused_at_once(make_client: MakeClient) -> None:
    with pytest.raises(ValueError, match="unknown placeholder"):
        make_client(lambda _: httpx.Response(200), re_entry_path="/{group}/re")


@pytest.mark.parametrize("strange", ["", ".", ".."])
def test_an_id_cannot_change_the_path(make_client: MakeClient, strange: str) -> None:
    client = make_client(lambda _: httpx.Response(200, json={}))
    with pytest.raises(ValueError, match="id"):
        client.project_overview(project_id=strange)
    assert client.requests == 0


def test_an_id_with_a_slash_stays_one_segment(make_client: MakeClient) -> None:
    paths: list[bytes] = []

    def keep(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(404)

    with pytest.raises(ExchangeError):
        make_client(keep).project_overview(project_id="a/../b?c")
    assert paths == [b"/v1/demand/accounts/101/projects/a%2F..%2Fb%3Fc/overview"]


@pytest.mark.parametrize(
    ("given", "is_asked"),
    [
        ({}, False),
        ({"days": 3}, True),
        ({"days": 3, "start": START}, False),
        ({"days": 3, "end": END}, False),
        ({"days": 3, "start": START, "end": END}, False),
        ({"start": START}, False),
        ({"end": END}, False),
        ({"start": START, "end": END}, True),
    ],
)
def test_a_time_in_field_is_asked_for_by_days_or_by_both_dates(
    make_client: MakeClient, given: dict[str, Any], is_asked: bool
) -> None:
    client = make_client(lambda _: httpx.Response(200, json={}))
    if is_asked:
        client.suggest_time_range(locale="pol_pl", **given)
    else:
        with pytest.raises(ValueError, match="either days, or start and end"):
            client.suggest_time_range(locale="pol_pl", **given)
    assert client.requests == int(is_asked)


@pytest.mark.parametrize(
    ("place", "job_id"),
    [
        ("https://api.cint.com/v1/jobs/j-7", "j-7"),
        ("/jobs/j-7/", "j-7"),
        ("/jobs/j-7?next=/a/b", "j-7"),
        ("j-7", "j-7"),
        ("", None),
        ("/", None),
        ("?next=/a/b", None),
    ],
)
def test_a_job_is_named_by_the_last_part_of_its_address(
    make_client: MakeClient, place: str, job_id: str | None
) -> None:
    client = make_client(lambda _: httpx.Response(201, headers={"Location": place}))
    ids: Any = {"project_id": "p", "target_group_ids": ["g"], "idempotency_key": "k"}
    if job_id:
        job = client.create_bulk_pause_target_groups_job(**ids)
        assert (job.id, job.location) == (job_id, place)
    else:
        with pytest.raises(BadAnswer, match="no address to follow it") as caught:
            client.create_bulk_pause_target_groups_job(**ids)
        assert caught.value.operation == "create_bulk_pause_target_groups_job"
        assert caught.value.outcome_unknown


def test_a_query_has_each_value_that_is_given_and_no_other() -> None:
    given = {"a": None, "b": True, "c": False, "d": 0, "e": "x y", "f": ["1", "2"], "g": START}
    assert query_string(given) == (
        "?b=true&c=false&d=0&e=x+y&f=1&f=2&g=2026-03-01T08%3A00%3A00.000Z"
    )
    assert query_string({"a": None, "f": []}) == ""


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("re/{target_group_id}", "must start with /"),
        ("/re/{0}", "unknown placeholder"),
        ("/re/{group}", "unknown placeholder"),
    ],
)
def test_a_re_entry_path_that_leads_nowhere_is_refused_in_words(
    make_client: MakeClient, path: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make_client(lambda _: httpx.Response(200), re_entry_path=path)
