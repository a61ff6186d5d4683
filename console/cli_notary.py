"""The notary of a workspace: signs for the audit chain while the workers work, and for the commands that ask for it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import LedgerError
from .cli_errors import complain
from .cli_session import Session

if TYPE_CHECKING:
    from ..core.checkpoints import Notary
    from ..core.store import Ledger


def notary(session: Session, ledger: "Ledger", *, also: Sequence[Path] = ()) -> "Notary":
    """The notary of the session's workspace; `also` are further files that checkpoints go to.

    Raises NotFound where the workspace's own key is not here.
    """
    from ..core import policies
    from ..core.checkpoints import Notary
    from ..core.keys import LEDGER_KEY

    chosen = session.place.workspace.checkpoints
    return Notary(
        ledger,
        session.place.keys.signer(LEDGER_KEY),
        [*places(session), *also],
        every_events=chosen.every_events,
        every=timedelta(minutes=chosen.every_minutes),
        # The one in force when it signs, which is not always the one that the command began with.
        policy_digest=lambda: policies.held_in(ledger),
    )


def places(session: Session) -> list[Path]:
    """The files that the workspace's checkpoints go to."""
    return [session.place.path(name) for name in session.place.workspace.checkpoints.to]


def sign_if_due(session: Session, ledger: "Ledger") -> None:
    """Sign for the chain where it is time; work goes on where a place cannot be reached, and the person is told."""
    from ..core.keys import LEDGER_KEY

    if LEDGER_KEY not in session.place.keys.ring().names:
        return
    try:
        own = notary(session, ledger)
        if own.due():
            own.write()
    except LedgerError as error:
        complain(error)
