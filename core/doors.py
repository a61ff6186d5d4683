"""Doors: a room's public names, each imported from its module when it is first asked for.

So a door stays cheap: importing `shiftlead.guardrails` for one function does not load the whole room (PEP 562).
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def door(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a room: `homes` says in which of its modules each public name lives."""

    def opened(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return opened
