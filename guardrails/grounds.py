"""Grounds: what a brain's confidence in one action has been worth so far, and whether a certificate covers it; for whoever decides."""

from datetime import datetime
from math import ceil, floor, log10

from sqlmodel import Session

from ..core import outcomes
from ..core.actions import SealedAction
from ..core.certificates import Certificate, tightest
from ..core.keys import Keyring
from ..core.noun import Noun
from .calibration import Bin, worth
from .policy import Policy
from .standing import Standings


class Grounds(Noun):
    """Two lines for the person who decides; each is empty where there is nothing to say."""

    worth: str = ""
    """`says .85–.90 → right 91 %, n = 412`."""
    certificate: str = ""
    """`certified: at most 2.4 % wrong from .83 on, until 1 March 2027`."""
    covered: bool = False
    """Whether a certificate covers this action."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What there is to say."""
        return tuple(one for one in (self.worth, self.certificate) if one)


def grounds(session: Session, policy: Policy, keyring: Keyring | None, action: SealedAction, *, at: datetime) -> Grounds:
    """What there is to say about the confidence of an action."""
    envelope, confidence = action.envelope, action.envelope.proposal.confidence
    told = outcomes.tally(session, envelope.worker, action.kind, envelope.brain)
    said = worth(confidence, [Bin(one.low, one.high, one.right, one.n) for one in told])
    known = next((one for one in policy.actions if one.kind == action.kind), None)
    if known is None or known.max_error is None:
        return Grounds(worth=said)
    standing = Standings(policy, keyring)
    stand = standing.stand(envelope.proposal, {"worker": envelope.worker, **action.context, "brain": envelope.brain})
    issued = standing.open_by(session, stand, at=at) if stand else ()
    system = envelope.proposal.action.target.system
    counting = [one for one in issued if one.system in ("", system)]
    covering = tightest(counting, confidence, keyring)
    return Grounds(worth=said, certificate=_certified(counting, covering), covered=covering is not None)


def _certified(counting: list[Certificate], covering: Certificate | None) -> str:
    if covering is not None:
        return f"certified: {promise(covering)}, until {covering.expires_at.day} {covering.expires_at:%B %Y}"
    if counting:
        return f"certified only from {from_on(min(one.floor for one in counting))} on: every action below it is reviewed"
    return "not certified: every such action is reviewed"


def promise(one: Certificate) -> str:
    """`at most 2.4 % wrong from .83 on`: a certificate in few words, rounded so that it never says more than is proven."""
    return f"at most {ceil(round(one.bound * 1000, 6)) / 10:g} % wrong from {from_on(one.floor)} on"


def from_on(confidence: float) -> str:
    """A floor for people, never below the true one: `.83`; nearer to 1 with as many digits as tell it from 1."""
    if confidence >= 1:
        return "1"
    digits = max(2, floor(-log10(1 - confidence)) + 2)
    shown = ceil(round(confidence * 10**digits, 6)) / 10**digits
    return f"{shown:.{digits}f}".rstrip("0").rstrip(".").removeprefix("0") or "0"
