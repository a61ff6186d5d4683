"""Standing: which certificate covers an action now, and whether it is drawn for quality control; told to the policy as facts.

A lane opens on a certificate that is genuine, in time, not revoked, and about this very worker, kind, slice and brain; everything else
is as good as none. The fact is read anew in the transaction that takes the right to send.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlmodel import Session

from ..core import certificates
from ..core.action import Proposal
from ..core.certificates import Certificate
from ..core.keys import LEDGER_KEY, Keyring
from ..core.noun import canonical_json, digest
from ..core.outcomes import Stand
from .factsheet import merged
from .policy import Policy
from .rules import KnownAction, built_in

ERROR_BOUND, QUALITY_DRAW, BRAIN = "error_bound", "quality_draw", "brain"
"""The facts that the runtime alone tells."""

_UNKNOWN = "?"
"""The value of a slice that nobody told; cases without it make a slice of their own."""
_PLAIN = re.compile(r"[\w.@+-]{1,64}")
"""Values that a slice tells as they are; of any other it tells the digest, lest two values look alike."""


class Standings:
    """What the ledger's certificates say of an action, under one policy."""

    def __init__(self, policy: Policy, keyring: Keyring | None) -> None:
        """`keyring` holds the keys whose certificates count; with None every one does."""
        self._policy = policy
        self._known = {action.kind: action for action in policy.actions if action.max_error is not None}
        self._keyring = keyring
        self._rules: dict[str, str] = {}

    def asks(self, kind: str) -> bool:
        """Whether the policy wants a certificate for actions of this kind."""
        return kind in self._known

    def wanted(self, kind: str) -> float | None:
        """Which share of actions of this kind may be wrong; None where the policy wants no certificate for them."""
        return self._known[kind].max_error if kind in self._known else None

    def drawn(self, kind: str, *ticket: str) -> bool:
        """Whether an action of this kind on a ticket is drawn for quality control."""
        salt = self._keyring.public(LEDGER_KEY) if self._keyring is not None else ""
        return drawn(self._known.get(kind), salt, *ticket)

    def covering(self, session: Session, proposal: Proposal, context: Mapping[str, Any], *, at: datetime) -> Certificate | None:
        """The tightest certificate that covers an action; None where it has none, or the policy asks for none."""
        stand = self.stand(proposal, context)
        if stand is None:
            return None
        system = proposal.action.target.system
        known = (one for one in self.holding(session, stand, at=at) if one.system in ("", system))
        return certificates.tightest(known, proposal.confidence, self._keyring)

    def holding(self, session: Session, stand: Stand, *, at: datetime) -> tuple[Certificate, ...]:
        """The certificates of a stand that count at that moment under the rules of this policy; whether they are genuine is for the reader.

        What was proven under other rules was proven about other cases: a rule that lets more run lets nothing run alone by it.
        """
        known = certificates.valid(session, stand, at=at)
        return tuple(one for one in known if self._applies(one))

    def open_by(self, session: Session, stand: Stand, *, at: datetime) -> tuple[Certificate, ...]:
        """The certificates that hold a lane open at that moment."""
        return tuple(one for one in certificates.valid(session, stand, at=at) if self.opens(one))

    def opens(self, certificate: Certificate) -> bool:
        """Whether a certificate opens its lane while it counts: proven under these rules, for few enough mistakes, and genuine."""
        wanted = self.wanted(certificate.stand.kind)
        enough = wanted is not None and certificate.bound <= wanted and self._applies(certificate)
        return enough and certificate.genuine(self._keyring)

    def _applies(self, certificate: Certificate) -> bool:
        return certificate.rules in ("", self.rules(certificate.stand.kind))

    def rules(self, kind: str) -> str:
        """Digest of what the policy lets run of a kind, and of nothing that only explains it."""
        if kind not in self._rules:
            self._rules[kind] = _rules_of(self._policy, kind)
        return self._rules[kind]

    def facts(self, session: Session, proposal: Proposal, context: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
        """The error bound of an action, None where nothing is proven; nothing for kinds of which the policy asks none."""
        if not self.asks(proposal.action.kind):
            return {}
        covering = self.covering(session, proposal, context, at=at)
        return {ERROR_BOUND: None if covering is None else covering.bound}

    def stand(self, proposal: Proposal, context: Mapping[str, Any]) -> Stand | None:
        """What a certificate for this action has to be about; None where the policy asks for none or nobody knows who proposes."""
        known = self._known.get(proposal.action.kind)
        return None if known is None else stand_of(known, proposal, context)


def _rules_of(policy: Policy, kind: str) -> str:
    known = next((one for one in policy.actions if one.kind == kind), None)
    said = [
        canonical_json({"lane": rule.lane, "when": None if rule.when is None else rule.when.model_dump()})
        for rule in policy.every_rule
        if rule.covers(kind) and not built_in(rule.id)
    ]
    return digest({"rules": sorted(said), "floor": known and known.min_confidence, "slices": known and known.slices})


def stand_of(known: KnownAction, proposal: Proposal, context: Mapping[str, Any]) -> Stand | None:
    """The stand of an action; None where the runtime does not say which worker or brain proposes it."""
    worker, brain = context.get("worker"), context.get(BRAIN)
    if not (isinstance(worker, str) and worker and isinstance(brain, str) and brain):
        return None
    return Stand(worker=worker, kind=proposal.action.kind, slice=slice_of(known, proposal, context), brain=brain)


def slice_of(known: KnownAction, proposal: Proposal, context: Mapping[str, Any]) -> str:
    """The slice of an action: `language=en;queue=billing`; empty where the policy makes none.

    What the runtime says of a fact wins over what the worker says, as everywhere.
    """
    facts = merged(proposal, context)
    return ";".join(f"{name}={_word(facts.get(name))}" for name in known.slices)


def drawn(known: KnownAction | None, salt: str, *ticket: str) -> bool:
    """Whether a case is drawn for quality control: the same answer for the same ticket, as if by lot over all of them.

    The `salt` is one installation's own, so that nobody outside can choose a ticket that is not drawn.
    """
    if known is None or known.max_error is None or known.quality_share <= 0:
        return False
    said = "\0".join((salt, known.kind, *ticket)).encode()
    return int.from_bytes(sha256(said).digest()[:8]) < known.quality_share * 2**64


def _word(value: Any) -> str:
    if value is None or value == "":
        return _UNKNOWN
    word = str(value)
    return word if _PLAIN.fullmatch(word) else digest(word)[:16]
