"""Forecasts of target groups: finish dates, completes at the end, chance to meet the goal."""

from dashboard.fielding.forecast.group_forecast import Forecast, forecast, forecast_many

__all__ = ["Forecast", "forecast", "forecast_many"]
