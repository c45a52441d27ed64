"""A box is ticked if it says so: that a field is there, or is not empty, says nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict

from dashboard.fielding.models import TargetGroup
from dashboard.web.alerts.rule_forms import RecipientsForm
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import BoundForm, FormError, Value
from dashboard.web.edits.forms.draft.fields import DraftEntry
from dashboard.web.edits.forms.draft.questions import (
    PREFIX,
    held_rows,
    question_rows,
    rows_as_typed,
)
from dashboard.web.edits.forms.re_entry import TARGETS
from dashboard.web.http.ticks import is_ticked
from tests.factories import NOW
from tests.fakes.edit_gateway import GOALS, RE_ENTRY

YES = ["on", "1", "true", "True", "ON"]
NO = ["", " ", "0", "off", "false", "False", "no", "null", "none", "yes, but", "2", "[]"]
GROUP = TargetGroup(currency="USD", pricing_model="dynamic")
OFF: dict[str, Any] = dict.fromkeys(("soft_launch", "pacing", "quota_overlay", "pricing"))
BOTH = {"prevent_overfill": True, "balance_fill": True}
PROFILE = {
    "object": "profile",
    "quotas_enabled": False,
    "targets": [{"conditions": [{"question_id": 1, "min": 18, "max": 24}]}],
}


def typed(**fields: str) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update(fields)
    return query


def ticked_overfill(text: str) -> bool:
    value = FORMS["assistant"].clean(
        BoundForm(
            GROUP,
            OFF,
            typed(**{"quota_overlay.prevent_overfill": text, "quota_overlay.balance_fill": "on"}),
            NOW,
        )
    )
    return bool(value["quota_overlay"]["prevent_overfill"])


def agreed_to_switch_off(text: str) -> bool:
    seen = OFF | {"quota_overlay": BOTH}
    try:
        FORMS["assistant"].clean(BoundForm(GROUP, seen, typed(switch_off=text, typed="1"), NOW))
    except FormError as exc:
        assert list(exc.fields) == ["switch_off"]
        return False
    return True


def soft_launched(text: str) -> bool:
    try:
        FORMS["assistant"].clean(BoundForm(GROUP, OFF, typed(soft_launch=text, typed="1"), NOW))
    except FormError as exc:
        return list(exc.fields) != ["form"]  # the share is missing; else nothing is changed
    return True


def agreed_to_new_quotas(text: str) -> bool:
    total = str(GOALS["completes_goal"] + 1)
    try:
        FORMS["goals"].clean(
            BoundForm(GROUP, GOALS, typed(completes_goal=total, quotas_anew=text), NOW)
        )
    except FormError as exc:
        assert list(exc.fields) == ["quotas_anew"]
        return False
    return True


def re_entered(text: str) -> bool:
    [target, *_] = TARGETS
    given = typed(**{f"completes.client_side.{target}": text})
    value: Value = FORMS["re_entry"].clean(
        BoundForm(GROUP, json.loads(json.dumps(RE_ENTRY)), given, NOW)
    )
    return bool(value["completes"]["client_side"][target])


def with_quotas(text: str) -> bool:
    sent = rows_as_typed(held_rows({"profiles": [PROFILE]}), "percentage")
    [row] = question_rows(DraftEntry(GROUP, {}, typed(**sent, **{f"{PREFIX}0.quotas": text}), NOW))
    return row.quotas


def managers_told(text: str) -> bool:
    form = RecipientsForm(typed(managers=text))
    assert form.is_valid()
    return bool(form.cleaned_data["managers"])


BOXES: list[Callable[[str], bool]] = [
    ticked_overfill,
    agreed_to_switch_off,
    soft_launched,
    agreed_to_new_quotas,
    re_entered,
    with_quotas,
    managers_told,
    lambda text: is_ticked({"box": text}, "box"),
]


@pytest.mark.parametrize("read", BOXES)
def test_a_box_is_ticked_if_it_says_so_and_not_otherwise(read: Callable[[str], bool]) -> None:
    assert [text for text in (*YES, *NO) if read(text)] == YES


@pytest.mark.parametrize("value", [None, 0, 1, "false", [], ["on"], {}, {"on": True}])
def test_what_is_no_text_ticks_nothing(value: object) -> None:
    assert not is_ticked({"box": value}, "box")
    assert not is_ticked({}, "box")
