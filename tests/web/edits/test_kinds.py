"""A kind of edit is known everywhere that lists the kinds, and its files bear its name."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.edits import local
from dashboard.sync.edits.kinds.registry import (
    EDITABLE,
    SETTLED_ELSEWHERE,
    changelog_entries,
    owned_columns,
)
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.value_labels import PARTS, value_parts
from dashboard.web.formatting import labels, numbers
from tests.fakes.edit_gateway import DETAILS, GOALS, RE_ENTRY

HOUSE = Path(__file__).resolve().parents[3]
BY_JOBS = {Edit.Kind.STATUS, Edit.Kind.MANAGER}
# A value of these is one thing: its words are the kind's own label and the value.
ONE_PART = {
    Edit.Kind.CPI,
    Edit.Kind.FILLING_STRATEGY,
    Edit.Kind.BUDGET,
    Edit.Kind.CLIENT_CPI,
    Edit.Kind.STATUS,
}
NOT_IN_CHANGELOG = {Edit.Kind.DRAFT, Edit.Kind.NEW_PROJECT, Edit.Kind.NEW_DRAFT, *local.KINDS}
# What an edit of each kind says before and after, everything in it changed.
CHANGES: dict[str, tuple[Any, Any]] = {
    Edit.Kind.CPI: (
        {"value": "2.75", "currency_code": "USD"},
        {"value": "3.00", "currency_code": "USD"},
    ),
    Edit.Kind.FILLING_STRATEGY: ("completes", "prescreens"),
    Edit.Kind.RE_ENTRY: (RE_ENTRY, RE_ENTRY),
    Edit.Kind.DETAILS: (dict.fromkeys(DETAILS), DETAILS),
    Edit.Kind.DATES: (None, dict.fromkeys(("start_fielding_at", "end_fielding_at"))),
    Edit.Kind.GOALS: (GOALS, GOALS | {"completes_goal": 7}),
    Edit.Kind.ASSISTANT: (
        None,
        {
            "pricing": {"type": "dynamic"},
            "pacing": {"type": "adaptive", "increment_interval": "PT1H"},
            "quota_overlay": {"prevent_overfill": True, "balance_fill": True},
            "soft_launch": {"filling_goal_percentage": 10},
        },
    ),
    Edit.Kind.STATUS: ("live", "paused"),
    Edit.Kind.MANAGER: ("pm-1", "pm-2"),
    Edit.Kind.LAUNCH: (None, {"status": "live"}),
}


@pytest.mark.parametrize("kind", Edit.Kind)
def test_every_kind_is_settled_in_one_place(kind: Edit.Kind) -> None:
    assert [kind in EDITABLE, kind in SETTLED_ELSEWHERE, kind in local.KINDS].count(True) == 1


@pytest.mark.parametrize("kind", EDITABLE)
def test_an_edit_owns_columns_of_a_group(kind: str) -> None:
    assert {*owned_columns(kind)} <= {field.name for field in TargetGroup._meta.concrete_fields}


def test_every_kind_that_a_person_changes_in_a_group_has_a_form() -> None:
    kinds = {*EDITABLE, *local.KINDS} - BY_JOBS - local.OF_PROJECTS_ONLY - {Edit.Kind.DRAFT}
    assert {form.kind for form in FORMS.values()} == kinds


@pytest.mark.parametrize("kind", sorted({*EDITABLE} - BY_JOBS))
def test_a_kind_has_its_files_under_its_own_name(kind: str) -> None:
    assert (HOUSE / f"dashboard/sync/edits/kinds/{kind}.py").exists()
    form = HOUSE / "dashboard/web/edits/forms" / kind
    assert form.is_dir() or form.with_suffix(".py").exists()
    if kind in FORMS:
        assert (HOUSE / "templates" / FORMS[kind].template).exists()


@pytest.mark.parametrize("kind", Edit.Kind)
def test_every_kind_has_words_for_its_values(kind: Edit.Kind) -> None:
    assert (kind in PARTS) != (kind in ONE_PART)
    assert value_parts(kind, None, {}) == {kind.label: numbers.DASH}


@pytest.mark.parametrize("kind", sorted({*Edit.Kind} - NOT_IN_CHANGELOG))
def test_every_kind_has_names_in_the_changelog_and_words_for_them(kind: Edit.Kind) -> None:
    before, wanted = copy.deepcopy(CHANGES[kind])
    entries = changelog_entries(Edit(kind=kind, before=before, wanted=wanted))
    assert entries
    assert {name for name, _ in entries} <= set(labels.CHANGES)


@pytest.mark.parametrize("kind", sorted(NOT_IN_CHANGELOG))
def test_of_the_other_kinds_the_changelog_tells_nothing(kind: Edit.Kind) -> None:
    assert changelog_entries(Edit(kind=kind, before=None, wanted=None)) == []


def test_a_new_kind_of_edit_is_no_migration() -> None:
    assert not Edit._meta.get_field("kind").choices
