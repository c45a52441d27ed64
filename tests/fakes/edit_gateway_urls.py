"""The product's addresses, with forms that talk to the fake exchange."""

from django.urls import path

from dashboard import urls
from dashboard.web.views import cpi_outlook, edits, rate_cards, search
from tests.fakes.edit_gateway import FakeExchange

EXCHANGE = FakeExchange()

CPI_ADVICE = cpi_outlook.cpi_advice_view(EXCHANGE, EXCHANGE)
urlpatterns = [
    path("groups/<int:pk>/edit/<str:kind>/", edits.edit_form_view(EXCHANGE), name="edit"),
    path(
        "groups/<int:pk>/cpi/advice/",
        cpi_outlook.cpi_advice_view(EXCHANGE, EXCHANGE),
        name="cpi-advice",
    ),
    path("search/", search.search_view(EXCHANGE), name="search"),
    path("rate-cards/", rate_cards.look_up(EXCHANGE), name="rate-cards"),
    *urls.urlpatterns,
]
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500
