"""The mails that were written to a person."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Mail
from dashboard.fielding.queries import MailQuerySet
from dashboard.web.access import Rule, person, rule

SHOWN = 100


@rule(Rule.SIGNED_IN)
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """The newest mails to the person."""
    mine = MailQuerySet(Mail).to(person(request))
    return render(request, "mails.html", {"mails": mine[:SHOWN], "shown": SHOWN})


@rule(Rule.MEMBER)
@require_safe
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """One mail, as text."""
    one = MailQuerySet(Mail).to(person(request)).filter(pk=pk).first()
    if one is None:
        raise Http404
    return render(request, "mail.html", {"mail": one})
