"""Every figure that a person sees: what it is, of which groups, from where, and where it is shown.

`docs/figures.md` is made from this table. `function` is the one place that works a figure out;
pages, chart JSON, files, emails, metrics and sentences take it from there.
"""

from __future__ import annotations

from typing import NamedTuple

# What chance, confidence and pause risk were calibrated on, as every page says it.
CALIBRATED_ON = "calibrated on simulated fieldwork"

GROUP = "the group itself"
PLAN = "scheduled, live, paused and completed groups that Cint lists"
FIELD = "live and paused groups"
LIVE = "live groups"
EXCHANGE, OURS = "Cint", "Fieldwatch"


class FigureDefinition(NamedTuple):
    """One figure. window: the time it covers. source: who counts it."""

    name: str
    unit: str
    definition: str
    window: str
    groups: str
    source: str
    shown: str
    function: str


FIGURES = (
    FigureDefinition(
        "Live groups",
        "groups",
        "Groups that are live as Cint last reported them.",
        "at the latest reading",
        "groups that Cint lists",
        EXCHANGE,
        "home, projects, digest, metrics, files",
        "dashboard.web.home.headline.headline_of",
    ),
    FigureDefinition(
        "Completes",
        "completes",
        "Completes as Cint last reported them; they can fall until reconciliation ends.",
        "since launch",
        GROUP,
        EXCHANGE,
        "lists, group, project, files, emails, shared status, API",
        "dashboard.fielding.models.TargetGroup.completes",
    ),
    FigureDefinition(
        "Goal",
        "completes",
        "The completes at which the group is full. A goal of prescreens is converted by the share "
        "of prescreens that have completed so far, weighted towards the bid IR while they are few.",
        "at the latest reading",
        GROUP,
        "Cint; converted by Fieldwatch",
        "lists, group, files, emails, API",
        "dashboard.fielding.domain.goals.completes_target",
    ),
    FigureDefinition(
        "Project goal",
        "completes",
        "The sum of the goals in completes.",
        "at the latest reading",
        PLAN,
        OURS,
        "projects, project, chart of the project, subtotals, files, shared status, API",
        "dashboard.fielding.figures.project_outlook.outlook_of_groups",
    ),
    FigureDefinition(
        "Project completes",
        "completes",
        "The sum of the completes.",
        "since launch",
        PLAN,
        OURS,
        "projects, project, chart of the project, subtotals, files, shared status, API",
        "dashboard.fielding.figures.project_outlook.outlook_of_groups",
    ),
    FigureDefinition(
        "Target by now",
        "completes",
        "The sum of straight lines from 0 at each group's start to its goal at its end date, now. "
        "What is expected of a group by now follows the shape of its week instead.",
        "start dates to now",
        PLAN,
        OURS,
        "project, chart of the project, shared status, API",
        "dashboard.fielding.figures.project_path.target_by",
    ),
    FigureDefinition(
        "Completes by end date",
        "completes",
        "Projected completes on the end date at the present pace: the median, with the range that "
        "holds 80 % of outcomes. It can exceed the goal: it is what the field would yield. A "
        "paused group is projected as if it resumed now.",
        "now to end date",
        GROUP,
        OURS,
        "group, chart, files, API",
        "dashboard.fielding.insight.at_end.group_at_end",
    ),
    FigureDefinition(
        "Projected shortfall",
        "completes",
        "Goal minus completes by end date, at least 0. For a group that has ended: goal minus "
        "completes.",
        "now to end date",
        GROUP,
        OURS,
        "lists, group, files, emails, API; not before the full launch",
        "dashboard.fielding.insight.at_end.GroupAtEnd.shortfall",
    ),
    FigureDefinition(
        "Pace",
        "band",
        "Completes (or prescreens, as the filling strategy counts) against those expected by now: "
        "ahead, on track, behind, far behind. In a soft launch, and until the full launch, it is "
        "'soft launch'. The headline's 'behind pace' counts live groups that are behind or far "
        "behind; the rule 'Projected short' is about the projected shortfall instead.",
        "start date to now",
        GROUP,
        OURS,
        "home, lists, group, files, API",
        "dashboard.fielding.series.pace.pace_of_group",
    ),
    FigureDefinition(
        "Launch phase",
        "completes or prescreens",
        "Soft launch, waiting for the full launch, or full launch, with the count and the limit "
        "that apply in it. Before the full launch there is no projected shortfall, finish or "
        "chance.",
        "at the latest reading",
        GROUP,
        OURS,
        "group, alerts, emails, API",
        "dashboard.fielding.insight.launch_phase.launch_phase",
    ),
    FigureDefinition(
        "Chance",
        "%",
        f"Probability that the goal is reached by the end date, {CALIBRATED_ON}.",
        "now to end date",
        "groups in their full launch",
        OURS,
        "lists, group, files, API",
        "dashboard.fielding.forecast.group_forecast.forecast_groups",
    ),
    FigureDefinition(
        "Needed and projected a day",
        "completes",
        "Completes missing to the goal, and those projected, each spread evenly over the days to "
        "the end date; an hour on the last day and beside a CPI.",
        "the latest reading to end date",
        "live groups in their full launch",
        OURS,
        "group, panel of the CPI",
        "dashboard.fielding.insight.at_end.rates_to_end",
    ),
    FigureDefinition(
        "Pause risk",
        "%",
        f"Share of groups like it that Cint pauses within 48 hours, {CALIBRATED_ON}.",
        "the next 48 hours",
        LIVE,
        OURS,
        "group, emails",
        "dashboard.fielding.insight.pause_risk.pause_risks",
    ),
    FigureDefinition(
        "Quota cell",
        "completes or prescreens",
        "The cell's count of its goal, both in what the group's filling strategy counts. A cell is "
        "slow below 80 % of the group's own share of goal.",
        "since launch",
        GROUP,
        EXCHANGE,
        "group",
        "dashboard.web.groups.panels.quotas.quota_cells",
    ),
    FigureDefinition(
        "Quota at end",
        "completes or prescreens",
        "Projected count of a quota on the end date (p10, p50, p90), at most its goal, with the "
        "chance that it fills and the day it does. People fall into open quotas by the shares so "
        "far; the group's projection is what its quotas let through.",
        "now to end date",
        GROUP,
        OURS,
        "group",
        "dashboard.fielding.insight.quota_cells.forecast_quotas",
    ),
    FigureDefinition(
        "Difference to the previous wave",
        "percentage points",
        "Share of the goal reached minus that of the previous wave, each group at the same age; of "
        "the shares as they are shown. Of a country and of all groups: the sum of the completes "
        "over the sum of the goals of the matched groups.",
        "since each group's own start",
        "groups with a match in the previous wave",
        OURS,
        "compare",
        "dashboard.web.projects.wave_comparison.compare_groups",
    ),
    FigureDefinition(
        "Project at end",
        "completes",
        "Quantiles of the sum of completes on the end dates. All groups are simulated together, "
        "and each stops at its goal: the forecast never takes the sum above the project's goal.",
        "now to the last end date",
        PLAN,
        OURS,
        "project, chart of the project, shared status, API",
        "dashboard.fielding.figures.joint_sum.JointDraws.projected",
    ),
    FigureDefinition(
        "Project shortfall",
        "completes",
        "Quantiles of the sum of what each group lacks to its goal on its end date, including the "
        "shortfall of groups that have ended.",
        "now to the last end date",
        PLAN,
        OURS,
        "home, projects, project, subtotals, files, emails, shared status, API",
        "dashboard.fielding.figures.joint_sum.JointDraws.shortfall",
    ),
    FigureDefinition(
        "Missing in paused groups",
        "completes",
        "Goal minus completes of paused groups: what is lost if none of them resumes.",
        "at the latest reading",
        "paused groups before their end date",
        OURS,
        "home, projects, project, files, API",
        "dashboard.fielding.figures.project_outlook.outlook_of_groups",
    ),
    FigureDefinition(
        "Groups short",
        "groups",
        "Groups whose median projection misses the goal on the end date. They are the late groups: "
        "a group is late if its projected finish is later than its end date.",
        "now to end date",
        "scheduled, live and paused groups before their end date",
        OURS,
        "projects, project, files, shared status, API",
        "dashboard.fielding.figures.project_outlook.outlook_of_groups",
    ),
    FigureDefinition(
        "Days late",
        "days",
        "From the end date to the projected finish, of the latest group that is short and whose "
        "finish is in sight.",
        "end date to projected finish",
        "scheduled, live and paused groups before their end date",
        OURS,
        "project, projects, files, shared status, API",
        "dashboard.fielding.figures.project_outlook.outlook_of_groups",
    ),
    FigureDefinition(
        "Verdict",
        "a sentence",
        "Short if 1 % of the project's goal or more is missing on the end dates; late instead if "
        "all of it would come within 14 days after them; over budget if the cost by end date is "
        "above the budget; on track otherwise. A project with no open group is completed, or "
        "ended short.",
        "now to the last end date",
        PLAN,
        OURS,
        "project, projects, files, API; in a client's words: shared status",
        "dashboard.fielding.figures.project_verdict.project_verdict",
    ),
    FigureDefinition(
        "Cost to date",
        "money",
        "Cost as Cint last reported it, by currency.",
        "since launch",
        "all groups, including archived ones and those that Cint no longer lists",
        EXCHANGE,
        "lists, group, project, spend, files, API",
        "dashboard.fielding.figures.project_outlook.outlook_of_groups",
    ),
    FigureDefinition(
        "Cost by end date",
        "money",
        "Cost to date, and the completes still projected (up to the goal) at today's CPI.",
        "now to end date",
        PLAN,
        OURS,
        "lists, group, budget of the project, alerts, files, API",
        "dashboard.fielding.figures.joint_sum.JointDraws.cost",
    ),
    FigureDefinition(
        "Cost if the goal is reached",
        "money",
        "Cost to date, and all completes missing to the goal at today's CPI, or at the one that is "
        "entered.",
        "now to goal",
        GROUP,
        OURS,
        "lists, group, CPI form, bulk preview, files, API",
        "dashboard.fielding.figures.goal_cost.cost_if_goal_reached",
    ),
    FigureDefinition(
        "Project cost if all goals are reached",
        "money",
        "The sum over its open groups, by currency, and the cost to date of the others.",
        "now to goal",
        "scheduled, live and paused groups before their end date",
        OURS,
        "budget of the project, API",
        "dashboard.fielding.figures.project_outlook.outlook_of_groups",
    ),
    FigureDefinition(
        "Spend by month",
        "money",
        "Completes of the month at the CPI of their hours, from the changelog, or at "
        "the average CPI if it lists no change. Completes from a gap of the series are spread "
        "evenly over it. A reconciled month keeps its spend; months still open share the rest of "
        "the cost to date, so that all months add up to it.",
        "a month (UTC)",
        "all groups with a cost",
        "Cint's cost to date; split by Fieldwatch",
        "spend page, its files, API",
        "dashboard.fielding.figures.spend_by_month.split_by_month",
    ),
    FigureDefinition(
        "Margin",
        "money",
        "Client CPI times completes, less their cost, by currency. The client CPI is the one that "
        "Cint has for the group, else that of its project in Fieldwatch, in the group's currency; "
        "completes without one are left out, and counted. Its share is of what the client pays. On "
        "the project's page where at least half of the completes have one.",
        "since launch, or a month (UTC)",
        "all groups with a cost and a client CPI",
        OURS,
        "project, spend page, its files, API",
        "dashboard.fielding.figures.margin.Margin.amount",
    ),
    FigureDefinition(
        "Open to reconciliation",
        "completes and money",
        "Completes that can still be taken back, and their cost, until the end of the 25th of the "
        "month after theirs (US Central).",
        "last month until the 25th, and this month",
        "groups that Cint lists as eligible",
        EXCHANGE,
        "spend page",
        "dashboard.sync.lookup.reconciliation.read_eligibility",
    ),
    FigureDefinition(
        "Extra completes",
        "completes",
        "Of the completes counted after a change of CPI, those that its effect accounts for: with "
        "a ratio of 1.25 a fifth of them. With a 95 % interval; none while it is too early, or "
        "where something else happened within a day. Sums add the squares of the errors.",
        "at most 7 live days after the change, until the next one",
        GROUP,
        OURS,
        "price changes, their files",
        "dashboard.fielding.effects.extra_completes.extra_completes",
    ),
    FigureDefinition(
        "Extra cost",
        "money",
        "The completes counted after a change of CPI at the new price, less those that would have "
        "come without it at the old price; by currency.",
        "at most 7 live days after the change, until the next one",
        GROUP,
        OURS,
        "price changes, their files",
        "dashboard.fielding.effects.extra_completes.extra_cost",
    ),
    FigureDefinition(
        "Completes gained",
        "completes",
        "The count at the end of a step minus the count at its start; the first step counts from "
        "zero, so the steps add up to the last count. What came in a gap of the series, or beside "
        "a local midnight between two full UTC hours, is spread evenly over that time. A step that "
        "is not over is marked; so is one with completes of a gap.",
        "1, 6 or 24 h in the group's time zone",
        GROUP,
        "Cint's hourly counts",
        "group chart and its table, alert chart",
        "dashboard.web.charts.series.steps_of_grid",
    ),
    FigureDefinition(
        "Completes today",
        "completes",
        "Completes since local midnight; the count at midnight is interpolated between the hourly "
        "counts around it. Groups that were not read since midnight are left out, and counted.",
        "since midnight in each group's time zone",
        "live and paused groups, and all with a complete today",
        OURS,
        "home",
        "dashboard.fielding.figures.today.completes_of_today",
    ),
    FigureDefinition(
        "Needed today",
        "completes",
        "Completes missing to the goal at local midnight, spread evenly over the days to the end "
        "date.",
        "the day in each group's time zone",
        "of the groups of completes today, those that are live or had completes today",
        OURS,
        "home",
        "dashboard.web.home.headline.needed_today",
    ),
    FigureDefinition(
        "Spend today",
        "money",
        "Completes today at the group's present CPI, by currency.",
        "since midnight in each group's time zone",
        "the groups of completes today",
        OURS,
        "home",
        "dashboard.web.home.headline.headline_of",
    ),
)
