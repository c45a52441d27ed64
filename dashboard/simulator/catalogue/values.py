"""A JSON object, as the exchange answers it."""

from typing import Any

# Any: the simulator builds each answer by the contract, and the contract tests check it.
Json = dict[str, Any]
