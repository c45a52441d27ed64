"""The addresses of the API, loaded with the first request for one (`web/views/api.py`)."""

from __future__ import annotations

from django.urls import path

from dashboard.web.api.application import PREFIX, api_paths
from dashboard.web.api.openapi import openapi_json

urlpatterns = [path(f"{PREFIX}openapi.json", openapi_json, name="openapi"), *api_paths()]
