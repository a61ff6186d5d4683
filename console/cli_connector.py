"""`shiftlead connector`: what is installed, by name and without importing any of it."""

from typing import TYPE_CHECKING

from .cli_session import Session, command, group

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

app = group("Connectors: what is installed.")


@command(app, "list")
def list_connectors(session: Session) -> None:
    """List the installed connectors; none of them is imported."""
    from ..connectors.registry import installed

    found = [{"name": name, "class": point.value, "package": _package(point)} for name, point in installed().items()]
    session.out.listed(("connector", "package", "class"), found, lambda one: (one["name"], one["package"], one["class"]))


def _package(point: "EntryPoint") -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else ""
