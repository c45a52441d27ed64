"""What a calendar program reads: the dates of a person, by an address of its own."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from dashboard.fielding.models import AccessToken
from dashboard.web.api import calendar_feed, tokens
from dashboard.web.auth.permissions import Permission, requires

GONE = "This calendar address does not work. Create another under My account, Calendar.\n"


@requires(Permission.OPEN)
@require_safe
def serve_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """Return the feed of an address. Whatever is wrong with one, the answer is the same."""
    now = datetime.now(UTC)
    stored = tokens.find_token(token, AccessToken.Purpose.CALENDAR, now=now)
    if stored is None:
        return _unlisted(HttpResponse(GONE, status=404, content_type="text/plain; charset=utf-8"))
    if seconds := tokens.count_request(stored, tokens.CALENDAR_LIMIT, now=now):
        busy = HttpResponse(
            f"Try again in {seconds} s.\n", status=429, content_type="text/plain; charset=utf-8"
        )
        busy["Retry-After"] = str(seconds)
        return _unlisted(busy)
    events = calendar_feed.load_events(stored, now=now)
    etag = calendar_feed.etag_of_events(events)
    known = {
        tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))
    }
    response: HttpResponse
    if etag.removeprefix("W/") in known:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(
            calendar_feed.calendar_text(events), content_type="text/calendar; charset=utf-8"
        )
        response["Content-Disposition"] = 'inline; filename="fieldwatch.ics"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return _unlisted(response)


def _unlisted(response: HttpResponse) -> HttpResponse:
    """Keep the address out of search engines and other sites' logs."""
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "no-referrer"
    return response
