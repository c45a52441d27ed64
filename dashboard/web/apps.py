"""Which static files the product serves."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """The wheels of plotly and django-htmx carry more than the scripts that pages use."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "datasets",
        "templates",
        "widgetbundle.js",
        "ext",
        "htm*-4*",
        "htmx-2.js",
    ]
