"""Autonomy: every decision of a person moves the running test of its lane; the test opens the lane, and closes it, by itself.

What people decide is kept as an outcome in the transaction of the decision. Where the policy asks for a certificate the outcome goes to
the trial of its stand; a trial that is sure issues a certificate in the name of the ledger, and one that is alarmed revokes every
certificate of the stand. Nothing but a new proof opens it again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from ..core import certificates, outcomes
from ..core.actions import SealedAction
from ..core.approval import Decision
from ..core.certificates import Certificate, Method
from ..core.clock import new_id
from ..core.errors import BadInput, ShiftleadError
from ..core.keys import LEDGER_KEY, Keyring
from ..core.noun import Noun
from ..core.outcomes import Judged, Stand
from ..core.roster import Signing, signature
from ..core.store import Transaction
from .betting import LaneTrial
from .drift import Adwin
from .judgements import Judgements, told_by_runtime
from .policy import Policy
from .rules import KnownAction
from .standing import Standings, stand_of

TRIAL = "trial"
"""What the seal on the state of a trial is made for."""

CLOSED = "lane.closed"
"""The audit event of a lane that an alarm closed."""

_SCOPE = "cases like those that were decided here"
_RENEWED_IN_THE_LAST = 3
"""A certificate is renewed in the last third of its time, from what was drawn since it was issued."""


class State(Noun):
    """A running test as it is kept: the bets, the window over corrections, the proof anew, and the ledger's seal on all of them."""

    trial: str
    corrections: str
    renewal: str = ""
    rules: str = ""
    """Digest of what the policy lets run: evidence from under other rules is about other cases."""
    seal: str = ""

    def statement(self, stand: Stand) -> dict[str, object]:
        """What is sealed."""
        return {"stand": stand, **self.model_dump(exclude={"seal"})}

    def genuine(self, stand: Stand, keyring: Keyring | None) -> bool:
        """Whether the ledger sealed exactly this; True where the installation uses no signatures."""
        return keyring is None or keyring.holds(LEDGER_KEY, TRIAL, self.statement(stand), self.seal)


@dataclass
class _Lane:
    """One lane while it learns from a decision."""

    trial: LaneTrial
    corrections: Adwin = field(default_factory=Adwin)
    """Over what the lane itself would run, since it opened: people look at less of the easy cases from then on."""
    renewal: LaneTrial | None = None
    """The proof anew of the newest certificate, from what was looked at since it was issued."""

    def state(self) -> State:
        renewal = "" if self.renewal is None else self.renewal.to_json()
        return State(trial=self.trial.to_json(), corrections=self.corrections.to_json(), renewal=renewal)

    @classmethod
    def of(cls, state: State) -> "_Lane":
        renewal = LaneTrial.from_json(state.renewal) if state.renewal else None
        return cls(LaneTrial.from_json(state.trial), Adwin.from_json(state.corrections), renewal)


@dataclass(frozen=True)
class _Move:
    """What one decision leads to, before anything of it is written."""

    state: str
    """The test as it is kept from now on."""
    issued: Certificate | None = None
    closed: str = ""
    """Why every certificate of the lane is revoked; empty where none is."""
    told: str = ""
    """For the person who decided."""
    damaged: bool = False
    """Whether the test that was kept could not be read."""


class Autonomy:
    """Learns from decisions under one policy."""

    def __init__(self, policy: Policy, keyring: Keyring | None, sealing: Signing | None) -> None:
        """`sealing` is the ledger's own key; where signatures count and it is not at hand, no lane opens."""
        self._policy = policy
        self._known = {action.kind: action for action in policy.actions}
        self._keyring = keyring
        self._sealing = sealing
        self._judgements = Judgements(policy, keyring)
        self._standings = Standings(policy, keyring)

    def learn(self, tx: Transaction, action: SealedAction, decision: Decision, *, right: bool) -> str:
        """Keep what was decided about an envelope, and move its lane; answers what that led to, empty where to nothing.

        Nothing that goes wrong here undoes the decision: where it cannot be learned from, the lane closes.
        """
        known = self._known.get(action.kind)
        if known is None:
            return ""
        try:
            found = self._found(tx, known, action, decision, right=right)
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the test, a person has decided and nothing may stay open
            found = _given_up(known, action, error)
        if found is None:
            return ""
        self._write(tx, *found)
        return found[1].told

    def _found(
        self, tx: Transaction, known: KnownAction, action: SealedAction, decision: Decision, *, right: bool
    ) -> tuple[Stand, _Move] | None:
        """What follows for which lane; None where nothing does. Of all this only the outcome itself is written."""
        judged = self._judgements.judged(known, action, decision, right=right, at=tx.now)
        if judged is None or not outcomes.add(tx, judged) or known.max_error is None or not judged.counts:
            return None
        # What others have decided about the same lane meanwhile is read with everything below.
        tx.in_turn()
        return judged.stand, self._moved(tx, known, known.max_error, judged)

    def _moved(self, tx: Transaction, known: KnownAction, target: float, judged: Judged) -> _Move:
        stand = judged.stand
        valid = self._standings.open_by(tx.session, stand, at=tx.now)
        floor = min((one.floor for one in valid), default=None)
        kept, damaged = self._kept(tx, stand)
        lane, risen = kept, False
        if lane is None or lane.trial.target != target or lane.trial.opened != floor:
            lane = _begun(known, target, valid)
            # What was looked at while a certificate was out and this watch was not there; every case of it, also after an alarm.
            risen = sum(_learned(lane, floor, one) for one in self._since(tx, judged, valid)) > 0
        risen = _learned(lane, floor, judged) or risen
        alarmed = lane.trial.revoked or risen
        issued, told, closed = None, "", ""
        if valid and alarmed:
            closed = lane.trial.why or "People correct it more often than before."
            told = _closing(stand, closed)
        elif lane.trial.opened is not None and lane.trial.opened != floor:
            if issued := self._issued(tx, stand, lane.trial):
                lane.corrections, lane.renewal = Adwin(), _proof_anew(known, target, issued.floor)
                told = f"; {_named(stand)} runs alone from now on where the brain is {issued.floor:.6g} sure or more"
        elif valid and (issued := self._renewed(tx, target, valid, lane)):
            lane.renewal = _proof_anew(known, target, issued.floor)
        if alarmed:
            lane = _Lane(lane.trial.restarted())
        return _Move(self._sealed_state(stand, lane), issued, closed, told, damaged)

    def _write(self, tx: Transaction, stand: Stand, move: _Move) -> None:
        if move.damaged:
            tx.audit("trial.unreadable", actor="system", stand=stand.model_dump())
        if move.closed and certificates.revoke_all(tx, stand, by="system", why=move.closed):
            tx.audit(CLOSED, actor="system", stand=stand.model_dump(), reason=move.closed, owner=self._policy.owner)
        if move.issued is not None:
            certificates.put(tx, move.issued)
        certificates.keep_trial(tx, stand, move.state)

    def _since(self, tx: Transaction, judged: Judged, valid: Sequence[Certificate]) -> list[Judged]:
        """What was decided before since the certificate was issued that holds the lane widest open."""
        widest = min(valid, key=lambda one: one.floor, default=None)
        if widest is None:
            return []
        found = outcomes.of(tx.session, judged.stand, counting=True, since=widest.issued_at)
        return [one for one in found if one.digest != judged.digest]

    def _kept(self, tx: Transaction, stand: Stand) -> tuple[_Lane | None, bool]:
        """The running test where it left off, None where there is none or it is not genuine; and whether it could not be read."""
        text = certificates.trial(tx, stand)
        if not text:
            return None, False
        try:
            state = State.model_validate_json(text)
            if not state.genuine(stand, self._keyring):
                return None, bool(state.seal)
            return (_Lane.of(state) if state.rules == self._standings.rules(stand.kind) else None), False
        except (ValueError, BadInput):
            return None, True

    def _sealed_state(self, stand: Stand, lane: _Lane) -> str:
        state = lane.state().model_copy(update={"rules": self._standings.rules(stand.kind)})
        return state.model_copy(update={"seal": self._signed(TRIAL, state.statement(stand))}).model_dump_json()

    def _issued(self, tx: Transaction, stand: Stand, trial: LaneTrial) -> Certificate | None:
        """A certificate for what the trial has proven; None where the ledger cannot sign, so that none would count."""
        if trial.opened is None:
            return None
        certificate = Certificate(
            id=new_id("crt"),
            stand=stand,
            floor=trial.opened,
            target=trial.target,
            # Once a lane may open the target holds; the limit that is found by halving may lie a hair above it.
            bound=min(trial.bound, trial.target),
            confidence=trial.confidence,
            n=trial.n,
            wrong=trial.wrong,
            method=Method.BETTING,
            scope=_SCOPE,
            rules=self._standings.rules(stand.kind),
            issued_at=tx.now,
            expires_at=tx.now + timedelta(days=self._policy.certificate_days),
            issued_by=LEDGER_KEY,
        )
        signed = self.sealed(certificate)
        return signed if signed.genuine(self._keyring) else None

    def sealed(self, certificate: Certificate) -> Certificate:
        """A certificate with the ledger's own seal; without one where the key is not at hand."""
        return certificate.model_copy(update={"seal": self._signed(certificates.SEAL, certificate.statement())})

    def _renewed(self, tx: Transaction, target: float, valid: Sequence[Certificate], lane: _Lane) -> Certificate | None:
        """In the last third of its time a certificate is issued anew, where what was looked at since proves it once more."""
        last, proof = max(valid, key=lambda one: one.expires_at), lane.renewal
        due = last.expires_at - tx.now <= (last.expires_at - last.issued_at) / _RENEWED_IN_THE_LAST
        # A proof that was there once and has grown weaker since is none to renew anything by.
        if not due or proof is None or proof.opened is None or proof.bound > target:
            return None
        return self._issued(tx, last.stand, proof)

    def _signed(self, purpose: str, statement: dict[str, object]) -> str:
        try:
            return signature(self._sealing, LEDGER_KEY, purpose, statement)
        except (ShiftleadError, OSError):
            # A decision must not fail because the ledger's key is elsewhere; what is not signed does not count.
            return ""


def _begun(known: KnownAction, target: float, valid: Iterable[Certificate]) -> _Lane:
    """A test without evidence; of a lane that a certificate holds open it is the watch."""
    share = known.looked_at
    widest = min(valid, key=lambda one: one.floor, default=None)
    if widest is None:
        return _Lane(LaneTrial(target=target, quality_share=share))
    below = None if widest.share is None else min(0.99, 1 - widest.share)
    watch = LaneTrial(target=target, confidence=widest.confidence, quality_share=share, opened=widest.floor, below=below)
    return _Lane(watch, renewal=_proof_anew(known, target, widest.floor))


def _learned(lane: _Lane, floor: float | None, judged: Judged) -> bool:
    """Take in a case; whether those that the lane runs alone, from `floor` on, are corrected more often than before."""
    lane.trial.learn(judged.confidence, judged.right, probability=judged.probability)
    if floor is None or judged.confidence is None or judged.confidence < floor:
        return False
    if lane.renewal is not None and judged.confidence >= lane.renewal.floors[0]:
        # All of it was looked at with the same chance, so that it is a fair sample of the lane by itself.
        lane.renewal.learn(judged.confidence, judged.right)
    return lane.corrections.learn(not judged.right)


def _proof_anew(known: KnownAction, target: float, floor: float) -> LaneTrial:
    share = known.looked_at
    return LaneTrial(target=target, floors=(floor,), starts={floor: 1.0}, quality_share=share)


def _given_up(known: KnownAction, action: SealedAction, error: Exception) -> tuple[Stand, _Move] | None:
    """The lane of an action that cannot be learned from: it closes, and its test begins anew."""
    stand = stand_of(known, action.envelope.proposal, told_by_runtime(action))
    if stand is None:
        return None
    why = f"What people decide about it cannot be learned from ({type(error).__name__})."
    return stand, _Move(state="", closed=why, told=_closing(stand, why), damaged=True)


def _named(stand: Stand) -> str:
    return f"{stand.kind} ({stand.slice})" if stand.slice else stand.kind


def _closing(stand: Stand, why: str) -> str:
    return f"; from now on a person decides every {_named(stand)}: {why}"
