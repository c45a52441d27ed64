"""The glossary, and rate cards by business unit and country."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.exchange.errors import ExchangeError, NotFound
from dashboard.fielding.domain.rate_card import read_rate_card
from dashboard.fielding.models import BusinessUnit
from dashboard.fielding.models.querysets.rows import VisibleQuerySet
from dashboard.sync.lookup import on_demand
from dashboard.web.auth.permissions import Permission, View, current_user, requires
from dashboard.web.edits.price.followed import count_held_of_person
from dashboard.web.formatting import labels
from dashboard.web.formatting.glossary import TERMS
from dashboard.web.groups.panels import rate_card as rate_card_panel


class RateCardLookup(Protocol):
    """Looks up rate cards on the exchange; `sync.lookup.on_demand` is one."""

    def read_rate_card(self, *, unit: BusinessUnit, country: str) -> Mapping[str, object]:
        """Return the rate card of a unit and country; raises ExchangeError."""


@requires(Permission.SIGNED_IN)
@require_safe
def glossary_page(request: HttpRequest) -> HttpResponse:
    """Show the glossary."""
    held = count_held_of_person(current_user(request))
    return render(request, "home/glossary.html", {"terms": TERMS, "held": held})


def look_up(exchange: RateCardLookup) -> View:
    """Return the rate card view, with this client for look-ups."""

    @requires(Permission.SIGNED_IN)
    @require_safe
    def rate_cards(request: HttpRequest) -> HttpResponse:
        everything: VisibleQuerySet[BusinessUnit] = VisibleQuerySet(BusinessUnit)
        visible = everything.visible_to(current_user(request))
        units = list(visible.select_related("account").order_by("account__name", "name", "pk"))
        unit = next((row for row in units if str(row.pk) == request.GET.get("unit")), None)
        country = request.GET.get("country", "").strip().lower()[:2]
        context: dict[str, object] = {
            "units": units,
            "unit": unit,
            "country": country,
            "countries": sorted(labels.COUNTRIES.items(), key=lambda pair: pair[1]),
        }
        if "unit" in request.GET:
            context |= _find_card(exchange, unit, country)
        return render(request, "connections/rate_cards.html", context)

    return rate_cards


def _find_card(
    exchange: RateCardLookup, unit: BusinessUnit | None, country: str
) -> dict[str, object]:
    """Return the card as a table, or why there is none, by the field that is wrong."""
    if unit is None:
        return {"wrong_unit": "Choose one of your business units."}
    if country not in labels.COUNTRIES:
        return {"wrong_country": "Choose a country."}
    name = labels.country_name(country)
    try:
        card = read_rate_card(exchange.read_rate_card(unit=unit, country=country))
    except NotFound:
        return {"trouble": f"{unit} has no rate card for {name}: its groups are priced by CPI."}
    except ExchangeError as exc:
        return {"trouble": f"{exc}. {exc.retry_advice}".rstrip(". ") + "."}
    if card is None:
        return {"trouble": f"Cint returned no prices for {name}."}
    return {"card": rate_card_panel.card_table(card), "country_name": name}


rate_cards = look_up(on_demand)
