"""The forms that change a group, by their name in addresses, in the order of the group's page.

The form that has the name of its kind covers the whole of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.web.edits.forms import (
    assistant,
    cpi,
    dates,
    details,
    filling_strategy,
    goals,
    local,
    re_entry,
)
from dashboard.web.edits.forms.base import Form, Value

FORMS: Mapping[str, Form[Value]] = {
    form.name: form
    for form in (
        cpi.FORM,
        goals.FORM,
        dates.FORM,
        filling_strategy.FORM,
        re_entry.FORM,
        assistant.FORM,
        details.MANAGER,
        details.FORM,
        local.BUDGET,
        local.TIME_ZONE,
    )
}
