"""Help: the documents of Fieldwatch, for everybody who is signed in."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.web.auth.permissions import Permission, requires
from dashboard.web.help import pages


@requires(Permission.SIGNED_IN)
@require_safe
def help_list(request: HttpRequest) -> HttpResponse:
    """List the documents by reader."""
    return render(request, "help/list.html", {"groups": pages.list_pages()})


@requires(Permission.SIGNED_IN)
@require_safe
def help_page(request: HttpRequest, name: str) -> HttpResponse:
    """Show a document, with a table of its sections."""
    document = pages.rendered_page(name)
    if document is None:
        raise Http404
    context = {"document": document, "name": name, "groups": pages.list_pages()}
    return render(request, "help/page.html", context)
