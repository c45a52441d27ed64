"""Links in mails that lead to a form: signed, for a week, and only a way there.

Following one changes nothing and signs nobody in; the form asks once, whoever may.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.core import signing

from dashboard.alerts.rules.catalogue import NO_DATA
from dashboard.fielding.models import Incident

ACKNOWLEDGE, MUTE, RESUME = "acknowledge", "mute", "resume"
PRICE, DATES, GOALS = "cpi", "dates", "goals"  # forms of a group, by their names in addresses
BUDGET, DETAILS = "budget", "details"
CONNECTION = "connection"  # for administrators alone
WORDS = {
    PRICE: "Change CPI",
    DATES: "Move its end",
    GOALS: "Change its goal",
    BUDGET: "Change its budget",
    DETAILS: "Change what is agreed",
    RESUME: "Resume",
    CONNECTION: "Look at the connection",
    ACKNOWLEDGE: "Acknowledge",
    MUTE: "Mute",
}
FORMS = (PRICE, DATES, GOALS, BUDGET, DETAILS)
# What may help, by rule; what else there is to be done is on the incident's page.
_HELPS = {
    "stalled": (PRICE,),
    "behind_pace": (PRICE, DATES),
    "ends_soon": (PRICE, DATES),
    "early": (GOALS,),
    "overfilled": (GOALS,),
    "paused_and_forgotten": (RESUME, DATES),
    "incidence_low": (DETAILS,),
    "interview_long": (DETAILS,),
    "epc": (PRICE,),
    "spend": (BUDGET,),
    "projected_cost": (BUDGET,),
    "about_to_pause": (PRICE,),
    "cpi_changed": (PRICE,),
}
# And by the reason of a pause, before it is resumed.
_MENDS = {
    "max_cpi_limit_reached": PRICE,
    "low_epc": PRICE,
    "past_scheduled_end_date": DATES,
    "total_completes_reached": GOALS,
    "high_median_loi": DETAILS,
    "no_completes_in_several_days": PRICE,
}
GOOD_FOR = timedelta(days=7)
_SALT = "fieldwatch.alerts.act"


class ActionLink(NamedTuple):
    """Which form of which incident a link leads to, and whether it still does."""

    incident: int
    form: str
    expired: bool


def suggested_actions(incident: Incident) -> list[str]:
    """The forms that may help with an incident, the likeliest first; to be quiet about it last."""
    group, helps = incident.group, list[str]()
    if group and incident.rule == "paused_by_exchange":
        helps = [*filter(None, (_MENDS.get(group.status_reason),)), RESUME]
    elif incident.rule == NO_DATA.code:
        helps = [CONNECTION]
    elif group:
        helps = list(_HELPS.get(incident.rule, ()))
    return [*helps, ACKNOWLEDGE, MUTE]


def action_url(incident: Incident, form: str) -> str:
    """The link to a form of an incident."""
    token = signing.dumps([incident.pk, form], salt=_SALT)
    return f"{settings.FIELDWATCH_URL}/act/{token}/"


def read_action_token(token: str, *, good_for: timedelta = GOOD_FOR) -> ActionLink | None:
    """Where a link leads; None for one that we never signed."""
    try:
        pk, form = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return None
    try:
        signing.loads(token, salt=_SALT, max_age=good_for)
    except signing.SignatureExpired:
        return ActionLink(pk, form, expired=True)
    return ActionLink(pk, form, expired=False)
