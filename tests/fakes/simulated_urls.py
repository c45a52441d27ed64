"""The product's addresses, with forms that talk to the simulated exchange without waiting long."""

from __future__ import annotations

from typing import Any

from django.urls import path

from dashboard import urls
from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from dashboard.fielding.models import Edit, TargetGroup, User
from dashboard.simulator.harness import Simulator
from dashboard.sync.edits import send as push
from dashboard.sync.edits.kinds.base import exchange_ids
from dashboard.sync.edits.kinds.registry import EDITABLE
from dashboard.web.views import edits
from tests.fakes.clock import NappingClock


class Way:
    """The way to a simulated exchange; `connect` makes it fresh, with nothing that rests."""

    client: ExchangeClient

    def connect(self, simulator: Simulator) -> None:
        """As a process does that has just started."""
        clock = NappingClock()
        policy = GatePolicy(requests_per_minute=None)
        self.client = ExchangeClient(
            account_id="101",
            base_url=f"{simulator.base_url}/v1",
            auth=ApiKey("key"),
            api_version="2025-12-18",
            gate=LocalGate(policy, clock=clock, chance=clock),
            allowed_hosts=["127.0.0.1:*"],
            clock=clock,
            chance=clock,
        )

    def read_current_value(self, *, group: TargetGroup, kind: str) -> Any:
        """What is held now."""
        return push.read_current_value(group=group, kind=kind, client=self.client)

    def send_edit(self, **given: Any) -> Edit:
        """Sent once."""
        return push.send_edit(**given, client=self.client)

    def industry_lockouts(self, *, group: TargetGroup) -> list[tuple[str, str]]:
        """One is enough."""
        return [("no_lockout", "No lockout")]

    def meanwhile(self, group: TargetGroup, kind: str, value: Any, by: User) -> None:
        """Somebody else's change, past Fieldwatch where the exchange has the setting."""
        if how := EDITABLE.get(kind):
            how.write(
                self.client, exchange_ids(group), value, how.read(self.client, exchange_ids(group))
            )
            return
        seen = push.read_current_value(group=group, kind=kind)
        push.send_edit(group=group, kind=kind, seen=seen, wanted=value, by=by, token="theirs")


WAY = Way()

urlpatterns = [
    path("groups/<int:pk>/edit/<str:kind>/", edits.edit_form_view(WAY), name="edit"),
    *urls.urlpatterns,
]
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500
