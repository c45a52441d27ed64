"""The questions of a draft as its form holds them: answers, whether each is wanted, how many.

Questions and their answers come from the exchange's library (`account_questions_translation`). A
blended profile is the exchange's own work (`generate_blended_profile`): it comes with a copy, and
its quotas can be changed here.

What can be chosen from travels signed with the form; what is typed are its ticks and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.core import signing

from dashboard.sync.edits.kinds.draft import PROFILING
from dashboard.web.edits.forms.base import Value
from dashboard.web.edits.forms.draft.fields import DraftEntry
from dashboard.web.http.ticks import is_ticked

OFFERED, UNIT, ASKED, PREFIX, SALT = "profiles", "quota_unit", "question_words", "profile.", "profs"
PERCENT, NUMBER = "percentage", "nominal"
GOALS = {PERCENT: "completes_goal_percentage", NUMBER: "completes_goal"}
RANGE, SELECTION, OPEN = "range", "selection", "open_ended"


@dataclass
class QuotaField:
    """An answer, a range, or a list of values: whether it is wanted, and how many."""

    target: Value
    wanted: bool = True
    quota: str = ""
    low: str = ""
    high: str = ""
    values: str = ""

    @property
    def kind(self) -> str:
        """How it is filled in; several conditions together are only ticked."""
        conditions = self.target["conditions"]
        return str(conditions[0].get("object")) if len(conditions) == 1 else "several"

    @property
    def label(self) -> str:
        """Whom it is about, in words."""
        return str(self.target.get("text") or "") or ", ".join(
            map(_said, self.target["conditions"])
        )


@dataclass
class QuestionRow:
    """A question of the draft with its answers."""

    profile: Value
    quotas: bool
    cells: list[QuotaField] = field(default_factory=list)
    fresh: bool = False  # just added

    @property
    def kind(self) -> str:
        """What its answers are; those of a blended profile are fixed."""
        return self.cells[0].kind if self.cells else SELECTION

    @property
    def question(self) -> int | None:
        """The number of its question; none where it is about several."""
        ids = {one["question_id"] for cell in self.cells for one in cell.target["conditions"]}
        return ids.pop() if len(ids) == 1 else None

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.profile.get("name") or self.profile.get("description") or "Profile")


def held_profiles(entry: DraftEntry) -> Value:
    """The profiles of the draft as it was opened; empty without any."""
    profiling: Value = (entry.seen or {}).get(PROFILING) or {}
    return profiling


def question_rows(entry: DraftEntry) -> list[QuestionRow]:
    """The questions as they are filled in, else as they are held."""
    try:
        offered = signing.loads(entry.typed.get(OFFERED, ""), salt=SALT)
    except signing.BadSignature:
        return held_rows(held_profiles(entry))
    return [_typed(entry.typed, number, profile) for number, profile in enumerate(offered)]


def quota_unit(entry: DraftEntry) -> str:
    """What quotas are given in."""
    chosen = entry.typed.get(UNIT, held_profiles(entry).get("profile_adjustment_type", PERCENT))
    return chosen if chosen in GOALS else PERCENT


def held_rows(profiling: Value) -> list[QuestionRow]:
    goal = GOALS.get(profiling.get("profile_adjustment_type", PERCENT), GOALS[PERCENT])
    return [
        QuestionRow(
            one, bool(one.get("quotas_enabled")), [cell_of(each, goal) for each in one["targets"]]
        )
        for one in profiling.get("profiles") or []
    ]


def cell_of(target: Value, goal: str = "", *, wanted: bool = True) -> QuotaField:
    given, quota = target["conditions"][0], (target.get("quota") or {}).get(goal)
    low, high = ("" if given.get(end) is None else str(given[end]) for end in ("min", "max"))
    values = "\n".join(str(one) for one in given.get("open_ended_values") or [])
    return QuotaField(target, wanted, "" if quota is None else f"{quota:.10g}", low, high, values)


def _typed(typed: Mapping[str, str], number: int, profile: Value) -> QuestionRow:
    cells = []
    for place, target in enumerate(profile["targets"]):
        name = f"{PREFIX}{number}.{place}"
        texts = [typed.get(f"{name}.{one}", "") for one in ("quota", "low", "high", "values")]
        wanted = is_ticked(typed, f"{name}.wanted")
        cells.append(QuotaField(target, wanted, *(text.strip() for text in texts)))
    return QuestionRow(profile, is_ticked(typed, f"{PREFIX}{number}.quotas"), cells)


def as_typed(of: Sequence[QuestionRow], kind: str) -> dict[str, str]:
    """These questions as a form holds them; of what is on, "on"."""
    offered = [{**row.profile, "targets": [cell.target for cell in row.cells]} for row in of]
    texts = {OFFERED: signing.dumps(offered, salt=SALT, compress=True), UNIT: kind}
    for number, row in enumerate(of):
        texts |= {f"{PREFIX}{number}.quotas": "on"} if row.quotas else {}
        for place, cell in enumerate(row.cells):
            name = f"{PREFIX}{number}.{place}"
            texts |= {f"{name}.wanted": "on"} if cell.wanted else {}
            texts |= {f"{name}.quota": cell.quota, f"{name}.low": cell.low}
            texts |= {f"{name}.high": cell.high, f"{name}.values": cell.values}
    return texts


def questions_initial(profiling: Value | None) -> dict[str, str]:
    """What is held, as a form holds it."""
    given = profiling or {}
    return as_typed(held_rows(given), given.get("profile_adjustment_type", PERCENT))


def with_question(of: Sequence[QuestionRow], question: Value) -> list[QuestionRow]:
    """These questions and one more of the library; answers that are there stay as they are."""
    cells = [cell_of(one, wanted=False) for one in question["targets"]]
    fresh = QuestionRow(question, quotas=False, cells=cells, fresh=True)
    for row in of:
        if row.question is not None and row.question == fresh.question:
            known = {repr(cell.target["conditions"]) for cell in row.cells}
            if row.kind == SELECTION:
                row.cells += [c for c in cells if repr(c.target["conditions"]) not in known]
            row.fresh = True
            return list(of)
    if fresh.kind != SELECTION:
        for cell in cells:
            cell.wanted, cell.low, cell.high = True, "", ""
    return [*of, fresh]


def one_more_range(row: QuestionRow) -> None:
    """An empty range beside the others."""
    first = row.cells[0].target["conditions"][0]
    row.cells.append(QuotaField({"conditions": [first | {"min": None, "max": None}]}))


def in_words(profiling: Value | None) -> dict[str, str]:
    """Each question with its answers and quotas: "Profile AGE": "18 to 34 30 %, …"."""
    told: dict[str, str] = {}
    given = profiling or {}
    sign = " %" if given.get("profile_adjustment_type", PERCENT) == PERCENT else " completes"
    for row in held_rows(given):
        said = [f"{c.label} {c.quota}{sign}" if row.quotas else c.label for c in row.cells]
        told[f"Profile {row.name}{' again' * (f'Profile {row.name}' in told)}"] = ", ".join(said)
    return told


def _said(condition: Value) -> str:
    if condition.get("object") == RANGE:
        return f"{condition.get('min')} to {condition.get('max')}"
    if condition.get("object") == OPEN:
        values = condition.get("open_ended_values") or ["any value"]
        more = f" and {len(values) - 5} more" if len(values) > 5 else ""
        return ", ".join(str(one) for one in values[:5]) + more
    return f"answer {condition.get('option')}"
