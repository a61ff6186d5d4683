"""Bodies: words that the audit chain knows by their digest only, so that they can be erased."""

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlmodel import Session, col

from .noun import digest
from .store import Transaction
from .tables import BODY, BodyRow


def keep(tx: Transaction, case_id: str, kind: str, text: str) -> str:
    """Keep words of a case, once however often they are said, and answer their digest."""
    found = digest(text)
    tx.add_new(BODY, [{"digest": found, "case_id": case_id, "kind": kind, "text": text, "at": tx.now}])
    return found


def read(session: Session, case_id: str, found: str) -> str | None:
    """The words with this digest in a case; None where they were erased or never kept."""
    return session.scalar(select(col(BodyRow.text)).where(col(BodyRow.case_id) == case_id, col(BodyRow.digest) == found))


def of_case(session: Session, case_id: str) -> dict[str, str]:
    """Every kept word of a case by its digest; those of no case where `case_id` is empty."""
    rows = session.execute(select(col(BodyRow.digest), col(BodyRow.text)).where(col(BodyRow.case_id) == case_id))
    return {row.digest: row.text for row in rows}


def erase_case(tx: Transaction, case_id: str) -> int:
    """Erase every kept word of a case; returns how many there were."""
    return tx.change(delete(BodyRow).where(col(BodyRow.case_id) == case_id))


def erase(tx: Transaction, case_id: str, digests: Iterable[str]) -> int:
    """Erase single kept words of a case; returns how many there were."""
    wanted = (col(BodyRow.case_id) == case_id, col(BodyRow.digest).in_(list(digests)))
    return tx.change(delete(BodyRow).where(*wanted))
