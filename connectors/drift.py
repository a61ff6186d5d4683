"""Drift: the version that a record must have before an action is sent, and whether it still has it."""

from ..core import actions, outbox
from ..core.action import Target
from ..core.actions import SealedAction
from ..core.errors import ConnectorError, NotFound
from ..core.receipt import EffectState
from ..core.store import Ledger
from .base import Connector
from .execution import End, Execution


def expected(ledger: Ledger, action: SealedAction) -> Target:
    """The record as it must be now: as it was sealed, but for what earlier actions of the same case did to it.

    Whoever approved this action saw those as well, so their versions are no surprise.
    """
    sealed = target = action.envelope.proposal.action.target
    if action.seq == 1 or target.version is None:
        return target
    with ledger.reading() as session:
        before = actions.of_case(session, action.case_id)
        effects = outbox.of_case(session, action.case_id)
    receipts = {one.action_id: one.receipt for one in effects if one.state is EffectState.DONE}
    for earlier in before:
        receipt = receipts.get(earlier.id)
        # An action that was sealed on another version was not proposed together with this one.
        if receipt and receipt.version and earlier.envelope.proposal.action.target == sealed:
            target = target.model_copy(update={"version": receipt.version})
    return target


def moved(connector: Connector, target: Target) -> Execution | None:
    """How an execution ends whose record is not at the version of `target` any more; None where it is."""
    if target.version is None:
        return None
    try:
        version = connector.version(target)
    except NotFound:
        return Execution(end=End.MOVED, detail=f"{target} is gone")
    except ConnectorError as error:
        return Execution(end=End.LATER, detail=str(error))
    if version is not None and version != target.version:
        return Execution(end=End.MOVED, detail=f"{target} is at version {version}, read at {target.version}")
    return None
