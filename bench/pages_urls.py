"""The product's addresses, and an empty view beside them."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from dashboard.urls import handler403, handler404, handler500, urlpatterns as product

__all__ = ["handler403", "handler404", "handler500", "urlpatterns"]


def ping(request: HttpRequest) -> HttpResponse:
    """Nothing, for whoever is signed in."""
    return HttpResponse(status=204)


urlpatterns = [*product, path("ping/", ping)]
