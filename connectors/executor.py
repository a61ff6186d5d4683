"""The executor: the one place that causes effects, at most once per sealed envelope.

It trusts nothing that was decided earlier: in the transaction that takes the right to send, the envelope's digest is computed
again, the approvals are counted again, the kill switch is read and the action is judged anew. What it then sends carries the
effect's key. Where the answer is lost, the outside is asked by that key; it is never sent again blindly.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from ..core import actions, inbox, outbox, switches
from ..core.action import Target, effect_key
from ..core.actions import ActionState, SealedAction
from ..core.approval import DecisionKind
from ..core.errors import Conflict, ConnectorError, NotFound, Refused, StaleEnvelope, StaleRecord, Stopped, Unreachable
from ..core.noun import Noun
from ..core.queue import Claim, confirm
from ..core.receipt import Effect, EffectState, Outcome, Receipt
from ..core.store import Ledger, Transaction
from ..core.verdict import Lane, Verdict
from .base import Connector

Observer = Callable[[str], None]
"""Told the name of every step boundary; crash tests stop the process there, progress displays count them."""


class Gate(Protocol):
    """The guardrails as the executor sees them."""

    def admit(self, tx: Transaction, action: SealedAction) -> Verdict:
        """Judge `action` again and count it against its limits, inside the transaction that takes the right to send."""

    def give_back(self, tx: Transaction, action: SealedAction) -> None:
        """Take an action out of its limits again, since nothing happened."""


class End(StrEnum):
    """How an execution ended."""

    SETTLED = "settled"
    """There is a receipt: done, refused or unknown."""
    GATED = "gated"
    """Judged again it may not run like this; the verdict says why."""
    STOPPED = "stopped"
    """A kill switch is on; nothing was sent."""
    MOVED = "moved"
    """The record changed since it was read; nothing was sent."""
    LATER = "later"
    """The system was not reached; nothing was sent, the same key may be sent later."""


class Execution(Noun):
    """What became of one attempt to execute one action."""

    end: End
    receipt: Receipt | None = None
    verdict: Verdict | None = None
    detail: str = ""


class _Closed(Exception):
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


class Executor:
    """Executes sealed actions through connectors."""

    def __init__(
        self, ledger: Ledger, connectors: Mapping[str, Connector], gate: Gate, *, observer: Observer = lambda _: None
    ) -> None:
        self.ledger = ledger
        self.connectors = connectors
        self.gate = gate
        self._at = observer

    def run(self, held: Claim, action: SealedAction) -> Execution:
        """Execute `action` of the case that `held` holds.

        Raises StaleEnvelope where the stored envelope is not the approved one, LeaseLost where the case is somebody else's.
        """
        connector = self._connector(action)
        effect = self._effect(action)
        before = self._settled_before(connector, effect, action, held.owner)
        if before is not None:
            return before
        target = self._target(action)
        if moved := self._moved(connector, target):
            return moved
        self._at("execute.before_claim")
        try:
            started = self._start(held, action, effect)
        except _Closed as closed:
            return Execution(end=End.GATED, verdict=closed.verdict, detail=closed.verdict.because())
        except Stopped as stopped:
            return Execution(end=End.STOPPED, detail=str(stopped))
        if not started:
            return Execution(end=End.LATER, detail="another process is sending it")
        self._at("execute.claimed")
        return self._send(connector, effect, action, target, held.owner)

    def reconcile(self, action: SealedAction, actor: str) -> Execution:
        """Ask the outside what became of an effect whose answer was lost."""
        return self._ask(self._connector(action), self._effect(action), action, actor)

    def _connector(self, action: SealedAction) -> Connector:
        system = action.envelope.proposal.action.target.system
        if system not in self.connectors:
            raise NotFound(f"Action {action.id!r} needs the connector {system!r}.", hint="Add it to the workspace file.")
        return self.connectors[system]

    def _effect(self, action: SealedAction) -> Effect:
        envelope = action.envelope
        return Effect(
            key=effect_key(envelope.tenant, envelope.case_id, envelope.action_id, action.digest),
            case_id=envelope.case_id,
            action_id=envelope.action_id,
            connector=envelope.proposal.action.target.system,
            operation=envelope.proposal.action.kind,
            digest=action.digest,
            state=EffectState.PLANNED,
            planned_at=self.ledger.clock.now(),
        )

    def _settled_before(self, connector: Connector, effect: Effect, action: SealedAction, actor: str) -> Execution | None:
        """What an earlier process left behind: its receipt, or a question to the outside; None where nothing was sent."""
        with self.ledger.reading() as session:
            known = outbox.get(session, effect.key)
        if known is None or known.state is EffectState.PLANNED:
            return None
        if known.state in (EffectState.DONE, EffectState.REFUSED):
            self._follow(action, known.receipt)
            return Execution(end=End.SETTLED, receipt=known.receipt)
        if known.state is EffectState.CANCELLED:
            return Execution(end=End.MOVED, detail="the record changed before it was sent")
        asked = self._ask(connector, effect, action, actor)
        return None if asked.end is End.LATER else asked

    def _target(self, action: SealedAction) -> Target:
        """The record as it must be now: as it was sealed, but for what earlier actions of the same case did to it.

        Whoever approved this action saw those as well, so their versions are no surprise.
        """
        target = action.envelope.proposal.action.target
        with self.ledger.reading() as session:
            before = {one.id: one.envelope.proposal.action.target for one in actions.of_case(session, action.case_id)}
            for effect in outbox.of_case(session, action.case_id):
                ours = before.get(effect.action_id)
                if effect.state is EffectState.DONE and ours is not None and effect.receipt and effect.receipt.version:
                    same = (ours.system, ours.kind, ours.id) == (target.system, target.kind, target.id)
                    if same and target.version is not None:
                        target = target.model_copy(update={"version": effect.receipt.version})
        return target

    def _moved(self, connector: Connector, target: Target) -> Execution | None:
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

    def _start(self, held: Claim, action: SealedAction, effect: Effect) -> bool:
        envelope = action.envelope
        with self.ledger.transaction() as tx:
            confirm(tx, held)
            current = actions.get(tx.session, action.id)
            _check_envelope(current, action)
            switches.check(
                tx.session,
                switches.scopes_of(worker=envelope.worker, kind=current.kind, party=envelope.proposal.action.party),
            )
            verdict = self.gate.admit(tx, current)
            if not _may_run(tx, current, verdict):
                raise _Closed(verdict)
            return outbox.start(tx, effect, sender=held.owner)

    def _send(self, connector: Connector, effect: Effect, action: SealedAction, target: Target, actor: str) -> Execution:
        proposed = action.envelope.proposal.action
        self._at("execute.before_send")
        try:
            receipt = connector.execute(proposed.kind, proposed.arguments, key=effect.key, target=target)
        except StaleRecord as error:
            with self.ledger.transaction() as tx:
                outbox.cancel(tx, effect.key, actor=actor, why=str(error))
                self.gate.give_back(tx, action)
            return Execution(end=End.MOVED, detail=str(error))
        except Refused as error:
            receipt = self._receipt(effect, Outcome.REFUSED, str(error))
        except Unreachable as error:
            with self.ledger.transaction() as tx:
                outbox.back_to_planned(tx, effect.key, actor=actor, why=str(error))
                self.gate.give_back(tx, action)
            return Execution(end=End.LATER, detail=str(error))
        except Exception as error:  # noqa: BLE001 - whatever went wrong after sending, the effect may have happened
            self._at("execute.answer_lost")
            return self._ask(connector, effect, action, actor, cause=f"{type(error).__name__}: {error}")
        self._at("execute.sent")
        return self._settle(effect, action, receipt, actor)

    def _ask(
        self, connector: Connector, effect: Effect, action: SealedAction, actor: str, *, cause: str = "the sender died"
    ) -> Execution:
        try:
            found = connector.lookup(effect.key)
        except NotImplementedError:
            return self._settle(effect, action, self._receipt(effect, Outcome.UNKNOWN, cause), actor)
        except Exception as error:  # noqa: BLE001 - a look-up that fails answers nothing
            detail = f"{cause}; asking failed too: {error}"
            return self._settle(effect, action, self._receipt(effect, Outcome.UNKNOWN, detail), actor)
        if found is not None:
            return self._settle(effect, action, found, actor)
        if not connector.operation(effect.operation).idempotent:
            detail = f"{cause}; the system does not know it yet"
            return self._settle(effect, action, self._receipt(effect, Outcome.UNKNOWN, detail), actor)
        with self.ledger.transaction() as tx:
            outbox.back_to_planned(tx, effect.key, actor=actor, why=f"{cause}; the system never saw it")
            self.gate.give_back(tx, action)
        return Execution(end=End.LATER, detail=f"{cause}; nothing happened")

    def _settle(self, effect: Effect, action: SealedAction, receipt: Receipt, actor: str) -> Execution:
        with self.ledger.transaction() as tx:
            known = outbox.get(tx.session, effect.key)
            if known is not None and known.state is EffectState.UNKNOWN and receipt.outcome is Outcome.UNKNOWN:
                return Execution(end=End.SETTLED, receipt=known.receipt)
            outbox.settle(tx, effect.key, receipt, actor=actor)
            _move(tx, action, _STATES[receipt.outcome])
            if receipt.outcome is Outcome.REFUSED:
                self.gate.give_back(tx, action)
        self._at("execute.settled")
        return Execution(end=End.SETTLED, receipt=receipt)

    def _follow(self, action: SealedAction, receipt: Receipt | None) -> None:
        """Bring the action's state after a receipt that is in the ledger already."""
        if receipt is None:
            return
        with self.ledger.transaction() as tx:
            if actions.get(tx.session, action.id).state in _RUNNABLE:
                _move(tx, action, _STATES[receipt.outcome])

    def _receipt(self, effect: Effect, outcome: Outcome, detail: str) -> Receipt:
        return Receipt(key=effect.key, outcome=outcome, detail=detail, at=self.ledger.clock.now())


_RUNNABLE = (ActionState.PROPOSED, ActionState.APPROVED, ActionState.UNKNOWN)
_STATES = {
    Outcome.DONE: ActionState.DONE,
    Outcome.REFUSED: ActionState.REFUSED,
    Outcome.UNKNOWN: ActionState.UNKNOWN,
}


def _move(tx: Transaction, action: SealedAction, to: ActionState) -> None:
    actions.move(tx, action.id, to, expect=_RUNNABLE)


def _check_envelope(current: SealedAction, action: SealedAction) -> None:
    if current.digest != action.digest or current.envelope.digest() != current.digest:
        raise StaleEnvelope(
            f"Action {action.id!r} is not what was sealed: its envelope does not give the digest {current.digest[:12]!r}.",
            hint="It will not run. Look at `shiftlead audit verify` and have the case proposed anew.",
        )
    if current.state not in _RUNNABLE:
        raise Conflict(f"Action {action.id!r} is {current.state.value!r} and cannot run.", hint="Look at the case again.")


def _may_run(tx: Transaction, current: SealedAction, verdict: Verdict) -> bool:
    """Whether the fresh verdict, together with the approvals that carry exactly this digest, lets the action run."""
    if verdict.lane is Lane.PROHIBITED:
        return False
    if verdict.lane is Lane.ALLOWED and current.lane is Lane.ALLOWED:
        return True
    said_yes = {
        decision.operator
        for request in inbox.of_case(tx.session, current.case_id)
        if request.action_id == current.id and request.digest == current.digest
        for decision in inbox.decisions(tx.session, request_id=request.id, kinds=(DecisionKind.APPROVE,))
        if decision.digest == current.digest
    }
    return len(said_yes) >= max(1, verdict.approvals)
