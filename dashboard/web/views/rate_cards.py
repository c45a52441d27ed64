"""Looking up what things mean and cost: the words of the trade, and rate cards by parameters."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.exchange.errors import ExchangeError, NotFound
from dashboard.fielding.domain import rate_card
from dashboard.fielding.models import BusinessUnit
from dashboard.fielding.models.querysets.rows import VisibleQuerySet
from dashboard.sync.lookup import on_demand
from dashboard.web.auth.permissions import Permission, View, current_user, requires
from dashboard.web.formatting import labels
from dashboard.web.formatting.glossary import TERMS
from dashboard.web.groups.panels import rate_card as pricing


@requires(Permission.SIGNED_IN)
@require_safe
def glossary_page(request: HttpRequest) -> HttpResponse:
    """Every word of the trade, with its meaning."""
    return render(request, "home/glossary.html", {"terms": TERMS})


def look_up(exchange: Any) -> View:
    """The rate card of a business unit and country, over this way to the exchange."""

    @requires(Permission.SIGNED_IN)
    @require_safe
    def rate_cards(request: HttpRequest) -> HttpResponse:
        mine = VisibleQuerySet(BusinessUnit).visible_to(current_user(request))
        units = list(mine.select_related("account").order_by("account__name", "name", "pk"))
        unit = next((one for one in units if str(one.pk) == request.GET.get("unit")), None)
        country = request.GET.get("country", "").strip().lower()[:2]
        context: dict[str, Any] = {
            "units": units,
            "unit": unit,
            "country": country,
            "countries": sorted(labels.COUNTRIES.items(), key=lambda pair: pair[1]),
        }
        if "unit" in request.GET:
            context |= _found(exchange, unit, country)
        return render(request, "connections/rate_cards.html", context)

    return rate_cards


def _found(exchange: Any, unit: BusinessUnit | None, country: str) -> dict[str, Any]:
    """The card as a table, or a sentence about why there is none, at the field that is wrong."""
    if unit is None:
        return {"wrong_unit": "Choose one of your business units."}
    if country not in labels.COUNTRIES:
        return {"wrong_country": "Choose a country."}
    name = labels.country_name(country)
    try:
        card = rate_card.read_rate_card(exchange.rate_card(unit=unit, country=country))
    except NotFound:
        return {"trouble": f"{unit} has no rate card for {name}: its groups are priced by CPI."}
    except ExchangeError as exc:
        again = " Try again in a moment." if exc.waiting_helps else ""
        return {"trouble": f"{exc}.{again}"}
    if card is None:
        return {"trouble": f"The exchange sent no table of prices for {name}."}
    return {"card": pricing.card_table(card), "country_name": name}


rate_cards = look_up(on_demand)
