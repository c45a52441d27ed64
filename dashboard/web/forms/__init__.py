"""The forms that change a group, by the name that each has in its address."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.web.forms import assistant, cpi, dates, details, goals, ours, re_entry, strategy
from dashboard.web.forms.base import Form

FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        cpi.FORM,
        strategy.FORM,
        re_entry.FORM,
        details.FORM,
        details.MANAGER,
        dates.FORM,
        goals.FORM,
        assistant.FORM,
        ours.BUDGET,
        ours.TIME_ZONE,
    )
}
