"""Margin: what the client pays, less what the completes cost; within one currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dashboard.fielding.figures.margin import (
    ClientPrice,
    Margin,
    client_cpi_of_group,
    margins_of_project,
)
from dashboard.fielding.models import Project
from tests import factories

USD = ClientPrice(Decimal("6.00"), "USD")


def own(value: str, currency: str = "USD") -> dict[str, str]:
    return {"value": value, "currency_code": currency}


@pytest.mark.parametrize(
    ("on_cint", "currency", "of_project", "cpi"),
    [
        (None, "USD", USD, "6.00"),
        (own("7.50"), "USD", USD, "7.50"),  # what Cint has for the group comes first
        (own("7.50"), "USD", None, "7.50"),
        (own("7.50", "EUR"), "USD", USD, "6.00"),
        (own("7.50", "EUR"), "USD", None, None),
        (None, "EUR", USD, None),
        (own("0"), "USD", USD, "6.00"),
        ({"value": "x", "currency_code": "USD"}, "USD", None, None),
        ("7.50", "USD", None, None),
        (None, "USD", None, None),
    ],
)
def test_the_client_cpi_of_a_group_is_its_own_else_that_of_its_project(
    on_cint: Any, currency: str, of_project: ClientPrice | None, cpi: str | None
) -> None:
    expected = None if cpi is None else Decimal(cpi)
    assert client_cpi_of_group(on_cint, currency, of_project) == expected


def test_completes_without_a_client_cpi_are_counted_and_left_out() -> None:
    margin = Margin()
    margin.add_completes(100, Decimal(250), Decimal(5))
    margin.add_completes(40, Decimal(120), None)
    assert (margin.amount, margin.share) == (Decimal(250), Decimal("0.5"))
    assert (margin.completes, margin.unpriced) == (100, 40)


def test_a_loss_is_negative() -> None:
    margin = Margin()
    margin.add_completes(10, Decimal(80), Decimal(5))
    assert (margin.amount, margin.share) == (Decimal(-30), Decimal("-0.6"))


def test_without_any_client_cpi_there_is_no_margin() -> None:
    margin = Margin()
    margin.add_completes(10, Decimal(80), None)
    assert (margin.amount, margin.share) == (None, None)


@pytest.fixture
def project(db: None) -> Project:
    return factories.project(
        factories.account(), client_cpi=Decimal("6.00"), client_cpi_currency="USD"
    )


def test_a_project_has_a_margin_for_each_currency_and_sums_none_across(project: Project) -> None:
    factories.group(project, completes=100, cost=Decimal(250))
    factories.group(
        project,
        completes=10,
        cost=Decimal(25),
        details={"client_cost_per_interview_note": own("7.50")},
    )
    factories.group(project, completes=30, cost=Decimal(90), currency="EUR")
    factories.group(project, status="archived", completes=5, cost=Decimal(20))
    factories.group(project, completes=0, cost=Decimal(0))
    margins = margins_of_project(project)
    assert margins["USD"].billed == Decimal(100 * 6 + 75 + 5 * 6)
    assert margins["USD"].cost == Decimal(295)
    assert (margins["EUR"].amount, margins["EUR"].unpriced) == (None, 30)
