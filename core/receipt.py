"""Effects and receipts: one execution of one envelope, and what the outside answered."""

from datetime import datetime
from enum import StrEnum

from .noun import Noun


class Outcome(StrEnum):
    """What is known about an effect."""

    DONE = "done"
    REFUSED = "refused"
    """The outside said no; nothing happened there."""
    UNKNOWN = "unknown"
    """It may have happened; it is looked up, or a person looks. It is never blindly sent again."""


class EffectState(StrEnum):
    """Where an effect is on its way."""

    PLANNED = "planned"
    """In the outbox, nothing sent."""
    SENDING = "sending"
    """A process is sending it, or died while it did."""
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    """Never sent: stopped, or judged anew and not allowed any more."""


class Receipt(Noun):
    """What the outside answered to one effect."""

    key: str
    """The idempotency key it was sent with."""
    outcome: Outcome
    external_id: str = ""
    """The outside system's id for what was done."""
    version: str | None = None
    """The record's version afterwards."""
    detail: str = ""
    """The answer in words; for a refusal, why."""
    at: datetime


class Effect(Noun):
    """One row of the outbox."""

    key: str
    case_id: str
    action_id: str
    connector: str
    operation: str
    digest: str
    state: EffectState
    attempts: int = 0
    receipt: Receipt | None = None
    planned_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
