"""The kill switch: stopping takes one call and no reason, letting things run again takes a person and a reason."""

from ..core import queue, switches
from ..core.errors import BadInput, Conflict
from ..core.settings import Operator
from ..core.store import Ledger

_KINDS = ("worker:", "action:", "party:")


def stop(ledger: Ledger, scope: str, *, operator: Operator, reason: str = "") -> None:
    """Let no new effect start in `scope`, in any process, from this commit on.

    Raises BadInput where `scope` is none of `all`, `worker:NAME`, `action:KIND`, `party:ID`.
    """
    _check(scope)
    with ledger.transaction() as tx:
        switches.throw(tx, scope, stopped=True, by=operator.name, reason=reason.strip() or "no reason given")


def resume(ledger: Ledger, scope: str, *, operator: Operator, reason: str) -> None:
    """Let effects start again in `scope`, and take up at once what rested for it; raises BadInput without a reason, Conflict where it is not stopped."""
    _check(scope)
    if not reason.strip():
        raise BadInput("Resuming needs a reason.", hint="Say what was checked; the auditor reads it.")
    with ledger.transaction() as tx:
        if scope not in {one.scope for one in switches.thrown(tx.session)}:
            raise Conflict(f"{scope!r} is not stopped.", hint="`shiftlead doctor` lists what is.")
        switches.throw(tx, scope, stopped=False, by=operator.name, reason=reason.strip())
        queue.wake_stopped(tx)


def _check(scope: str) -> None:
    if scope != switches.ALL and not any(scope.startswith(kind) and len(scope) > len(kind) for kind in _KINDS):
        raise BadInput(f"{scope!r} is no scope.", hint="Use all, worker:NAME, action:KIND or party:ID.")
