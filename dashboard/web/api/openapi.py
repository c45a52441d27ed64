"""The OpenAPI document of the API: ninja's, with the answers and headers that all operations have.

`docs/openapi.json` is this document; a test fails if it is not.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from dashboard.web.api.application import PREFIX, api
from dashboard.web.api.problems import CONTENT_TYPE, KEY, Problem, only_reads, problem_response
from dashboard.web.auth.permissions import Permission, requires

_PROBLEMS = {
    "400": "A parameter was refused.",
    "401": "No token that works.",
    "403": "The token lacks the scope.",
    "404": "Nothing there that this token's person may see.",
    "409": "The cursor is not of this list with these filters.",
    "429": "Too many requests of this token.",
    "500": "Something went wrong in Fieldwatch.",
}
_TEXT = {"schema": {"type": "string"}}
_HEADERS = {
    "ETag": {"description": "The state of the answer; send it as If-None-Match.", **_TEXT},
    "Read-At": {
        "description": "When the oldest numbers were read from Cint.",
        "schema": {"type": "string", "format": "date-time"},
    },
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an earlier answer: 304 if nothing has changed since.",
    **_TEXT,
}


# Any: an OpenAPI document, which is JSON of many forms.
@cache
def openapi_document() -> dict[str, Any]:
    """Return the document; it depends on the code alone."""
    document: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX)))
    components = document["components"]
    schema = Problem.model_json_schema(
        ref_template="#/components/schemas/{model}", mode="serialization"
    )
    components["schemas"] |= schema.pop("$defs", {}) | {"Problem": schema}
    components["responses"] = {
        status: _problem_answer(status, text) for status, text in _PROBLEMS.items()
    }
    components["securitySchemes"] = {"BearerToken": {"type": "http", "scheme": "bearer"}}
    components["parameters"] = {"IfNoneMatch": _IF_NONE_MATCH}
    document["paths"] = {
        address.replace("{pk}", f"{{{KEY}}}"): methods
        for address, methods in document["paths"].items()
    }
    for address, methods in document["paths"].items():
        for operation in methods.values():
            _complete_operation(operation, has_key=f"{{{KEY}}}" in address)
    components["schemas"] = dict(sorted(components["schemas"].items()))
    return document


def _complete_operation(operation: dict[str, Any], *, has_key: bool) -> None:
    """Add the answers and headers of every operation to one."""
    operation["security"] = [{"BearerToken": []}]
    for parameter in operation["parameters"]:
        _complete_parameter(parameter)
    operation["parameters"].append({"$ref": "#/components/parameters/IfNoneMatch"})
    has_cursor = any(each.get("name") == "cursor" for each in operation["parameters"])
    absent = {"404": not has_key, "409": not has_cursor}
    answers = operation["responses"]
    answers["200"]["headers"] = _HEADERS
    answers["304"] = {"description": "Nothing has changed.", "headers": _HEADERS}
    for status in _PROBLEMS:
        if not absent.get(status):
            answers[status] = {"$ref": f"#/components/responses/{status}"}


def _complete_parameter(parameter: dict[str, Any]) -> None:
    """Name a key, and leave out what no address can say: a parameter is absent, never null."""
    schema = parameter["schema"]
    if parameter["in"] == "path":
        parameter["name"] = KEY
    if "anyOf" in schema:
        (form,) = [each for each in schema.pop("anyOf") if each != {"type": "null"}]
        schema |= form
    for name in ("title", "description", "default"):
        if name != "default" or schema.get("default", "") is None:
            schema.pop(name, None)


def _problem_answer(status: str, description: str) -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answer: dict[str, Any] = {"description": description, "content": content}
    if status == "429":
        seconds = {"type": "integer", "minimum": 1}
        answer["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": seconds}}
    if status == "401":
        answer["headers"] = {"WWW-Authenticate": {"description": "Bearer", **_TEXT}}
    return answer


def openapi_text() -> str:
    """Return the document as it is committed and served."""
    return json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n"


@requires(Permission.OPEN)
@csrf_exempt
def openapi_json(request: HttpRequest) -> HttpResponse:
    """Serve the document to everybody: it names no data."""
    if request.method not in ("GET", "HEAD"):
        return problem_response(only_reads())
    response = HttpResponse(openapi_text(), content_type="application/json")
    response["Cache-Control"] = "no-cache"
    return response
