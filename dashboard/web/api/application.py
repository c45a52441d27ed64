"""The API as addresses: one view for each operation, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.params.models import Query

import dashboard
from dashboard.web.api.problems import (
    NOT_FOUND,
    ApiRefused,
    add_handlers,
    only_reads,
    problem_response,
    refuse_parameter,
)
from dashboard.web.api.resources import about, alerts, changes, groups, projects, spend
from dashboard.web.auth.permissions import Permission, requires

PREFIX = "api/v1/"
ROUTERS = (
    about.router,
    projects.router,
    groups.router,
    alerts.router,
    changes.router,
    spend.router,
)
ApiView = Callable[..., HttpResponse]

api = NinjaAPI(
    title="Fieldwatch",
    version="1",
    description="Read-only access to what a person sees in Fieldwatch.",
    openapi_url=None,  # `openapi.py` serves the document
    docs_url=None,  # its page would load scripts from elsewhere
    urls_namespace="api",
)
for _router in ROUTERS:
    api.add_router("", _router)
add_handlers(api)


def api_paths() -> list[URLPattern]:
    """Return the address of each operation, and one for every other address below the API's."""
    named = {pattern.name: pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)}
    paths = [
        path(
            f"{PREFIX}{named[name].pattern}",
            _view_of_operation(named[name].callback, parameters),
            name=f"api-{name.replace('_', '-')}",
        )
        for name, parameters in _query_parameters()
    ]
    return [*paths, re_path(r"^api/", unknown_address, name="api-unknown")]


def _query_parameters() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the name of each operation, with the names of its query parameters."""
    for router in ROUTERS:
        for view in router.path_operations.values():
            for operation in view.operations:
                sources = operation.signature.params
                names = [param.name for param in sources if isinstance(param.source, Query)]
                yield operation.view_func.__name__, frozenset(names)


def _view_of_operation(view: ApiView, parameters: frozenset[str]) -> ApiView:
    """Wrap an operation: its methods, the names of its parameters, and the headers of all answers.

    Only a token counts: a browser's session is not asked for, so no other site can use it.
    """

    @requires(Permission.TOKEN)
    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, **kwargs: object) -> HttpResponse:
        is_head = request.method == "HEAD"
        if request.method not in ("GET", "HEAD"):
            return _with_headers(problem_response(only_reads()))
        request.method = "GET"
        try:
            _check_parameters(request, parameters)
            response = view(request, **kwargs)
        except ApiRefused as refused:
            response = problem_response(refused)
        if is_head:
            request.method = "HEAD"
            length = str(len(response.content))
            response.content = b""
            response["Content-Length"] = length
        return _with_headers(response)

    return answer


def _check_parameters(request: HttpRequest, known: frozenset[str]) -> None:
    """Raise ApiRefused for a parameter that the operation does not have, or that comes twice."""
    for name, values in request.GET.lists():
        if name not in known:
            names = ", ".join(sorted(known)) or "no parameters"
            raise refuse_parameter(name, f"There is no such parameter here. It takes {names}.")
        if len(values) > 1:
            raise refuse_parameter(name, "It is given more than once.")


def _with_headers(response: HttpResponse) -> HttpResponse:
    """Let clients keep an answer, but ask whether it still holds; keep it out of search engines."""
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization"
    response["X-Robots-Tag"] = "noindex"
    response["Fieldwatch-Version"] = dashboard.__version__
    return response


@requires(Permission.OPEN)
@csrf_exempt
def unknown_address(_request: HttpRequest) -> HttpResponse:
    """Answer 404 for an address below /api/ that does not exist."""
    return _with_headers(problem_response(ApiRefused(404, NOT_FOUND)))
