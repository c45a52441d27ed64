"""Links in mails that lead to a form: signed, for a week, and only a way there.

Following one changes nothing and signs nobody in; the form asks once, whoever may.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.core import signing

from dashboard.alerts.rules.catalogue import JUDGED, RULES
from dashboard.alerts.rules.rule_type import HelpForm
from dashboard.fielding.models import Incident

ACKNOWLEDGE, MUTE = "acknowledge", "mute"
RESUME, CONNECTION = HelpForm.RESUME, HelpForm.CONNECTION
WORDS: dict[str, str] = {
    HelpForm.CPI: "Change CPI",
    HelpForm.DATES: "Move its end",
    HelpForm.GOALS: "Change its goal",
    HelpForm.BUDGET: "Change its budget",
    HelpForm.DETAILS: "Change what is agreed",
    RESUME: "Resume",
    CONNECTION: "Look at the connection",
    ACKNOWLEDGE: "Acknowledge",
    MUTE: "Mute",
}
FORMS = (
    HelpForm.CPI,
    HelpForm.DATES,
    HelpForm.GOALS,
    HelpForm.BUDGET,
    HelpForm.DETAILS,
)  # of a group
# The form that mends the reason of a pause by the exchange, before the group is resumed.
_MENDS = {
    "max_cpi_limit_reached": HelpForm.CPI,
    "low_epc": HelpForm.CPI,
    "past_scheduled_end_date": HelpForm.DATES,
    "total_completes_reached": HelpForm.GOALS,
    "high_median_loi": HelpForm.DETAILS,
    "no_completes_in_several_days": HelpForm.CPI,
}
GOOD_FOR = timedelta(days=7)
_SALT = "fieldwatch.alerts.act"


class ActionLink(NamedTuple):
    """Which form of which incident a link leads to, and whether it still does."""

    incident: int
    form: str
    expired: bool


def suggested_actions(incident: Incident) -> list[str]:
    """The forms that may help with an incident, the likeliest first; acknowledge and mute last."""
    rule, group = RULES.get(incident.rule), incident.group
    helps: list[str] = [
        form for form in (rule.helps if rule else ()) if group or form is HelpForm.CONNECTION
    ]
    if group and rule is JUDGED["paused_by_exchange"] and group.status_reason in _MENDS:
        helps.insert(0, _MENDS[group.status_reason])
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
