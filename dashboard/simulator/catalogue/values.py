"""A JSON object, as the exchange answers it."""

from typing import Any

Json = dict[str, Any]
