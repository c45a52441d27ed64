"""A client of the exchange for each connection, made once and shared by its threads."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

from django.conf import settings

from dashboard.exchange.client import ExchangeClient
from dashboard.fielding.models import ExchangeAccount
