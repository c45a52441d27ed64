"""Whatever the contract allows can be read; whatever it does not allow crashes nothing."""

import json

import httpx
import pytest

from dashboard.exchange.decode import Page
from dashboard.exchange.errors import BadAnswer
from tests.contract.validate import operations, validate_response
from tests.exchange.answers import Answers
from tests.exchange.calls import CALLS
from tests.exchange.conftest import MakeClient

EXAMPLES = 10_000
EACH = EXAMPLES // len(CALLS) + 1
HEADERS = {"Location": "/v1/jobs/job-1", "ETag": 'W/"1"'}


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_a_healthy_answer_is_understood_whole(make_client: MakeClient, operation: str) -> None:
    for seed in range(5):
        status, body = Answers(seed, full=True).of(operations()[operation])
        validate_response(operation, status, body)
        content = b"" if body is None else json.dumps(body).encode()
        answer = httpx.Response(status, content=content, headers=HEADERS)
        result = CALLS[operation](make_client(lambda _, a=answer: a))
        if isinstance(result, Page):
            assert result.quarantined == []
            assert len(result.items) == len(next(v for v in body.values() if isinstance(v, list)))


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_no_answer_that_the_contract_allows_crashes(
    make_client: MakeClient, operation: str
) -> None:
    content = b""
    status = 200
    client = make_client(lambda _: httpx.Response(status, content=content, headers=HEADERS))
    for seed in range(EACH):
        status, body = Answers(seed, full=False).of(operations()[operation])
        content = b"" if body is None else json.dumps(body).encode()
        try:
            result = CALLS[operation](client)
        except BadAnswer:
            continue
        if isinstance(result, Page):
            lists = [v for k, v in body.items() if isinstance(v, list) and k != "unknown_member"]
            assert len(result.items) + len(result.quarantined) == sum(map(len, lists))


def test_the_examples_are_ten_thousand() -> None:
    assert EACH * len(CALLS) >= EXAMPLES
