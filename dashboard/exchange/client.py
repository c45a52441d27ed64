"""The client: one typed method per operation, named after its operationId."""

from collections.abc import Iterable
from contextlib import AbstractContextManager

import httpx

from dashboard.exchange.auth import Auth
from dashboard.exchange.clock import Chance, Clock
from dashboard.exchange.decode import BadItem
from dashboard.exchange.http.allowed_hosts import EXCHANGE_HOSTS
from dashboard.exchange.http.transport import Transport
from dashboard.exchange.limits.gate import Gate, LocalGate
from dashboard.exchange.operations.accounts import AccountOperations
from dashboard.exchange.operations.calendar import CalendarOperations
from dashboard.exchange.operations.drafts import DraftOperations
from dashboard.exchange.operations.fielding import RE_ENTRY_PATH, FieldingOperations
from dashboard.exchange.operations.groups import GroupOperations
from dashboard.exchange.operations.jobs import JobOperations
from dashboard.exchange.operations.pricing import PricingOperations
from dashboard.exchange.operations.projects import ProjectOperations
from dashboard.exchange.operations.reconciliations import ReconciliationOperations
from dashboard.exchange.operations.webhooks import WebhookOperations

BASE_URL = "https://api.cint.com/v1"
API_VERSION = "2025-12-18"


class ExchangeClient(
    AccountOperations,
    ProjectOperations,
    GroupOperations,
    DraftOperations,
    PricingOperations,
    CalendarOperations,
    JobOperations,
    ReconciliationOperations,
    WebhookOperations,
    FieldingOperations,
):
    """One connection to the exchange: an account with its credentials and gate.

    Threads may share it. Every method may raise an `ExchangeError`; see `errors`. A list comes as a
    `Page`, with unreadable items quarantined; `iterate_pages` reads all its pages.
    """

    def __init__(
        self,
        *,
        account_id: str,
        auth: Auth,
        base_url: str = BASE_URL,
        api_version: str = API_VERSION,
        gate: Gate | None = None,
        allowed_hosts: Iterable[str] = EXCHANGE_HOSTS,
        re_entry_path: str = RE_ENTRY_PATH,
        timeout: float = 20.0,
        clock: Clock | None = None,
        chance: Chance | None = None,
        http: httpx.BaseTransport | None = None,
        ca_file: str = "",
    ) -> None:
        """HostRefused for an address not allowed. `timeout`: seconds per call, retries included.

        `ca_file`: PEM file of authorities that are trusted as well.
        """
        transport = Transport(
            base_url=base_url,
            auth=auth,
            api_version=api_version,
            gate=gate or LocalGate(clock=clock),
            allowed_hosts=allowed_hosts,
            timeout=timeout,
            clock=clock,
            chance=chance,
            http=http,
            ca_file=ca_file,
        )
        super().__init__(transport, account_id=account_id, re_entry_path=re_entry_path)
        self.account_id = account_id

    @property
    def requests(self) -> int:
        """The number of requests sent so far, retries included."""
        return self._transport.requests

    @property
    def requests_here(self) -> int:
        """The number of requests that this thread sent so far, retries included."""
        return self._transport.requests_here

    def take_notes(self) -> list[tuple[str, BadItem]]:
        """Items that this thread read with unreadable characters, by operation; each returned once.

        The answers have U+FFFD in place of those characters.
        """
        return self._transport.take_notes()

    @property
    def clock_skew(self) -> float | None:
        """Seconds by which the exchange's clock is ahead of ours; None before the first answer."""
        return self._transport.clock_skew

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """`with client.deadline(10): …`: all requests of this thread inside take at most 10 s."""
        return self._transport.deadline(seconds)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._transport.close()
