"""Stops on the way of a case: nothing is read, judged or sealed for what a kill switch holds."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from ..core import switches
from ..core.actions import SealedAction
from ..core.store import Transaction

if TYPE_CHECKING:
    from .casework import Casework


STOPPED_PAUSE = timedelta(seconds=30)
"""How long a case rests while a kill switch holds it."""

UNJUDGED_PAUSE = timedelta(minutes=15)
"""How long it rests where that is known only after its worker has looked everything up; resuming wakes it at once."""


def check_case(work: "Casework") -> None:
    """Raise Stopped before anything is read where everything, the worker or the case's own party is stopped."""
    with work.crew.ledger.reading() as session:
        switches.check(session, switches.scopes_of(worker=work.worker.name, kind="", party=work.case.party))


def check_sealed(tx: Transaction, sealed: Iterable[SealedAction]) -> None:
    """Raise Stopped where one of these actions is stopped; then nothing of them may be written."""
    for one in sealed:
        switches.check(tx.session, one.stop_scopes)
