"""Every address of the API: its code is loaded with the first request for one.

Until somebody asks the API, web processes do without ninja and pydantic (10 MB, docs/scale.md).
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.views.decorators.csrf import csrf_exempt

from dashboard.web.auth.permissions import Permission, requires

ADDRESSES = "dashboard.web.api.urls"


@requires(Permission.TOKEN)
@csrf_exempt
def answer_api(request: HttpRequest) -> HttpResponse:
    """Let the view of this address answer; each has a rule of its own."""
    match = resolve(request.path_info, ADDRESSES)
    request.resolver_match = match  # what is counted and logged is the operation
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response
