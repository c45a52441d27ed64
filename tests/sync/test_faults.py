"""Seeded faults of every kind: nothing crashes, nothing wrong is kept, nothing is sent twice, and
every round says whether it was whole. FAULT_SHARDS=4 tries a thousand of them, the default 250.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from dashboard.fielding.models import Cycle, Edit, Project, Quarantine, TargetGroup, User
from dashboard.simulator.harness import Simulator
from dashboard.simulator.server.faults import KINDS
from dashboard.sync import scheduling
from dashboard.sync.edits import send
from dashboard.sync.pull import account as accounts
from dashboard.sync.pull import project as pull
from tests import factories
from tests.fakes.clock import NappingClock

pytestmark = pytest.mark.django_db
SHARDS = int(os.environ.get("FAULT_SHARDS", "1"))
FAULTS = 250  # a shard
HITS = 9  # of a kind and shard, where they cost no waiting
WAITING = {"hang": ("", 2), "trickle": ("", 2), "slow": ("0.05", 8), "bomb": ("20", 2)}
# What an exchange says under these is well-formed and false; nobody can tell until it says better.
LIES = {"stale", "unknown_enum", "missing_group"}
FIELDS = ("status", "completes", "filling_goal")
Values = tuple[Any, ...]


@dataclasses.dataclass
class Field:
    """One connection to a simulated exchange that misbehaves on command."""

    simulator: Simulator
    client: ExchangeClient
    editor: User
    project: Project
    chance: random.Random
    now: datetime = dataclasses.field(default_factory=timezone.now)
    ever: dict[str, set[Values]] = dataclasses.field(default_factory=dict)
    sent: dict[str, str] = dataclasses.field(default_factory=dict)  # wanted amount by token

    def clock(self) -> datetime:
        return self.now

    def truth(self) -> dict[str, Values]:
        """What the exchange holds of each group that is listed."""
        rows = self.simulator.groups(project_id=self.project.exchange_id)
        by_id = {row["id"]: (row["status"], row["completes"], row["goal"]) for row in rows}
        for ulid, values in by_id.items():
            self.ever.setdefault(ulid, set()).add(values)
        return by_id

    def stored(self) -> dict[str, Values]:
        """What the tables hold."""
        rows = TargetGroup.objects.filter(project=self.project)
        return {ulid: tuple(rest) for ulid, *rest in rows.values_list("exchange_id", *FIELDS)}

    def move(self, groups: int) -> None:
        """Some groups get completes."""
        launched = [row["id"] for row in self.simulator.groups() if row["status"] != "draft"]
        for ulid in self.chance.sample(launched, min(groups, len(launched))):
            self.simulator.force(ulid, "completes", add=self.chance.randint(1, 5))

    def pull(self) -> Cycle:
        """One round over the account's lists and one over the project."""
        self.now += timedelta(hours=2)
        account = self.project.account
        token = scheduling.claim_row(type(account), account.pk, now=self.now, force=True)
        assert token
        own = accounts.pull_account(
            account=account, client=self.client, token=token, clock=self.clock
        )
        assert own.complete or own.errors
        self.project.refresh_from_db()
        token = scheduling.claim_row(Project, self.project.pk, now=self.now, force=True)
        assert token
        return pull.pull_project(
            project=self.project, client=self.client, token=token, clock=self.clock
        )

    def edit(self) -> None:
        """Change the price of a live group, twice from the same form."""
        priced = TargetGroup.objects.filter(
            project=self.project, status="live", pricing_model="dynamic"
        ).exclude(edits__state__in=["sending", "unknown"])
        group = self.chance.choice(list(priced.select_related("project__account")))
        assert group.cpi is not None
        seen = {"value": f"{group.cpi:f}", "currency_code": group.currency}
        token = f"form-{len(self.sent)}"
        self.sent[token] = amount = f"2.{len(self.sent) + 101}"
        for _ in range(2):
            send.send_edit(
                group=group,
                kind=Edit.Kind.CPI,
                seen=seen,
                wanted=seen | {"value": amount},
                by=self.editor,
                token=token,
                client=self.client,
                clock=self.clock,
            )

    def hits(self) -> int:
        """How often the present fault struck."""
        return sum(fault["hits"] for fault in self.simulator.control("GET", "faults")["faults"])


@pytest.fixture
def field(request: pytest.FixtureRequest, settings: Any) -> Iterator[Field]:
    """A small world that was read once without faults."""
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    seed: int = request.param
    options: dict[str, Any] = {
        "projects": 1,
        "groups": 12,
        "history_days": 2,
        "speed": 0,
        "seed": seed,
    }
    with Simulator(process=True, **options) as simulator:
        quick = NappingClock()
        client = ExchangeClient(
            account_id="101",
            auth=ApiKey("key"),
            base_url=f"{simulator.base_url}/v1",
            allowed_hosts=["127.0.0.1:*"],
            gate=LocalGate(
                GatePolicy(first_rest=0.01, longest_rest=0.02, longest_pause=0.02), clock=quick
            ),
            timeout=0.8,
            clock=quick,
            chance=quick,
        )
        account = factories.account(base_url=f"{simulator.base_url}/v1", read_at=None)
        ulid = simulator.groups()[0]["project_id"]
        project = factories.project(account, exchange_id=ulid, read_at=None)
        chance = random.Random(seed)  # noqa: S311
        field = Field(simulator, client, factories.person("editor", account), project, chance)
        assert field.pull().complete
        yield field
        client.close()


def quarantined_in(field: Field) -> set[str]:
    rows = Quarantine.objects.filter(last_seen_at=field.now)
    return set(rows.values_list("item_id", flat=True))


def hold_against_the_truth(
    field: Field, cycle: Cycle, before: dict[str, Values], kind: str
) -> None:
    """Nothing but the truth or the last good value; in a whole round the truth."""
    truth, after, aside = field.truth(), field.stored(), quarantined_in(field)
    assert cycle.complete or cycle.errors, kind
    assert not (cycle.complete and cycle.errors), kind
    for ulid, values in after.items():
        known = before.get(ulid, values)
        message = f"{kind}: {ulid} holds {values}, was {known}, is {truth[ulid]}; {cycle.errors}"
        if kind == "unknown_enum" and values[0] == "hibernating":
            assert values[1:] in (known[1:], truth[ulid][1:]), message
        elif kind in LIES:
            assert values in {known, *field.ever[ulid]}, message
        elif cycle.complete and ulid not in aside:
            assert values == truth[ulid], message
        else:
            assert values in (known, truth[ulid]), message
    if kind not in LIES:
        missing = TargetGroup.objects.filter(project=field.project).exclude(missing_since=None)
        assert not missing.exists(), kind


def hurt(field: Field, kind: str, seed: int) -> int:
    """Rounds and edits under one kind of fault; how often it struck."""
    value, hits = WAITING.get(kind, ("", HITS))
    field.simulator.fault(kind, rate=0.4, seed=seed, count=hits, value=value)
    for _ in range(6):
        field.move(3)
        before = field.stored()
        hold_against_the_truth(field, field.pull(), before, kind)
        field.edit()
        if field.hits() >= hits:
            break
    return field.hits()


def heal(field: Field) -> None:
    """Without faults everything is true again within a round, and every edit has its end."""
    field.simulator.clear_faults()
    for _ in range(5):
        field.now += timedelta(minutes=10)
        send.settle_due(clock=field.clock)
    assert not Edit.objects.filter(state__in=["sending", "unknown"]).exists()
    time.sleep(0.03)  # the breaker's longest rest
    cycle = field.pull()
    assert cycle.complete, cycle.errors
    assert field.stored() == field.truth()
    assert not TargetGroup.objects.exclude(error="").exists()


def check_prices(field: Field) -> None:
    """Each form was sent once at most, ended as it says, and the price that is stored is true."""
    puts = Counter(
        json.loads(edit["body"])["target_group_cpi"]["value"]
        for edit in field.simulator.edits()
        if edit["operation"] == "update_cost_per_interview"
    )
    assert set(puts.values()) <= {1}
    assert field.simulator.requests().get("update_cost_per_interview", 0) <= len(field.sent)
    now = {row["id"]: Decimal(row["cpi"]) for row in field.simulator.groups()}
    for group in TargetGroup.objects.filter(pricing_model="dynamic"):
        assert group.cpi == now[group.exchange_id], group
    taken = set(puts)
    for edit in Edit.objects.filter(state=Edit.State.CONFIRMED):
        assert (edit.wanted or {})["value"] in taken


@pytest.mark.parametrize("field", range(SHARDS), indirect=True)
def test_no_fault_crashes_a_round_or_leaves_a_wrong_value_or_sends_twice(field: Field) -> None:
    struck: Counter[str] = Counter()
    for number, kind in enumerate(sorted(KINDS)):
        struck[kind] += hurt(field, kind, seed=1000 * field.simulator.options["seed"] + number)
        heal(field)
    check_prices(field)
    assert set(struck) == KINDS
    assert min(struck.values()) > 0
    assert struck.total() >= FAULTS, struck
