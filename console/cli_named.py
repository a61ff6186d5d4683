"""The policy that a command names: a file, the workspace's own file, or what is in force."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_session import Session

if TYPE_CHECKING:
    from ..guardrails.policy import Policy

FILE = Annotated[Path | None, typer.Argument(help="A policy file; the workspace's own file if not given.", show_default=False)]


def named_policy(session: Session, file: Path | None) -> "Policy":
    """The policy in a file, else in the workspace's own file, which may not be in force yet; raises PolicyError."""
    from ..guardrails.policy import load_policy, workspace_policy

    return load_policy(file) if file else workspace_policy(session.place)


def folder_of(session: Session, file: Path | None) -> Path:
    """The folder that such a policy lies in, where what it names lies too."""
    if file:
        return file.parent
    named = session.place.workspace.policy
    return session.place.path(named).parent if named else session.place.folder


def held_policy(session: Session) -> "Policy":
    """The policy in force, without a word about the file: for commands that are about the difference anyway."""
    with session.ledger() as ledger:
        return session.in_force(ledger, quiet=True).policy
