"""Every operation of the client has a caller in the product, or a reason why it waits for one."""

from __future__ import annotations

import ast
from pathlib import Path

from dashboard.exchange.client import ExchangeClient

PRODUCT = Path(__file__).parents[2] / "dashboard"
OUTSIDE = ("exchange", "simulator")  # where an operation is defined, and where it is answered
# Operations without a caller yet, each with what it is for.
WAITING: dict[str, str] = {}


def client_operations() -> set[str]:
    """The public methods that the operations' classes give the client."""
    areas = [
        area
        for area in ExchangeClient.__mro__
        if area.__module__.startswith("dashboard.exchange.operations.")
    ]
    return {name for area in areas for name in vars(area) if not name.startswith("_")}


def attributes_in_use() -> set[str]:
    """The attribute names that the product outside the client and the simulator reads."""
    return {
        node.attr
        for path in PRODUCT.rglob("*.py")
        if path.relative_to(PRODUCT).parts[0] not in OUTSIDE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }


def test_every_operation_has_a_caller_or_a_reason() -> None:
    without_caller = client_operations() - attributes_in_use()
    assert without_caller == set(WAITING)
