"""The library of questions by which an audience is described."""

from dataclasses import dataclass

from dashboard.simulator.catalogue.values import Json


@dataclass(frozen=True)
class LibraryQuestion:
    """A question with its answers as (option, text); of a `kind` without options none."""

    id: int
    name: str
    text: str
    kind: str  # selection, range, open_ended
    answers: tuple[tuple[str, str], ...] = ()
    many: bool = False  # several answers allowed

    @property
    def condition_type(self) -> str:
        """What the exchange calls its kind."""
        if self.kind != "selection":
            return "Numeric - Open-end" if self.kind == "range" else "Text - Open-end"
        return "Multi Punch" if self.many else "Single Punch"

    def option(self, code: str) -> str:
        """The text of an answer, empty for one that it does not have."""
        return dict(self.answers).get(code, "")


def _numbered(*texts: str) -> tuple[tuple[str, str], ...]:
    return tuple((str(number), text) for number, text in enumerate(texts, start=1))


_ALL = (
    LibraryQuestion(42, "AGE", "What is your age?", "range"),
    LibraryQuestion(43, "GENDER", "What is your gender?", "selection", _numbered("Male", "Female")),
    LibraryQuestion(45, "ZIP", "What is your postal code?", "open_ended"),
    LibraryQuestion(
        48,
        "EDUCATION",
        "What is the highest level of education that you completed?",
        "selection",
        _numbered(
            "Primary school", "Secondary school", "Vocational training", "University", "Doctorate"
        ),
    ),
    LibraryQuestion(
        96,
        "REGION",
        "In which part of the country do you live?",
        "selection",
        _numbered("North", "East", "South", "West"),
    ),
    LibraryQuestion(
        2189,
        "EMPLOYMENT",
        "Which describes your work best?",
        "selection",
        _numbered(
            "Full time", "Part time", "Self-employed", "In education", "Retired", "Not working"
        ),
    ),
    LibraryQuestion(
        14785,
        "HOUSEHOLD INCOME",
        "What does your household earn in a year?",
        "selection",
        _numbered(
            "Below 20,000",
            "20,000 to 39,999",
            "40,000 to 59,999",
            "60,000 to 99,999",
            "100,000 and more",
        ),
    ),
    LibraryQuestion(
        639,
        "PETS",
        "Which pets live in your household?",
        "selection",
        _numbered("Dog", "Cat", "Bird", "Fish", "None"),
        many=True,
    ),
    LibraryQuestion(
        1108,
        "CAR OWNER",
        "Do you own a car?",
        "selection",
        _numbered("Yes, one", "Yes, several", "No"),
    ),
    LibraryQuestion(
        643,
        "CHILDREN",
        "How old are the children in your household?",
        "selection",
        _numbered("Below 6", "6 to 12", "13 to 17", "No children"),
        many=True,
    ),
)
QUESTIONS = {question.id: question for question in _ALL}


def question_answer(question: LibraryQuestion) -> Json:
    """A question as the library shows it."""
    return {
        "object": "regular",
        "name": question.name,
        "description": question.text,
        "description_translated": question.text,
        "quotas_enabled": False,
        "targets": [
            {"text": text, "text_translated": text, "conditions": [_condition(question, code)]}
            for code, text in question.answers or (("", ""),)
        ],
        "standard": True,
        "profile_condition_type": question.condition_type,
        "classification_id": 32,
        "classification_code": "DEM",
    }


def _condition(question: LibraryQuestion, code: str) -> Json:
    base: Json = {"object": question.kind, "question_id": question.id}
    if question.kind == "range":
        return base | {"min": 1, "max": 99}
    if question.kind == "open_ended":
        return base | {"allow_all_values": True, "open_ended_values": None}
    return base | {"option": code}


def condition_text(condition: Json) -> str:
    """A condition as the exchange names it: "18 to 34", "Female"."""
    if condition.get("object") == "range":
        return f"{condition.get('min')} to {condition.get('max')}"
    question = QUESTIONS.get(condition.get("question_id", 0))
    if condition.get("object") == "selection":
        return question.option(str(condition.get("option"))) if question else ""
    values = condition.get("open_ended_values") or ["any"]
    return ", ".join(str(value) for value in values[:5])


def find_questions(text: str, ids: list[int]) -> list[LibraryQuestion]:
    """Questions by their ids, else by words in them or their answers."""
    if ids:
        return [QUESTIONS[number] for number in ids if number in QUESTIONS]
    needle = text.casefold()
    return [
        question
        for question in QUESTIONS.values()
        if needle
        in f"{question.name} {question.text} {' '.join(dict(question.answers).values())}".casefold()
    ]
