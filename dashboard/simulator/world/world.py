"""The world of one simulated exchange: projects, groups, jobs and webhooks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from dashboard.simulator.catalogue.clock import SimulatedClock
from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.catalogue.seeded_random import ulid_at
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world import seed as genesis
from dashboard.simulator.world.group import SimulatedGroup, SimulatedProject
from dashboard.simulator.world.messages import SimulatedAnswer, not_found
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.scenarios import SeedOptions


@dataclass(frozen=True, slots=True)
class WorldOrigin:
    """Everything that determines a world, apart from later changes; kind: see `SeedOptions`."""

    seed: int = 1
    projects: int = 4
    groups: int = 100
    history_days: float = 14
    at: int = 0
    kind: str = "troubled"


@dataclass(slots=True)
class Job:
    """Work that takes time: its effect on each group happens when it is due."""

    id: str
    kind: str
    created_at: int
    created_by: str
    due: int
    target_ids: list[str]
    run: Callable[["World", "Job"], None]
    status: str = "Processing"
    updated: list[str] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    extra: Json = field(default_factory=dict)


@dataclass(slots=True)
class SimulatedWebhook:
    """A subscription of an account; the secret signs deliveries as text."""

    id: str
    account_id: int
    url: str
    events: list[str]
    secret: str
    created_at: int
    updated_at: int
    version: int = 1
    history: list[Json] = field(default_factory=list)


class World:
    """Projects, groups, jobs and webhooks of one exchange, on one clock."""

    def __init__(self, origin: WorldOrigin, clock: SimulatedClock) -> None:
        self.origin, self.clock = origin, clock
        self.projects: dict[str, SimulatedProject] = {}
        self.groups: dict[str, SimulatedGroup] = {}
        self.jobs: dict[str, Job] = {}
        self.webhooks: dict[str, SimulatedWebhook] = {}
        self.remembered: dict[tuple[str, str], SimulatedAnswer] = {}
        self.edits: list[Json] = []
        self.requests: Counter[str] = Counter()
        self.re_entry_status = 200
        self.unique_codes_status = 200
        self.what_if_status = 200
        self.reconciliation_status = 200
        self.violations: list[Json] = []
        self.cpi_digits: int | None = None
        self.ids_created = 0
        self.rows: dict[str, tuple[object, msgspec.Raw]] = {}
        self.populate()

    def populate(self) -> None:
        """Create the projects and groups of the origin."""
        origin = self.origin
        options = SeedOptions(
            origin.seed, origin.groups, origin.at, origin.history_days, origin.kind
        )
        for project in genesis.populate_world(options, projects=origin.projects):
            self.projects[project.id] = project
            self.groups.update((group.id, group) for group in project.groups)

    def as_held(self, amount: Decimal) -> Decimal:
        """Return a price as this exchange stores it: rounded to `cpi_digits`, if set."""
        if self.cpi_digits is None:
            return amount
        return amount.quantize(Decimal(1).scaleb(-self.cpi_digits), ROUND_HALF_UP)

    def new_id(self, at: int) -> str:
        """A fresh ULID; the same after a restart that repeats what was done."""
        self.ids_created += 1
        return ulid_at(at, self.origin.seed, "made", self.ids_created)

    def catch_up(self, now: int) -> None:
        """Finish the jobs that are due, in their order, before anything else happens."""
        due = [j for j in self.jobs.values() if j.status == "Processing" and j.due <= now]
        for job in sorted(due, key=lambda j: j.due):
            job.run(self, job)

    def settle(self, now: int) -> None:
        """Live through everything up to now, in every group."""
        self.catch_up(now)
        for group in self.groups.values():
            if group.until <= now:
                settle_group(group, now)

    def projects_of(self, account_id: int) -> list[SimulatedProject]:
        """The account's projects, newest first."""
        projects = [p for p in self.projects.values() if p.account_id == account_id]
        return sorted(projects, key=lambda p: p.id, reverse=True)

    def project(self, params: dict[str, str]) -> SimulatedProject:
        """The project of a path; 404 if the account has none with this id."""
        project = self.projects.get(params["project_id"])
        if project is None or str(project.account_id) != params["account_id"]:
            raise not_found("the project")
        return project

    def group(self, params: dict[str, str]) -> SimulatedGroup:
        """The target group of a path; 404 unless account and project are its own."""
        group = self.groups.get(params["target_group_id"])
        if (
            group is None
            or str(group.account_id) != params["account_id"]
            or group.project_id != params["project_id"]
        ):
            raise not_found("the target group")
        return group

    def launched(self, params: dict[str, str]) -> SimulatedGroup:
        """The target group of a path; 404 while it is a draft."""
        group = self.group(params)
        if group.status == "draft":
            raise not_found("the launched target group")
        return group


def known_account(account_id: str) -> bool:
    """Whether a path's account exists here."""
    return account_id.isascii() and account_id.isdigit() and int(account_id) in ACCOUNTS
