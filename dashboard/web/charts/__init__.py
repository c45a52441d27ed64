"""Plotly figures as plain dicts, in the colours of the page's theme."""

from dashboard.web.charts.completes import ForecastBand, Mark, completes_figure, gained_figure
from dashboard.web.charts.frame import DARKENED, PALETTES, Figure, Palette
from dashboard.web.charts.project import ProjectSum, Share, project_figure, project_sum_figure
from dashboard.web.charts.trend import trend_figure
from dashboard.web.charts.wave import CurvePoint, WaveCurve, wave_figure

__all__ = [
    "DARKENED",
    "PALETTES",
    "CurvePoint",
    "Figure",
    "ForecastBand",
    "Mark",
    "Palette",
    "ProjectSum",
    "Share",
    "WaveCurve",
    "completes_figure",
    "gained_figure",
    "project_figure",
    "project_sum_figure",
    "trend_figure",
    "wave_figure",
]
