"""A target group, its project, its fielding run and the log of its changes."""

from dataclasses import dataclass, field
from decimal import Decimal

from dashboard.simulator.catalogue.arrivals import Arrivals
from dashboard.simulator.catalogue.places import LOCALES, SimulatedLocale
from dashboard.simulator.catalogue.price_response import PriceResponse
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.series import Stretch, Tally


@dataclass(slots=True)
class Actor:
    """Who changed something: a person, or one of the exchange's two automatons."""

    type: str
    user_id: str | None = None

    def shown(self) -> Json:
        """The actor as the changelog shows it."""
        return {"type": self.type} | ({"las_user_id": self.user_id} if self.user_id else {})


MARKETPLACE = Actor("system_marketplace_user")
SYSTEM = Actor("system_user")


@dataclass(slots=True)
class ChangelogBatch:
    """Changes of one moment; `changes` as the changelog shows them."""

    id: str
    at: int
    actor: Actor
    changes: list[Json]


@dataclass(slots=True)
class Run:
    """A fielding run; times in milliseconds."""

    id: str
    start: int
    end: int
    status: str
    changed_at: int
    changed_by: str
    version: int = 1


@dataclass(slots=True)
class GroupTraits:
    """How respondents respond to a group: what a draw needs apart from the hour."""

    seed: int
    entrants_an_hour: float
    market_cpi: Decimal
    qualify: float
    incidence: float
    drop: float
    loi_seconds: int
    response: PriceResponse
    launch_cpi: Decimal | None = None  # its price when it was first live
    overrun: int = 0
    phases: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lively: bool = False  # people come as in real fieldwork, not evenly
    arrivals: Arrivals | None = None
    troubles: bool = True
    colleague: bool = False
    paced: bool = False  # more people would come than are let in: it fills evenly until its end


@dataclass(slots=True)
class Trouble:
    """Something that goes wrong for a while; the kind is a key of `rules.TROUBLES`."""

    kind: str
    since: int


@dataclass(slots=True)
class LifePlan:
    """Something that is to happen to a group at its time; plans of a moment keep their order."""

    at: int
    order: int
    kind: str
    details: Json


@dataclass(slots=True)
class SimulatedGroup:
    """A target group with everything that the exchange knows about it."""

    id: str
    human_id: str
    account_id: int
    project_id: str
    name: str
    status: str
    created_at: int
    updated_at: int
    locale_code: str
    business_unit_id: int
    project_manager_id: str
    currency: str
    pricing_model: str
    cpi: Decimal
    filling_goal: int
    filling_strategy: str
    loi_minutes: int
    incidence_rate: float
    temper: GroupTraits
    study_type_code: str = "adhoc"
    industry_code: str = "other"
    lockout_code: str = "other"
    collects_pii: bool = False
    client_id: int | None = None
    live_url: str | None = None
    test_url: str | None = None
    reference: str | None = None
    cpi_note: Decimal | None = None
    exclusion: Json = field(default_factory=lambda: {"enabled": False, "list": []})
    activity_exclusions: list[Json] = field(default_factory=list)
    planned: tuple[int, int] = (0, 0)
    assistant: Json = field(default_factory=dict)
    assistant_version: int = 1
    profiling: Json | None = None
    profiles: list[Json] = field(default_factory=list)
    allocations: Json = field(default_factory=dict)
    re_entry: Json = field(default_factory=dict)
    links_total: int = 0  # one-time survey links that were uploaded; 0: it does without
    run: Run | None = None
    tally: Tally = field(default_factory=Tally)
    stretch: Stretch | None = None
    until: int = 0
    plans: list[LifePlan] = field(default_factory=list)
    plans_made: int = 0
    trouble: Trouble | None = None
    live_since: int = 0
    live_days: int = 0
    first_live: int | None = None
    changelog: list[ChangelogBatch] = field(default_factory=list)
    hidden: bool = False
    version: int = 1

    @property
    def locale(self) -> SimulatedLocale:
        return LOCALES[self.locale_code]

    def plan(self, at: int, act: str, /, **details: object) -> None:
        """Have something happen at a time; the plan's kind is a key of `rules.ACTS`."""
        self.plans_made += 1
        self.plans.append(LifePlan(at, self.plans_made, act, dict(details)))
        self.plans.sort(key=lambda p: (-p.at, -p.order))


@dataclass(slots=True)
class SimulatedProject:
    """A project and its groups in the order of their making."""

    id: str
    human_id: str
    account_id: int
    name: str
    project_manager_id: str
    created_at: int
    reference: str | None = None
    version: int = 1
    groups: list[SimulatedGroup] = field(default_factory=list)
