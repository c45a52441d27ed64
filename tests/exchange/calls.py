"""One example call for every operation of the client, with every filter in use."""

from collections.abc import Callable

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.shapes.projects import ProjectInfo
from tests.exchange.examples import (
    ASSISTANT,
    CHANGED_GROUP,
    CPI,
    DETAILS,
    DRAFT,
    END,
    ETAG,
    GOALS,
    GROUP,
    IN,
    JOB,
    KEY,
    MANY,
    NEW_GROUP,
    PERSON,
    PLANNED_DAYS,
    PROJECT,
    RUN,
    START,
    TRANSITIONS,
)

CALLS: dict[str, Callable[[ExchangeClient], object]] = {
    "get_user_accounts": lambda c: c.get_user_accounts(),
    "get_account_users": lambda c: c.get_account_users(user_type="project_manager"),
    "get_account_service_clients": lambda c: c.get_account_service_clients(),
    "get_business_units": lambda c: c.get_business_units(),
    "get_clients": lambda c: c.get_clients(page_number=2),
    "get_industries": lambda c: c.get_industries(),
    "get_industry_lockouts": lambda c: c.get_industry_lockouts(),
    "get_locales": lambda c: c.get_locales(),
    "get_study_types": lambda c: c.get_study_types(),
    "account_questions_translation": lambda c: c.account_questions_translation(
        locale="eng_us", words="age", ids=[42, 43]
    ),
    "calculate_target_group_feasibility": lambda c: c.calculate_target_group_feasibility(
        request=NEW_GROUP
    ),
    "calculate_target_group_feasibility_by_id": lambda c: (
        c.calculate_target_group_feasibility_by_id(**IN, request=CHANGED_GROUP)
    ),
    "suggest_days": lambda c: c.suggest_days(request=PLANNED_DAYS),
    "suggest_time_range": lambda c: c.suggest_time_range(locale="pol_pl", start=START, end=END),
    "get_fielding_assistant_assignment": lambda c: c.get_fielding_assistant_assignment(**IN),
    "create_or_update_fielding_assistant_assignment": lambda c: (
        c.create_or_update_fielding_assistant_assignment(**IN, assignment=ASSISTANT, etag=ETAG)
    ),
    "create_bulk_complete_target_groups_job": lambda c: c.create_bulk_complete_target_groups_job(
        **MANY
    ),
    "get_bulk_complete_target_groups_job": lambda c: c.get_bulk_complete_target_groups_job(**JOB),
    "create_bulk_launch_target_groups_job": lambda c: c.create_bulk_launch_target_groups_job(
        **MANY
    ),
    "get_bulk_launch_target_groups_job": lambda c: c.get_bulk_launch_target_groups_job(**JOB),
    "create_bulk_pause_target_groups_job": lambda c: c.create_bulk_pause_target_groups_job(**MANY),
    "get_bulk_pause_target_groups_job": lambda c: c.get_bulk_pause_target_groups_job(**JOB),
    "create_bulk_relaunch_target_groups_job": lambda c: c.create_bulk_relaunch_target_groups_job(
        **MANY
    ),
    "get_bulk_relaunch_target_groups_job": lambda c: c.get_bulk_relaunch_target_groups_job(**JOB),
    "create_bulk_resume_target_groups_job": lambda c: c.create_bulk_resume_target_groups_job(
        **MANY
    ),
    "get_bulk_resume_target_groups_job": lambda c: c.get_bulk_resume_target_groups_job(**JOB),
    "create_launch_fielding_run_from_draft_job": lambda c: (
        c.create_launch_fielding_run_from_draft_job(**IN, end_fielding_at=END, idempotency_key=KEY)
    ),
    "get_launch_fielding_run_from_draft_job": lambda c: c.get_launch_fielding_run_from_draft_job(
        **IN, job_id="job-1"
    ),
    "create_schedule_fielding_run_from_draft_job": lambda c: (
        c.create_schedule_fielding_run_from_draft_job(
            **IN, start_fielding_at=START, end_fielding_at=END, idempotency_key=KEY
        )
    ),
    "get_schedule_fielding_run_from_draft_job": lambda c: (
        c.get_schedule_fielding_run_from_draft_job(**IN, job_id="job-1")
    ),
    "get_fielding_runs_by_target_group_id": lambda c: c.get_fielding_runs_by_target_group_id(**IN),
    "get_fielding_run": lambda c: c.get_whole_fielding_run(**IN, fielding_run_id="run-1"),
    "update_fielding_run": lambda c: c.update_fielding_run(
        **RUN, start_fielding_at=START, end_fielding_at=END
    ),
    "list_profiles": lambda c: c.list_profiles(**IN),
    "update_profile_filling_goal": lambda c: c.update_profile_filling_goal(**IN, goals=GOALS),
    "get_webhooks": lambda c: c.get_webhooks(),
    "create_webhook": lambda c: c.create_webhook(
        url="https://hook.example/x", events=["target-group-updated"]
    ),
    "get_webhook": lambda c: c.get_webhook(webhook_id=GROUP),
    "delete_webhook": lambda c: c.delete_webhook(webhook_id=GROUP),
    "list_account_projects": lambda c: c.list_account_projects(
        status="active", project_manager_id=PERSON, search_string="coffee"
    ),
    "create_project": lambda c: c.create_project(
        project=ProjectInfo(name="Coffee", project_manager_id=PERSON), idempotency_key=KEY
    ),
    "get_project_by_id": lambda c: c.get_project_by_id(project_id=PROJECT),
    "project_overview": lambda c: c.project_overview(project_id=PROJECT),
    "get_target_group_allocation_specification": lambda c: (
        c.get_target_group_allocation_specification(**IN)
    ),
    "create_bulk_update_target_group_project_manager_job": lambda c: (
        c.create_bulk_update_target_group_project_manager_job(
            project_id=PROJECT, target_group_ids=[GROUP], project_manager_id=PERSON
        )
    ),
    "get_bulk_update_target_group_project_manager_job": lambda c: (
        c.get_bulk_update_target_group_project_manager_job(**JOB)
    ),
    "get_list_target_groups": lambda c: c.get_list_target_groups(
        project_id=PROJECT,
        start_after="a+b/c=",
        status=["live", "paused"],
        country=["us"],
        language=["eng"],
        project_manager_id=PERSON,
        exclusion_status=False,
        search_string="coffee",
        human_readable_ids=["ABCDEFG"],
    ),
    "create_target_group": lambda c: c.create_target_group(project_id=PROJECT, draft=DRAFT),
    "get_target_group": lambda c: c.get_target_group(**IN),
    "update_target_group": lambda c: c.update_target_group(**IN, draft=DRAFT),
    "get_target_group_details": lambda c: c.get_target_group_details(**IN),
    "update_launched_target_group_details": lambda c: c.update_launched_target_group_details(
        **IN, details=DETAILS
    ),
    "get_rate_card": lambda c: c.get_rate_card(business_unit_id="12", country_code="us"),
    "get_target_group_rate_card": lambda c: c.get_target_group_rate_card(**IN),
    "update_cost_per_interview": lambda c: c.update_cost_per_interview(**IN, cpi=CPI),
    "update_filling_strategy": lambda c: c.update_filling_strategy(
        **IN, filling_strategy="completes"
    ),
    "compute_target_group_transitions": lambda c: c.compute_target_group_transitions(
        project_id=PROJECT, groups=TRANSITIONS
    ),
    "get_target_group_overview": lambda c: c.get_target_group_overview(**IN),
    "get_target_group_overview_by_target_group_id": lambda c: (
        c.get_target_group_overview_by_target_group_id(target_group_id=GROUP)
    ),
    "get_target_group_performance": lambda c: c.get_target_group_performance(**IN),
    "get_target_group_completes_aggregated_by_interval": lambda c: (
        c.get_target_group_completes_aggregated_by_interval(**IN, aggregation_interval="PT1H")
    ),
    "get_target_group_changelog": lambda c: c.get_target_group_changelog(
        **IN, change_types=["cpi_change", "status_change"]
    ),
    "get_eligible_target_groups": lambda c: c.get_eligible_target_groups(
        due_month="next_month", start_after="a+b/c=", project_manager_id=PERSON
    ),
    "get_live_respondent_unique_codes_stats": lambda c: c.get_live_respondent_unique_codes_stats(
        target_group_id=GROUP
    ),
}
