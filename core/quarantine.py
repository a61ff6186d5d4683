"""The quarantine: records that broke their data contract, kept whole with the name of who mends them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from .clock import new_id
from .noun import Noun, canonical_json, digest
from .store import Transaction
from .tables import QUARANTINE, QuarantineRow

_MEND = (
    update(QUARANTINE)
    .where(
        QUARANTINE.c.source == bindparam("b_source"),
        QUARANTINE.c.external_id == bindparam("b_external_id"),
        QUARANTINE.c.state == "open",
    )
    .values(state="mended")
)


class Quarantined(Noun):
    """One thing that did not become a case."""

    id: str
    source: str
    external_id: str
    problem: str
    owner: str
    raw: dict[str, Any]
    state: str
    at: datetime


def put(tx: Transaction, *, source: str, external_id: str, problem: str, owner: str, raw: Mapping[str, Any]) -> bool:
    """Keep a broken record; False where the same one is there already with the same problem."""
    external_id, problem = _text(external_id), _text(problem)
    known = select(col(QuarantineRow.id)).where(
        col(QuarantineRow.source) == source,
        col(QuarantineRow.external_id) == external_id,
        col(QuarantineRow.problem) == problem,
    )
    if tx.session.execute(known).first() is not None:
        return False
    row = QuarantineRow(
        id=new_id("qua"),
        source=source,
        external_id=external_id,
        problem=problem,
        owner=owner,
        raw=_text(canonical_json(raw)),
        at=tx.now,
    )
    tx.session.add(row)
    tx.audit("intake.quarantined", actor="system", source=source, external_id=external_id, owner=owner, raw=digest(row.raw))
    return True


def mended(tx: Transaction, *, source: str, external_id: str) -> None:
    """Close what was kept about a record that has come in well since."""
    changed = tx.change(_MEND, {"b_source": source, "b_external_id": external_id})
    if changed:
        tx.audit("intake.mended", actor="system", source=source, external_id=external_id)


def listed(session: Session, *, limit: int = 100) -> list[Quarantined]:
    """What is in quarantine, newest first."""
    rows = session.scalars(
        select(QuarantineRow).where(col(QuarantineRow.state) == "open").order_by(col(QuarantineRow.at).desc()).limit(limit)
    )
    return [Quarantined(**{**row.model_dump(), "raw": json.loads(row.raw)}) for row in rows]


def count(session: Session) -> int:
    """How many records are in quarantine."""
    return session.scalar(select(func.count()).select_from(QuarantineRow).where(col(QuarantineRow.state) == "open")) or 0


def _text(text: str) -> str:
    """`text` with what no database keeps written as an escape: zero bytes and halves of characters."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()
