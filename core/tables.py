"""The ledger's rows; only the stores of this room see them.

Rows do not validate: the nouns do, on the way in and on the way out.
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


class ExposureRow(SQLModel, table=True):
    """Money and count already committed in one scope on one day."""

    __tablename__ = "exposure"

    scope: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    currency: str = Field(primary_key=True, sa_type=Word)
    amount: Decimal = Field(sa_type=DecimalText)
    count: int


def _table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


CASE, ACTION, REQUEST, DECISION = _table("case_"), _table("action"), _table("request"), _table("decision")
EFFECT, AUDIT, CHAIN = _table("effect"), _table("audit"), _table("chain")
SWITCH, EXPOSURE, QUARANTINE = _table("switch"), _table("exposure"), _table("quarantine")
"""The bare tables: the stores' statements on the way of every case are built once on these, since building them costs more than
running them."""
