"""The trade's terms: one source for hints, the page *Glossary* and `docs/glossary.md`."""

from __future__ import annotations

from typing import NamedTuple

from dashboard.fielding.figures.definitions import CALIBRATED_ON
from dashboard.fielding.figures.goal_cost import COST_BY_END_DATE, COST_IF_GOAL_REACHED


class Term(NamedTuple):
    """A term, what it means, and the exchange's own name for it where that differs."""

    name: str
    meaning: str
    exchange_name: str = ""


_TERMS = (
    Term("Average CPI", "Average paid per complete to date, as reported by Cint.", "Average CPI"),
    Term(
        "Bid",
        "The LOI and IR that were entered for the group. They set its price on the rate "
        "card and what suppliers expect.",
        "Expected LOI, expected IR",
    ),
    Term(
        "Completes at risk",
        "Completes that an item on To do can still save: those a paused or stalled group would get "
        "by its end date if it went on now, or what a live group is projected to fall short by. "
        "The projected shortfall assumes that a stalled group picks up again.",
    ),
    Term("Budget", "Your planned spend. Stored in Fieldwatch only; Cint does not see it."),
    Term(
        "Chance",
        "Probability of reaching the goal by the end date at the present pace and "
        "price. Of ten groups at 70 %, about seven reach it "
        f"({CALIBRATED_ON}).",
    ),
    Term(
        "Completes", "Respondents who finished the survey and count towards the goal.", "Completes"
    ),
    Term(
        "Completes by end date",
        "Projected completes on the end date at the present pace: the "
        "median, and the range that holds 80 % of outcomes.",
    ),
    Term(
        "Conversion",
        "Completes ÷ entrants as reported by Cint; may differ from the funnel.",
        "Conversion rate",
    ),
    Term(
        COST_BY_END_DATE,
        "Cost to date, plus the completes projected until the end date (up to the goal) at the "
        "present CPI.",
    ),
    Term(
        COST_IF_GOAL_REACHED,
        "Cost to date, plus all completes still missing to the goal, at the present CPI or at the "
        "one that you enter.",
    ),
    Term("CPI", "Cost per interview: the price of one complete.", "Cost per interview (CPI)"),
    Term(
        "Drop-off",
        "Share of respondents who started the survey and left without an exit status.",
        "Drop-off rate",
    ),
    Term(
        "Effect of a price change",
        "Completes a typical day after the change over those before it, net of the field's own "
        "rise or decline. The extra completes are those after the change, within at most 7 live "
        "days and until the next change, that the effect accounts for; the extra cost is what all "
        "completes of these days cost more than without the change.",
    ),
    Term("End date", "When fielding ends, in the time zone of the group's country.", "End date"),
    Term("Entrants", "Respondents who clicked into the group, before any question.", "Entrants"),
    Term(
        "EPC",
        "Earnings per click: CPI × completes ÷ entrants. Suppliers send traffic where EPC "
        "is high; groups below 0.15 USD struggle.",
        "Earnings per click (EPC)",
    ),
    Term("EPCM", "Earnings per click and minute: EPC ÷ median LOI in minutes.", "EPCM"),
    Term(
        "Expected by now",
        "Completes due by now to reach the goal on the end date, given the "
        "group's typical daily pattern.",
    ),
    Term(
        "Filling strategy",
        "What the goal counts: completes, prescreens, or, when automated, whichever Cint chooses.",
        "Filling strategy",
    ),
    Term(
        "Fielding assistant",
        "Cint's own automation of a group: soft launch, pacing, dynamic "
        "CPI and quota overfill prevention.",
        "Fielding assistant",
    ),
    Term(
        "IR",
        "Incidence rate: qualified respondents ÷ those who could have qualified.",
        "Incidence rate (IR)",
    ),
    Term(
        "Late",
        "A group is late if its projected finish is later than the end date: it will end short of "
        "its goal.",
    ),
    Term(
        "LOI",
        "Length of interview: the median of completed interviews.",
        "Length of interview (LOI)",
    ),
    Term(
        "Needed today",
        "Completes needed today to stay on schedule, by groups that are live or had completes "
        "today: what was missing at midnight in each group's time zone, spread evenly until the "
        "end date. Groups that have not been updated since midnight are left out, here and in "
        "completes today.",
    ),
    Term(
        "Margin",
        "What the client pays for the completes, less what they cost to date, and its share of "
        "what the client pays. The client CPI is the one in the group's details on Cint, else that "
        "of the project. Completes without one, or with one in another currency, are left out.",
    ),
    Term("Pace", "Completes so far against those expected by now."),
    Term(
        "Prescreens",
        "Respondents who passed Cint's screener and were sent to the survey.",
        "Prescreens",
    ),
    Term(
        "Projected at end",
        "A project's completes on the end dates of its groups, each at most at its goal: the "
        "median of their sum, and the range that holds 80 % of outcomes.",
    ),
    Term("Projected finish", "Date the goal is reached at the present pace; 80 % range."),
    Term(
        "Projected shortfall",
        "Goal minus projected completes on the end date. For goals in "
        "prescreens, converted to completes.",
    ),
    Term(
        "Quota",
        "The completes (or prescreens) wanted from one part of the audience, such as "
        "women aged 18–34.",
        "Quota",
    ),
    Term(
        "Quota forecast",
        "Count on the end date (80 % range), chance to fill by then, and the day it fills. From "
        "the quota's count now and the pace of the group: Cint gives no history of a quota.",
    ),
    Term(
        "Rate card",
        "Prices by LOI and IR. Groups priced by rate card cannot be given a CPI by hand.",
        "Rate card",
    ),
    Term(
        "Re-entry",
        "Whether earlier participants may enter this or other groups.",
        "Re-entry configuration",
    ),
    Term(
        "Reconciliation",
        "Until the end of the 25th of the following month, completes can be "
        "rejected, which lowers the count and the cost.",
        "Reconciliation",
    ),
    Term(
        "Risk of a pause",
        "Our estimate of how close the group is to each reason for which Cint "
        f"pauses groups, {CALIBRATED_ON}. Cint does not publish its limits.",
    ),
    Term(
        "Soft launch",
        "A first part of the goal, fielded to check the data before the full launch.",
        "Soft launch",
    ),
    Term("Spend", "Cost to date as reported by Cint.", "Cost"),
    Term(
        "Spend today",
        "Completes since midnight in each group's time zone, at the group's "
        "present CPI; including groups that completed today. Cint reports cost later.",
    ),
    Term("Supplier", "A panel or marketplace that sends respondents.", "Supplier"),
    Term(
        "Survey links",
        "One-time links to the survey: each respondent who is sent to it uses one. Cint pauses a "
        "group that has none left. Not every account has them.",
        "Respondent unique codes",
    ),
    Term(
        "Target by now",
        "The completes that a project would have by now if each group went in a straight line from "
        "0 at its start to its goal at its end date.",
    ),
    Term("Target group", "One audience with a goal, a price and fielding dates.", "Target group"),
    Term(
        "Verdict",
        "Short: 1 % or more of the project's goal will be missing on the end dates. Late: all of "
        "it would come within 14 days after them. Over budget: the cost by end date is above the "
        "budget.",
    ),
)
TERMS = tuple(sorted(_TERMS, key=lambda term: term.name.casefold()))
GLOSSARY = {term.name: term for term in TERMS}
