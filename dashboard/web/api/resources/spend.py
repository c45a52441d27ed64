"""Spend and margin by project, country, month and currency: the lines of the page Spend."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from dashboard.fielding.models import Project, TargetGroup
from dashboard.web.api.access import SPEND, BearerToken
from dashboard.web.api.conditional import etag_of_accounts, json_answer, not_modified
from dashboard.web.api.paging import rows_after
from dashboard.web.api.values import (
    ROWS,
    ApiModel,
    Cursor,
    KeyFilter,
    MoneyAmount,
    exact_money,
)
from dashboard.web.auth.permissions import current_user
from dashboard.web.reports.spending import SpendLine, load_spend_lines

EACH = "each"


class SpendResource(ApiModel):
    """The spend of a project in a country, a month and a currency.

    A budget is for the whole fielding period, so a month has none. That of the project is on its
    first line.
    """

    project: int
    project_name: str
    reference_number: str
    country_code: str
    month: Annotated[str | None, Field(description="UTC, such as 2026-11. Null: the whole field.")]
    groups: int
    completes: int
    spend: MoneyAmount | None
    average_cpi: MoneyAmount | None
    client_pays: MoneyAmount | None
    margin: MoneyAmount | None
    completes_without_client_cpi: int
    budget_of_groups: MoneyAmount | None
    budget_of_project: MoneyAmount | None
    final_at: Annotated[
        datetime | None, Field(description="The end of reconciliation: nothing changes after it.")
    ]


class SpendPage(ApiModel):
    """The spend of a page of projects."""

    data: list[SpendResource]
    next_cursor: str | None


router = Router(auth=BearerToken(SPEND), tags=["spend"])


@router.get("/spend", response=SpendPage, operation_id="listSpend")
def list_spend(
    request: HttpRequest,
    *,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Projects of a page.")] = ROWS,
    month: Annotated[
        str | None,
        Query(
            pattern=rf"^({EACH}|[0-9]{{4}}-(0[1-9]|1[0-2]))$",
            description="One month such as 2026-11, or `each`. By default the whole field.",
        ),
    ] = None,
    account: KeyFilter = None,
    project: KeyFilter = None,
) -> HttpResponse:
    """List the spend of the projects of the person's accounts."""
    etag, read_at = etag_of_accounts(request)
    if unchanged := not_modified(request, etag, read_at):
        return unchanged
    rows = Project.objects.visible_to(current_user(request)).only("pk")
    given = {"account": account, "pk": project}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    page, next_cursor = rows_after(request, rows, cursor, limit)
    groups = TargetGroup.objects.visible_to(current_user(request)).filter(
        project__in=[row.pk for row in page]
    )
    lines = load_spend_lines(groups, months=month is not None, now=datetime.now(UTC))
    data = [_spend_resource(line) for line in lines if month in (None, EACH, line.month)]
    return json_answer(SpendPage(data=data, next_cursor=next_cursor), etag, read_at)


def _spend_resource(line: SpendLine) -> SpendResource:
    code, margin = line.currency, line.margin
    return SpendResource(
        project=line.project_pk,
        project_name=line.project,
        reference_number=line.reference,
        country_code=line.country_code,
        month=line.month or None,
        groups=line.groups,
        completes=line.completes,
        spend=exact_money(line.spent, code),
        average_cpi=exact_money(line.average, code),
        client_pays=exact_money(margin.billed if margin.completes else None, code),
        margin=exact_money(margin.amount, code),
        completes_without_client_cpi=margin.unpriced,
        budget_of_groups=exact_money(line.budget, code),
        budget_of_project=exact_money(line.project_budget, code),
        final_at=line.final,
    )
