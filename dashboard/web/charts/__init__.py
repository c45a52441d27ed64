"""Plotly figures as plain dicts, in the colours of the page's theme."""

from dashboard.web.charts.completes import Forecast, Mark, completes, gained
from dashboard.web.charts.frame import DARKENED, PALETTES, Figure, Palette
from dashboard.web.charts.project import Share, project
from dashboard.web.charts.trend import trend

__all__ = [
    "DARKENED",
    "PALETTES",
    "Figure",
    "Forecast",
    "Mark",
    "Palette",
    "Share",
    "completes",
    "gained",
    "project",
    "trend",
]
