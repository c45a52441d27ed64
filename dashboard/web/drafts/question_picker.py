"""Add questions to a draft's form and remove them, before anything is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from dashboard.exchange.errors import ExchangeError
from dashboard.sync.lookup import on_demand
from dashboard.web.drafts.form_state import DraftForm, DraftFormState
from dashboard.web.edits.forms.base import Value
from dashboard.web.edits.forms.draft import questions
from dashboard.web.edits.forms.draft.fields import LOCALE
from dashboard.web.edits.forms.draft.questions import OFFERED, PREFIX, QUERY, QuestionRow

FIND, ADD, MORE, SPAN, DROP = "find", "add", "more", "range", "drop"
DEFAULT_LOCALE = "eng_us"  # the library's own default, where no country is chosen yet


@dataclass(slots=True)
class PickerAnswer:
    """The questions of the library that match a query, or why there are none."""

    words: str = ""
    questions: list[tuple[int, Value]] = field(default_factory=list)
    trouble: str = ""


def requested_change(typed: QueryDict) -> str:
    """Return what a form asks for instead of being saved: its button, or its typed query."""
    return typed.get("look", "") or (FIND if typed.get(QUERY, "").strip() else "")


def change_questions(draft_form: DraftForm, state: DraftFormState, kind: str) -> PickerAnswer:
    """Change the questions of the form as requested; its other fields stay as typed."""
    entry = draft_form.entry(state)
    rows, answer = questions.question_rows(entry), PickerAnswer()
    change, _, index_text = kind.partition(".")
    index = (
        int(index_text)
        if index_text.isascii() and index_text.isdigit() and len(index_text) < 10
        else -1
    )
    if change == FIND:
        answer = _search(draft_form, state)
    elif change == ADD and index >= 0:
        rows, answer = _add_question(draft_form, state, rows, index)
    elif 0 <= index < len(rows):
        if change == DROP:
            del rows[index]
        elif change == SPAN and rows[index].kind == questions.RANGE:
            questions.add_range(rows[index])
        elif change == MORE and (question := rows[index].question) is not None:
            rows, answer = _add_question(draft_form, state, rows, question)
    _store_rows(state, rows, questions.quota_unit(entry))
    return answer


def _store_rows(state: DraftFormState, rows: Sequence[QuestionRow], unit: str) -> None:
    """Store these questions in the form's state, and clear the query."""
    typed = state.typed.copy()
    for name in [name for name in typed if name.startswith(PREFIX) or name in (OFFERED, QUERY)]:
        del typed[name]
    for name, text in questions.rows_as_typed(rows, unit).items():
        typed[name] = text
    state.typed = typed
    state.fresh = [index for index, row in enumerate(rows) if row.fresh]


def _trouble(exc: ExchangeError) -> str:
    return f"{exc}. {exc.retry_advice or 'Try again in a moment'}; your entries are kept."


def _search(draft_form: DraftForm, state: DraftFormState) -> PickerAnswer:
    query = state.typed.get(QUERY, "").strip()[:100]
    if not query:
        return PickerAnswer(
            trouble="Enter a word of the question or of an answer, such as age or car."
        )
    try:
        matches = _find_questions(draft_form, state, query=query)
    except ExchangeError as exc:
        return PickerAnswer(query, trouble=_trouble(exc))
    shown = [
        (question["targets"][0]["conditions"][0]["question_id"], question) for question in matches
    ]
    return PickerAnswer(query, shown, "" if shown else f"No questions found for “{query}”.")


def _add_question(
    draft_form: DraftForm, state: DraftFormState, rows: list[QuestionRow], question_id: int
) -> tuple[list[QuestionRow], PickerAnswer]:
    try:
        matches = _find_questions(draft_form, state, ids=[question_id])
    except ExchangeError as exc:
        return rows, PickerAnswer(trouble=_trouble(exc))
    if not matches:
        return rows, PickerAnswer(trouble="Cint has no such question for this country.")
    return questions.with_question(rows, matches[0]), PickerAnswer()


def _find_questions(
    draft_form: DraftForm, state: DraftFormState, *, query: str = "", ids: Sequence[int] = ()
) -> list[Value]:
    locale = draft_form.entry(state).text(LOCALE)
    codes = {code for code, _ in draft_form.lists.locales}
    return on_demand.find_questions(
        account=draft_form.project.account,
        locale=locale if locale in codes else DEFAULT_LOCALE,
        words=query,
        ids=ids,
    )
