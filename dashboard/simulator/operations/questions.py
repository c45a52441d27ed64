"""The library of questions, by words or by ids, in the language of a locale (English for all)."""

from dashboard.simulator.api.pagination import cut_page, page_size
from dashboard.simulator.api.routes import route
from dashboard.simulator.catalogue.places import LOCALES
from dashboard.simulator.catalogue.questions import find_questions, question_answer
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
)
from dashboard.simulator.world.world import World


@route(
    "account_questions_translation",
    "GET",
    "/demand/accounts/{account_id}/questions-translation",
)
def account_questions_translation(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Questions that an audience can be described by."""
    if (ask.one("locale") or "eng_us") not in LOCALES:
        raise bad_request("the locale is unknown", [("locale", "is no locale")])
    numbers = [one for one in (ask.one("id") or "").split(",") if one]
    if not all(one.isascii() and one.isdigit() for one in numbers):
        raise bad_request("an id is no number", [("id", "must be numbers with commas")])
    rows = find_questions(ask.one("query") or "", [int(one) for one in numbers])
    page, more, cursor = cut_page(ask, rows, lambda one: str(one.id), size=page_size(ask))
    body = {
        "total": len(rows),
        "profiles": [question_answer(one) for one in page],
        "has_more": more,
    }
    return json_answer(body | ({"next_cursor": cursor} if cursor else {}))
