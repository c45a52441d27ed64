"""A world with a past: projects and groups as they might stand in a buyer's account today."""

from decimal import Decimal
from random import Random

from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.catalogue.money import in_currency
from dashboard.simulator.catalogue.people import ACCOUNTS, SimulatedBusinessUnit
from dashboard.simulator.catalogue.places import CLIENTS, INDUSTRIES, LOCALES, SimulatedLocale
from dashboard.simulator.catalogue.rate_cards import card_price
from dashboard.simulator.catalogue.seeded_random import human_id, seed_of, ulid_at
from dashboard.simulator.world import scenarios
from dashboard.simulator.world.group import GroupTraits, SimulatedGroup, SimulatedProject
from dashboard.simulator.world.respondents import draw_next, settle_group

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
_GOALS = (80, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1500)


def populate_world(options: scenarios.SeedOptions, *, projects: int) -> list[SimulatedProject]:
    """All projects at the origin, with their days of history behind them."""
    created = [_project(options, 101, n) for n in range(projects)]
    created.append(_project(options._replace(groups=min(options.groups, 3)), 102, 0))
    return created


def _project(options: scenarios.SeedOptions, account_id: int, number: int) -> SimulatedProject:
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
    for index in range(options.groups):
        group = _group(chance, project, unit, index, client[0])
        scenarios.plan_scenario(group, chance, options, index=index, number=number)
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
    client_id: int,
) -> SimulatedGroup:
    place, audience = chance.choice(tuple(LOCALES.values())), chance.choice(_AUDIENCES)
    created = project.created_at + chance.randrange(HOUR, DAY)
    rate_card = "rate_card" in unit.pricing_models and index % 8 == 5
    loi = chance.choice((5, 8, 10, 10, 12, 15, 15, 18, 20, 25, 30))
    incidence = chance.choice((0.15, 0.25, 0.35, 0.5, 0.5, 0.65, 0.75, 0.8, 0.9))
    temper, cpi = _temper(chance, place, unit.currency, loi, incidence)
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
        filling_goal=chance.choice(_GOALS),
        filling_strategy=chance.choice(("completes", "completes", "automated", "prescreens")),
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
    chance: Random, place: SimulatedLocale, currency: str, loi: int, incidence: float
) -> tuple[GroupTraits, Decimal]:
    """How respondents take to the group, and the price that a manager would set."""
    dollars = (0.9 + 0.12 * loi + 2.2 * (1 - incidence)) * place.dearness
    market = in_currency(dollars * chance.uniform(0.85, 1.2), currency)
    temper = GroupTraits(
        seed=chance.getrandbits(62),
        entrants_an_hour=1.0,
        market_cpi=market,
        qualify=chance.uniform(0.08, 0.3),
        incidence=min(0.95, incidence * chance.uniform(0.75, 1.15)),
        drop=chance.uniform(0.04, 0.2),
        loi_seconds=round(loi * 60 * chance.uniform(0.75, 1.2)),
        colleague=True,
        phases=(chance.random() * 6.28, chance.random() * 6.28, chance.random() * 6.28),
    )
    cpi = market * Decimal(str(round(chance.uniform(0.85, 1.2), 2)))
    return temper, cpi.quantize(market)


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
