"""What a token may read, and what the figures mean."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from dashboard.fielding.figures.definitions import FIGURES
from dashboard.fielding.models import Membership
from dashboard.web.api.access import BearerToken, token_of
from dashboard.web.api.conditional import etag_of, etag_of_rows, json_answer, not_modified
from dashboard.web.api.values import ApiModel
from dashboard.web.auth.permissions import current_user


class AccountResource(ApiModel):
    """An exchange account of the person. state: whether its numbers are up to date."""

    id: int
    name: str
    exchange_id: str
    role: str
    state: str
    read_at: datetime | None


class TokenResource(ApiModel):
    """The token of this request: whose it is, and what it may read."""

    name: str
    person: str
    scopes: list[str]
    expires_at: datetime | None
    requests_per_minute: int
    accounts: list[AccountResource]


class FigureResource(ApiModel):
    """The definition of a figure, as in the list of figures of the documentation."""

    name: str
    unit: str
    definition: str
    window: str
    groups: Annotated[str, Field(description="Which groups count.")]
    source: str


class FigureList(ApiModel):
    """The definitions of all figures."""

    data: list[FigureResource]


router = Router(auth=BearerToken(), tags=["about"])


@router.get("/token", response=TokenResource, operation_id="getToken")
def read_token(request: HttpRequest) -> HttpResponse:
    """Return whose token this is, its scopes, and the accounts that it opens at this moment."""
    stored, user = token_of(request), current_user(request)
    rows = list(
        Membership.objects.filter(user=user).select_related("account").order_by("account__name")
    )
    versions = [(row.account_id, row.role, row.account.name, row.account.health) for row in rows]
    etag = etag_of_rows(request, [stored.name, str(user), *versions])
    if unchanged := not_modified(request, etag):
        return unchanged
    return json_answer(
        TokenResource(
            name=stored.name,
            person=str(user),
            scopes=sorted(stored.scopes),
            expires_at=stored.expires_at,
            requests_per_minute=settings.API_REQUESTS_PER_MINUTE,
            accounts=[
                AccountResource(
                    id=row.account_id,
                    name=row.account.name,
                    exchange_id=row.account.exchange_id,
                    role=row.role,
                    state=row.account.health,
                    read_at=row.account.read_at,
                )
                for row in rows
            ],
        ),
        etag,
    )


@router.get("/figures", response=FigureList, operation_id="listFigures")
def list_figures(request: HttpRequest) -> HttpResponse:
    """List the definitions of all figures."""
    etag = etag_of(request)
    if unchanged := not_modified(request, etag):
        return unchanged
    data = [
        FigureResource(
            name=figure.name,
            unit=figure.unit,
            definition=figure.definition,
            window=figure.window,
            groups=figure.groups,
            source=figure.source,
        )
        for figure in FIGURES
    ]
    return json_answer(FigureList(data=data), etag)
