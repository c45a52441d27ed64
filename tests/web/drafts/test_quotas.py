"""Profiles and quotas in the form of a draft, without a script: found, ticked, counted, refused."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.simulator.harness import Simulator
from dashboard.sync.edits import send
from dashboard.sync.edits.kinds import draft as drafts
from dashboard.web.edits.forms.draft import form as form_of
from tests.web.drafts.test_draft_views import (
    account,
    draft,
    editor,
    new,
    opened,
    project,
    simulator,
    typed,
)

__all__ = ["account", "draft", "editor", "new", "project", "simulator"]
pytestmark = pytest.mark.django_db
Fields = dict[str, str]


def fields(page: str) -> Fields:
    """What the questions of a page would send, as they stand."""
    part = page[page.index('id="profiles"') :]
    told = {}
    for tag in re.findall(r"<input [^>]+>", part[: part.index("</section>")]):
        found = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', tag))
        if found.get("type") not in ("checkbox", "radio") or re.search(r"\schecked\b", tag):
            told[unescape(found["name"])] = unescape(found.get("value", "on"))
    return told


def page(answer: Any) -> str:
    return answer.content.decode()


@pytest.fixture
def form(editor: Client, new: str) -> Fields:
    return opened(editor, new) | typed()


def ask(editor: Client, new: str, form: Fields, look: str, **more: str) -> Fields:
    """Press one of the buttons of the questions; the form as it is then."""
    said = page(editor.post(new, form | more | {"look": look}))
    kept = {name: text for name, text in form.items() if not name.startswith("profile")}
    return kept | fields(said)


def held(group: TargetGroup | None) -> list[Any]:
    """The profiles that the exchange holds: their names, and each answer with its quota."""
    assert group is not None
    profiling = send.read_current_value(group=group, kind="draft")["profiling"]
    return [
        [
            one["name"],
            {each["text"]: [*(each.get("quota") or {}).values()] for each in one["targets"]},
        ]
        for one in profiling.get("profiles", [])
    ]


def test_questions_are_found_by_name_and_a_draft_is_made_with_quotas(
    editor: Client, new: str, form: Fields
) -> None:
    said = page(editor.post(new, form | {"question_words": "gender"}))  # as Enter does
    assert "What is your gender?" in said
    assert not Edit.objects.exists()
    form = ask(editor, new, form, "add.43")
    form = ask(editor, new, form, "add.42")
    form = ask(editor, new, form, "range.1")
    answers = {
        "profile.0.quotas": "on",
        "profile.0.0.wanted": "on",
        "profile.0.0.quota": "48,5",
        "profile.0.1.wanted": "on",
        "profile.0.1.quota": "51.5 %",
        "profile.1.0.low": "18",
        "profile.1.0.high": "34",
        "profile.1.1.low": "35",
        "profile.1.1.high": "65",
    }
    editor.post(new, form | answers)
    made = Edit.objects.get()
    assert (made.state, made.reasons) == ("confirmed", [])
    assert held(made.group) == [
        ["GENDER", {"Male": [48.5], "Female": [51.5]}],
        ["AGE", {"18 to 34": [], "35 to 65": []}],
    ]
    with pytest.raises(SystemExit):
        call_command("pull", made.account.name)
    assert made.group is not None
    said = page(editor.get(f"/groups/{made.group.pk}/"))
    assert "Male: 48.5 %, Female: 51.5 %" in said


@pytest.fixture
def profiled(editor: Client, new: str, form: Fields) -> str:
    """The address of a draft with a quota of 60 % for women."""
    form = ask(editor, new, form, "add.43")
    editor.post(
        new,
        form | {"profile.0.quotas": "on", "profile.0.1.wanted": "on", "profile.0.1.quota": "60"},
    )
    return f"/groups/{TargetGroup.objects.get(name='Germany adults').pk}/draft/"


def here(editor: Client, address: str) -> Fields:
    """A draft's form as it is opened."""
    said = page(editor.get(address))
    return opened(editor, address) | typed() | fields(said)


def test_what_a_draft_has_comes_prefilled_and_goes_back_as_it_came(
    editor: Client, profiled: str, simulator: Simulator
) -> None:
    form = here(editor, profiled)
    assert (form["profile.0.0.wanted"], form["profile.0.0.quota"]) == ("on", "60")
    assert "Nothing was changed." in page(editor.post(profiled, form, follow=True))
    editor.post(profiled, form | {"name": "Another name"})
    group = TargetGroup.objects.get(name="Another name")
    assert held(group) == [["GENDER", {"Female": [60]}]]


def test_answers_are_added_taken_out_and_quotas_are_given_in_completes(
    editor: Client, profiled: str
) -> None:
    form = ask(editor, profiled, here(editor, profiled), "more.0")
    assert "profile.0.1.wanted" not in form
    editor.post(
        profiled,
        form
        | {
            "quota_unit": "nominal",
            "profile.0.0.quota": "70",
            "profile.0.1.wanted": "on",
            "profile.0.1.quota": "50",
        },
    )
    group = TargetGroup.objects.get(name="Germany adults")
    assert held(group) == [["GENDER", {"Female": [70], "Male": [50]}]]
    edit = Edit.objects.get(kind="draft")
    assert edit.state == "confirmed"
    said = page(editor.get(f"/edits/{edit.pk}/"))
    assert "Targeting: GENDER" in said
    assert "Female: 60 %" in said
    assert "Female: 70 completes, Male: 50 completes" in said


def test_a_question_that_is_taken_out_takes_its_quotas_along(editor: Client, profiled: str) -> None:
    form = ask(editor, profiled, here(editor, profiled), "drop.0")
    assert not [name for name in form if name.startswith("profile.")]
    editor.post(profiled, form)
    assert Edit.objects.get(kind="draft").state == "confirmed"
    assert held(TargetGroup.objects.get(name="Germany adults")) == []


@pytest.mark.parametrize(
    ("typed_in", "said"),
    [
        ({"profile.0.0.quota": "101"}, "Enter 0 to 100 %"),
        ({"profile.0.0.quota": "1e2"}, "Enter 0 to 100 %"),
        ({"profile.0.0.quota": "33.333"}, "Enter 0 to 100 %"),
        ({"profile.0.0.quota": ""}, "Enter 0 to 100 %"),
        ({"quota_unit": "nominal", "profile.0.0.quota": "121"}, "from 0 to 120"),
        ({"profile.0.0.wanted": ""}, "Tick at least one answer"),
    ],
)
def test_what_cannot_be_sent_is_said_at_its_question_and_stays_typed(
    editor: Client, profiled: str, simulator: Simulator, typed_in: Fields, said: str
) -> None:
    form = here(editor, profiled) | {"profile.0.0.quota": "61"} | typed_in
    form = {name: text for name, text in form.items() if text or name.endswith("quota")}
    answer = page(editor.post(profiled, form))
    assert said in answer
    assert fields(answer).get("profile.0.0.quota") == form["profile.0.0.quota"]
    assert "update_target_group" not in simulator.requests()


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([("18", "34"), ("34", "65")], "Two of these ranges overlap"),
        ([("0", "34")], "from 1 to 99"),
        ([("34", "18")], "from 34 to 99"),
        ([("", "")], "from 1 to 99"),
    ],
)
def test_ranges_that_cannot_be_are_refused(
    editor: Client, new: str, form: Fields, spans: list[tuple[str, str]], said: str
) -> None:
    form = ask(editor, new, form, "add.42")
    for number, (low, high) in enumerate(spans):
        if number:
            form = ask(editor, new, form, "range.0")
        form |= {f"profile.0.{number}.low": low, f"profile.0.{number}.high": high}
    assert said in page(editor.post(new, form))
    assert not Edit.objects.exists()


def test_an_objection_of_the_exchange_belongs_to_its_question() -> None:
    assert form_of.draft_field_for("profiling.profiles[2].targets[0].quota") == "profile.2"
    assert form_of.draft_field_for("profiling.template_id") == "profiling"


def test_what_a_colleague_made_of_the_quotas_meanwhile_is_a_conflict(
    editor: Client, profiled: str
) -> None:
    form, group = here(editor, profiled), TargetGroup.objects.get(name="Germany adults")
    seen = send.read_current_value(group=group, kind="draft")
    theirs = seen | {"profiling": {}}
    anna = Edit.objects.get().by
    assert anna is not None
    send.send_edit(group=group, kind="draft", seen=seen, wanted=theirs, by=anna, token="theirs")
    answer = page(editor.post(profiled, form | {"profile.0.0.quota": "70"}))
    assert "Someone else changed this" in answer
    assert "Female: 60 %" in answer
    assert fields(answer)["profile.0.0.quota"] == "70"


def test_an_exchange_that_is_away_keeps_what_was_typed(
    editor: Client, new: str, form: Fields, simulator: Simulator
) -> None:
    simulator.fault("http_503", operation="account_questions_translation")
    answer = page(editor.post(new, form | {"question_words": "pets", "look": "find"}))
    assert "Try again in a moment; your entries are kept." in answer
    assert 'value="pets"' in answer
    assert 'value="Germany adults"' in answer


def test_other_orders_names_and_digits_are_the_same_audience() -> None:
    def profiling(*answers: Any) -> Any:
        targets = [
            {
                "conditions": [{"object": "selection", "question_id": 43, "option": option}],
                "quota": {"completes_goal_percentage": share},
                "text": str(option),
            }
            for option, share in answers
        ]
        profile = {"object": "regular", "quotas_enabled": True, "targets": targets}
        return {"profiling": {"profile_adjustment_type": "percentage", "profiles": [profile]}}

    base: Any = dict.fromkeys(drafts.FIELDS)
    one = base | profiling(("1", 40), ("2", 60))
    assert drafts.same_draft(one, base | profiling(("2", 60.0), ("1", 40.0)))
    assert not drafts.same_draft(one, base | profiling(("1", 40), ("2", 60.01)))
    assert not drafts.same_draft(one, base | profiling(("1", 40)))
    assert not drafts.same_draft(base | {"profiling": {}}, one)
