"""Statements that the product compiles once a process, forgotten so that they are built anew.

Otherwise only the first test of a process would run the lines that build one, and a change of those
lines would do nothing where the statement was built before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import _lru_cache_wrapper, partial
from typing import Any

COMPILED = "dashboard.fielding.compiled_queries"

_seen: set[str] = set()
_forget: list[Callable[[], None]] = []


def forget_statements() -> None:
    """Forget every statement of the modules that are loaded by now."""
    if COMPILED not in sys.modules:
        return
    for name in [name for name in sys.modules if name not in _seen]:
        _seen.add(name)
        if name.startswith("dashboard."):
            _forget.extend(_forgets_of(sys.modules[name]))
    for forget in _forget:
        forget()


def _forgets_of(module: Any) -> Iterator[Callable[[], None]]:
    compiled = sys.modules[COMPILED]
    for value in vars(module).values():
        if isinstance(value, compiled.CompiledQuery | compiled.CompiledUpdate):
            yield partial(setattr, value, "_compiled", None)
        elif isinstance(value, _lru_cache_wrapper) and _builds_statements(value):
            yield value.cache_clear


def _builds_statements(function: Any) -> bool:
    return "Compiled" in str(function.__wrapped__.__annotations__.get("return"))
