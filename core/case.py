"""Cases: tickets made durable, and the ticket as it was when it came in."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Field, SQLModel

from .columns import DecimalText, UtcDateTime, Word
from .money import Currency, Exact
from .noun import Noun


class CaseState(StrEnum):
    """Where a case is on its way."""

    READY = "ready"
    """Waits for a worker: new, or decided and to be resumed."""
    CLAIMED = "claimed"
    """A worker holds it under a lease."""
    WAITING = "waiting"
    """A person has to decide."""
    PARKED = "parked"
    """Failed too often; its error is stored and a person sees it."""
    CLOSED = "closed"
    """Done; `outcome` says how."""


class CaseFields(SQLModel):
    """The columns of a case, once for the noun and the row."""

    id: str = Field(primary_key=True)
    tenant: str = "main"
    worker: str = Field(index=True)
    """The worker that takes it: `triage`, `invoices`, `collections`, or one from a plugin."""
    source: str
    """The connector and queue it came from: `company.tickets`."""
    external_id: str
    revision: str = "1"
    subject: str
    party: str = ""
    """Who it is about: the customer's or supplier's name."""
    amount: Exact | None = Field(default=None, sa_type=DecimalText)
    currency: Currency | None = Field(default=None, sa_type=Word)
    priority: int = 3
    """1 is most urgent, 4 is least."""
    state: CaseState = Field(default=CaseState.READY, sa_type=Word)
    outcome: str = ""
    """How it was closed: `done`, `rejected`, `refused`, `blocked`, `handed_over` (to a person), `handed_on` (to another worker),
    `no_action`, or a word of the worker's own."""
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    parent_id: str | None = None
    """The case this one was handed over from."""
    received_at: datetime = Field(sa_type=UtcDateTime)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    graph_version: str = ""
    """The graph that holds its checkpoint; an unknown version is never resumed."""
    attempts: int = 0
    error: str = ""
    summary: str = ""
    """The worker's one sentence about it."""
    human: bool = False
    """True once a person has decided anything in it."""


class Case(CaseFields):
    """A ticket made durable here; one case, one worker, one LangGraph thread."""

    model_config = {"frozen": True, "from_attributes": True}


class TicketItem(Noun):
    """What a queue hands over: enough to open a case, with the payload the worker starts from."""

    source: str
    """Connector and queue: `company.tickets`."""
    external_id: str
    revision: str = "1"
    kind: str
    """What it is: `ticket`, `supplier_invoice`, `customer_invoice`, `overdue_account`, or a plugin's own."""
    subject: str
    party: str = ""
    amount: Exact | None = None
    currency: Currency | None = None
    priority: int = 3
    received_at: datetime
    due_at: datetime | None = None
    payload: dict[str, Any] = {}
    """References and the untrusted text: `{"body": …, "requester": …, "ref": …}`."""
