"""What the numbers of a group mean at a moment: one source for every operation."""

from decimal import Decimal
from typing import NamedTuple

from dashboard.simulator.catalogue.clock import rfc3339_stamp
from dashboard.simulator.catalogue.money import monetary_amount
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.series import Counts


class SimulatedFigures(NamedTuple):
    """Counts, cost and rates of one group at one moment; rates are 0–1, None without a base."""

    counts: Counts
    cost: Decimal
    loi_seconds: int | None
    first_complete: int | None
    last_complete: int | None
    average_cpi: Decimal | None
    epc: Decimal | None
    epcm: Decimal | None
    incidence: float | None
    drop_off: float | None
    conversion: float | None


def figures_of_group(group: SimulatedGroup, now: int) -> SimulatedFigures:
    """The group's figures now, the unfinished stretch of field included."""
    settle_group(group, now)
    tally, stretch = group.tally, group.stretch
    counts, cost = tally.counts, tally.cost
    loi, weight = tally.loi_total, tally.loi_weight
    first, last = tally.first_complete, tally.last_complete
    if stretch is not None:
        more = stretch.outcomes(now)
        counts = Counts(*[a + b for a, b in zip(counts, more, strict=True)])
        if completes := more[0]:
            cost += stretch.cpi * completes
            loi, weight = loi + stretch.loi_seconds * completes, weight + completes
            first = first or stretch.moment_of(0, 1)
            last = min(now, stretch.moment_of(0, completes))
    return _derive(group, counts, cost, loi // weight if weight else None)._replace(
        first_complete=first if counts.completes else None,
        last_complete=last if counts.completes else None,
    )


def _derive(
    group: SimulatedGroup, counts: Counts, cost: Decimal, loi: int | None
) -> SimulatedFigures:
    done, entered, prescreens = counts.completes, counts.entrants, counts.prescreens
    epc = round(group.cpi * done / entered, 4) if entered else None
    minutes = Decimal(loi) / 60 if loi else None
    finished = done + counts.terminates
    return SimulatedFigures(
        counts=counts,
        cost=cost,
        loi_seconds=loi if done else None,
        first_complete=None,
        last_complete=None,
        average_cpi=round(cost / done, 4) if done else None,
        epc=epc,
        epcm=round(epc / minutes, 6) if epc is not None and minutes and done else None,
        incidence=round(done / finished, 4) if finished else None,
        drop_off=round(counts.drops / prescreens, 4) if prescreens else None,
        conversion=round(done / prescreens, 4) if prescreens else None,
    )


def progress_answer(group: SimulatedGroup, counts: Counts) -> Json:
    """The contract's TargetGroupProgress."""
    return {
        "current_completes": counts.completes,
        "current_prescreens": counts.prescreens,
        "filling_goal": group.filling_goal,
        "filling_strategy": group.filling_strategy,
    }


def overview_answer(group: SimulatedGroup, project_name: str, now: int) -> Json:
    """The contract's TargetGroupOverview; the median LOI is null before the first complete."""
    figures = figures_of_group(group, now)
    body: Json = {
        "project_name": project_name,
        "target_group_name": group.name,
        "human_readable_id": group.human_id,
        "project_manager_id": group.project_manager_id,
        "progress": progress_answer(group, figures.counts),
        "pricing_model": group.pricing_model,
        "is_pricing_restricted": bool(group.assistant.get("pricing")),
        "current_cost_per_interview": monetary_amount(group.cpi, group.currency),
        "current_cost": monetary_amount(figures.cost, group.currency),
        "status": group.status,
        "country_code": group.locale.country,
        "language_code": group.locale.language,
        "conversion_rate": figures.conversion or 0.0,
        "drop_off_rate": figures.drop_off or 0.0,
        "incidence_rate": figures.incidence or 0.0,
        "median_length_of_interview_seconds": figures.loi_seconds,
        "study_type_code": group.study_type_code,
        "created_at": rfc3339_stamp(group.created_at),
    }
    if figures.average_cpi is not None:
        body["average_cost_per_interview"] = monetary_amount(figures.average_cpi, group.currency)
    if group.reference is not None:
        body["target_group_customer_reference_number"] = group.reference
    return body


_OUTCOMES = (
    ("Complete", "Returned as Complete", "Finished the client's survey"),
    ("Terminate", "Returned as Terminate", "Did not fit the client's survey"),
    ("Overquota", "Returned as Overquota", "Came when the client's quota was full"),
    ("Security Terminate", "Returned as Security Terminate", "Failed the client's quality checks"),
    ("In Survey", "In client survey or abandoned", "Entered the client's survey, not returned"),
    ("Screener", "Terminated in screener", "Did not pass the exchange's screener"),
)


def performance_answer(group: SimulatedGroup, now: int) -> Json:
    """The contract's TargetGroupPerformance."""
    figures = figures_of_group(group, now)
    live = [
        {"status": status, "label": label, "description": text, "count": count}
        for (status, label, text), count in zip(_OUTCOMES, figures.counts, strict=True)
    ]
    tests = 3 if group.first_live else 1
    body: Json = {
        "entrants": figures.counts.entrants,
        "prescreens": figures.counts.prescreens,
        "completes": figures.counts.completes,
        "completes_cost": monetary_amount(figures.cost, group.currency),
        "respondent_analysis": {"live": live, "test": [{**live[0], "count": tests}]},
    }
    optional: Json = {
        "first_complete": figures.first_complete and rfc3339_stamp(figures.first_complete),
        "last_complete": figures.last_complete and rfc3339_stamp(figures.last_complete),
        "incidence_rate": figures.incidence,
        "drop_off_rate": figures.drop_off,
        "conversion_rate": figures.conversion,
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def completes_series(group: SimulatedGroup, interval: int, now: int) -> list[Json]:
    """Completes by the end of each interval of the fielding period; the last may be unfinished.

    Intervals of whole hours or days lie on the UTC grid, others begin with the run.
    """
    figures = figures_of_group(group, now)
    if group.first_live is None or group.run is None:
        return []
    begin = min(group.run.start, group.first_live)
    stop = now
    if group.status in ("completed", "archived"):
        stop = min(now, max(group.tally.changed_at, group.run.changed_at))
    on_grid = 86_400_000 % interval == 0 or interval % 86_400_000 == 0
    end = begin // interval * interval + interval if on_grid else begin + interval
    points: list[Json] = []
    while end - interval < stop and len(points) < 20_000:
        reached = end >= stop
        count = figures.counts.completes if reached else group.tally.completes_at(end)
        if not reached and group.stretch is not None and end >= group.stretch.start:
            count = group.tally.counts.completes + group.stretch.outcomes(end)[0]
        points.append({"timestamp": rfc3339_stamp(end), "count": count})
        end += interval
    return points
