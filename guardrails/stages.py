"""Stages: how far each lane has come, what is missing until it goes further, and what was closed; read from the ledger, never decided here."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from ..core import certificates, outcomes
from ..core.certificates import Certificate
from ..core.errors import BadInput
from ..core.keys import Keyring
from ..core.noun import Moment, Noun
from ..core.outcomes import Judged, Stand
from .autonomy import State
from .betting import LaneTrial
from .policy import Policy
from .rules import KnownAction
from .standing import Standings

LATELY = timedelta(days=30)
"""How far back outcomes are counted, and lanes without a certificate are shown."""
ALARMS = timedelta(days=7)
"""How long the owner is told of a lane that was closed."""
SOON = timedelta(days=14)
"""How long before its last certificate ends a lane is said to end soon."""
_SYSTEM = "system"


class Stage(StrEnum):
    """How much of a lane a person sees before it runs."""

    SHADOW = "shadow"
    """Its brain answers beside the one at work, and nobody acts on that."""
    REVIEWED = "reviewed"
    """A person decides every action."""
    SAMPLED = "sampled"
    """It runs alone from the floor of its certificate on, and a share is drawn for quality control."""
    ALLOWED = "allowed"
    """It runs alone from the floor of its certificate on, and nothing is drawn."""


class Progress(Noun):
    """The running test of a lane."""

    missing: int
    """Right decisions in a row that would open it, at least; 0 where it is open."""
    floor: float | None = None
    """The confidence from which on they count; None while none is chosen."""
    n: int = 0
    wrong: int = 0
    readable: bool = True
    """False where its state cannot be read or is not the ledger's own, so that it begins anew with the next decision."""


class Closing(Noun):
    """A lane that lost its certificates before their time."""

    stand: Stand
    at: Moment
    by: str
    """`system` for an alarm, else whoever revoked them."""
    why: str

    @property
    def alarm(self) -> bool:
        """Whether a watch closed it, and not a person."""
        return self.by == _SYSTEM

    @property
    def key(self) -> str:
        """The same for the same closing, in every process."""
        return f"{self.at.isoformat()} {self.stand.model_dump_json()}"


class LaneStanding(Noun):
    """Where one lane stands."""

    stand: Stand
    stage: Stage | None
    """None where the policy asks for no certificate, so that its rules alone decide."""
    max_error: float | None = None
    """What the policy asks for."""
    certificate: Certificate | None = None
    """The one with the lowest floor of those that hold it open."""
    until: Moment | None = None
    """When the last of them ends."""
    ends_soon: bool = False
    progress: Progress | None = None
    right: int = 0
    n: int = 0
    """Outcomes of the last 30 days."""
    closed: Closing | None = None
    """The last time it was closed."""


def standings(
    session: Session,
    policy: Policy,
    keyring: Keyring | None,
    *,
    at: datetime,
    workers: Iterable[str],
    beside: Sequence[Stand] = (),
    every: bool = False,
) -> tuple[LaneStanding, ...]:
    """Where the lanes of `workers` stand; those that nothing holds open and nobody decided about lately only where `every`.

    `beside` are the lanes of brains that answer beside those at work. Raises LedgerError where a certificate is damaged.
    """
    issued, running = certificates.listed(session), dict(certificates.trials(session))
    ended = {one.stand: one for one in reversed(closings(issued))}
    decided: dict[Stand, list[Judged]] = defaultdict(list)
    wanted = set(workers)
    for worker in wanted:
        for judged in outcomes.of_worker(session, worker):
            decided[judged.stand].append(judged)
    reader = _Reader(policy, keyring, at)
    stands = {*decided, *beside, *running, *(one.stand for one in issued)}
    found = []
    for stand in sorted(stands, key=lambda one: (one.worker, one.kind, one.slice, one.brain)):
        if stand.worker not in wanted:
            continue
        holding = [one for one in issued if one.stand == stand and reader.holds_open(one)]
        lately = [one for one in decided.get(stand, ()) if one.at > at - LATELY]
        if holding or lately or stand in beside or every:
            made = reader.standing(stand, holding, running.get(stand, ""), beside=stand in beside)
            update = {"right": sum(one.right for one in lately), "n": len(lately), "closed": ended.get(stand)}
            found.append(made.model_copy(update=update))
    return tuple(found)


def closings(issued: Iterable[Certificate], *, since: datetime | None = None) -> tuple[Closing, ...]:
    """The times at which lanes lost their certificates, the latest first; several certificates that ended together are one."""
    found = (
        Closing(stand=one.stand, at=one.revoked_at, by=one.revoked_by, why=one.why)
        for one in issued
        if one.revoked_at is not None and (since is None or one.revoked_at >= since)
    )
    return tuple(sorted({one.key: one for one in found}.values(), key=lambda one: one.at, reverse=True))


class _Reader:
    """Reads lanes under one policy at one moment."""

    def __init__(self, policy: Policy, keyring: Keyring | None, at: datetime) -> None:
        self._known = {one.kind: one for one in policy.actions if one.max_error is not None}
        self._standings = Standings(policy, keyring)
        self._keyring, self._at = keyring, at

    def holds_open(self, one: Certificate) -> bool:
        """Whether a certificate lets anything run alone."""
        return one.valid_at(self._at) and self._standings.opens(one)

    def standing(self, stand: Stand, holding: Sequence[Certificate], text: str, *, beside: bool) -> LaneStanding:
        """Where a lane stands, by the certificates that hold it open and the kept state of its test in `text`."""
        known = self._known.get(stand.kind)
        if known is None:
            return LaneStanding(stand=stand, stage=Stage.SHADOW if beside else None)
        widest = min(holding, key=lambda one: (one.floor, one.bound), default=None)
        until = max((one.expires_at for one in holding), default=None)
        return LaneStanding(
            stand=stand,
            stage=_stage(known, widest, beside=beside),
            max_error=known.max_error,
            certificate=widest,
            until=until,
            ends_soon=until is not None and until <= self._at + SOON,
            progress=self._progress(stand, known, text, held_open=widest is not None),
        )

    def _progress(self, stand: Stand, known: KnownAction, text: str, *, held_open: bool) -> Progress:
        state = self._state(stand, text)
        trial = _trial(state)
        readable = not text or trial is not None
        # As in `autonomy`: what was about another target or other rules, or rests on what has ended, begins anew.
        stale = trial is not None and (trial.target != known.max_error or (trial.opened is not None and not held_open))
        if trial is None or stale or (state is not None and state.rules != self._standings.rules(stand.kind)):
            assert known.max_error is not None
            trial = LaneTrial(target=known.max_error, quality_share=known.looked_at)
        missing = 0 if held_open else trial.missing
        return Progress(missing=missing, floor=trial.leading, n=trial.n, wrong=trial.wrong, readable=readable)

    def _state(self, stand: Stand, text: str) -> State | None:
        """The kept state of a test; None where it is damaged, or the ledger did not seal it."""
        try:
            state = State.model_validate_json(text)
        except ValueError:
            return None
        return state if state.genuine(stand, self._keyring) else None


def _trial(state: State | None) -> LaneTrial | None:
    """The bets of a running test; None where they cannot be read."""
    try:
        return None if state is None else LaneTrial.from_json(state.trial)
    except BadInput:
        return None


def _stage(known: KnownAction, widest: Certificate | None, *, beside: bool) -> Stage:
    if beside:
        return Stage.SHADOW
    if widest is None:
        return Stage.REVIEWED
    return Stage.SAMPLED if known.quality_share else Stage.ALLOWED
