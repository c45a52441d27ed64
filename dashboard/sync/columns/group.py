"""What the exchange sends, as columns of our tables. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from dashboard.exchange.shapes.base import UNREADABLE, Shape
from dashboard.exchange.shapes.drafts import FetchTargetGroupResponse
from dashboard.exchange.shapes.fielding import FieldingRunItem, ReEntryConfiguration
from dashboard.exchange.shapes.groups import (
    TargetGroupChangelogBatch,
    TargetGroupDetails,
    TargetGroupOverview,
    TargetGroupPerformance,
    TargetGroupsListItem,
    TargetGroupStatistics,
)
from dashboard.exchange.shapes.projects import ProjectListItem
from dashboard.fielding.models import Change, TargetGroup
from dashboard.sync.columns.limits import currency_of, fit_amount, fit_json, fit_text

# Figures that both the list's row and the overview have, by their columns.
BESIDES = {
    "median_loi_seconds": "median_length_of_interview_seconds",
    "incidence_rate": "incidence_rate",
    "drop_off_rate": "drop_off_rate",
    "conversion_rate": "conversion_rate",
}
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
    """A mark of everything that a list row says of a group, its time of update excepted."""
    still = msgspec.structs.replace(row, highlighted_name=None, updated_at=None)
    return hashlib.blake2b(msgspec.json.encode(still), digest_size=16).digest()


def unreadable(shape: Shape) -> dict[str, str]:
    """What of an answer could not be read, by the place of the member, as the exchange sent it."""
    return {
        fit_text(place)[:200]: fit_text(
            raw if isinstance(raw, str) else msgspec.json.encode(fit_json(raw)).decode()
        )[:LONGEST_DRIFT]
        for place, raw in shape.drifted.items()
    }


def known(shape: Shape, columns: dict[str, Any]) -> dict[str, Any]:
    """Columns without those that an answer leaves empty because a member of it drifted.

    What was read of them last stays.
    """
    if not shape.drifted:
        return columns
    return {name: value for name, value in columns.items() if value is not None}


def _document(shape: Shape) -> Any:
    """An answer as a JSON column keeps it, without what could not be read."""
    plain = msgspec.to_builtins(shape)
    plain.pop(UNREADABLE, None)
    return fit_json(plain)


def project_columns(row: ProjectListItem) -> dict[str, Any]:
    """Columns of a project from its row in the account's list."""
    figures = row.statistics
    columns: dict[str, Any] = {
        "human_readable_id": fit_text(row.human_readable_id, 16),
        "name": fit_text(row.name),
        "reference_number": fit_text(row.project_customer_reference_number, 200),
        "status": fit_text(row.status, 32),
        "group_count": row.target_group_count or 0,
        "last_activity_at": row.last_activity_at,
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
    return known(row, columns)


def list_columns(row: TargetGroupsListItem) -> dict[str, Any]:
    """Columns of a group from its row in the project's list."""
    language, _, country = fit_text(row.locale, 16).partition("_")
    columns: dict[str, Any] = {
        "human_readable_id": fit_text(row.human_readable_id, 16),
        "name": fit_text(row.name),
        "reference_number": fit_text(row.target_group_customer_reference_number, 200),
        "status": fit_text(row.status, 32),
        "locale": fit_text(row.locale, 16),
        "language_code": language[:3].lower(),
        "country_code": country[:2].lower(),
        "project_manager_id": fit_text(row.project_manager_id, 64),
        "exclusion_enabled": row.exclusion_enabled,
        "created_at": row.created_at,
        "exchange_updated_at": row.updated_at,
        "issues": issues_columns(row),
        "missing_since": None,
    }
    return known(row, columns | figure_columns(row.statistics)) | {"missing_since": None}


def figure_columns(figures: TargetGroupStatistics) -> dict[str, Any]:
    """Columns of progress and quality, each life to date.

    A figure that the overview has too is not touched where the row leaves it out.
    """

    def value(name: str) -> Any:
        statistic = getattr(figures, name)
        return statistic.value if statistic else None

    progress = figures.progress.value
    epc, average = value("earnings_per_click"), value("average_cost_per_interview")
    columns: dict[str, Any] = {
        "completes": progress.current_completes,
        "prescreens": progress.current_prescreens,
        "filling_goal": progress.filling_goal,
        "filling_strategy": fit_text(progress.filling_strategy, 32),
        "epc": fit_amount(epc, divided=True),
        "epcm": fit_amount(value("earnings_per_click_per_minute"), divided=True),
    }
    for column, name in BESIDES.items():
        if getattr(figures, name) is not None:
            columns[column] = value(name)
    if figures.average_cost_per_interview is not None:
        columns["average_cpi"] = fit_amount(average, divided=True)
    if last := value("last_complete_date"):
        columns["last_complete_at"] = last
    if currency := currency_of(epc, average):
        columns["currency"] = currency
    return columns


def issues_columns(row: TargetGroupsListItem) -> dict[str, Any]:
    """What the exchange itself finds wrong: figure → [{type, code, text, suggestions}]."""
    found: dict[str, Any] = {}
    for name in ("progress", *FIGURES):
        statistic = getattr(row.statistics, name)
        if statistic and statistic.issues:
            found[name] = [
                {
                    "type": fit_text(issue.issue_type),
                    "code": fit_text(issue.reason.code) if issue.reason else "",
                    "text": fit_text(issue.reason.description) if issue.reason else "",
                    "suggestions": [fit_text(tip.description) for tip in issue.suggestions],
                }
                for issue in statistic.issues
            ]
    return found


def fallback_columns(overview: TargetGroupOverview) -> dict[str, Any]:
    """The figures that an overview has too, for a row that leaves them out."""
    columns = {column: getattr(overview, name) for column, name in BESIDES.items()}
    average = fit_amount(overview.average_cost_per_interview, divided=True)
    return known(overview, columns | {"average_cpi": average})


def overview_columns(overview: TargetGroupOverview) -> dict[str, Any]:
    """Columns that only the overview tells: present price, cost, restriction, strategy."""
    columns: dict[str, Any] = {
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
    return known(overview, columns)


def performance_columns(performance: TargetGroupPerformance) -> dict[str, Any]:
    """Columns that only the performance tells: entrants, first complete, respondent analysis."""
    analysis = performance.respondent_analysis
    columns: dict[str, Any] = {
        "entrants": performance.entrants,
        "first_complete_at": performance.first_complete,
        "respondent_analysis": [
            {"status": fit_text(one.status), "label": fit_text(one.label), "count": one.count}
            for one in (analysis.live if analysis else [])
        ],
    }
    if analysis is None and performance.drifted:
        del columns["respondent_analysis"]
    return known(performance, columns)


def details_columns(details: TargetGroupDetails) -> dict[str, Any]:
    """Columns that only the details tell: what was agreed, and all that a form sends back."""
    columns = {
        "expected_loi_minutes": details.expected_length_of_interview_minutes,
        "expected_incidence_rate": details.expected_incidence_rate,
        "completes_goal": details.completes_goal,
        "details": _document(details),
    }
    return known(details, columns)


def draft_columns(draft: FetchTargetGroupResponse) -> dict[str, Any]:
    """Columns of a group that was never launched."""
    plan, re_entry = draft.fielding_specification, draft.re_entry_configuration
    columns: dict[str, Any] = {
        "pricing_model": fit_text(draft.pricing_model, 32) or "dynamic",  # unless it says otherwise
        "cpi": fit_amount(draft.cost_per_interview),
        "expected_loi_minutes": draft.expected_length_of_interview_minutes,
        "expected_incidence_rate": draft.expected_incidence_rate,
        "completes_goal": draft.completes_goal,
        "starts_at": plan.start_at if plan else None,
        "ends_at": plan.end_at if plan else None,
        "re_entry": msgspec.to_builtins(re_entry) if re_entry else None,
        "details": _document(draft),
    }
    if currency := currency_of(draft.cost_per_interview):
        columns["currency"] = currency
    return columns


def run_columns(runs: Iterable[FieldingRunItem]) -> dict[str, Any]:
    """Columns of the fielding period; a group has at most one run."""
    run = next(iter(runs), None)
    if run is None:
        return {"fielding_run_id": "", "starts_at": None, "ends_at": None}
    return {
        "fielding_run_id": fit_text(run.id, 64),
        "starts_at": run.start_fielding_at,
        "ends_at": run.end_fielding_at,
    }


def re_entry_columns(configuration: ReEntryConfiguration | None) -> dict[str, Any]:
    """The re-entry configuration, or that this exchange does not offer it."""
    if configuration is None:
        return {"re_entry_offered": False}
    return {"re_entry": msgspec.to_builtins(configuration), "re_entry_offered": True}


def change_rows(
    group: TargetGroup, batches: Iterable[TargetGroupChangelogBatch], seen_at: Any
) -> list[Change]:
    """Rows of the changelog; a batch without an id is told apart by its content."""
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
