"""Exchanges with language models: what was asked and what was answered, hung on the case they belong to."""

from datetime import datetime

from sqlmodel import Session, col, select

from .clock import new_id
from .noun import Noun, digest
from .store import Transaction
from .tables import ExchangeRow


class ModelExchange(Noun):
    """One question to a model and its answer."""

    case_id: str
    brain: str
    attempt: int
    """1 is the first question; a second one says what was wrong with the first answer."""
    prompt: str
    answer: str
    """What the model said; empty where it failed."""
    problem: str = ""
    """Why the answer could not be used; empty where it was."""
    at: datetime
    prompt_ref: str = ""
    """Name and version of the prompt's file: `case@1`."""
    prompt_digest: str = ""
    """SHA-256 of that file's content."""
    calls: int = 0
    """How often the model was called for it, repeats included; 0 where nobody counted."""
    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False
    """True where the provider did not count the tokens, or not all of them."""


def put(tx: Transaction, exchange: ModelExchange) -> None:
    """Keep the texts in an erasable row, and their digests in the audit chain."""
    tx.session.add(ExchangeRow(id=new_id("exc"), **exchange.model_dump()))
    tx.audit(
        "brain.answered",
        actor=exchange.brain,
        case_id=exchange.case_id,
        attempt=exchange.attempt,
        prompt=digest(exchange.prompt),
        answer=digest(exchange.answer),
        usable=not exchange.problem,
        words=exchange.prompt_ref,
        words_digest=exchange.prompt_digest,
    )


def of_case(session: Session, case_id: str) -> list[ModelExchange]:
    """The exchanges of one case, oldest first."""
    rows = session.exec(select(ExchangeRow).where(col(ExchangeRow.case_id) == case_id).order_by(col(ExchangeRow.at)))
    return [ModelExchange(**row.model_dump(exclude={"id"})) for row in rows]
