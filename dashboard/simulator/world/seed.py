"""A world with a past: projects and groups as they might stand in a buyer's account today."""

from decimal import Decimal
from random import Random
from typing import NamedTuple

from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.catalogue.money import in_currency
from dashboard.simulator.catalogue.people import ACCOUNTS, SimulatedBusinessUnit
from dashboard.simulator.catalogue.places import CLIENTS, INDUSTRIES, LOCALES, SimulatedLocale
from dashboard.simulator.catalogue.price_response import draw_price_response
from dashboard.simulator.catalogue.rate_cards import card_price
from dashboard.simulator.catalogue.seeded_random import human_id, seed_of, ulid_at
from dashboard.simulator.world import scenarios, team
from dashboard.simulator.world.group import GroupTraits, SimulatedGroup, SimulatedProject
from dashboard.simulator.world.respondents import draw_next, settle_group
from dashboard.simulator.world.rules import upload_links

_THEMES = (
    "Brand Tracker",
    "Concept Test",
    "U&A",
    "Ad Effectiveness",
    "Pricing Study",
    "Customer Satisfaction",
    "Packaging Test",
    "Segmentation",
)
_AUDIENCES = (
    "GenPop 18-65",
    "Women 25-44",
    "Men 18-34",
    "Parents of under-12s",
    "Car owners",
    "Main shoppers",
    "Streaming subscribers",
    "Homeowners 35+",
    "Smartphone intenders",
    "Business decision makers",
    "Frequent flyers",
    "Coffee drinkers",
)
Range = tuple[float, float]


class Bidding(NamedTuple):
    """How well groups are bid: what their goals are, and each true figure as a range of the bid."""

    goals: tuple[int, ...]
    strategies: tuple[str, ...]
    incidences: tuple[float, ...]
    market: Range
    cpi: Range
    incidence: Range
    loi: Range
    qualify: Range
    drop: Range


class Market(NamedTuple):
    """Where a group looks for people, and in which currency it pays them."""

    world_seed: int
    place: SimulatedLocale
    audience: str
    currency: str


class Setup(NamedTuple):
    """For which client a group is set up, where, how well it is bid, and in which world."""

    client_id: int
    place: SimulatedLocale
    bidding: Bidding
    world_seed: int


_ROUGH = Bidding(
    goals=(80, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1500),
    strategies=("completes", "completes", "automated", "prescreens"),
    incidences=(0.15, 0.25, 0.35, 0.5, 0.5, 0.65, 0.75, 0.8, 0.9),
    market=(0.85, 1.2),
    cpi=(0.85, 1.2),
    incidence=(0.75, 1.15),
    loi=(0.75, 1.2),
    qualify=(0.08, 0.3),
    drop=(0.04, 0.2),
)
_CAREFUL = Bidding(
    goals=(150, 200, 250, 300, 400, 500, 600, 800, 1000),
    strategies=("completes", "completes", "automated", "completes"),
    incidences=(0.35, 0.5, 0.5, 0.65, 0.75, 0.8, 0.9),
    market=(0.95, 1.1),
    cpi=(1.0, 1.08),
    incidence=(0.97, 1.12),
    loi=(0.85, 1.0),
    qualify=(0.25, 0.4),
    drop=(0.04, 0.12),
)


_WITH_LINKS, _ENOUGH = 9, 3.0  # every ninth group has survey links, three times what it needs


def populate_world(options: scenarios.SeedOptions, *, projects: int) -> list[SimulatedProject]:
    """All projects at the origin, with their days of history behind them."""
    sizes = [options.groups] * projects
    if options.kind != "troubled":
        sizes = team.project_sizes(projects, options.groups)
    created = []
    for number, size in enumerate(sizes):
        created.append(
            _project(options._replace(groups=size), 101, number, before=sum(sizes[:number]))
        )
    created.append(_project(options._replace(groups=min(options.groups, 3)), 102, 0))
    return created


def _project(
    options: scenarios.SeedOptions, account_id: int, number: int, *, before: int = 0
) -> SimulatedProject:
    """A project with its groups; before: how many groups other projects of the account have."""
    seed, origin = options.seed, options.origin
    chance = Random(seed_of(seed, account_id, number))
    account = ACCOUNTS[account_id]
    created = origin - int(options.days * DAY) - chance.randrange(2, 9) * DAY
    client = chance.choice(CLIENTS)
    project = SimulatedProject(
        id=ulid_at(created, seed, account_id, number),
        human_id=human_id(6, seed, account_id, number),
        account_id=account_id,
        name=f"{client[1]} {_THEMES[number % len(_THEMES)]} {2026 if number % 2 else 'Q4'}",
        project_manager_id=chance.choice(account.users).id,
        created_at=created,
        reference=f"PO-{chance.randrange(10_000, 99_999)}" if number % 3 != 2 else None,
    )
    unit = account.business_units[number % len(account.business_units)]
    bidding, places = _ROUGH, tuple(LOCALES.values())
    if options.kind != "troubled":
        manager = account.users[team.manager_of(number) % len(account.users)]
        project.project_manager_id = manager.id
        bidding, places = _CAREFUL, tuple(chance.sample(places, 4))
    for index in range(options.groups):
        place = chance.choice(places)
        setup = Setup(client[0], place, bidding, seed)
        group = _group(chance, project, unit, index, setup)
        if options.kind == "troubled":
            scenarios.plan_scenario(group, chance, options, index=index, number=number)
        else:
            team.plan_life(group, chance, options, index=index, turn=before + index)
        if index % _WITH_LINKS == 4:
            upload_links(group, spare=_ENOUGH)
        group.until = group.created_at
        draw_next(group, group.created_at)
        settle_group(group, origin)
        project.groups.append(group)
    return project


def _group(
    chance: Random,
    project: SimulatedProject,
    unit: SimulatedBusinessUnit,
    index: int,
    setup: Setup,
) -> SimulatedGroup:
    """A group as its manager set it up."""
    client_id, place, bidding, world_seed = setup
    audience = chance.choice(_AUDIENCES)
    created = project.created_at + chance.randrange(HOUR, DAY)
    rate_card = "rate_card" in unit.pricing_models and index % 8 == 5
    loi = chance.choice((5, 8, 10, 10, 12, 15, 15, 18, 20, 25, 30))
    incidence = chance.choice(bidding.incidences)
    market = Market(world_seed, place, audience, unit.currency)
    temper, cpi = _temper(chance, market, (loi, incidence), bidding)
    if rate_card:
        cpi = card_price(unit.currency, place.country, loi_minutes=loi, incidence_rate=incidence)
    group_id = ulid_at(created, project.id, index)
    survey = f"https://surveys.example.com/s/{seed_of(group_id) % 10_000_000}"
    group = SimulatedGroup(
        id=group_id,
        human_id=human_id(7, project.id, index),
        account_id=project.account_id,
        project_id=project.id,
        name=f"{place.country.upper()} {audience} - {place.language_name} W{1 + index % 4}",
        status="draft",
        created_at=created,
        updated_at=created,
        locale_code=place.code,
        business_unit_id=unit.id,
        project_manager_id=project.project_manager_id,
        currency=unit.currency,
        pricing_model="rate_card" if rate_card else "dynamic",
        cpi=cpi,
        filling_goal=chance.choice(bidding.goals),
        filling_strategy=chance.choice(bidding.strategies),
        loi_minutes=loi,
        incidence_rate=incidence,
        temper=temper,
        client_id=client_id if chance.random() < 0.7 else None,
        live_url=f"{survey}/live?RID=[%RID%]",
        test_url=f"{survey}/test?RID=[%RID%]",
        reference=f"TG-{index:03d}-{place.country.upper()}" if index % 3 else None,
    )
    _habits(group, chance, index)
    return group


def _temper(
    chance: Random, market: Market, bid: tuple[int, float], bidding: Bidding
) -> tuple[GroupTraits, Decimal]:
    """How respondents take to the group, and the price that a manager would set."""
    loi, incidence = bid
    dollars = (0.9 + 0.12 * loi + 2.2 * (1 - incidence)) * market.place.dearness
    market_cpi = in_currency(dollars * chance.uniform(*bidding.market), market.currency)
    seed = chance.getrandbits(62)
    temper = GroupTraits(
        seed=seed,
        entrants_an_hour=1.0,
        market_cpi=market_cpi,
        response=draw_price_response(
            market.world_seed,
            country=market.place.country,
            audience=market.audience,
            group_seed=seed,
        ),
        qualify=chance.uniform(*bidding.qualify),
        incidence=min(0.95, incidence * chance.uniform(*bidding.incidence)),
        drop=chance.uniform(*bidding.drop),
        loi_seconds=round(loi * 60 * chance.uniform(*bidding.loi)),
        colleague=True,
        phases=(chance.random() * 6.28, chance.random() * 6.28, chance.random() * 6.28),
    )
    cpi = market_cpi * Decimal(str(round(chance.uniform(*bidding.cpi), 2)))
    return temper, cpi.quantize(market_cpi)


def _habits(group: SimulatedGroup, chance: Random, index: int) -> None:
    """The settings that a manager chose when the group was set up."""
    group.industry_code = chance.choice(INDUSTRIES)[0]
    group.lockout_code = group.industry_code
    group.study_type_code = ("adhoc", "adhoc", "tracking_monthly", "diary")[index % 4]
    group.exclusion["enabled"] = index % 5 == 0
    if index % 4 == 1:
        group.assistant["quota_overlay"] = {"prevent_overfill": True, "balance_fill": False}
    if index % 6 == 2:
        group.assistant["pacing"] = {"type": "linear", "increment_interval": "P1D"}
