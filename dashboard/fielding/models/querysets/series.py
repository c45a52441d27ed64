"""Reads of what was measured over time, as QuerySet methods: readings, and days of completes."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from dashboard.fielding.compiled_queries import Param


class ReadingQuerySet(models.QuerySet[Any]):
    """Readings of figures."""

    def since(self, moment: datetime) -> Self:
        """Those after a moment, in order of time."""
        return self.filter(at__gte=moment).order_by("at")


class CompletesDayQuerySet(models.QuerySet[Any]):
    """Stored days of completes."""

    def since(self, day: date | Param) -> Self:
        """Days from `day` (UTC) on, in order."""
        return self.filter(day__gte=day).order_by("day")
