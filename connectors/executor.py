"""The executor: the one place that causes effects, at most once per sealed envelope.

It trusts nothing that was decided earlier: in the transaction that takes the right to send, the envelope's digest is computed
again, the approvals are counted again, the kill switch is read and the action is judged anew. What it then sends carries the
effect's key. Where the answer is lost, the outside is asked by that key; it is never sent again blindly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core import actions, outbox, switches
from ..core.action import Action, Target, effect_key
from ..core.actions import ActionState, SealedAction
from ..core.errors import (
    ConnectorError,
    LeaseLost,
    NotFound,
    Refused,
    StaleRecord,
    Stopped,
    Unreachable,
)
from ..core.queue import Claim, confirm
from ..core.receipt import Effect, EffectState, Outcome, Receipt
from ..core.store import Ledger
from ..core.verdict import Verdict
from .admission import RUNNABLE, check_envelope, may_run
from .base import Connector
from .execution import End, Execution, Gate, Observer, Then


class _Closed(Exception):
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


@dataclass(frozen=True)
class _Attempt:
    """One try to execute one action."""

    connector: Connector
    action: SealedAction
    effect: Effect
    actor: str
    then: Then

    @property
    def proposed(self) -> Action:
        return self.action.envelope.proposal.action


class Executor:
    """Executes sealed actions through connectors."""

    def __init__(
        self, ledger: Ledger, connectors: Mapping[str, Connector], gate: Gate, *, observer: Observer = lambda _: None
    ) -> None:
        self.ledger = ledger
        self.connectors = connectors
        self.gate = gate
        self._at = observer

    def run(
        self, held: Claim, action: SealedAction, *, fresh: Mapping[str, Any] | None = None, then: Then = lambda _: None
    ) -> Execution:
        """Execute `action` of the case that `held` holds; `then` joins the transaction that stores the receipt.

        `fresh` holds facts that were read again since the action was judged.

        Raises StaleEnvelope where the stored envelope is not the approved one, LeaseLost where the case is somebody else's.
        """
        attempt = self._attempt(action, held.owner, then)
        target = self._target(action)
        if moved := self._moved(attempt.connector, target):
            return self._left_behind(attempt) or moved
        self._at("execute.before_claim")
        try:
            started = self._start(held, attempt, fresh or {})
        except _Closed as closed:
            return Execution(end=End.GATED, verdict=closed.verdict, detail=closed.verdict.because())
        except Stopped as stopped:
            return Execution(end=End.STOPPED, detail=str(stopped))
        if not started:
            return self._left_behind(attempt) or Execution(end=End.LATER, detail="it was not sent; it may be sent later")
        self._at("execute.claimed")
        return self._send(attempt, target)

    def reconcile(self, action: SealedAction, actor: str) -> Execution:
        """Ask the outside what became of an effect whose answer was lost; nothing is written where it cannot say."""
        attempt = self._attempt(action, actor, lambda _: None)
        try:
            found = attempt.connector.lookup(attempt.effect.key)
        except Exception as error:  # noqa: BLE001 - a look-up that fails answers nothing
            return Execution(end=End.LATER, detail=f"{type(error).__name__}: {error}")
        if found is None:
            return self._unseen(attempt, "asked again") or Execution(end=End.LATER, detail="the system does not know it yet")
        return self._settle(attempt, found)

    def _attempt(self, action: SealedAction, actor: str, then: Then) -> _Attempt:
        envelope = action.envelope
        proposed = envelope.proposal.action
        connector = self.connectors.get(proposed.target.system)
        if connector is None:
            raise NotFound(
                f"Action {action.id!r} needs the connector {proposed.target.system!r}.", hint="Add it to the workspace file."
            )
        effect = Effect(
            key=effect_key(envelope.tenant, envelope.case_id, envelope.action_id, action.digest),
            case_id=envelope.case_id,
            action_id=envelope.action_id,
            connector=proposed.target.system,
            operation=proposed.kind,
            digest=action.digest,
            state=EffectState.PLANNED,
            planned_at=self.ledger.clock.now(),
        )
        return _Attempt(connector=connector, action=action, effect=effect, actor=actor, then=then)

    def _left_behind(self, attempt: _Attempt) -> Execution | None:
        """What an earlier process left behind: its receipt, or a question to the outside; None where nothing was sent."""
        with self.ledger.reading() as session:
            known = outbox.get(session, attempt.effect.key)
        if known is None or known.state is EffectState.PLANNED:
            return None
        if known.state is EffectState.CANCELLED:
            return Execution(end=End.MOVED, detail="the record changed before it was sent")
        if known.state in (EffectState.DONE, EffectState.REFUSED):
            return self._follow(attempt, known.receipt)
        asked = self._ask(attempt, "the sender died")
        return None if asked.end is End.LATER else asked

    def _target(self, action: SealedAction) -> Target:
        """The record as it must be now: as it was sealed, but for what earlier actions of the same case did to it.

        Whoever approved this action saw those as well, so their versions are no surprise.
        """
        target = action.envelope.proposal.action.target
        if action.seq == 1 or target.version is None:
            return target
        with self.ledger.reading() as session:
            before = {one.id: one.envelope.proposal.action.target for one in actions.of_case(session, action.case_id)}
            effects = outbox.of_case(session, action.case_id)
        for effect in effects:
            ours = before.get(effect.action_id)
            if ours is None or effect.state is not EffectState.DONE or not effect.receipt or not effect.receipt.version:
                continue
            if (ours.system, ours.kind, ours.id) == (target.system, target.kind, target.id):
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

    def _start(self, held: Claim, attempt: _Attempt, fresh: Mapping[str, Any]) -> bool:
        envelope = attempt.action.envelope
        with self.ledger.transaction() as tx:
            confirm(tx, held)
            current = actions.get(tx.session, attempt.action.id)
            check_envelope(current, attempt.action)
            switches.check(
                tx.session,
                switches.scopes_of(worker=envelope.worker, kind=current.kind, party=attempt.proposed.party),
            )
            if not outbox.start(tx, attempt.effect, sender=attempt.actor):
                return False
            verdict = self.gate.admit(tx, current, fresh)
            if not may_run(tx, current, verdict):
                raise _Closed(verdict)
            return True

    def _send(self, attempt: _Attempt, target: Target) -> Execution:
        proposed, key = attempt.proposed, attempt.effect.key
        self._at("execute.before_send")
        try:
            receipt = attempt.connector.execute(proposed.kind, proposed.arguments, key=key, target=target)
        except StaleRecord as error:
            with self.ledger.transaction() as tx:
                outbox.cancel(tx, key, actor=attempt.actor, why=str(error))
                self.gate.give_back(tx, attempt.action)
            return Execution(end=End.MOVED, detail=str(error))
        except Refused as error:
            receipt = self._receipt(attempt, Outcome.REFUSED, str(error))
        except Unreachable as error:
            return self._not_sent(attempt, str(error))
        except Exception as error:  # noqa: BLE001 - whatever went wrong after sending, the effect may have happened
            self._at("execute.answer_lost")
            return self._ask(attempt, f"{type(error).__name__}: {error}")
        self._at("execute.sent")
        return self._settle(attempt, receipt)

    def _ask(self, attempt: _Attempt, cause: str) -> Execution:
        """Look the effect up where its answer is missing; what cannot be told is unknown, and a person is asked."""
        try:
            found = attempt.connector.lookup(attempt.effect.key)
        except NotImplementedError:
            return self._settle(attempt, self._receipt(attempt, Outcome.UNKNOWN, cause))
        except Exception as error:  # noqa: BLE001 - a look-up that fails answers nothing
            return self._settle(attempt, self._receipt(attempt, Outcome.UNKNOWN, f"{cause}; asking failed too: {error}"))
        if found is not None:
            return self._settle(attempt, found)
        unknown = self._receipt(attempt, Outcome.UNKNOWN, f"{cause}; the system does not know it yet")
        return self._unseen(attempt, cause) or self._settle(attempt, unknown)

    def _unseen(self, attempt: _Attempt, cause: str) -> Execution | None:
        """The system never saw the key: it may be sent again where it refuses the same key twice, else None."""
        if not attempt.connector.operation(attempt.effect.operation).idempotent:
            return None
        return self._not_sent(attempt, f"{cause}; the system never saw it")

    def _not_sent(self, attempt: _Attempt, why: str) -> Execution:
        with self.ledger.transaction() as tx:
            outbox.back_to_planned(tx, attempt.effect.key, actor=attempt.actor, why=why)
            self.gate.give_back(tx, attempt.action)
        return Execution(end=End.LATER, detail=why)

    def _settle(self, attempt: _Attempt, receipt: Receipt) -> Execution:
        try:
            self._store(attempt, receipt, attempt.then)
        except LeaseLost:
            # What the outside answered must not get lost with the lease: nobody else may be able to ask again.
            self._store(attempt, receipt, lambda _: None)
            raise
        self._at("execute.settled")
        return Execution(end=End.SETTLED, receipt=receipt)

    def _store(self, attempt: _Attempt, receipt: Receipt, then: Then) -> None:
        with self.ledger.transaction() as tx:
            outbox.settle(tx, attempt.effect.key, receipt, case_id=attempt.effect.case_id, actor=attempt.actor)
            actions.move(tx, attempt.action.id, _STATES[receipt.outcome], expect=RUNNABLE)
            if receipt.outcome is Outcome.REFUSED:
                self.gate.give_back(tx, attempt.action)
            then(tx)

    def _follow(self, attempt: _Attempt, receipt: Receipt | None) -> Execution:
        """Bring the action's state after a receipt that is in the ledger already."""
        with self.ledger.transaction() as tx:
            if receipt is not None and actions.get(tx.session, attempt.action.id).state in RUNNABLE:
                actions.move(tx, attempt.action.id, _STATES[receipt.outcome], expect=RUNNABLE)
            attempt.then(tx)
        return Execution(end=End.SETTLED, receipt=receipt)

    def _receipt(self, attempt: _Attempt, outcome: Outcome, detail: str) -> Receipt:
        return Receipt(key=attempt.effect.key, outcome=outcome, detail=detail, at=self.ledger.clock.now())


_STATES = {
    Outcome.DONE: ActionState.DONE,
    Outcome.REFUSED: ActionState.REFUSED,
    Outcome.UNKNOWN: ActionState.UNKNOWN,
}
