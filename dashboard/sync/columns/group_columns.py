"""Turn what the exchange sends into columns of our tables. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypedDict, TypeVar

import msgspec

from dashboard.exchange.shapes.base import UNREADABLE, Shape
from dashboard.exchange.shapes.drafts import FetchTargetGroupResponse
from dashboard.exchange.shapes.fielding import FieldingRunItem, ReEntryConfiguration
from dashboard.exchange.shapes.groups import (
    GetLiveRespondentUniqueCodesStatsResponse,
    Statistic,
    TargetGroupChangelogBatch,
    TargetGroupDetails,
    TargetGroupOverview,
    TargetGroupPerformance,
    TargetGroupsListItem,
    TargetGroupStatistics,
)
from dashboard.exchange.shapes.projects import ProjectListItem
from dashboard.fielding.models import Change, TargetGroup
from dashboard.sync.columns.limits import currency_of, fit_amount, fit_json, fit_moment, fit_text

T = TypeVar("T")
# Columns by name, as Django takes them. Each column has its own type, hence Any.
Columns = dict[str, Any]

# Figures that both the list's row and the overview have, by column.
FALLBACK_FIGURES = {
    "median_loi_seconds": "median_length_of_interview_seconds",
    "incidence_rate": "incidence_rate",
    "drop_off_rate": "drop_off_rate",
    "conversion_rate": "conversion_rate",
}
# Figures that say nothing before anybody entered; some exchanges send 0 for them until then.
RATES = (*FALLBACK_FIGURES, "epc", "epcm", "average_cpi")
NOT_IN_FIELD = ("draft", "scheduled")
LONGEST_DRIFT = 60  # characters
FIGURES = (
    "last_complete_date",
    "earnings_per_click",
    "earnings_per_click_per_minute",
    "average_cost_per_interview",
    "median_length_of_interview_seconds",
    "incidence_rate",
    "drop_off_rate",
    "conversion_rate",
)
PROJECT_COLUMNS = (
    "human_readable_id",
    "name",
    "reference_number",
    "status",
    "group_count",
    "last_activity_at",
    "filling_goal",
    "completes",
    "prescreens",
    "incidence_rate",
    "median_loi_seconds",
    "conversion_rate",
    "drop_off_rate",
)


def row_hash(row: TargetGroupsListItem) -> bytes:
    """Hash everything that a list row says of a group except its time of update."""
    unchanging = msgspec.structs.replace(row, highlighted_name=None, updated_at=None)
    return hashlib.blake2b(msgspec.json.encode(unchanging), digest_size=16).digest()


def unreadable_members(shape: Shape) -> dict[str, str]:
    """The members of an answer that could not be read, by place, as the exchange sent them."""
    return {
        fit_text(place)[:200]: fit_text(
            raw if isinstance(raw, str) else msgspec.json.encode(fit_json(raw)).decode()
        )[:LONGEST_DRIFT]
        for place, raw in shape.drifted.items()
    }


def drop_drifted(shape: Shape, columns: Columns) -> Columns:
    """Leave out columns that are empty because members of the answer could not be read.

    The tables then keep the value that was read last.
    """
    if not shape.drifted:
        return columns
    return {name: value for name, value in columns.items() if value is not None}


def _as_document(shape: Shape) -> object:
    """An answer as a JSON column stores it, without the members that could not be read."""
    members = msgspec.to_builtins(shape)
    members.pop(UNREADABLE, None)
    return fit_json(members)


def project_columns(row: ProjectListItem) -> Columns:
    """Columns of a project from its row in the account's list."""
    figures = row.statistics
    columns: Columns = {
        "human_readable_id": fit_text(row.human_readable_id, 16),
        "name": fit_text(row.name),
        "reference_number": fit_text(row.project_customer_reference_number, 200),
        "status": fit_text(row.status, 32),
        "group_count": row.target_group_count or 0,
        "last_activity_at": fit_moment(row.last_activity_at),
    }
    if figures:
        columns |= {
            "filling_goal": figures.filling_goal,
            "completes": figures.current_completes,
            "prescreens": figures.current_prescreens,
            "incidence_rate": figures.incidence_rate_median,
            "median_loi_seconds": figures.length_of_interview_median_seconds,
            "conversion_rate": figures.conversion_rate_average,
            "drop_off_rate": figures.drop_off_rate_average,
        }
    return drop_drifted(row, columns)


def list_columns(row: TargetGroupsListItem) -> Columns:
    """Columns of a group from its row in the project's list."""
    language, _, country = fit_text(row.locale, 16).partition("_")
    columns: Columns = {
        "human_readable_id": fit_text(row.human_readable_id, 16),
        "name": fit_text(row.name),
        "reference_number": fit_text(row.target_group_customer_reference_number, 200),
        "status": fit_text(row.status, 32),
        "locale": fit_text(row.locale, 16),
        "language_code": language[:3].lower(),
        "country_code": country[:2].lower(),
        "project_manager_id": fit_text(row.project_manager_id, 64),
        "exclusion_enabled": row.exclusion_enabled,
        "created_at": fit_moment(row.created_at),
        "exchange_updated_at": fit_moment(row.updated_at),
        "issues": issues_columns(row),
        "missing_since": None,
    }
    return drop_drifted(row, columns | figure_columns(row.statistics)) | {"missing_since": None}


def figure_columns(figures: TargetGroupStatistics) -> Columns:
    """Columns of progress and quality, each since launch.

    A figure that the overview has too is left out where the row has none.
    """
    progress = figures.progress.value
    epc = _value_of(figures.earnings_per_click)
    epcm = _value_of(figures.earnings_per_click_per_minute)
    average = _value_of(figures.average_cost_per_interview)
    columns: Columns = {
        "completes": progress.current_completes,
        "prescreens": progress.current_prescreens,
        "filling_goal": progress.filling_goal,
        "filling_strategy": fit_text(progress.filling_strategy, 32),
        "epc": fit_amount(epc, divided=True),
        "epcm": fit_amount(epcm, divided=True),
    }
    for column, name in FALLBACK_FIGURES.items():
        statistic: Statistic[float] | None = getattr(figures, name)
        if statistic is not None:
            columns[column] = statistic.value
    if figures.average_cost_per_interview is not None:
        columns["average_cpi"] = fit_amount(average, divided=True)
    if last := fit_moment(_value_of(figures.last_complete_date)):
        columns["last_complete_at"] = last
    if currency := currency_of(epc, average):
        columns["currency"] = currency
    return columns


def drop_empty_rates(columns: Columns, entrants: int | None) -> Columns:
    """Return the columns without the zeros that stand for rates of nobody.

    They become empty where nobody entered. entrants: None if they were not read in this turn; the
    rates of a group in field are then left out, so that the tables keep what was read last.
    """
    if columns.get("completes") or columns.get("prescreens") or entrants:
        return columns
    zeros = [name for name in RATES if name in columns and not columns[name]]
    if entrants == 0 or columns.get("status") in NOT_IN_FIELD:
        return columns | dict.fromkeys(zeros)
    return {name: value for name, value in columns.items() if name not in zeros}


def _value_of(statistic: Statistic[T] | None) -> T | None:
    return statistic.value if statistic else None


class IssueRow(TypedDict):
    """A problem that the exchange reports with a figure, as the tables store it."""

    type: str
    code: str
    text: str
    suggestions: list[str]


def issues_columns(row: TargetGroupsListItem) -> dict[str, list[IssueRow]]:
    """The problems that the exchange itself reports, by figure."""
    issues: dict[str, list[IssueRow]] = {}
    for name in ("progress", *FIGURES):
        statistic = getattr(row.statistics, name)
        if statistic and statistic.issues:
            issues[name] = [
                {
                    "type": fit_text(issue.issue_type),
                    "code": fit_text(issue.reason.code) if issue.reason else "",
                    "text": fit_text(issue.reason.description) if issue.reason else "",
                    "suggestions": [fit_text(tip.description) for tip in issue.suggestions],
                }
                for issue in statistic.issues
            ]
    return issues


def fallback_columns(overview: TargetGroupOverview) -> Columns:
    """Figures from an overview, for a list row without them."""
    columns = {column: getattr(overview, name) for column, name in FALLBACK_FIGURES.items()}
    average = fit_amount(overview.average_cost_per_interview, divided=True)
    return drop_drifted(overview, columns | {"average_cpi": average})


def overview_columns(overview: TargetGroupOverview) -> Columns:
    """Columns that only the overview has: current CPI, cost, restriction, strategy."""
    columns: Columns = {
        "pricing_model": fit_text(overview.pricing_model, 32),
        "is_pricing_restricted": overview.is_pricing_restricted,
        "cpi": fit_amount(overview.current_cost_per_interview),
        "cost": fit_amount(overview.current_cost, below=10**12),
        "filling_strategy": fit_text(overview.progress.filling_strategy, 32),
    }
    if overview.country_code:
        columns["country_code"] = fit_text(overview.country_code, 2).lower()
    if overview.language_code:
        columns["language_code"] = fit_text(overview.language_code, 3).lower()
    if currency := currency_of(overview.current_cost_per_interview, overview.current_cost):
        columns["currency"] = currency
    return drop_drifted(overview, columns)


def performance_columns(performance: TargetGroupPerformance) -> Columns:
    """Columns that only the performance has: entrants, first complete, exit statuses."""
    analysis = performance.respondent_analysis
    columns: Columns = {
        "entrants": performance.entrants,
        "first_complete_at": fit_moment(performance.first_complete),
        "respondent_analysis": [
            {
                "status": fit_text(code.status),
                "label": fit_text(code.label),
                "count": code.count,
            }
            for code in (analysis.live if analysis else [])
        ],
    }
    if analysis is None and performance.drifted:
        del columns["respondent_analysis"]
    return drop_drifted(performance, columns)


def details_columns(details: TargetGroupDetails) -> Columns:
    """Columns that only the details have: bid LOI and IR, goal, and all that a form sends back."""
    columns = {
        "expected_loi_minutes": details.expected_length_of_interview_minutes,
        "expected_incidence_rate": details.expected_incidence_rate,
        "completes_goal": details.completes_goal,
        "details": _as_document(details),
    }
    return drop_drifted(details, columns)


def draft_columns(draft: FetchTargetGroupResponse) -> Columns:
    """Columns of a group that was never launched."""
    plan, re_entry = draft.fielding_specification, draft.re_entry_configuration
    columns: Columns = {
        "pricing_model": fit_text(draft.pricing_model, 32) or "dynamic",  # unless it says otherwise
        "cpi": fit_amount(draft.cost_per_interview),
        "expected_loi_minutes": draft.expected_length_of_interview_minutes,
        "expected_incidence_rate": draft.expected_incidence_rate,
        "completes_goal": draft.completes_goal,
        "starts_at": fit_moment(plan.start_at) if plan else None,
        "ends_at": fit_moment(plan.end_at) if plan else None,
        "re_entry": msgspec.to_builtins(re_entry) if re_entry else None,
        "details": _as_document(draft),
    }
    if currency := currency_of(draft.cost_per_interview):
        columns["currency"] = currency
    return columns


def run_columns(runs: Iterable[FieldingRunItem]) -> Columns:
    """Columns of the fielding period. A group has at most one run."""
    run = next(iter(runs), None)
    if run is None:
        return {"fielding_run_id": "", "starts_at": None, "ends_at": None}
    return {
        "fielding_run_id": fit_text(run.id, 64),
        "starts_at": fit_moment(run.start_fielding_at),
        "ends_at": fit_moment(run.end_fielding_at),
    }


def re_entry_columns(configuration: ReEntryConfiguration | None) -> Columns:
    """The re-entry configuration; None: this exchange does not offer it."""
    if configuration is None:
        return {"re_entry_offered": False}
    return {"re_entry": msgspec.to_builtins(configuration), "re_entry_offered": True}


def links_columns(stats: GetLiveRespondentUniqueCodesStatsResponse | None) -> Columns:
    """The one-time survey links of a group; None: it has none."""
    if stats is None:
        return {"links_total": 0, "links_left": 0}
    columns: Columns = {"links_total": stats.total_count, "links_left": stats.unconsumed_count}
    return drop_drifted(stats, columns)


def change_rows(
    group: TargetGroup, batches: Iterable[TargetGroupChangelogBatch], seen_at: datetime
) -> list[Change]:
    """Rows of the changelog; a batch without an id gets a hash of its content as id."""
    return [
        Change(
            account_id=group.account_id,
            group_id=group.pk,
            batch_id=fit_text(batch.id, 64)
            or hashlib.blake2b(msgspec.json.encode(batch), digest_size=16).hexdigest(),
            position=position,
            occurred_at=batch.occurred_at,
            seen_at=seen_at,
            actor_type=fit_text(batch.user.type, 64) if batch.user else "",
            actor_id=fit_text(batch.user.las_user_id, 64) if batch.user else "",
            kind=fit_text(item.object, 100),
            old=fit_json(item.old_value),
            new=fit_json(item.new_value),
            reason_code=fit_text(item.reason_code, 100),
        )
        for batch in batches
        for position, item in enumerate(batch.changes)
    ]
