"""Links in mails that lead to a form: signed and valid for a week.

Following a link changes nothing and signs nobody in: the form asks for confirmation, and only of
users with permission.
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
LABELS: dict[str, str] = {
    HelpForm.CPI: "Change CPI",
    HelpForm.DATES: "Change end date",
    HelpForm.GOALS: "Change goal",
    HelpForm.BUDGET: "Change budget",
    HelpForm.DETAILS: "Change LOI/IR",
    RESUME: "Resume",
    CONNECTION: "Check connection",
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
# The form that fixes the reason of a pause by the exchange, before the group is resumed.
FORM_BY_PAUSE_REASON = {
    "max_cpi_limit_reached": HelpForm.CPI,
    "low_epc": HelpForm.CPI,
    "past_scheduled_end_date": HelpForm.DATES,
    "total_completes_reached": HelpForm.GOALS,
    "high_median_loi": HelpForm.DETAILS,
    "no_completes_in_several_days": HelpForm.CPI,
}
VALID_FOR = timedelta(days=7)
_SALT = "fieldwatch.alerts.act"


class ActionLink(NamedTuple):
    """The form and the incident that a link leads to, and whether it has expired."""

    incident: int
    form: str
    expired: bool


def suggested_actions(incident: Incident) -> list[str]:
    """Return the forms that can help with an incident, the likeliest first."""
    rule, group = RULES.get(incident.rule), incident.group
    forms: list[str] = [
        form for form in (rule.helps if rule else ()) if group or form is HelpForm.CONNECTION
    ]
    if (
        group
        and rule is JUDGED["paused_by_exchange"]
        and group.status_reason in FORM_BY_PAUSE_REASON
    ):
        forms.insert(0, FORM_BY_PAUSE_REASON[group.status_reason])
    return [*forms, ACKNOWLEDGE, MUTE]


def action_url(incident: Incident, form: str) -> str:
    """Return the signed link to a form of an incident."""
    token = signing.dumps([incident.pk, form], salt=_SALT)
    return f"{settings.FIELDWATCH_URL}/act/{token}/"


def read_action_token(token: str, *, valid_for: timedelta = VALID_FOR) -> ActionLink | None:
    """Return where a link leads; None without a valid signature."""
    try:
        pk, form = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    try:
        signing.loads(token, salt=_SALT, max_age=valid_for)
    except signing.SignatureExpired:
        return ActionLink(pk, form, expired=True)
    return ActionLink(pk, form, expired=False)
