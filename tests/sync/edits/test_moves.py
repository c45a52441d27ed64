"""A group that the exchange moves to another project keeps its row and all that hangs on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dashboard.alerts.incidents import acknowledge_and_mute
from dashboard.alerts.rules.settings import save_rule as edit_rule
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError, Forbidden, NotFound, NotOffered
from dashboard.exchange.shapes.groups import TargetGroupChangelogBatch
from dashboard.exchange.webhook_signature import sign_body
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.models import (
    Change,
    CompletesDay,
    Cycle,
    Edit,
    ExchangeAccount,
    Incident,
    Item,
    Mute,
    Note,
    Project,
    Reading,
    Rule,
    TargetGroup,
    User,
    Webhook,
)
from dashboard.simulator.harness import Simulator
from dashboard.sync import scheduling
from dashboard.sync.batches import transitions
from dashboard.sync.connections import clients
from dashboard.sync.edits import moves
from dashboard.sync.edits import send as push
from dashboard.sync.lookup import on_demand
from dashboard.sync.pull import rounds
from dashboard.sync.webhooks import delivery
from tests import factories
from tests.fakes.canned_exchange import Exchange, Reply, serving

pytestmark = pytest.mark.django_db
BY_ID = "get_target_group_overview_by_target_group_id"


@dataclass
class Field:
    """A connection to a simulated exchange whose two projects were read, and a clock for both."""

    simulator: Simulator
    account: ExchangeAccount
    editor: User
    now: datetime
    group: TargetGroup
    old: Project
    new: Project

    def clock(self) -> datetime:
        return self.now

    def wait(self, **parts: float) -> None:
        self.simulator.advance(**parts)
        self.now += timedelta(**parts)

    def move(self, to: Project | str) -> None:
        project = to.exchange_id if isinstance(to, Project) else to
        self.simulator.force(self.group.exchange_id, "move", project_id=project)

    def read(self, *projects: Project) -> list[Cycle]:
        """One round over each of these projects."""
        cycles = [rounds.project_round(each.pk, clock=self.clock, force=True) for each in projects]
        return [cycle for cycle in cycles if cycle]

    def read_lists(self) -> None:
        assert rounds.account_round(self.account.pk, clock=self.clock, force=True)

    @property
    def client(self) -> ExchangeClient:
        return clients.client_for(self.account)

    @property
    def stored(self) -> TargetGroup:
        rows = TargetGroup.objects.select_related("project", "account")
        return rows.get(exchange_id=self.group.exchange_id)

    def lag(self, *projects: Project) -> None:
        """From now on the lists of these projects are as they were read last."""
        for each in projects:
            self.simulator.fault(
                "stale", operation="get_list_target_groups", group=each.exchange_id
            )

    def present(self, kind: str) -> Any:
        """What a form shows of the group when it is opened."""
        return push.read_current_value(group=self.stored, kind=kind, clock=self.clock)

    def push(self, kind: str, seen: Any, wanted: Any) -> Edit:
        return push.send_edit(
            group=self.stored,
            kind=kind,
            seen=seen,
            wanted=wanted,
            by=self.editor,
            token=f"form-{Edit.objects.count()}",
            clock=self.clock,
        )


@pytest.fixture
def field(settings: Any) -> Iterator[Field]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with Simulator(projects=2, groups=6, history_days=1, speed=0) as simulator:
        account = factories.account(
            base_url=f"{simulator.base_url}/v1",
            requests_per_minute=0,
            read_at=None,
            first_pull_completed_at=None,
            health="new",
        )
        now = datetime.fromisoformat(simulator.control("GET", "clock")["now"])
        now += timedelta(seconds=1)
        rounds.account_round(account.pk, clock=lambda: now, force=True)
        simulator.fault("stale", operation="nothing")  # what is read from here on can come again
        for project in Project.objects.all():
            rounds.project_round(project.pk, clock=lambda: now, force=True)
        row = simulator.groups(status="live", pricing_model="dynamic")[0]
        group = TargetGroup.objects.select_related("project").get(exchange_id=row["id"])
        new = Project.objects.exclude(pk=group.project_id).get()
        editor = factories.person("editor", on=account)
        field = Field(simulator, account, editor, now, group, group.project, new)
        field.wait(minutes=10)
        yield field


def _the_new_list(field: Field) -> None:
    field.read(field.new)


def _both_lists(field: Field) -> None:
    field.read(field.old, field.new)


def _a_search(field: Field) -> None:
    account = field.account
    answer = on_demand.group_by_id(ulid=field.group.exchange_id, accounts=[account], now=field.now)
    assert answer.found


def _a_form(field: Field) -> None:
    assert field.present(Edit.Kind.CPI)


def _its_changelog(field: Field) -> None:
    new: dict[str, Any] = {
        "project_id": field.new.exchange_id,
        "target_group_id": field.group.exchange_id,
    }
    changes = field.client.get_target_group_changelog(**new).items
    assert moves.follow_changes(group=field.stored, changes=changes, client=field.client)


EVIDENCE: dict[str, Callable[[Field], None]] = {
    "the new project's list": _the_new_list,
    "both lists, the old one first": _both_lists,
    "a search by its id": _a_search,
    "a form that is opened": _a_form,
    "its changelog": _its_changelog,
}


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_a_moved_group_keeps_its_row_and_everything_that_hangs_on_it(
    field: Field, evidence: str
) -> None:
    group, account = field.group, field.account
    note = Note.objects.create(group=group, text="Ask for a boost", by=field.editor, at=field.now)
    key = f"{account.pk}:{field.old.pk}:{group.pk}:drop_off:0"
    incident = Incident.objects.create(
        account=account,
        project=field.old,
        group=group,
        rule="drop_off",
        key=key,
        state="firing",
        severity=2,
        sentence="Drop-off",
        breached_at=field.now,
    )
    mute = acknowledge_and_mute.mute_scope(
        account=account,
        project=field.old,
        group=group,
        by=field.editor,
        now=field.now,
        until=field.now + timedelta(days=1),
    )
    rule = edit_rule(
        account=account,
        code="epc",
        settings={"fires": 0.1, "clears": 0.2},
        enabled=True,
        by=field.editor,
        now=field.now,
        project=field.old,
        group=group,
    )
    edit = factories.edit(group)
    counts = {
        kind: kind._default_manager.filter(group=group).count()
        for kind in (CompletesDay, Reading, Change)
    }
    field.move(field.new)
    EVIDENCE[evidence](field)
    stored = field.stored
    assert (stored.pk, stored.project, stored.missing_since) == (group.pk, field.new, None)
    field.wait(minutes=1)
    field.read(field.new, field.old)
    stored = field.stored
    assert (stored.project, stored.missing_since, stored.error) == (field.new, None, "")
    incident.refresh_from_db()
    assert incident.project == field.new
    assert incident.key == f"{account.pk}:{field.new.pk}:{group.pk}:drop_off:0"
    assert Mute.objects.get(pk=mute.pk).project == field.new
    assert Rule.objects.get(pk=rule.pk).project == field.new
    assert (
        Note.objects.get(pk=note.pk).group_id == Edit.objects.get(pk=edit.pk).group_id == group.pk
    )
    for kind, count in counts.items():
        assert kind._default_manager.filter(group=group).count() >= count > 0 or kind is Change
    assert Change.objects.filter(group=group, kind="project_id_change").exists()
    assert TargetGroup.objects.filter(exchange_id=group.exchange_id).count() == 1


@pytest.mark.parametrize("evidence", ["the new project's list", "a form that is opened"])
def test_a_list_that_lags_does_not_take_a_moved_group_back(field: Field, evidence: str) -> None:
    field.lag(field.old)
    field.move(field.new)
    EVIDENCE[evidence](field)
    for _ in range(8):  # the old list goes on showing it for more than ten minutes
        field.read(field.old, field.new)
        assert (field.stored.project, field.stored.missing_since) == (field.new, None)
        field.wait(seconds=90)


def test_a_new_list_that_lags_does_not_lose_a_group_that_was_moved_there(field: Field) -> None:
    field.lag(field.new)
    field.move(field.new)
    EVIDENCE["a form that is opened"](field)
    for _ in range(3):
        field.read(field.new, field.old)
        assert (field.stored.project, field.stored.missing_since) == (field.new, None)
        field.wait(seconds=60)


def test_both_lists_and_the_overview_may_lag_and_the_group_moves_once(field: Field) -> None:
    field.lag(field.old, field.new)
    field.move(field.new)
    seen = []
    for turn in range(6):
        field.read(field.old, field.new)
        seen.append(field.stored.project)
        if turn == 2:
            field.simulator.clear_faults()
        field.wait(minutes=1)
    assert [each for each, before in zip(seen, [None, *seen], strict=False) if each != before] in (
        [field.old, field.new],
        [field.new],
    )
    assert (field.stored.project, field.stored.missing_since) == (field.new, None)


@pytest.mark.parametrize("minutes", [1, 30])
def test_a_group_that_is_moved_back_comes_back(field: Field, minutes: int) -> None:
    field.move(field.new)
    field.read(field.new)
    field.wait(minutes=minutes)
    field.move(field.old)
    field.wait(minutes=1)
    field.read(field.old, field.new)
    assert (field.stored.project, field.stored.missing_since) == (field.old, None)


def test_older_evidence_counts_for_nothing(field: Field) -> None:
    def place(project: Project, minutes: float, *, exact: bool = False) -> Project:
        at = field.now + timedelta(minutes=minutes)
        is_there = moves.move_group(
            group=field.stored, project_exchange_id=project.exchange_id, evidence_at=at, exact=exact
        )
        assert is_there is (field.stored.project == project)
        return field.stored.project

    assert place(field.new, 0, exact=True) == field.new
    assert place(field.old, -1, exact=True) == field.new  # an older move
    assert place(field.old, 0, exact=True) == field.new  # the same moment
    assert place(field.old, 3) == field.new  # a reading that may lag behind the move
    assert place(field.old, 6) == field.old  # one that cannot
    assert place(field.new, 5, exact=True) == field.old
    assert place(field.new, 7, exact=True) == field.new


def _next(kind: str, seen: Any) -> Any:
    """Another value of this kind that the exchange takes."""
    if kind == Edit.Kind.CPI:
        return seen | {"value": format(Decimal(seen["value"]) + Decimal("0.11"), "f")}
    if kind == Edit.Kind.FILLING_STRATEGY:
        return "completes" if seen != "completes" else "automated"
    if kind == Edit.Kind.DETAILS:
        return seen | {"name": f"{seen['name']} moved"}
    if kind == Edit.Kind.DATES:
        end = datetime.fromisoformat(seen["end_fielding_at"]) + timedelta(days=1)
        return seen | {"end_fielding_at": end.isoformat(timespec="milliseconds")[:-6] + "Z"}
    if kind == Edit.Kind.RE_ENTRY:
        side = seen["completes"]["client_side"]
        turned = not side["allow_for_other_target_groups"]
        return seen | {
            "completes": {"client_side": side | {"allow_for_other_target_groups": turned}}
        }
    return (
        {}
        if any(seen.values())
        else {"quota_overlay": {"prevent_overfill": True, "balance_fill": False}}
    )


KINDS = ("cpi", "filling_strategy", "details", "dates", "re_entry", "assistant")


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_a_group_that_moved_is_sent_once_under_its_new_project(
    field: Field, kind: str
) -> None:
    seen = field.present(kind)
    field.move(field.new)
    edit = field.push(kind, seen, _next(kind, seen))
    assert (edit.state, edit.reasons) == ("confirmed", [])
    assert field.stored.project == field.new
    sent = field.simulator.edits(field.group.exchange_id)
    assert [(each["status"] < 300, field.new.exchange_id in each["path"]) for each in sent] == [
        (True, True)
    ]


def test_a_change_whose_group_moves_between_reading_and_sending_is_sent_under_the_new_one(
    field: Field,
) -> None:
    seen = field.present("cpi")
    field.move(field.new)
    field.simulator.fault(
        "stale", operation="get_target_group_overview", group=field.old.exchange_id
    )
    edit = field.push("cpi", seen, _next("cpi", seen))
    assert edit.state == "confirmed"
    sent = field.simulator.edits(field.group.exchange_id)
    taken = [field.new.exchange_id in each["path"] for each in sent if each["status"] < 300]
    assert taken == [True]


def test_what_may_be_done_with_a_group_that_moved_is_asked_under_its_new_project(
    field: Field,
) -> None:
    field.move(field.new)
    group = field.stored
    assert transitions.refusals_by_group(action="pause", groups=[group], now=field.now) == {}
    assert group.project == field.stored.project == field.new  # the job is asked for there


def test_a_group_that_moved_to_a_project_that_is_not_known_yet_is_found_there(field: Field) -> None:
    ref = field.client.create_project(
        project=_info(field), idempotency_key="00000000-0000-4000-8000-000000000001"
    )
    field.move(ref.id)
    assert field.present("cpi")
    project = field.stored.project
    assert (project.exchange_id, project.account) == (ref.id, field.account)
    assert project.due_at is not None
    field.read_lists()
    field.read(project, field.old)
    assert (field.stored.project.name, field.stored.missing_since) == ("A project of later", None)


def _info(field: Field) -> Any:
    from dashboard.exchange.shapes.projects import ProjectInfo  # noqa: PLC0415

    manager = field.client.get_account_users().items[0].id
    return ProjectInfo(name="A project of later", project_manager_id=manager)


def test_a_group_that_moved_to_another_account_is_gone_from_here(field: Field) -> None:
    other_project = field.simulator.groups(account_id=102)[0]["project_id"]
    field.move(other_project)
    with pytest.raises(NotFound, match="belongs to another account"):
        field.present("cpi")
    assert field.stored.missing_since is not None
    assert not Project.objects.filter(exchange_id=other_project).exists()
    field.read(field.old, field.new)
    assert (field.stored.project, field.stored.missing_since is None) == (field.old, False)


def test_where_the_overview_may_not_be_asked_the_two_lists_decide(field: Field) -> None:
    field.simulator.fault("http_403", operation=BY_ID)
    field.move(field.new)
    field.read(field.old, field.new)
    assert (field.stored.project, field.stored.missing_since) == (field.new, None)


def test_a_draft_that_moved_is_in_its_new_project(field: Field) -> None:
    draft = field.simulator.groups(status="draft", project_id=field.old.exchange_id)
    assert draft, "the field has no draft"
    field.group = TargetGroup.objects.get(exchange_id=draft[0]["id"])
    field.move(field.new)
    field.read(field.old, field.new)
    assert (field.stored.project, field.stored.missing_since) == (field.new, None)


def test_a_draft_that_moved_is_found_however_late_its_new_project_is_read(field: Field) -> None:
    draft = field.simulator.groups(status="draft", project_id=field.old.exchange_id)
    field.group = TargetGroup.objects.get(exchange_id=draft[0]["id"])
    field.move(field.new)
    for _ in range(2):
        field.wait(minutes=30)
        field.read(field.old)
    assert TargetGroup.objects.filter(pk=field.group.pk, missing_since__isnull=False).exists()
    field.read(field.new)
    assert (field.stored.project, field.stored.missing_since) == (field.new, None)


def test_a_group_that_is_not_known_anywhere_is_asked_for_once_and_stays_unknown(
    field: Field,
) -> None:
    field.simulator.fault("http_404", operation="get_target_group_overview")
    field.simulator.fault("http_404", operation=BY_ID)
    with pytest.raises(NotFound):
        field.present("cpi")
    assert (field.stored.project, field.stored.missing_since) == (field.old, None)
    assert field.simulator.requests()[BY_ID] == 1


def test_an_event_that_names_another_project_makes_both_due(field: Field) -> None:
    hook = Webhook.objects.create(account=field.account, key="k", url="u", secret="s")
    Project.objects.update(due_at=None)
    data = {"target_group_id": field.group.exchange_id, "project_id": field.new.exchange_id}
    body = json.dumps({"id": "one", "type": delivery.CHANGED, "data": data}).encode()
    at = int(field.now.timestamp())
    header = f"t={at},v1={sign_body('s', body, at)}"
    assert (
        delivery.accept_delivery(webhook=hook, header=header, body=body, now=field.now).status
        == 204
    )
    assert not Project.objects.filter(due_at=None).exists()


def test_what_was_read_before_a_move_is_not_written_over_it(field: Field) -> None:
    """The move comes while a round of the old project is under way."""
    completes = field.simulator.groups(id=field.group.exchange_id)[0]["completes"]
    field.lag(field.old)
    field.move(field.new)
    field.read(field.new)
    before = field.stored
    field.read(field.old)
    after = field.stored
    assert (after.project, after.row_hash, after.completes) == (
        before.project,
        before.row_hash,
        completes,
    )


NOW, SECOND = factories.NOW, timedelta(seconds=1)
LAG = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("moved_at", "read_at", "evidence_at", "by_reading", "by_changelog"),
    [
        (None, None, NOW, False, False),  # nothing is known of its place
        (None, NOW, NOW - LAG, False, True),
        (None, NOW, NOW - LAG + SECOND, False, False),
        (NOW, None, NOW - SECOND, True, True),
        (NOW, None, NOW, True, True),
        (NOW, None, NOW + SECOND, True, False),
        (NOW, None, NOW + LAG, True, False),
        (NOW, None, NOW + LAG + SECOND, False, False),
        (NOW, NOW + LAG * 9, NOW + SECOND, True, False),  # the move is what counts
    ],
)
def test_a_reading_is_outdated_for_the_lag_after_a_move_and_a_changelog_until_the_move(
    moved_at: datetime | None,
    read_at: datetime | None,
    evidence_at: datetime,
    by_reading: bool,
    by_changelog: bool,
) -> None:
    group = TargetGroup(moved_at=moved_at, project=Project(read_at=read_at))
    assert moves.is_outdated(group, evidence_at) is by_reading
    assert moves.is_outdated(group, evidence_at, exact=True) is by_changelog


def test_the_newest_move_counts_whatever_the_order_and_the_other_changes() -> None:
    def batch(minutes: int, **change: object) -> TargetGroupChangelogBatch:
        at = (NOW + minutes * timedelta(minutes=1)).isoformat()
        body = {"occurred_at": at, "changes": [change]}
        return msgspec.convert(body, TargetGroupChangelogBatch)

    old = batch(1, object=ChangelogKind.PROJECT_ID, new_value="z-first")
    new = batch(2, object=ChangelogKind.PROJECT_ID, new_value=7)
    other = batch(3, object=ChangelogKind.CPI, new_value="2.00")
    gone = batch(4, object=ChangelogKind.PROJECT_ID, new_value=None)
    newest = ("7", NOW + timedelta(minutes=2))
    assert moves.newest_move([old, new, other, gone]) == newest
    assert moves.newest_move([gone, new, old, other]) == newest
    assert moves.newest_move([old]) == ("z-first", NOW + timedelta(minutes=1))
    assert moves.newest_move([other, gone]) is None


PLACE = {
    "account_id": 101,
    "project_name": "Its new project",
    "status": "live",
    "progress": dict.fromkeys(("current_completes", "current_prescreens", "filling_goal"), 0),
}


@dataclass
class Placing(Exchange):
    """An exchange that says where one group is, or refuses to."""

    place: Reply = (404, {"object": "not_found_error", "detail": "none"})

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        self.log.append((method, path))
        return self.place

    def says(self, project: str, **fields: Any) -> None:
        self.place = (200, PLACE | {"project_id": project} | fields)


@pytest.fixture
def placing(settings: Any) -> Iterator[Placing]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with serving(Placing()) as exchange:
        yield exchange


@pytest.fixture
def here(placing: Placing) -> TargetGroup:
    """A group of a project that is not due, on a connection that is not due."""
    account = factories.account(base_url=placing.url, requests_per_minute=0, due_at=None)
    return factories.group(factories.project(account, due_at=None), row_hash=b"x")


def moved_batch(project: object, at: datetime = NOW) -> TargetGroupChangelogBatch:
    change = {"object": ChangelogKind.PROJECT_ID, "new_value": project}
    body = {"occurred_at": at.isoformat(), "changes": [change]}
    return msgspec.convert(body, TargetGroupChangelogBatch)


def stored_place(group: TargetGroup) -> tuple[str, datetime | None, datetime | None]:
    row = TargetGroup.objects.select_related("project").get(pk=group.pk)
    return row.project.exchange_id, row.moved_at, row.missing_since


def test_a_move_into_an_unknown_project_creates_it_and_makes_it_and_the_account_due(
    placing: Placing, here: TargetGroup
) -> None:
    old, client = here.project, clients.client_for(here.account)
    here.missing_since = NOW - SECOND
    here.save()
    placing.says("new")
    place = moves.follow_group(group=here, client=client, clock=lambda: NOW)
    assert place == moves.Place("101", "new", "Its new project", NOW)
    assert stored_place(here) == ("new", NOW, None)
    row = TargetGroup.objects.get(pk=here.pk)
    assert (bytes(row.row_hash), row.changed_at) == (b"", NOW)
    new = here.project
    new.refresh_from_db()
    old.refresh_from_db()
    assert (new.name, new.status, new.version, new.due_at) == ("Its new project", "", 1, NOW)
    assert (old.version, old.due_at, new.urgency, old.urgency) == (
        *(1, None),
        *(scheduling.LOOKED_AT, Project().urgency),
    )
    here.account.refresh_from_db()
    assert here.account.due_at == NOW
    assert moves.follow_group(group=here, client=client, clock=lambda: NOW) is None
    ExchangeAccount.objects.update(due_at=None)
    placing.says(old.exchange_id, project_name=None)
    late = NOW + LAG + SECOND
    assert moves.follow_group(group=here, client=client, clock=lambda: late)
    assert stored_place(here) == (old.exchange_id, late, None)
    here.account.refresh_from_db()
    assert here.account.due_at is None  # it knew that project
    placing.says("third", project_name=None)
    assert moves.follow_group(group=here, client=client, clock=lambda: late + 2 * LAG)
    assert here.project.name == "third"


def test_a_group_of_another_account_is_marked_as_missing_once(
    placing: Placing, here: TargetGroup
) -> None:
    client = clients.client_for(here.account)
    placing.says("theirs", account_id=102)
    for minutes in (0, 1):
        at = NOW + timedelta(minutes=minutes)
        place = moves.follow_group(group=here, client=client, clock=lambda at=at: at)  # type: ignore[misc]
        assert place is not None
        assert (place.account_id, place.asked_at) == ("102", at)
        assert stored_place(here) == (here.project.exchange_id, None, NOW)
        here.project.refresh_from_db()
        assert here.project.version == 1
    assert not Project.objects.filter(exchange_id="theirs").exists()


def test_a_changelog_moves_a_group_to_a_known_project_without_asking(
    placing: Placing, here: TargetGroup
) -> None:
    client, other = clients.client_for(here.account), factories.project(here.account)
    elsewhere = factories.project(factories.account(), exchange_id="known elsewhere")

    def follow(project: object, at: datetime = NOW) -> bool:
        changes = [moved_batch(project, at)]
        return moves.follow_changes(group=here, changes=changes, client=client)

    assert not moves.follow_changes(group=here, changes=[], client=client)
    assert not follow(here.project.exchange_id)
    assert not follow(other.exchange_id, NOW - LAG)  # before its project was read
    assert placing.log == []
    assert not follow(elsewhere.exchange_id)  # the exchange does not say where it is
    assert len(placing.log) == 1
    placing.says("another")
    assert not follow(elsewhere.exchange_id)
    assert stored_place(here) == (here.project.exchange_id, None, None)
    placing.log.clear()
    assert follow(other.exchange_id)
    assert (stored_place(here), placing.log) == ((other.exchange_id, NOW, None), [])
    placing.says("new")
    assert follow("new", NOW + SECOND)
    assert (here.project.name, stored_place(here)[0]) == ("new", "new")


def test_a_changelog_that_names_another_accounts_project_marks_the_group_as_missing(
    placing: Placing, here: TargetGroup
) -> None:
    placing.says("theirs", account_id=102)
    changes = [moved_batch("theirs", NOW)]
    client = clients.client_for(here.account)
    assert moves.follow_changes(group=here, changes=changes, client=client)
    project, moved_at, missing_since = stored_place(here)
    assert (project, moved_at) == (here.project.exchange_id, None)
    assert missing_since is not None


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (NotFound(status=404), 1),
        (NotOffered(status=404), 1),
        (NotOffered(status=405), 0),
        (Forbidden(status=403), 0),
    ],
)
def test_only_a_request_that_was_not_found_is_repeated_in_the_new_project(
    placing: Placing, here: TargetGroup, error: ExchangeError, asked: int
) -> None:
    client, old = clients.client_for(here.account), here.project.exchange_id
    tried: list[str] = []

    def ask(ids: dict[str, str]) -> str:
        tried.append(ids["project_id"])
        if len(tried) % 2:
            raise error
        return ids["target_group_id"]

    placing.says(old)
    with pytest.raises(type(error)):
        moves.at_its_project(group=here, client=client, ask=ask)
    assert (tried, len(placing.log)) == ([old], asked)
    tried.clear()
    placing.says("new")
    if asked:
        assert moves.at_its_project(group=here, client=client, ask=ask) == here.exchange_id
        assert tried == [old, "new"]


def test_a_move_takes_incidents_items_mutes_and_rules_of_the_group_alone(
    placing: Placing, here: TargetGroup
) -> None:
    old, new = here.project, factories.project(here.account)
    other = factories.group(old)
    prefix = f"{here.account_id}:{old.pk}:"

    def incident(group: TargetGroup, key: str) -> Incident:
        given: dict[str, Any] = {"rule": "drop_off", "state": "closed", "severity": 2}
        return Incident.objects.create(
            account=here.account,
            project=old,
            group=group,
            key=key,
            sentence="x",
            breached_at=NOW,
            **given,
        )

    keys = (f"{prefix}{here.pk}:a", f"9{prefix}b", f"{prefix}{prefix}")
    incidents = [incident(here, key) for key in keys]
    theirs = incident(other, f"{prefix}{other.pk}:c")
    items = [factories.item(here), factories.item(other)]
    assert moves.move_group(group=here, project_exchange_id=new.exchange_id, evidence_at=NOW)
    after = f"{here.account_id}:{new.pk}:"
    moved = Incident.objects.filter(project=new).order_by("pk").values_list("pk", "key")
    expected = (f"{after}{here.pk}:a", f"9{prefix}b", f"{after}{prefix}")
    assert list(moved) == [(row.pk, key) for row, key in zip(incidents, expected, strict=True)]
    theirs.refresh_from_db()
    assert (theirs.project, theirs.key) == (old, f"{prefix}{other.pk}:c")
    assert [Item.objects.get(pk=item.pk).project for item in items] == [new, old]
