"""Approval requests and decisions: what a person is asked, and what they answered."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from .keys import Keyring
from .noun import Noun, digest

PURPOSE = "decision"
"""What a decision's signature is made for."""


class Question(StrEnum):
    """What the person is asked."""

    APPROVE = "approve"
    """May this action run?"""
    HANDLE = "handle"
    """The worker may not or cannot act; please take the case."""
    RECONCILE = "reconcile"
    """The effect's outcome is unknown; please look and say what happened."""


class RequestState(StrEnum):
    """Where an approval request is on its way."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    ANSWERED = "answered"
    """Handled or reconciled by a person, in words."""
    SUPERSEDED = "superseded"
    """Replaced by a newer request: an edit, a moved record, a changed policy."""
    EXPIRED = "expired"
    """Its time ran out; nothing was approved, and a person still has the case."""


class DecisionKind(StrEnum):
    """What a person can answer; the first four are LangChain's words."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    ESCALATE = "escalate"
    SNOOZE = "snooze"


class Request(Noun):
    """One approval request as the inbox shows it."""

    id: str
    case_id: str
    action_id: str | None
    question: Question
    state: RequestState
    digest: str
    """Digest of the envelope that is shown; a decision must carry the same."""
    action_kind: str = ""
    summary: str = ""
    """One sentence: what is asked."""
    reason: str = ""
    """Why a person is asked, in one line."""
    amount: str | None = None
    currency: str | None = None
    confidence: float | None = None
    approvals_needed: int = 1
    four_eyes: bool = False
    makers: tuple[str, ...] = ()
    """Who proposed or edited; under four eyes none of them approves."""
    role: str = "operator"
    """The role that is asked; escalation changes it."""
    created_at: datetime
    due_at: datetime | None = None
    expires_at: datetime | None = None
    snoozed_until: datetime | None = None
    round: int = 1
    """Counts the requests this action has had: 2 after an edit or a moved record."""
    assigned_to: str = ""
    """The person who is expected to answer; empty where anybody with the role is."""
    ladder: int = 0
    """How many steps of the policy's ladder it has been through."""


class Decision(Noun):
    """What one person answered to one request."""

    id: str
    request_id: str
    case_id: str
    kind: DecisionKind
    operator: str
    digest: str
    """Digest of the envelope that was on the operator's screen."""
    reason: str = ""
    """A short code from the playbook's list, or free text."""
    text: str = ""
    changes: dict[str, Any] = {}
    """For an edit: the arguments that were changed, new values."""
    seconds: float | None = None
    """Seconds the operator had it on screen."""
    mode: str = "four_eyes"
    """`four_eyes`, `one_person` where the policy says that one person may be maker and checker, or `grant` where a standing grant
    counted as the approval; then nobody signed at that moment, and `operator` is `grant:ID`."""
    decided_at: datetime
    policy_digest: str = ""
    """The policy that was in force when it was given."""
    shown: str = ""
    """Digest of what the person was shown; the words themselves are a body that can be erased."""
    acting_for: str = ""
    """Whose authority was used, where it was lent; empty for one's own."""
    signature: str = ""
    """The person's Ed25519 signature on `statement()`, in base64."""

    def statement(self) -> dict[str, Any]:
        """What the person signs: everything that makes the decision, with free words by their digest."""
        said = {"reason": self.reason, "text": self.text, "changes": self.changes}
        kept = self.model_dump(exclude={"signature", "reason", "text", "changes"})
        return {**kept, "said": digest(said)}

    @property
    def by_grant(self) -> bool:
        """Whether a standing grant said it; nobody signs that, the grant itself is signed."""
        return self.operator.startswith("grant:")

    def genuine(self, keyring: Keyring | None) -> bool:
        """Whether its operator signed exactly this; True where the installation uses no signatures."""
        return keyring is None or keyring.holds(self.operator, PURPOSE, self.statement(), self.signature)
