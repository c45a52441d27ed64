"""One address whose view breaks, as no address of the product should."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from dashboard import urls
from dashboard.web.auth.permissions import Permission, requires


@requires(Permission.SIGNED_IN)
def broken(request: HttpRequest) -> HttpResponse:
    """Break, with something in a variable that no page may show."""
    secret = 0
    return HttpResponse(str(1 / secret))


urlpatterns = [path("broken/", broken, name="broken"), *urls.urlpatterns]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
