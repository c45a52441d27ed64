"""Questions put into a draft's form and taken out of it, before anything is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from dashboard.exchange.errors import ExchangeError
from dashboard.sync.lookup import on_demand
from dashboard.web.drafts.form_state import DraftForm, DraftFormState
from dashboard.web.edits.forms.base import Value
from dashboard.web.edits.forms.draft import questions as audience
from dashboard.web.edits.forms.draft.fields import LOCALE
from dashboard.web.edits.forms.draft.questions import ASKED, OFFERED, PREFIX, QuestionRow

FIND, ADD, MORE, SPAN, DROP = "find", "add", "more", "range", "drop"
ANYWHERE = "eng_us"  # the library's own default, where no country is chosen yet


@dataclass(slots=True)
class PickerAnswer:
    """What the library has for the words that were typed, or why nothing."""

    words: str = ""
    questions: list[tuple[int, Value]] = field(default_factory=list)
    trouble: str = ""


def requested_change(typed: QueryDict) -> str:
    """What a form asks for instead of being saved; words for a question that nobody looked for yet
    are looked for.
    """
    return typed.get("look", "") or (FIND if typed.get(ASKED, "").strip() else "")


def change_questions(desk: DraftForm, state: DraftFormState, kind: str) -> PickerAnswer:
    """Do what was asked for with the questions of the form; its other fields stay as typed."""
    entry = desk.entry(state)
    rows, answer = audience.question_rows(entry), PickerAnswer()
    what, _, number = kind.partition(".")
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else -1
    if what == FIND:
        answer = _found(desk, state)
    elif what == ADD and at >= 0:
        rows, answer = _added(desk, state, rows, at)
    elif 0 <= at < len(rows):
        if what == DROP:
            del rows[at]
        elif what == SPAN and rows[at].kind == audience.RANGE:
            audience.one_more_range(rows[at])
        elif what == MORE and (question := rows[at].question) is not None:
            rows, answer = _added(desk, state, rows, question)
    _keep(state, rows, audience.quota_unit(entry))
    return answer


def _keep(state: DraftFormState, rows: Sequence[QuestionRow], unit: str) -> None:
    """The form with these questions; the words that were looked for are done with."""
    typed = state.typed.copy()
    for name in [one for one in typed if one.startswith(PREFIX) or one in (OFFERED, ASKED)]:
        del typed[name]
    for name, text in audience.as_typed(rows, unit).items():
        typed[name] = text
    state.typed = typed
    state.fresh = [number for number, row in enumerate(rows) if row.fresh]


def _found(desk: DraftForm, state: DraftFormState) -> PickerAnswer:
    words = state.typed.get(ASKED, "").strip()[:100]
    if not words:
        return PickerAnswer(
            trouble="Type a word of the question or of an answer, such as age or car."
        )
    try:
        questions = _ask(desk, state, words=words)
    except ExchangeError as exc:
        return PickerAnswer(words, trouble=f"{exc}. Try again in a moment; what you typed is kept.")
    shown = [(one["targets"][0]["conditions"][0]["question_id"], one) for one in questions]
    return PickerAnswer(
        words, shown, "" if shown else f"No question of the exchange says “{words}”."
    )


def _added(
    desk: DraftForm, state: DraftFormState, rows: list[QuestionRow], number: int
) -> tuple[list[QuestionRow], PickerAnswer]:
    try:
        questions = _ask(desk, state, ids=[number])
    except ExchangeError as exc:
        return rows, PickerAnswer(trouble=f"{exc}. Try again in a moment; what you typed is kept.")
    if not questions:
        return rows, PickerAnswer(trouble="The exchange has no such question for this country.")
    return audience.with_question(rows, questions[0]), PickerAnswer()


def _ask(
    desk: DraftForm, state: DraftFormState, *, words: str = "", ids: Sequence[int] = ()
) -> list[Value]:
    locale = desk.entry(state).text(LOCALE)
    known = {code for code, _ in desk.lists.locales}
    return on_demand.find_questions(
        account=desk.project.account,
        locale=locale if locale in known else ANYWHERE,
        words=words,
        ids=ids,
    )
