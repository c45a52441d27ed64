"""What the words of the trade mean: one source for the hints in place and the page of words."""

from __future__ import annotations

GLOSSARY = {
    "Average CPI": "What a complete cost on average so far, by the exchange.",
    "Budget": "What you planned to spend on the group. It is ours: the exchange does not know it.",
    "CPI": "Cost per interview: what you pay for one complete.",
    "Chance": "How likely it is that the goal is met by the end date, at the present pace and "
    "price. Of ten groups that say 70 %, about seven meet it.",
    "Conversion": "The share of people that completed, as the exchange counts it over the group's "
    "whole life. Of which people it does not say: the funnel, which begins with the click, may "
    "tell another share.",
    "Drop-off": "The share of those in the survey who left it without an end.",
    "EPC": "Earnings per click: CPI × completes ÷ entrants. Suppliers send people where it is "
    "high; below 0.15 USD a group struggles.",
    "EPCM": "Earnings per click and minute: EPC ÷ interview minutes.",
    "Entrants": "Everybody who clicked into the group, before any question.",
    "Filling strategy": "What the goal limits: completes, prescreens, or, automated, whatever the "
    "exchange works out from both.",
    "IR": "Incidence rate: of the people who could qualify, the share that did; beside the rate "
    "expected.",
    "LOI": "Length of interview: the median of real interviews, beside the minutes agreed.",
    "Likely finish": "The day on which the goal is met at the present pace: the even bet, and the "
    "range in which it falls eight times of ten.",
    "Needed today": "What was missing to the goals of the live groups at midnight where their "
    "people live, spread evenly over the days to their ends.",
    "Pace": "What was reached so far, beside what is due by now on the usual course of its days.",
    "Prescreens": "People who passed the exchange's screener and were sent to the survey.",
    "Projected cost": "What the group will have cost at its end at the present pace and CPI, the "
    "middle estimate.",
    "Quota": "How many completes one part of the audience may give, such as women of 18–34.",
    "Rate card": "A table of prices by length of interview and incidence rate. A group that is "
    "priced by one cannot be given a CPI by hand.",
    "Re-entry": "Whether somebody who was in the group once may come again, to it or to others.",
    "Reconciliation": "Until the end of the 25th of the next month, completes can still be "
    "turned down: then the count falls.",
    "Risk of a pause": "How near the group is to each reason for which the exchange pauses by "
    "itself. The exchange keeps its limits to itself; this is our estimate.",
    "Short at end": "Completes that will be missing on the end date at the present pace, the "
    "middle estimate. Of a group whose goal counts prescreens: what the missing prescreens would "
    "have given.",
    "Spend": "Completes so far at the price each was bought for.",
    "Spend today": "Completes since midnight where their people live, at the present CPI of their "
    "group; the exchange's own count of cost comes later.",
}
