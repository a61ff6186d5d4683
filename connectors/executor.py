"""The executor: the one place that causes effects, at most once per sealed envelope.

It trusts nothing that was decided earlier: in the transaction that takes the right to send, the envelope's digest is computed
again, the signatures on the approvals are verified, the kill switch is read and the action is judged anew. What it then sends carries the
effect's key. Where the answer is lost, the outside is asked by that key; it is never sent again blindly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core import actions, inbox, outbox, queue, switches
from ..core.action import Action, Target
from ..core.actions import ActionState, SealedAction
from ..core.errors import (
    LeaseLost,
    NotFound,
    Refused,
    StaleRecord,
    Stopped,
    Unreachable,
)
from ..core.keys import Keyring
from ..core.queue import Claim, confirm
from ..core.receipt import Effect, EffectState, Outcome, Receipt
from ..core.store import Ledger, Transaction
from ..core.verdict import Lane, Verdict
from .admission import RUNNABLE, check_envelope, check_policy, gated
from .base import Connector
from .drift import expected, moved
from .execution import Authority, End, Execution, Gate, Observer, Then


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
    """Executes sealed actions through connectors.

    `keyring` holds the keys whose approvals count; with None nobody's signature is asked for, and whoever writes to the ledger
    decides what runs. `under` is the digest of the policy in force that the gate judges by; empty where none is in force.
    """

    def __init__(
        self,
        ledger: Ledger,
        connectors: Mapping[str, Connector],
        gate: Gate,
        *,
        keyring: Keyring | None,
        authority: Authority,
        under: str = "",
        observer: Observer = lambda _: None,
    ) -> None:
        self.ledger = ledger
        self.connectors = connectors
        self.gate = gate
        self.keyring = keyring
        self.authority = authority
        self._under = under
        self._at = observer

    def run(
        self, held: Claim, action: SealedAction, *, fresh: Mapping[str, Any] | None = None, then: Then = lambda _: None
    ) -> Execution:
        """Execute `action` of the case that `held` holds; `then` joins the transaction that stores the receipt.

        `fresh` holds facts that were read again since the action was judged.

        Raises StaleEnvelope where the stored envelope is not the approved one, LeaseLost where the case is somebody else's.
        """
        attempt = self._attempt(action, held.owner, then)
        target = expected(self.ledger, action)
        if elsewhere := moved(attempt.connector, target):
            return self._left_behind(attempt) or elsewhere
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

    def reconcile(self, action: SealedAction, actor: str, *, then: Then = lambda _: None) -> Execution:
        """Ask the outside what became of an effect whose answer was lost; nothing is written where it cannot say.

        `then` joins the transaction that stores what it says. Raises Conflict where somebody else was told first.
        """
        attempt = self._attempt(action, actor, then)
        try:
            found = attempt.connector.lookup(attempt.effect.key)
        except Exception as error:  # noqa: BLE001 - a look-up that fails answers nothing
            return Execution(end=End.LATER, detail=f"{type(error).__name__}: {error}")
        if found is None:
            return self._unseen(attempt, "asked again", then) or Execution(
                end=End.LATER, detail="the system does not know it yet"
            )
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
            key=action.effect_key,
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
        if known is None:
            return None
        if known.state is EffectState.PLANNED:
            return self._arrived_late(attempt)
        if known.state is EffectState.CANCELLED:
            return Execution(end=End.MOVED, detail="the record changed before it was sent")
        if known.state in (EffectState.DONE, EffectState.REFUSED):
            return self._follow(attempt, known.receipt)
        asked = self._ask(attempt, "the sender died")
        return None if asked.end is End.LATER else asked

    def _arrived_late(self, attempt: _Attempt) -> Execution | None:
        """A sender that was taken for dead may have sent after all; then the record has moved by our own hand."""
        try:
            found = attempt.connector.lookup(attempt.effect.key)
        except NotImplementedError:
            return None
        except Exception as error:  # noqa: BLE001 - a look-up that fails answers nothing
            return Execution(end=End.LATER, detail=f"{type(error).__name__}: {error}")
        return None if found is None else self._settle(attempt, found)

    def _start(self, held: Claim, attempt: _Attempt, fresh: Mapping[str, Any]) -> bool:
        with self.ledger.transaction() as tx:
            confirm(tx, held)
            current = actions.get(tx.session, attempt.action.id)
            check_envelope(current, attempt.action, self.keyring)
            check_policy(tx, self._under)
            if not outbox.start(tx, attempt.effect, sender=attempt.actor):
                return False
            switches.check(tx.session, current.stop_scopes)
            verdict = self.gate.admit(tx, current, fresh)
            if closed := gated(tx, current, verdict, keyring=self.keyring, authority=self.authority):
                # What somebody stopped while it was judged is held and not given up.
                switches.check(tx.session, current.stop_scopes)
                raise _Closed(closed)
            outbox.announce(tx, attempt.effect, sender=attempt.actor, policy_digest=verdict.policy_digest)
            # Read last and in turn, so that whoever stops or holds this is either before us in the chain and seen, or after us.
            if tx.in_turn():
                self._look_again(tx, attempt, current, verdict)
            return True

    def _look_again(self, tx: Transaction, attempt: _Attempt, before: SealedAction, verdict: Verdict) -> None:
        """Check once more what others may have written since it was checked first."""
        check_policy(tx, self._under)
        switches.check(tx.session, before.stop_scopes)
        if verdict.lane is Lane.ALLOWED and self.gate.unproven(tx, before):
            raise Stopped("The certificate ended that let it run alone.", hint="It is judged anew.")
        # The same row as before was checked before.
        if (now := actions.get(tx.session, before.id)) != before:
            check_envelope(now, attempt.action, self.keyring)

    def _send(self, attempt: _Attempt, target: Target) -> Execution:
        proposed, key = attempt.proposed, attempt.effect.key
        self._at("execute.before_send")
        try:
            receipt = attempt.connector.execute(proposed.kind, proposed.arguments, key=key, target=target)
        except StaleRecord as error:
            with self.ledger.transaction() as tx:
                outbox.cancel(tx, key, actor=attempt.actor, why=str(error))
                self._give_back(tx, attempt)
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

    def _unseen(self, attempt: _Attempt, cause: str, then: Then = lambda _: None) -> Execution | None:
        """The system never saw the key: it may be sent again where it refuses the same key twice, else None."""
        if not attempt.connector.operation(attempt.effect.operation).idempotent:
            return None
        return self._not_sent(attempt, f"{cause}; the system never saw it", then)

    def _not_sent(self, attempt: _Attempt, why: str, then: Then = lambda _: None) -> Execution:
        with self.ledger.transaction() as tx:
            outbox.back_to_planned(tx, attempt.effect.key, actor=attempt.actor, why=why)
            if actions.get(tx.session, attempt.action.id).state is ActionState.UNKNOWN:
                state = ActionState.PROPOSED if attempt.action.lane is Lane.ALLOWED else ActionState.APPROVED
                actions.move(tx, attempt.action.id, state, expect=(ActionState.UNKNOWN,))
            then(tx)
            self._give_back(tx, attempt)
        return Execution(end=End.LATER, detail=why)

    def _give_back(self, tx: Transaction, attempt: _Attempt) -> None:
        """Take the action out of the limits again.

        The limits come last in every transaction, behind case, effect and action, so that no two wait for each other.
        """
        known = outbox.get(tx.session, attempt.effect.key)
        self.gate.give_back(tx, attempt.action, known.sent_at if known and known.sent_at else tx.now)
        self.authority.give_back(tx, attempt.action)

    def _settle(self, attempt: _Attempt, receipt: Receipt) -> Execution:
        try:
            self._store(attempt, receipt, attempt.then)
        except LeaseLost:
            # What the outside answered must not get lost with the lease: nobody else may be able to ask again.
            self._store(attempt, receipt, lambda tx: self._wake(tx, attempt))
            raise
        self._at("execute.settled")
        return Execution(end=End.SETTLED, receipt=receipt)

    def _wake(self, tx: Transaction, attempt: _Attempt) -> None:
        """Nobody need be asked about an effect whose answer came late."""
        case_id = attempt.effect.case_id
        inbox.supersede(tx, case_id, action_id=attempt.action.id, actor=attempt.actor, why="the answer came late")
        queue.wake(tx, case_id, human=False)

    def _store(self, attempt: _Attempt, receipt: Receipt, then: Then) -> None:
        with self.ledger.transaction() as tx:
            late = outbox.settle(tx, attempt.effect.key, receipt, case_id=attempt.effect.case_id, actor=attempt.actor)
            actions.move(tx, attempt.action.id, _STATES[receipt.outcome], expect=RUNNABLE)
            then(tx)
            if receipt.outcome is Outcome.REFUSED and late is None:
                self._give_back(tx, attempt)
            elif late is not None and receipt.outcome is not Outcome.REFUSED:
                # It was taken out of the limits when nobody knew of it.
                self.gate.count(tx, attempt.action, late.sent_at or tx.now)
                self.authority.spend_again(tx, attempt.action)

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
