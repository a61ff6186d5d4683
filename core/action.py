"""Actions: proposed side effects, and the sealed envelope that people approve."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from .evidence import Evidence
from .money import Money
from .noun import Noun, canonical_json, digest


class Reversibility(StrEnum):
    """What can be done about an effect afterwards."""

    REVERSIBLE = "reversible"
    """The same system can undo it and nothing is left behind."""
    COMPENSABLE = "compensable"
    """A second effect makes up for it: a credit memo, a correction mail."""
    IRREVERSIBLE = "irreversible"
    """It stays: money gone, a letter read."""


class Target(Noun):
    """The record an action would change."""

    system: str
    """The connector's name."""
    kind: str
    """The record's kind: `invoice`, `ticket`, `customer`."""
    id: str
    """The record's id in that system."""
    version: str | None = None
    """The record's version when it was read; the executor compares it before it sends."""

    def __str__(self) -> str:
        return f"{self.system}:{self.kind}/{self.id}"


class Action(Noun):
    """A proposed side effect. A worker only ever proposes it; the executor alone sends it."""

    kind: str
    """The operation it would call: `invoice.post`."""
    target: Target
    """The record it would change."""
    party: str = ""
    """Id of the customer or supplier that it is about; exposure limits count per party."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """What the operation is called with; validated against its schema."""
    amount: Money | None = None
    """The money at stake, where there is any."""
    reversibility: Reversibility = Reversibility.IRREVERSIBLE
    """What can be done about it afterwards."""


class Change(Noun):
    """One field that the effect would change, as the approver sees it."""

    record: str
    """The record: `invoice INV-20418`."""
    field: str
    """The field: `status`."""
    before: str
    """Its value now; empty where there is none."""
    after: str
    """Its value afterwards."""


class Proposal(Noun):
    """What a brain answers: an action, how sure it is, and why."""

    action: Action
    confidence: float | None = Field(default=None, ge=0, le=1)
    """How sure the brain is that a person would decide the same; None where it cannot say."""
    said: float | None = Field(default=None, ge=0, le=1)
    """What the brain said of itself before reviewed cases told what that is worth; None where `confidence` is its own number."""
    rationale: str
    """One or two sentences for the approver."""
    labels: tuple[str, ...] = ()
    """What was found: `price_variance`, `duplicate`."""
    steps: tuple[int, ...] = ()
    """The numbers of the SOP steps it followed."""
    changes: tuple[Change, ...] = ()
    """What would change, field by field."""
    facts: dict[str, Any] = Field(default_factory=dict)
    """Facts for the policy beyond those of the action itself."""


class Envelope(Noun):
    """Everything the approver saw and the executor will send, sealed by its digest."""

    tenant: str
    case_id: str
    action_id: str
    worker: str
    playbook: str
    """Name and version of the playbook that was followed."""
    brain: str
    """Name and version of the brain that proposed."""
    proposal: Proposal
    evidence: tuple[Evidence, ...] = ()

    def sealed(self) -> str:
        """The canonical JSON that is stored, shown and sent."""
        # A field that says nothing is left out, so that what was sealed before there was one keeps its digest.
        proposal = {name: value for name, value in self.proposal if name != "said" or value is not None}
        return canonical_json({**dict(self), "proposal": proposal})

    def digest(self) -> str:
        """SHA-256 of `sealed()`; this is what is approved."""
        return digest(self.sealed())


def effect_key(tenant: str, case_id: str, action_id: str, approved_digest: str) -> str:
    """The idempotency key of an effect: the same through every retry and restart; what was edited has another."""
    return digest([tenant, case_id, action_id, approved_digest])
