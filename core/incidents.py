"""Incidents in the ledger: what was stopped, which actions are affected, and what becomes of each."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field
from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from . import outbox
from .actions import SealedAction, of_rows
from .errors import Conflict, NotFound
from .noun import Noun, canonical_json, digest
from .receipt import EffectState
from .store import Transaction
from .tables import ACTION, IncidentItemRow, IncidentRow


class IncidentState(StrEnum):
    """How far the handling of an incident has come; it goes back only where a step comes out badly when it is repeated."""

    OPEN = "open"
    """Stopped; nobody knows yet what is affected."""
    CONTAINED = "contained"
    """The affected actions are known and frozen as evidence."""
    CORRECTED = "corrected"
    """Every affected case has its follow-up, each decided by a person."""
    RECONCILED = "reconciled"
    """Ledger and outside systems agree to 0.00, or each difference is explained."""
    REVIEWED = "reviewed"
    """A policy is found under which none of it would have run alone."""
    CLOSED = "closed"


ORDER = tuple(IncidentState)


class Selector(Noun):
    """Which actions an incident affects: those to which everything that is named applies."""

    kind: str = ""
    worker: str = ""
    party: str = ""
    rule: str = ""
    """A rule that matched, by its id."""
    policy: str = ""
    """The policy they were judged under: its `name@version`, or the beginning of its digest."""
    brain: str = ""
    playbook: str = ""
    template: str = ""
    """The approved text that a message was filled from."""
    since: datetime | None = None
    until: datetime | None = None

    def empty(self) -> bool:
        """Whether nothing is named, so that everything would be affected."""
        return self == Selector()

    def takes(self, action: SealedAction) -> bool:
        """Whether everything that is named, but the time, applies to an action."""
        envelope, verdict = action.envelope, action.verdict
        facts = {**envelope.proposal.facts, **action.context}
        named = (
            (self.worker, envelope.worker == self.worker),
            (self.party, envelope.proposal.action.party == self.party),
            (self.rule, any(hit.rule == self.rule for hit in verdict.hits)),
            (self.policy, verdict.policy == self.policy or verdict.policy_digest.startswith(self.policy)),
            (self.brain, envelope.brain == self.brain),
            (self.playbook, envelope.playbook == self.playbook),
            (self.template, facts.get("template") == self.template),
        )
        return all(holds for asked, holds in named if asked)


class Incident(Noun):
    """One incident."""

    id: str
    title: str
    state: IncidentState
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    """The kill switches that it threw."""
    selectors: tuple[Selector, ...] = ()
    findings: dict[str, Any] = Field(default_factory=dict)
    """What reconciling and the review found, by step."""


class Item(Noun):
    """One affected action, frozen as it was."""

    incident_id: str
    action_id: str
    case_id: str
    ran: bool
    """Whether its effect happened, or may have."""
    digest: str
    """Of its envelope."""
    kind: str
    target: str
    amount: str | None = None
    currency: str | None = None
    key: str = ""
    """Of its effect, where there is one."""
    follow_up: str = ""
    """The request in which a person decides what follows; one for each case."""
    note: str = ""
    """Why nothing follows, or why ledger and outside differ, in a person's words."""


def add(tx: Transaction, incident: Incident) -> None:
    """Write a new incident."""
    tx.run(insert(IncidentRow), {"id": incident.id, **_columns(incident)})


def get(session: Session, incident_id: str) -> Incident:
    """One incident; raises NotFound. An unambiguous beginning of its id is enough."""
    rows = session.exec(select(IncidentRow).where(col(IncidentRow.id).startswith(incident_id, autoescape=True)).limit(2)).all()
    exact = [row for row in rows if row.id == incident_id] or rows
    if len(exact) != 1:
        problem = "is the only one that begins so" if exact else "is in the ledger"
        raise NotFound(f"No incident {incident_id!r} {problem}.", hint="`shiftlead incident list` shows them.")
    return _incident(exact[0])


def listed(session: Session) -> list[Incident]:
    """Every incident, newest first."""
    return [_incident(row) for row in session.exec(select(IncidentRow).order_by(col(IncidentRow.opened_at).desc()))]


def move(tx: Transaction, incident: Incident, *, expect: IncidentState) -> None:
    """Write the next state of an incident; raises Conflict where somebody else has moved it."""
    changed = update(IncidentRow).where(col(IncidentRow.id) == incident.id, col(IncidentRow.state) == str(expect))
    if tx.change(changed.values(**_columns(incident))) != 1:
        raise Conflict(f"Incident {incident.id!r} is not {expect.value!r} any more.", hint="Look at `shiftlead incident show`.")


def affected(session: Session, selector: Selector) -> Iterator[SealedAction]:
    """The actions that a selector takes, oldest first."""
    query = ACTION.select().order_by(ACTION.c.created_at, ACTION.c.id)
    if selector.kind:
        query = query.where(ACTION.c.kind == selector.kind)
    if selector.since:
        query = query.where(ACTION.c.created_at >= selector.since)
    if selector.until:
        query = query.where(ACTION.c.created_at < selector.until)
    rows = session.connection().execute(query.execution_options(yield_per=500))
    return (one for one in of_rows(rows) if selector.takes(one))


def frozen(session: Session, incident_id: str, action: SealedAction) -> Item:
    """An affected action as it is now."""
    envelope, money = action.envelope, action.envelope.proposal.action.amount
    effect = outbox.get(session, action.effect_key)
    return Item(
        incident_id=incident_id,
        action_id=action.id,
        case_id=action.case_id,
        ran=effect is not None and effect.state in _RAN,
        digest=action.digest,
        kind=action.kind,
        target=str(envelope.proposal.action.target),
        amount=format(money.amount, "f") if money else None,
        currency=money.currency if money else None,
        key=effect.key if effect else "",
    )


def freeze(tx: Transaction, items: Iterable[Item]) -> int:
    """Add affected actions; those that are known stay as they were frozen. Returns how many are new."""
    return sum(tx.add_new(_ITEM, [_item_columns(one)]) for one in items)


def items(session: Session, incident_id: str) -> list[Item]:
    """The affected actions of an incident."""
    rows = session.exec(
        select(IncidentItemRow).where(col(IncidentItemRow.incident_id) == incident_id).order_by(col(IncidentItemRow.action_id))
    )
    return [_item(row) for row in rows]


def note(tx: Transaction, incident_id: str, action_id: str, **values: str) -> None:
    """Keep what follows from an affected action, or why it needs nothing."""
    changed = update(IncidentItemRow).where(
        col(IncidentItemRow.incident_id) == incident_id, col(IncidentItemRow.action_id) == action_id
    )
    if tx.change(changed.values(**values)) != 1:
        raise NotFound(
            f"Action {action_id!r} is not affected by {incident_id!r}.", hint="`shiftlead incident show` lists them."
        )


def evidence_digest(found: Iterable[Item]) -> str:
    """One digest for what was frozen: the envelopes in order."""
    return digest([[one.action_id, one.digest, one.key] for one in found])


_ITEM = IncidentItemRow.__table__  # type: ignore[attr-defined]
_RAN = frozenset({EffectState.DONE, EffectState.SENDING, EffectState.UNKNOWN})
_FROZEN = ("ran", "digest", "kind", "target", "amount", "currency", "key")


def _columns(incident: Incident) -> dict[str, Any]:
    return {
        "title": incident.title,
        "state": str(incident.state),
        "opened_by": incident.opened_by,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "terms": canonical_json({"scopes": incident.scopes, "selectors": incident.selectors}),
        "findings": canonical_json(incident.findings),
    }


def _incident(row: IncidentRow) -> Incident:
    kept = row.model_dump(exclude={"terms", "findings"})
    return Incident(**kept, **json.loads(row.terms), findings=json.loads(row.findings))


def _item_columns(item: Item) -> dict[str, Any]:
    return {
        "incident_id": item.incident_id,
        "action_id": item.action_id,
        "case_id": item.case_id,
        "evidence": canonical_json({name: getattr(item, name) for name in _FROZEN}),
        "follow_up": item.follow_up,
        "note": item.note,
    }


def _item(row: IncidentItemRow) -> Item:
    kept = {name: getattr(row, name) for name in ("incident_id", "action_id", "case_id", "follow_up", "note")}
    return Item(**kept, **json.loads(row.evidence))
