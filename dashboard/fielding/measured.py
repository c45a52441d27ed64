"""Reads of what was measured over time, as QuerySet methods: readings, and days of completes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models


class ReadingQuerySet(models.QuerySet[Any]):
    """Readings of figures."""

    def since(self, moment: datetime) -> Self:
        """Those after a moment, in order of time."""
        return self.filter(at__gte=moment).order_by("at")


class CompletesDayQuerySet(models.QuerySet[Any]):
    """Stored days of completes."""

    def since(self, moment: datetime) -> Self:
        """Days that may hold points after `moment`, in order."""
        return self.filter(day__gte=moment.date()).order_by("day")
