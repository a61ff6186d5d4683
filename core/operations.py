"""What each operation takes, kept in the ledger so that a person can edit an action without its connector."""

import json
from typing import Any

from sqlmodel import Session

from .action import Reversibility
from .noun import Noun, canonical_json
from .store import Transaction
from .tables import OperationRow


class OperationSpec(Noun):
    """One operation of one connector, as JSON types."""

    connector: str
    name: str
    summary: str
    parameters: dict[str, Any]
    """JSON Schema of its arguments."""
    authority: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    money: str = ""
    reversibility: Reversibility = Reversibility.IRREVERSIBLE


def register(tx: Transaction, spec: OperationSpec) -> None:
    """Write or renew one operation."""
    tx.session.merge(
        OperationRow(
            connector=spec.connector, name=spec.name, spec=canonical_json(spec.model_dump(exclude={"connector", "name"}))
        )
    )


def get(session: Session, connector: str, name: str) -> OperationSpec | None:
    """One operation; None where it was never registered."""
    row = session.get(OperationRow, (connector, name))
    return None if row is None else OperationSpec(connector=connector, name=name, **json.loads(row.spec))
