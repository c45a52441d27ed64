"""The document says what the client does: every operation, and how it is sent."""

from pathlib import Path

import httpx
import pytest

from dashboard.exchange.errors import ExchangeError
from tests.contract.validate import operations
from tests.exchange.calls import CALLS
from tests.exchange.conftest import MakeClient

DOCUMENT = Path(__file__).parents[2] / "docs" / "exchange.md"


def row(make_client: MakeClient, operation: str) -> str:
    """A row of the table, from what the client does when the exchange fails."""
    sent: list[httpx.Request] = []

    def fail(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(500)

    with pytest.raises(ExchangeError) as caught:
        CALLS[operation](make_client(fail))
    first = sent[0]
    kind = "write" if caught.value.outcome_unknown else "read"
    again = "again" if len(sent) > 1 else "once"
    marks = [
        mark
        for mark, header in (("key", "idempotency-key"), ("ETag", "if-match"))
        if header in first.headers
    ]
    declared = operations()[operation]
    how = ", ".join([f"{kind}, {again}", *marks])
    return f"| `{operation}` | {declared.method} `{declared.template}` | {how} |"


def test_the_table_of_operations_is_what_the_client_does(make_client: MakeClient) -> None:
    table = [row(make_client, operation) for operation in operations() if operation in CALLS]
    written = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert written == table


def test_the_document_counts_its_operations() -> None:
    total = len(operations())
    text = DOCUMENT.read_text()
    assert f"{len(CALLS)} of {total} operations of the contract" in text
