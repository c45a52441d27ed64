"""A trial: many edits through the product's forms against an exchange that lags and disagrees.

Two people edit, and a third at the exchange itself. Nothing waits: the clock of the product and of
the exchange jumps. What is true is what the exchange kept of each group, never what we say of it.
"""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from dashboard import tasks
from dashboard.fielding.models import (
    Batch,
    BatchGroup,
    Edit,
    ExchangeAccount,
    Membership,
    Project,
    TargetGroup,
    User,
    Webhook,
)
from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.harness import Simulator
from dashboard.sync.batches import jobs as batch
from dashboard.sync.edits import create, launch, send
from dashboard.sync.pull import rounds
from tests.edits import kinds, outside
from tests.edits.page import PageForm, complaints, form_with
from tests.edits.shift import Shift

PEOPLE = ("anna", "ben")
LAGS = (3, 20, 60, 200)  # seconds, at most
LOSSES = ("lost_answer", "reset", "http_502")
PULL_EVERY, TELL_EVERY = 20, 60  # seconds
WEIGHTS = {
    "cpi": 14,
    "details": 16,
    "goals": 8,
    "dates": 8,
    "filling_strategy": 6,
    "re_entry": 6,
    "assistant": 6,
    "draft": 18,
    "pause": 3,
    "resume": 3,
    "complete": 1,
    "manager": 2,
    "bulk_cpi": 4,
    "bulk_end": 3,
}


@dataclass
class Try:
    """One thing that a person tried to do to one group."""

    number: int
    kind: str
    group: str
    change: kinds.Change
    by: str
    began: int  # milliseconds: when the form was sent
    edit: int | None = None
    row: int | None = None  # of a batch
    batch: int | None = None
    outcome: str = ""  # where nothing was sent
    why: str = ""  # what the page said then
    again: bool = False  # after a conflict


@dataclass
class Phase:
    """How the exchange behaves from a moment on."""

    since: int
    lag: float  # seconds, at most


@dataclass
class Trial:
    """The people, the exchange and the clock of a trial, and everything that was tried."""

    seed: int
    shift: Shift
    simulator: Simulator
    letters: queue.Queue[outside.Delivery]
    hook: str = ""
    tries: list[Try] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    clients: dict[str, Client] = field(default_factory=dict)
    crashes: list[str] = field(default_factory=list)
    pulled_at: int = 0
    told_at: int = 0
    interfered: int = 0
    moved: int = 0

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)  # noqa: S311

    # --- the stage -------------------------------------------------------------------------

    def prepare(self, drafts: int) -> None:
        """Drafts at the exchange, everything read once without lag, two people signed in."""
        rows = self.simulator.groups()
        for number in range(drafts):
            path = outside.address(rows[number % len(rows)]).rpartition("/")[0]
            outside.ask(self.simulator, "POST", path, outside.rich_draft(number, timezone.now()))
        account = ExchangeAccount.objects.create(
            name="field",
            exchange_id="101",
            base_url=f"{self.simulator.base_url}/v1",
            auth="api_key",
            secret="key",
            requests_per_minute=0,
            due_at=timezone.now(),
        )
        rounds.account_round(account.pk, clock=timezone.now, force=True)
        for project in Project.objects.all():
            for _ in range(20):
                cycle = rounds.project_round(project.pk, clock=timezone.now, force=True)
                if cycle is not None and not cycle.groups_left:
                    break
        for name in PEOPLE:
            user = User.objects.create_user(name, f"{name}@example.com")
            Membership.objects.create(user=user, account=account, role="editor")
            self.clients[name] = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
            self.clients[name].force_login(user)

    def subscribe(self, url: str) -> None:
        """Have the exchange tell of what happens."""
        webhook = outside.ask(
            self.simulator,
            "POST",
            "/accounts/101/webhooks",
            {"url": url, "events": ["target-group-updated"]},
        )
        Webhook.objects.create(
            account=ExchangeAccount.objects.get(),
            key="trial",
            url=url,
            exchange_id=webhook["id"],
            secret=webhook["secret"],
            registered_at=timezone.now(),
        )

    def change_manners(self, *, losses: bool = True) -> None:
        """Another lag, other replicas, another rounding, other losses."""
        longest_lag = self.chance.choice(LAGS)
        if self.chance.random() < 0.5:
            self.simulator.lag(low=1, high=longest_lag, seed=self.chance.randrange(1 << 30))
        else:
            replicas = [0, self.chance.uniform(1, longest_lag), longest_lag]
            self.simulator.lag(replicas=replicas, seed=self.chance.randrange(1 << 30))
        self.phases.append(Phase(self.shift.ms(), longest_lag))
        digits = self.chance.choice((None, None, 2, 4))
        self.simulator.control("POST", "switches", {"cpi_digits": digits})
        self.simulator.clear_faults()
        for kind in LOSSES if losses else ():
            for operation in ("update_*", "create_or_update_*", "create_bulk_*"):
                seed = self.chance.randrange(1 << 30)
                self.simulator.fault(kind, operation=operation, rate=0.04, seed=seed)

    # --- time ------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass, as the product's beat does: in steps of five seconds at most."""
        while seconds > 0:
            step = min(5.0, seconds)
            self.shift.jump(step)
            seconds -= step
            self.tick()

    def tick(self) -> None:
        """What arrives, and what the worker does."""
        for headers, body in self.arrived():
            Client(SERVER_NAME="127.0.0.1").post(
                f"/webhooks/{self.hook}/",
                body,
                content_type=headers["Content-Type"],
                headers={"Cint-Signature": headers["Cint-Signature"]},
            )
        send.settle_due(clock=timezone.now)
        create.settle_due(clock=timezone.now)
        launch.run_due_launches(clock=timezone.now)
        batch.run_due_steps(clock=timezone.now)
        if self.shift.ms() - self.told_at > TELL_EVERY * 1000:  # with alerts, which take longest
            self.told_at = self.shift.ms()
            tasks.settle_edits()
            tasks.evaluate_alerts()
            tasks.deliver_mail()
        if self.shift.ms() - self.pulled_at > PULL_EVERY * 1000:
            self.pulled_at = self.shift.ms()
            rounds.run_next_round(0, clock=timezone.now)

    def arrived(self) -> list[outside.Delivery]:
        """The deliveries that are not taken in yet, in the order of what they tell of."""
        until = time.monotonic() + 10
        while self.simulator.control("GET", "deliveries")["pending"]:
            if time.monotonic() > until:
                raise TimeoutError("a delivery does not arrive")
            time.sleep(0.002)
        letters = [self.letters.get() for _ in range(self.letters.qsize())]
        return sorted(letters, key=lambda letter: str(json.loads(letter[1])["id"]))

    # --- people ----------------------------------------------------------------------------

    def run(self, edits: int, *, phase: int = 40) -> None:
        """So many edits, then time enough for each to be settled."""
        self.simulator.keep_states()
        self.shift.jump(max(LAGS) + 1)  # what was made for the trial is old by then
        turn = 0
        while len(self.tries) < edits:
            if turn % phase == 0:
                self.change_manners()
            turn += 1
            self.one_turn()
            self.pass_time(self.chance.uniform(0.5, 5))
        self.simulator.clear_faults()
        for _ in range(80):
            if not self.open():
                break
            self.pass_time(5)
        self.simulator.end_lag()
        self.pass_time(60)

    def one_turn(self) -> None:
        """What somebody does next."""
        luck = self.chance.random()
        if luck < 0.12:
            outside.interfere(self.simulator, self.a_group("any"), self.chance)
            self.interfered += 1
        elif luck < 0.16:
            self.move()
        elif luck < 0.27:
            self.both()
        else:
            kind = self.a_kind()
            by = self.chance.choice(PEOPLE)
            if kind in kinds.BULK:
                self.act(kind, by)
            else:
                self.edit(kind, self.a_group(kind), by)

    def a_kind(self) -> str:
        """What is edited next."""
        return self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]

    def a_group(self, kind: str) -> dict[str, Any]:
        """A group on which that can be tried."""
        rows = self.simulator.groups()
        if kind == "draft":
            rows = [r for r in rows if r["status"] == "draft"]
        elif kind == "cpi":
            rows = [r for r in rows if r["pricing_model"] == "dynamic"]
        if kind != "draft":
            statuses = ("live", "paused", "scheduled") if kind != "any" else ("live", "paused")
            rows = [r for r in rows if r["status"] in statuses]
        return self.chance.choice(rows)

    def truth(self, group: str) -> dict[str, Any]:
        """What a group is set to, and the prices that it had before."""
        states = self.simulator.states(group)
        earlier = {state["settings"]["cpi"] for state in states[-4:]}
        return {**states[-1]["settings"], "earlier": sorted(earlier)}

    def move(self) -> None:
        """Somebody moves a group to another project."""
        row = self.a_group("any")
        others = {r["project_id"] for r in self.simulator.groups()} - {row["project_id"]}
        if others:
            to = self.chance.choice(sorted(others))
            self.simulator.force(row["id"], "move", project_id=to)
            self.moved += 1

    def both(self) -> None:
        """Both people open the same form, and send it one after the other."""
        kind = self.chance.choice(("cpi", "details", "draft", "draft", "goals", "dates"))
        row = self.a_group(kind)
        opened = [(by, self.open_form(kind, row["id"], by)) for by in PEOPLE]
        for by, form in opened:
            if form is not None:
                self.send_form(kind, row["id"], by, form)
            self.pass_time(self.chance.uniform(1, 20))

    def edit(self, kind: str, row: dict[str, Any], by: str) -> None:
        """One person opens a form, changes one field and sends it, now and then late."""
        form = self.open_form(kind, row["id"], by)
        if form is None:
            return
        if self.chance.random() < 0.3:
            self.pass_time(self.chance.uniform(2, 40))
        self.send_form(kind, row["id"], by, form)

    def _url(self, kind: str, group: str) -> str:
        pk = TargetGroup.objects.values_list("pk", flat=True).get(exchange_id=group)
        return f"/groups/{pk}/draft/" if kind == "draft" else f"/groups/{pk}/edit/{kind}/"

    def open_form(self, kind: str, group: str, by: str) -> PageForm | None:
        """The form of a setting as the person sees it; none where the page has none."""
        if not TargetGroup.objects.filter(exchange_id=group).exists():
            return None
        page = self.got(self.clients[by].get(self._url(kind, group)))
        form = form_with(page, "form")
        if form is None:
            self.note(kind, group, by, "no form", " ".join(complaints(page)))
        return form

    def got(self, response: Any) -> str:
        """The page, noted where it is a crash."""
        if response.status_code >= 500:
            why = getattr(response, "exc_info", None)
            self.crashes.append(f"{response.request['PATH_INFO']}: {why and why[1]!r}")
        return str(response.content.decode(errors="replace"))

    def note(self, kind: str, group: str, by: str, outcome: str, why: str = "") -> None:
        """Keep that something could not be sent."""
        nothing = kinds.Change("", "", (), None)
        self.tries.append(
            Try(
                len(self.tries), kind, group, nothing, by, self.shift.ms(), outcome=outcome, why=why
            )
        )

    def send_form(self, kind: str, group: str, by: str, form: PageForm) -> None:
        """Change one field and send the form, twice where a person clicks twice."""
        change = kinds.CHOOSE[kind](form, self.chance, self.truth(group))
        self.send_change(kind, group, by, form, change)

    def send_change(
        self,
        kind: str,
        group: str,
        by: str,
        form: PageForm,
        change: kinds.Change,
        *,
        again: bool = False,
    ) -> None:
        """Send a form with this change; after a conflict once more, as it is offered then."""
        attempt = Try(len(self.tries), kind, group, change, by, self.shift.ms(), again=again)
        self.tries.append(attempt)
        if not again:
            form.type(change.name, change.typed)
        last = Edit.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        page = self.send_until_taken(kind, group, by, form)
        own_edits = Edit.objects.filter(pk__gt=last, group__exchange_id=group, by__username=by)
        edit = own_edits.order_by("-pk").first()
        if edit is None:
            attempt.outcome, attempt.why = "not sent", " ".join(complaints(page))
            return
        attempt.edit = edit.pk
        if edit.state == Edit.State.CONFLICT and not again and self.chance.random() < 0.7:
            offered = form_with(page, "form")
            if offered is not None:
                self.pass_time(self.chance.uniform(1, 15))
                self.send_change(kind, group, by, offered, change, again=True)

    def send_until_taken(self, kind: str, group: str, by: str, form: PageForm) -> str:
        """Send a form; what it asks again is typed again, what it asks to agree to is ticked."""
        url = self._url(kind, group)
        page = ""
        for _ in range(3):
            for entry in form.fields:
                if entry.name.endswith("_again"):
                    entry.value = form.value(entry.name.removesuffix("_again"))
                if entry.name in ("quotas_anew", "switch_off"):
                    entry.checked = True
            for _ in range(2 if self.chance.random() < 0.15 else 1):
                body = urlencode(form.pairs())
                answer = self.clients[by].post(
                    url, body, content_type="application/x-www-form-urlencoded"
                )
            page = self.got(answer)
            offered = form_with(page, "form")
            asks = offered and any(
                entry.name.endswith("_again") or entry.name in ("quotas_anew", "switch_off")
                for entry in offered.fields
                if not form.has(entry.name) or entry.name.endswith("_again")
            )
            if answer.status_code != 200 or not offered or not asks:
                break
            form = offered
        return page

    def act(self, kind: str, by: str) -> None:
        """An action on one group or several at once."""
        action = {"bulk_cpi": "cpi", "bulk_end": "end"}.get(kind, kind)
        rows = [r for r in self.simulator.groups() if self._fits(action, r)]
        rows = self.chance.sample(rows, min(len(rows), self.chance.choice((1, 2, 4))))
        if not rows:
            return
        pks = TargetGroup.objects.filter(exchange_id__in=[r["id"] for r in rows])
        typed, changes = self._typed(action, rows)
        picks = [("pick", str(pk)) for pk in pks.values_list("pk", flat=True)]
        page = self._post_act(by, [("do", action), *picks, *typed.items()])
        form = form_with(page, "sealed")
        if form is None:
            for row in rows:
                self.note(kind, row["id"], by, "refused by the preview", " ".join(complaints(page)))
            return
        began = self.shift.ms()
        last = Batch.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self._post_act(by, [*form.pairs(), ("do", action)])
        batch = Batch.objects.filter(pk__gt=last).first()
        if batch is None:
            return
        for part in BatchGroup.objects.filter(job__batch=batch).select_related("group"):
            change = changes[part.group.exchange_id]
            self.tries.append(
                Try(
                    len(self.tries),
                    kind,
                    part.group.exchange_id,
                    change,
                    by,
                    began,
                    row=part.pk,
                    batch=batch.pk,
                )
            )

    def _post_act(self, by: str, pairs: list[tuple[str, str]]) -> str:
        body = urlencode(pairs)
        kind = "application/x-www-form-urlencoded"
        return self.got(self.clients[by].post("/act/", body, content_type=kind))

    def _fits(self, action: str, row: dict[str, Any]) -> bool:
        needs = {
            "pause": ("live",),
            "resume": ("paused",),
            "complete": ("live",),
        }.get(action, ("live", "paused"))
        priced = row["pricing_model"] == "dynamic" and row["currency_code"] == "USD"
        return row["status"] in needs and (action != "cpi" or priced)

    def _typed(
        self, action: str, rows: list[dict[str, Any]]
    ) -> tuple[dict[str, str], dict[str, kinds.Change]]:
        """What is typed into the preview, and what each group is to be then."""
        ids = [row["id"] for row in rows]
        if action == "manager":
            manager = self.chance.choice(ACCOUNTS[101].users).id
            holds = kinds.Change("", "", (), lambda now: now["project_manager_id"] == manager)
            return {"typed": "1", "manager": manager}, dict.fromkeys(ids, holds)
        if action == "end":
            hours = str(self.chance.randrange(1, 30))
            return {"typed": "1", "hours": hours}, dict.fromkeys(
                ids, kinds.Change("", "", ("end",), None)
            )
        if action == "cpi":
            value = f"{self.chance.randrange(2, 9)}.{self.chance.randrange(10, 99)}"
            change = kinds.Change("", "", ("cpi",), kinds.costs("cpi", value))
            typed = {"typed": "1", "how": "set", "unit": "USD", "value": value}
            return typed | {"value_again": value}, dict.fromkeys(ids, change)
        status = {"pause": "paused", "resume": "live", "complete": "completed"}[action]
        change = kinds.Change("", "", ("status",), lambda now: now["status"] == status)
        return {}, dict.fromkeys(ids, change)

    def open(self) -> list[Try]:
        """What is not settled yet."""
        return [
            attempt
            for attempt in self.tries
            if not attempt.outcome and not self.is_settled(attempt)
        ]

    def is_settled(self, attempt: Try) -> bool:
        """Whether the product says how it ended."""
        return self.end_of(attempt)[0] not in ("sending", "unknown", "waiting")

    def end_of(self, attempt: Try) -> tuple[str, int]:
        """How a try ended by the product's word, and when (ms; 0 where it has not)."""
        pk = attempt.edit
        if attempt.row is not None:
            row = BatchGroup.objects.select_related("job").get(pk=attempt.row)
            pk = row.edit_id
            if pk is None:
                at = row.job.finished_at
                state = {"done": "confirmed", "failed": "rejected"}.get(row.state, row.state)
                return state, _ms(at)
        edit = Edit.objects.get(pk=pk or 0)
        return edit.state, _ms(edit.settled_at)

    def edit_of(self, attempt: Try) -> Edit | None:
        """The product's row of a try."""
        pk = attempt.edit
        if attempt.row is not None:
            pk = BatchGroup.objects.get(pk=attempt.row).edit_id
        return Edit.objects.filter(pk=pk or 0).first()


def _ms(moment: Any) -> int:
    return int(moment.timestamp() * 1000) if moment else 0


@contextmanager
def waiting(shift: Shift) -> Iterator[None]:
    """Whoever waits between two looks at the exchange waits on the trial's clock."""
    defaults = send.send_edit.__kwdefaults__ or {}
    waits = "wait" in defaults
    real = defaults.get("wait")
    if waits:
        defaults["wait"] = shift.jump
    try:
        yield
    finally:
        if waits:
            defaults["wait"] = real


@contextmanager
def staged(seed: int, *, groups: int = 40, drafts: int = 10) -> Iterator[Trial]:
    """A trial that can begin: an exchange, a clock, and a product that has read everything."""
    shift = Shift()
    with (
        shift.installed(),
        waiting(shift),
        Simulator(
            projects=2,
            groups=groups,
            history_days=1,
            seed=seed,
            wall=shift.time,
            inspect=outside.objections,
        ) as simulator,
        outside.letterbox() as (url, letters),
    ):
        trial = Trial(seed, shift, simulator, letters, hook="trial")
        trial.prepare(drafts)
        trial.subscribe(url)
        yield trial
