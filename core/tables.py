"""The ledger's rows; only the stores of this room see them.

Rows do not validate: the nouns do, on the way in and on the way out. It has over 300 lines so that the whole schema is read in one
place.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, LargeBinary, Table, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from .case import CaseFields
from .columns import DecimalText, UtcDateTime, Word


class CaseRow(CaseFields, table=True):
    """A case, with its lease and its newest checkpoint."""

    __tablename__ = "case_"
    __table_args__ = (
        UniqueConstraint("tenant", "source", "external_id", "revision", name="uq_case_ticket"),
        Index("ix_case_state", "state", "priority", "due_at"),
    )

    payload: str = Field(default="{}", sa_type=Text)
    lease_owner: str = ""
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fence: int = 0
    wake_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    checkpoint: bytes | None = Field(default=None, sa_type=LargeBinary)
    findings: str = Field(default="[]", sa_type=Text)


class ActionRow(SQLModel, table=True):
    """A sealed action in its current round."""

    __tablename__ = "action"

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    seq: int
    round: int = 1
    kind: str
    connector: str
    target: str = Field(default="", index=True)
    amount: Decimal | None = Field(default=None, sa_type=DecimalText)
    currency: str | None = Field(default=None, sa_type=Word)
    confidence: float | None = None
    summary: str = ""
    state: str = Field(sa_type=Word)
    lane: str = Field(sa_type=Word)
    digest: str
    envelope: str = Field(sa_type=Text)
    verdict: str = Field(sa_type=Text)
    facts: str = Field(default="{}", sa_type=Text)
    makers: str = "[]"
    sealed_by: str = ""
    seal: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RequestRow(SQLModel, table=True):
    """An approval request."""

    __tablename__ = "request"
    __table_args__ = (Index("ix_request_state", "state", "due_at", "created_at", "id", "snoozed_until"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    action_id: str | None = None
    question: str = Field(sa_type=Word)
    state: str = Field(sa_type=Word)
    digest: str
    action_kind: str = ""
    summary: str = ""
    reason: str = ""
    amount: Decimal | None = Field(default=None, sa_type=DecimalText)
    currency: str | None = Field(default=None, sa_type=Word)
    confidence: float | None = None
    approvals_needed: int = 1
    four_eyes: bool = False
    makers: str = "[]"
    role: str = "operator"
    created_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    snoozed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    round: int = 1
    assigned_to: str = ""
    ladder: int = 0


class DecisionRow(SQLModel, table=True):
    """One answer of one person."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_request", "request_id"),)

    id: str = Field(primary_key=True)
    request_id: str
    case_id: str = Field(index=True)
    kind: str = Field(sa_type=Word)
    operator: str
    digest: str
    reason: str = ""
    text: str = Field(default="", sa_type=Text)
    changes: str = Field(default="{}", sa_type=Text)
    seconds: float | None = None
    mode: str = Field(default="four_eyes", sa_type=Word)
    decided_at: datetime = Field(sa_type=UtcDateTime)
    policy_digest: str = ""
    shown: str = ""
    acting_for: str = ""
    signature: str = ""


class EffectRow(SQLModel, table=True):
    """One row of the outbox; its key is what makes an effect happen at most once."""

    __tablename__ = "effect"
    __table_args__ = (Index("ix_effect_state", "state"),)

    key: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    action_id: str
    connector: str
    operation: str
    digest: str
    state: str = Field(sa_type=Word)
    attempts: int = 0
    sender: str = ""
    receipt: str | None = Field(default=None, sa_type=Text)
    planned_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AuditRow(SQLModel, table=True):
    """One link of the audit chain."""

    __tablename__ = "audit"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str
    case_id: str | None = Field(default=None, index=True)
    actor: str
    data: str = Field(sa_type=Text)
    hash: str


class ChainRow(SQLModel, table=True):
    """The head of the audit chain; locking it orders the writers."""

    __tablename__ = "chain"

    tenant: str = Field(primary_key=True)
    seq: int
    hash: str
    frontier: str = Field(default="[]", sa_type=Text)


class CheckpointRow(SQLModel, table=True):
    """A signed root over the first `size` events of the audit chain; a copy of what was written to the second place."""

    __tablename__ = "checkpoint"

    size: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    root: str
    body: str = Field(sa_type=Text)
    signature: str
    at: datetime = Field(sa_type=UtcDateTime)


class BodyRow(SQLModel, table=True):
    """Words that the audit chain knows by their digest only, so that they can be erased."""

    __tablename__ = "body"

    digest: str = Field(primary_key=True)
    case_id: str = Field(primary_key=True, index=True)
    kind: str = Field(sa_type=Word)
    text: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime)


class QuarantineRow(SQLModel, table=True):
    """A record that broke its data contract, kept whole until its owner mends it."""

    __tablename__ = "quarantine"

    id: str = Field(primary_key=True)
    source: str
    external_id: str
    problem: str = Field(sa_type=Text)
    owner: str
    raw: str = Field(sa_type=Text)
    state: str = Field(default="open", sa_type=Word, index=True)
    at: datetime = Field(sa_type=UtcDateTime)


class SwitchRow(SQLModel, table=True):
    """A kill switch for one scope: `all`, `worker:…`, `action:…`, `party:…`."""

    __tablename__ = "switch"

    scope: str = Field(primary_key=True)
    stopped: bool
    by: str
    reason: str
    at: datetime = Field(sa_type=UtcDateTime)
    resume_by: str = ""
    resume_reason: str = ""


class OperationRow(SQLModel, table=True):
    """What an operation takes, so that a decision can be edited without its connector."""

    __tablename__ = "operation"

    connector: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    spec: str = Field(sa_type=Text)


class ExchangeRow(SQLModel, table=True):
    """One question to a language model and its answer; the texts may be erased, their digests stay in the audit chain."""

    __tablename__ = "exchange"

    id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    brain: str
    attempt: int
    prompt: str = Field(sa_type=Text)
    answer: str = Field(sa_type=Text)
    problem: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime)
    prompt_ref: str = ""
    prompt_digest: str = ""
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False


class ExposureRow(SQLModel, table=True):
    """Money and actions committed lately in one scope."""

    __tablename__ = "exposure"

    scope: str = Field(primary_key=True)
    spent: str = Field(default="{}", sa_type=Text)


class PolicyVersionRow(SQLModel, table=True):
    """One text of the policy: proposed, in force or retired, with who signed it."""

    __tablename__ = "policy_version"

    digest: str = Field(primary_key=True)
    name: str
    version: int
    text: str = Field(sa_type=Text)
    state: str = Field(sa_type=Word, index=True)
    loosenings: str = Field(default="[]", sa_type=Text)
    signatures: str = Field(default="[]", sa_type=Text)
    reason: str = ""
    replaces: str = ""
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    in_force_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DelegationRow(SQLModel, table=True):
    """Somebody's authority, lent to another person for a time."""

    __tablename__ = "delegation"

    id: str = Field(primary_key=True)
    giver: str
    receiver: str = Field(index=True)
    role: str
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    reason: str
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    signature: str = ""


class GrantRow(SQLModel, table=True):
    """A standing approval: what kind of action, for whom, how much each and in all, until when."""

    __tablename__ = "grant_"

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    party: str
    terms: str = Field(sa_type=Text)
    given_by: str
    state: str = Field(sa_type=Word, index=True)
    spent: Decimal = Field(default=Decimal(0), sa_type=DecimalText)
    used: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    signatures: str = Field(default="[]", sa_type=Text)


class IncidentRow(SQLModel, table=True):
    """An incident: what was stopped, what it looks for, and how far its handling has come."""

    __tablename__ = "incident"

    id: str = Field(primary_key=True)
    title: str
    state: str = Field(sa_type=Word, index=True)
    opened_by: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    terms: str = Field(default="{}", sa_type=Text)
    findings: str = Field(default="{}", sa_type=Text)


class IncidentItemRow(SQLModel, table=True):
    """One action that an incident affects, and what becomes of it."""

    __tablename__ = "incident_item"

    incident_id: str = Field(primary_key=True)
    action_id: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    evidence: str = Field(default="{}", sa_type=Text)
    follow_up: str = ""
    note: str = Field(default="", sa_type=Text)


class OutcomeRow(SQLModel, table=True):
    """What a person decided about one envelope."""

    __tablename__ = "outcome"
    __table_args__ = (Index("ix_outcome_stand", "worker", "kind", "brain", "slice"),)

    digest: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    action_id: str
    worker: str
    kind: str
    slice: str = ""
    brain: str
    confidence: float | None = None
    said: float | None = None
    right: bool
    counts: bool
    probability: float
    decision: str = Field(sa_type=Word)
    decided_by: str
    label: str = ""
    truth: str = ""
    at: datetime = Field(sa_type=UtcDateTime)


class CertificateRow(SQLModel, table=True):
    """What was proven about how often a brain is wrong."""

    __tablename__ = "certificate"
    __table_args__ = (Index("ix_certificate_stand", "worker", "kind", "brain", "slice"),)

    id: str = Field(primary_key=True)
    worker: str
    kind: str
    slice: str = ""
    brain: str
    terms: str = Field(sa_type=Text)
    issued_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    issued_by: str
    signature: str = ""
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_by: str = ""
    why: str = ""


class TrialRow(SQLModel, table=True):
    """How far a running test of a brain has come."""

    __tablename__ = "trial"

    worker: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    slice: str = Field(primary_key=True)
    brain: str = Field(primary_key=True)
    state: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime)


class BrainRow(SQLModel, table=True):
    """One version of a worker's brain, with its packed folder."""

    __tablename__ = "brain"

    digest: str = Field(primary_key=True)
    worker: str = Field(index=True)
    task: str
    name: str
    role: str = Field(sa_type=Word)
    card: str = Field(default="{}", sa_type=Text)
    content: str
    packed: bytes = Field(sa_type=LargeBinary)
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str
    signed: str = Field(default="[]", sa_type=Text)


class ShadowRow(SQLModel, table=True):
    """What a challenger would have said about one case."""

    __tablename__ = "shadow"

    case_id: str = Field(primary_key=True)
    brain: str = Field(primary_key=True, index=True)
    label: str
    confidence: float
    at: datetime = Field(sa_type=UtcDateTime)


def _table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


CASE, ACTION, REQUEST, DECISION = _table("case_"), _table("action"), _table("request"), _table("decision")
EFFECT, AUDIT, CHAIN = _table("effect"), _table("audit"), _table("chain")
SWITCH, EXPOSURE, QUARANTINE = _table("switch"), _table("exposure"), _table("quarantine")
BODY, GRANT, POLICY_VERSION = _table("body"), _table("grant_"), _table("policy_version")
OUTCOME, CERTIFICATE, TRIAL = _table("outcome"), _table("certificate"), _table("trial")
BRAIN, SHADOW = _table("brain"), _table("shadow")
"""The bare tables: the stores' statements on the way of every case are built once on these, since building them costs more than
running them."""
