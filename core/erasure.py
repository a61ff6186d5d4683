"""Erasure: what the ledger holds about somebody in words is blanked; ids, kinds, amounts, digests, lanes and times stay.

The audit chain is not touched, since it holds digests only, and so it still verifies. Idempotency keys stay, and with them the promise
that nothing is done twice. Records of contact attempts that a law asks to keep are kept until that time is over.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, select, text, update
from sqlmodel import Session, SQLModel, col

from . import bodies
from .case import CaseState
from .errors import Conflict
from .noun import Noun, canonical_json, digest
from .privacy import Subject
from .store import Ledger, Transaction
from .tables import ActionRow, AuditRow, CaseRow, IncidentItemRow, IncidentRow, QuarantineRow, SwitchRow
from .words import ERASED, SAID_IN, is_code

CONTACTS = frozenset({"reminder.send", "plan.offer", "task.call"})
"""Actions that are attempts to contact a debtor."""

RETENTION_YEARS = 3
"""How long contact attempts are kept where the policy asks for no longer time (Regulation F, 12 CFR 1006.100)."""

_DAYS_A_YEAR = 366


class Retained(Noun):
    """A case that is kept for now."""

    case: str
    until: datetime
    why: str


class Erased(Noun):
    """What an erasure did."""

    cases: tuple[str, ...]
    retained: tuple[Retained, ...] = ()
    """Cases that a law keeps; they are whole."""
    counts: dict[str, int] = {}
    """Rows that were blanked, by table."""
    mentioned_in: tuple[str, ...] = ()
    """Other people's cases whose texts mention this one; a person looks at them."""


def retained(session: Session, cases: Iterable[str], *, now: datetime, years: int = RETENTION_YEARS) -> tuple[Retained, ...]:
    """Those of `cases` that hold a contact attempt, carried out or blocked, which is younger than `years`."""
    query = (
        select(col(ActionRow.case_id), col(ActionRow.created_at), col(ActionRow.settled_at))
        .where(col(ActionRow.case_id).in_(list(cases)), col(ActionRow.kind).in_(CONTACTS))
        .order_by(col(ActionRow.case_id))
    )
    until: dict[str, datetime] = {}
    for case_id, made, settled in session.execute(query):
        ends = (settled or made) + timedelta(days=_DAYS_A_YEAR * years)
        until[case_id] = max(ends, until.get(case_id, ends))
    why = f"contact attempts are kept for {years} years (Regulation F, 12 CFR 1006.100)"
    return tuple(Retained(case=one, until=ends, why=why) for one, ends in until.items() if ends > now)


def erase(
    tx: Transaction, about: Subject, *, by: str, reason: str, years: int = RETENTION_YEARS, even_retained: bool = False
) -> Erased:
    """Blank everything about somebody that is not to be kept.

    Raises Conflict, and changes nothing, where a case, a quarantined record or an incident of theirs is still open.
    """
    _check_closed(tx.session, about)
    kept = () if even_retained else retained(tx.session, about.cases, now=tx.now, years=years)
    gone = [one for one in about.cases if one not in {case.case for case in kept}]
    if tx.connection.dialect.name == "sqlite":
        tx.run(text("PRAGMA secure_delete=ON"))
    counts: dict[str, int] = {}
    for case_id in gone:
        for table, count in _erase_case(tx, case_id).items():
            counts[table] = counts.get(table, 0) + count
        tx.audit("case.erased", actor=by, case_id=case_id)
    counts["quarantine"] = _blank(tx, "quarantine", col(QuarantineRow.id).in_(about.quarantined), _quarantine)
    scopes = [f"party:{one}" for one in about.parties or about.known_as]
    counts["switch"] = _blank(tx, "switch", col(SwitchRow.scope).in_(scopes), _switch)
    counts["body"] = counts.get("body", 0) + _erase_said(tx, scopes)
    counts = {name: count for name, count in counts.items() if count}
    told: dict[str, Any] = {
        "subject": digest(sorted(about.asked)),
        "cases": len(gone),
        "retained": len(kept),
        "even_retained": even_retained,
    }
    tx.audit("privacy.erased", actor=by, reason=reason, rows=counts, **told)
    return Erased(cases=tuple(gone), retained=kept, counts=counts, mentioned_in=about.mentioned_in)


def scrub(ledger: Ledger) -> bool:
    """Take what was erased out of the SQLite file and its log too; False where somebody else uses the file just now.

    A server keeps no erased row after its own vacuum; there is nothing to do there and the answer is True.
    """
    if ledger.engine.dialect.name != "sqlite":
        return True
    import sqlite3

    connection = ledger.engine.raw_connection()
    try:
        connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return not busy


def _check_closed(session: Session, about: Subject) -> None:
    query = select(col(CaseRow.id)).where(col(CaseRow.id).in_(about.cases), col(CaseRow.state) != str(CaseState.CLOSED))
    if still := list(session.scalars(query.order_by(col(CaseRow.id)))):
        raise Conflict(
            f"{len(still)} case(s) of theirs are still open: {', '.join(still)}.", hint="Settle them first; then erase."
        )
    in_hand = (
        select(col(IncidentRow.id))
        .join(IncidentItemRow, col(IncidentItemRow.incident_id) == col(IncidentRow.id))
        .where(col(IncidentItemRow.case_id).in_(about.cases), col(IncidentRow.closed_at).is_(None))
    )
    if still := sorted(set(session.scalars(in_hand))):
        raise Conflict(f"Cases of theirs are evidence in {', '.join(still)}.", hint="Close the incident first; then erase.")
    waits = select(col(QuarantineRow.id)).where(
        col(QuarantineRow.id).in_(about.quarantined), col(QuarantineRow.state) == "open"
    )
    if still := list(session.scalars(waits)):
        raise Conflict(
            f"{len(still)} record(s) of theirs are still in quarantine: {', '.join(still)}.",
            hint="Mend them first; then erase.",
        )


def _erase_case(tx: Transaction, case_id: str) -> dict[str, int]:
    counts = {"case_": _blank(tx, "case_", col(CaseRow.id) == case_id, _case)}
    for name, blanked in _BLANKED.items():
        counts[name] = _blank(tx, name, SQLModel.metadata.tables[name].c.case_id == case_id, blanked)
    counts["body"] = bodies.erase_case(tx, case_id)
    return counts


def _erase_said(tx: Transaction, scopes: Iterable[str]) -> int:
    """Erase what was said about `scopes` in events of no case, and nowhere else."""
    theirs: set[str] = set()
    others: set[str] = set()
    wanted = set(scopes)
    for data in tx.session.scalars(select(col(AuditRow.data)).where(col(AuditRow.case_id).is_(None))):
        told = json.loads(data)
        said = {told[name] for name in SAID_IN & told.keys() if isinstance(told[name], str)}
        (theirs if told.get("scope") in wanted else others).update(said)
    return bodies.erase(tx, "", theirs - others)


def _blank(tx: Transaction, name: str, where: ColumnElement[bool], blanked: Callable[[Any], dict[str, Any]]) -> int:
    table: Table = SQLModel.metadata.tables[name]
    keys = list(table.primary_key)
    rows = tx.run(select(table).where(where)).all()
    for row in rows:
        mine = [column == getattr(row, column.name) for column in keys]
        tx.run(update(table).where(*mine).values(**blanked(row)))
    return len(rows)


def _case(row: Any) -> dict[str, Any]:
    ticket = json.loads(row.payload)
    kept = {**ticket, "subject": ERASED, "party": "", "payload": {}}
    return {
        "subject": ERASED,
        "party": "",
        "summary": ERASED if row.summary else "",
        "error": ERASED if row.error else "",
        "payload": canonical_json(kept),
        "findings": "[]",
        "checkpoint": None,
    }


def _action(row: Any) -> dict[str, Any]:
    envelope, verdict = json.loads(row.envelope), json.loads(row.verdict)
    proposal = envelope["proposal"]
    action = {**proposal["action"], "arguments": {}}
    proposal = {**proposal, "action": action, "rationale": ERASED, "changes": [], "facts": {}}
    hits = [{**hit, "reason": ERASED, "actual": "", "limit": "", "distance": ""} for hit in verdict.get("hits", ())]
    return {
        "envelope": canonical_json({**envelope, "proposal": proposal, "evidence": []}),
        "verdict": canonical_json({**verdict, "hits": hits}),
        "facts": "{}",
    }


def _request(row: Any) -> dict[str, Any]:
    return {"summary": ERASED, "reason": ERASED if row.reason else ""}


def _code_of(words: str) -> str:
    """A short word of ours as it is; anything else is somebody's own words."""
    return words if is_code(words) else ERASED


def _decision(row: Any) -> dict[str, Any]:
    return {
        "reason": _code_of(row.reason),
        "text": ERASED if row.text else "",
        "changes": canonical_json(dict.fromkeys(json.loads(row.changes), ERASED)),
    }


def _effect(row: Any) -> dict[str, Any]:
    receipt = json.loads(row.receipt) if row.receipt else None
    return {"receipt": canonical_json({**receipt, "detail": ERASED}) if receipt else None}


def _exchange(_: Any) -> dict[str, Any]:
    return {"prompt": ERASED, "answer": ERASED, "problem": ""}


def _incident_item(_: Any) -> dict[str, Any]:
    return {"evidence": "{}", "note": ""}


def _outcome(row: Any) -> dict[str, Any]:
    # Whether it was right and how sure the brain was proves certificates and says nothing about anybody.
    return {"label": _code_of(row.label), "truth": _code_of(row.truth)}


def _shadow(row: Any) -> dict[str, Any]:
    return {"label": _code_of(row.label)}


def _quarantine(_: Any) -> dict[str, Any]:
    return {"raw": "{}", "problem": ERASED}


def _switch(row: Any) -> dict[str, Any]:
    return {"reason": ERASED, "resume_reason": ERASED if row.resume_reason else ""}


_BLANKED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "action": _action,
    "request": _request,
    "decision": _decision,
    "effect": _effect,
    "exchange": _exchange,
    "incident_item": _incident_item,
    "outcome": _outcome,
    "shadow": _shadow,
}
UNTOUCHED = frozenset({"audit", "body"})
"""Tables that hang on a case and are not blanked row by row: the chain holds digests, and bodies are deleted."""
