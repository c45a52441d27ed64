"""What the terms of fieldwork mean: one source for the hints on pages and for the glossary."""

from __future__ import annotations

GLOSSARY = {
    "Average CPI": "Average paid per complete to date, as reported by Cint.",
    "Budget": "Your planned spend. Stored in Fieldwatch only.",
    "CPI": "Cost per interview: what you pay for one complete.",
    "Chance": "Probability of reaching the goal by the end date at the present pace and CPI. Of "
    "ten groups at 70 %, about seven reach it.",
    "Conversion": "Completes ÷ entrants as reported by Cint; may differ from the funnel.",
    "Drop-off": "Share of respondents who started the survey and left without an end status.",
    "EPC": "Earnings per click: CPI × completes ÷ entrants. Suppliers send more respondents where "
    "it is high; below 0.15 USD a group struggles.",
    "EPCM": "Earnings per click and minute: EPC ÷ interview length in minutes.",
    "Entrants": "Respondents who clicked into the group, before any question.",
    "Filling strategy": "What the goal limits: completes, prescreens, or (automated) what Cint "
    "computes from both.",
    "IR": "Incidence rate: share of prescreens that complete, beside the rate that was bid.",
    "LOI": "Length of interview: median of the completed interviews, beside the minutes that were "
    "bid.",
    "Needed today": "Completes that live groups were missing at midnight in their time zones, "
    "spread evenly over the days to their end dates.",
    "Pace": "Completes so far against those expected by now, given the group's typical daily "
    "pattern.",
    "Prescreens": "Respondents who passed the Cint screener and were sent to the survey.",
    "Projected cost": "Cost on the end date at the present pace and CPI (median of the forecast).",
    "Projected finish": "Date the goal is reached at the present pace; the range holds in 80 % of "
    "cases.",
    "Projected shortfall": "Goal minus projected completes on the end date. For a group whose "
    "goal counts prescreens: the completes that the missing prescreens would have given.",
    "Quota": "How many completes one part of the audience may give, such as women aged 18–34.",
    "Rate card": "Prices by length of interview and incidence rate. A group that is priced by "
    "rate card cannot be given a CPI by hand.",
    "Re-entry": "Whether earlier participants may enter this or other groups.",
    "Reconciliation": "Completes can be rejected until the 25th of the following month; the count "
    "then falls.",
    "Risk of a pause": "How close the group is to each limit at which Cint pauses it. Cint does "
    "not publish these limits; this is Fieldwatch's estimate.",
    "Spend": "Cost to date as reported by Cint.",
    "Spend today": "Completes since midnight in the groups' time zones × today's CPI. The cost "
    "that Cint reports follows later.",
}
