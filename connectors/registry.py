"""Connectors by entry point, in three grains: names without importing, one by name, all that load."""

import warnings
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ..core.errors import PluginError
from .base import Connector

GROUP = "shiftlead.connectors"
"""The entry-point group that plugins and our own connectors register in."""


def installed(group: str = GROUP) -> dict[str, EntryPoint]:
    """Names of everything installed in `group`, without importing any of it."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def load_plugin(name: str, base: type[Any], group: str = GROUP) -> type[Any]:
    """The class registered as `name`.

    Raises PluginError where there is none, where its import fails, or where it is not a subclass of `base`.
    """
    points = installed(group)
    if name not in points:
        raise PluginError(f"No plugin {name!r} is installed in {group}.", hint=f"Installed: {', '.join(points) or 'none'}.")
    try:
        found = points[name].load()
    except Exception as error:  # a plugin may raise anything while it is imported
        raise PluginError(
            f"The plugin {name!r} ({points[name].value}) failed to load: {type(error).__name__}: {error}.",
            hint="Reinstall or upgrade the package that provides it.",
        ) from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise PluginError(f"The plugin {name!r} ({points[name].value}) is not a {base.__name__}.", hint="Ask its author.")
    return found


def load_connector(name: str) -> type[Connector]:
    """The connector class registered as `name`; raises PluginError."""
    return load_plugin(name, Connector)


def load_connectors() -> Mapping[str, type[Connector]]:
    """Every connector that loads; one that does not is warned about and left out."""
    loaded: dict[str, type[Connector]] = {}
    for name in installed():
        try:
            loaded[name] = load_connector(name)
        except PluginError as error:
            warnings.warn(str(error), stacklevel=2)
    return loaded
