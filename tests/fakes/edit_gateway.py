"""A way to the exchange that needs no exchange: values by kind, and an outcome to be told."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from dashboard.exchange.errors import ExchangeError, NotFound
from dashboard.fielding.domain.what_if import WhatIf, WhatIfState
from dashboard.fielding.models import BusinessUnit, Edit, ExchangeAccount, TargetGroup, User
from dashboard.fielding.queries.what_if import NOT_LISTED, RATE_CARD
from dashboard.fielding.series.holidays import GroupCalendar
from dashboard.sync.lookup import on_demand
from tests.factories import NOW

ALLOWED = {"allow_for_current_target_group": True, "allow_for_other_target_groups": False}
BOTH = {"client_side": ALLOWED, "screener_side": ALLOWED}
RE_ENTRY = {
    "completes": {"client_side": ALLOWED},
    "pre_client_survey_processes": {"screener_side": ALLOWED},
    "financial_terms": {"screener_side": ALLOWED},
    "terminates": BOTH,
    "security_failures": BOTH,
    "overquota": BOTH,
    "in_screener": BOTH,
}


DETAILS: dict[str, Any] = {
    "name": "Japan 25–54",
    "project_manager_id": "pm-1",
    "expected_length_of_interview_minutes": 9,
    "expected_incidence_rate": 0.35,
    "industry_lockout_code": "no_lockout",
    "live_url": "https://survey.example.com/live?rid=[%RID%]",
    "test_url": "https://survey.example.com/test",
    "target_group_customer_reference_number": "REF-1",
    "client_cost_per_interview_note": {"value": "5.00", "currency_code": "USD"},
}
DATES = {
    "start_fielding_at": "2026-11-13T09:00:00.000Z",
    "end_fielding_at": "2036-11-27T09:00:00.000Z",
}
GOALS: dict[str, Any] = {
    "completes_goal": 200,
    "profiles": [
        {
            "id": "p1",
            "name": "Age",
            "targets": [
                {"id": "t1", "name": "18–34", "completes_goal": 80, "completes": 40},
                {"id": "t2", "name": "35–54", "completes_goal": 120, "completes": 60},
            ],
        }
    ],
}
ASSISTANT: dict[str, Any] = {
    "pricing": {"type": "dynamic", "maximum_cpi": {"value": "3.50", "currency_code": "USD"}},
    "pacing": {"type": "linear", "increment_interval": "P1DT12H"},
    "quota_overlay": {"prevent_overfill": True, "balance_fill": False},
    "soft_launch": None,
}


class FakeExchange:
    """What the forms ask of `sync.push`, with every way it can end."""

    def __init__(self) -> None:
        self.start_over()

    def start_over(self) -> None:
        """As a fresh exchange that confirms everything."""
        self.values: dict[str, Any] = {
            "cpi": {"value": "2.70", "currency_code": "USD"},
            "filling_strategy": "completes",
            "re_entry": copy.deepcopy(RE_ENTRY),
            "details": copy.deepcopy(DETAILS),
            "dates": dict(DATES),
            "goals": copy.deepcopy(GOALS),
            "assistant": copy.deepcopy(ASSISTANT),
            "budget": None,
            "time_zone": "",
        }
        self.state = Edit.State.CONFIRMED
        self.reasons: list[dict[str, str]] = []
        self.facts: dict[str, Any] = {}  # of the edit, such as whether it was sent
        self.down: ExchangeError | None = None
        self.sent: list[Any] = []
        self.cards: dict[str, Any] = {}
        self.known: dict[str, on_demand.LookupMatches] = {}
        self.asked: list[str] = []
        self.what_if: WhatIf | None = None  # None: this exchange has no estimate
        self.calendar = GroupCalendar(is_read=True)

    def read_current_value(self, *, group: TargetGroup, kind: str) -> Any:
        """The value now."""
        if self.down:
            raise self.down
        return self.values[kind]

    def industry_lockouts(self, *, group: TargetGroup) -> list[tuple[str, str]]:
        """Two of them."""
        return [("no_lockout", "No lockout"), ("automotive", "Automotive")]

    def send_edit(
        self, *, group: TargetGroup, kind: str, seen: Any, wanted: Any, by: User, token: str
    ) -> Edit:
        """One edit a token, ending as the test says."""
        if made := Edit.objects.filter(token=token).first():
            return made
        if self.down:
            self.state, self.reasons = Edit.State.REJECTED, [{"name": "", "reason": str(self.down)}]
        else:
            self.sent.append(wanted)
        if self.state == Edit.State.CONFIRMED:
            self.values[kind] = wanted
        return Edit.objects.create(
            account=group.account,
            group=group,
            by=by,
            kind=kind,
            token=token,
            state=self.state,
            before=seen,
            wanted=wanted,
            after=self.values[kind],
            reasons=self.reasons,
            settled_at=None if self.state == Edit.State.UNKNOWN else NOW,
            **{"started_at": NOW, **self.facts},
        )

    def read_what_if(self, group: TargetGroup) -> WhatIf:
        """The estimate that the test gives."""
        if group.pricing_model == "rate_card":
            return WhatIf(WhatIfState.NOT_OFFERED, group.currency, reason=RATE_CARD)
        return self.what_if or WhatIf(WhatIfState.NOT_OFFERED, group.currency, reason=NOT_LISTED)

    def read_group_calendar(self, _group: TargetGroup) -> GroupCalendar:
        """The calendar that the test gives."""
        return self.calendar

    def read_rate_card(self, *, unit: BusinessUnit, country: str) -> Any:
        """The card of a country."""
        if self.down:
            raise self.down
        if country not in self.cards:
            raise NotFound
        return self.cards[country]

    def group_by_id(
        self, *, ulid: str, accounts: Sequence[ExchangeAccount]
    ) -> on_demand.LookupAnswer:
        """A group by its id, if it is on one of these accounts."""
        self.asked.append(ulid)
        found = self.known.get(ulid)
        failed = [(one, str(self.down)) for one in accounts] if self.down else []
        return on_demand.LookupAnswer(
            found if found and found.account in accounts else None, failed
        )
