"""Errors of the API: one JSON shape for all (RFC 9457, application/problem+json)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from dashboard.web.api.values import ApiModel

CONTENT_TYPE = "application/problem+json"
NOT_FOUND = "There is nothing here, or this token's person may not see it."
KEY = "id"  # how addresses and the document call a primary key
log = logging.getLogger(__name__)


class WrongParameter(ApiModel):
    """A parameter that was refused, and why."""

    parameter: str
    reason: str


class Problem(ApiModel):
    """An error. errors: the parameters that were refused, if it is about them."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[WrongParameter] = []


class ApiRefused(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[WrongParameter] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors, self.headers = errors, headers


def refuse_parameter(name: str, reason: str, *, status: int = 400) -> ApiRefused:
    """Return the error for one wrong parameter."""
    errors = [WrongParameter(parameter=name, reason=reason)]
    return ApiRefused(status, f"The parameter “{name}” was refused: {reason}", errors=errors)


def problem_response(refused: ApiRefused) -> HttpResponse:
    """Return an error as a response."""
    problem = Problem(
        title=HTTPStatus(refused.status).phrase,
        status=refused.status,
        detail=refused.detail,
        errors=list(refused.errors),
    )
    return HttpResponse(
        problem.model_dump_json(),
        status=refused.status,
        content_type=CONTENT_TYPE,
        headers=dict(refused.headers or {}),
    )


def only_reads() -> ApiRefused:
    """Return the error for another method than GET and HEAD."""
    return ApiRefused(405, "The API only reads.", headers={"Allow": "GET, HEAD"})


def without_token() -> ApiRefused:
    """Return the error for a request without a token that works."""
    return ApiRefused(
        401,
        "Send a token as “Authorization: Bearer fw_…”. The token is missing, wrong, expired or "
        "revoked.",
        headers={"WWW-Authenticate": 'Bearer realm="Fieldwatch"'},
    )


def add_handlers(api: NinjaAPI) -> None:
    """Answer every exception of a request to this API with a problem."""
    api.add_exception_handler(ApiRefused, _answer_refused)
    api.add_exception_handler(AuthenticationError, _answer_unauthenticated)
    api.add_exception_handler(ValidationError, _answer_invalid)
    api.add_exception_handler(Http404, _answer_not_found)
    api.add_exception_handler(Exception, _answer_failure)


def _answer_refused(_request: HttpRequest, exc: Any) -> HttpResponse:
    return problem_response(exc)


def _answer_unauthenticated(_request: HttpRequest, _exc: Any) -> HttpResponse:
    return problem_response(without_token())


def _answer_not_found(_request: HttpRequest, _exc: Any) -> HttpResponse:
    return problem_response(ApiRefused(404, NOT_FOUND))


def _answer_invalid(_request: HttpRequest, exc: Any) -> HttpResponse:
    errors = [
        WrongParameter(
            parameter=KEY if error["loc"][-1] == "pk" else str(error["loc"][-1]),
            reason=_reason_of(error),
        )
        for error in exc.errors
    ]
    names = ", ".join(f"“{error.parameter}”" for error in errors)
    return problem_response(ApiRefused(400, f"Refused: {names}.", errors=errors))


def _answer_failure(request: HttpRequest, exc: Any) -> HttpResponse:
    log.error("the API failed: %s %s", request.method, request.path, exc_info=exc)
    return problem_response(ApiRefused(500, "Something went wrong. It was logged."))


# By pydantic's type of error; {…} are its limits.
_REASONS = {
    "int_parsing": "It takes a whole number.",
    "int_type": "It takes a whole number.",
    "int_from_float": "It takes a whole number.",
    "int_parsing_size": "The number is too large.",
    "bool_parsing": "It takes true or false.",
    "enum": "It takes one of {expected}.",
    "literal_error": "It takes one of {expected}.",
    "greater_than_equal": "It takes {ge} or more.",
    "less_than_equal": "It takes {le} or less.",
    "string_too_long": "It takes at most {max_length} characters.",
    "string_pattern_mismatch": "It does not have the form that is documented.",
    "date_parsing": "It takes a date such as 2026-11-30.",
    "date_from_datetime_parsing": "It takes a date such as 2026-11-30.",
    "date_from_datetime_inexact": "It takes a date such as 2026-11-30.",
    "value_error": "{error}",
}


def _reason_of(error: Mapping[str, Any]) -> str:
    text = _REASONS.get(str(error["type"]), "It does not have the form that is documented.")
    return text.format_map(error.get("ctx", {}))
