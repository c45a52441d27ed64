"""The app that owns every table."""

from django.apps import AppConfig


class FieldingConfig(AppConfig):
    """Tables and arithmetic of fieldwork."""

    name = "dashboard.fielding"
    label = "fielding"
