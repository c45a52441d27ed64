"""The intelligent calendar: how long to field, and local holidays. Changes nothing."""

from datetime import datetime

from dashboard.exchange.operations.base import OperationsBase, query_string
from dashboard.exchange.shapes.pricing import (
    SuggestDaysRequest,
    SuggestDaysResponse,
    SuggestedTimeRangeResponse,
)

_CALENDAR = "/demand/intelligent-calendar"


class CalendarOperations(OperationsBase):
    """Suggestions for a locale; the address names no account."""

    def suggest_days(self, *, request: SuggestDaysRequest) -> SuggestDaysResponse:
        """The days in field that the exchange suggests for a group that does not exist yet."""
        return self._compute(
            "suggest_days", f"{_CALENDAR}/suggest-days", request, SuggestDaysResponse
        )

    def suggest_time_range(
        self,
        *,
        locale: str,
        days: int | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> SuggestedTimeRangeResponse:
        """A time in field with its holidays: of `days` from now, or from `start` to `end`.

        ValueError unless either `days` or both `start` and `end` are given.
        """
        if (days is None) == (start is None) or (start is None) != (end is None):
            raise ValueError("either days, or start and end")
        values = query_string({"days": days, "start": start, "end": end, "locale": locale})
        target = f"{_CALENDAR}/suggest-time-range{values}"
        return self._read("suggest_time_range", target, SuggestedTimeRangeResponse)
