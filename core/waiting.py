"""What the inbox shows of each waiting request: all ids at once, and the rows a window at a time.

Only plain columns are read, never whole rows, so that a hundred thousand waiting requests open at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session

from . import inbox
from .approval import Question, RequestState
from .tables import ActionRow, CaseRow, RequestRow
from .verdict import Lane

# SQLModel types its columns as the values they hold, which says nothing of the expressions they make.
_REQUEST: Any = RequestRow
_CASE: Any = CaseRow
_ACTION: Any = ActionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """One line of the inbox."""

    id: str
    case_id: str
    digest: str
    question: Question
    state: RequestState
    action_kind: str
    summary: str
    amount: Decimal | None
    currency: str | None
    confidence: float | None
    approvals_needed: int
    role: str
    due_at: datetime | None
    snoozed_until: datetime | None
    assigned_to: str
    ladder: int
    """How many steps of the ladder it has been through: more than none, and somebody should answer."""
    lane: Lane | None
    """The lane of its action; None where the request is about no action."""
    ref: str
    """The ticket's id in the system it came from."""
    party: str
    subject: str
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Every waiting request by id, the most pressing first, with where the sections begin."""

    ids: list[str]
    before: tuple[int, ...]
    """How many of them are due before each of the edges that were asked for."""
    dated: int
    """How many have a due time at all; those without one come last."""
    snoozed: list[str]
    """Those that a person has put off, the next to come back first."""


def listing(session: Session, *, now: datetime, edges: Sequence[datetime]) -> Listing:
    """The waiting requests in the order the inbox shows them, counted at each of `edges`."""
    asleep = select(_REQUEST.id).where(_pending(), _REQUEST.snoozed_until > now)
    ids = inbox.waiting_ids(session, now=now)
    undated = select(func.count()).select_from(RequestRow).where(_awake(now), _REQUEST.due_at.is_(None))
    return Listing(
        ids=ids,
        before=tuple(due_before(session, edge, now=now) for edge in edges),
        dated=len(ids) - (session.scalar(undated) or 0),
        snoozed=list(session.scalars(asleep.order_by(_REQUEST.snoozed_until, _REQUEST.id))),
    )


def window(session: Session, ids: Sequence[str]) -> list[WaitingRow]:
    """The lines of these requests, in this order, whatever has become of them; unknown ids are left out."""
    query = (
        select(*_COLUMNS)
        .outerjoin(CaseRow, _CASE.id == _REQUEST.case_id)
        .outerjoin(ActionRow, _ACTION.id == _REQUEST.action_id)
        .where(_REQUEST.id.in_(ids))
    )
    found = {row[0]: _line(*row) for row in session.execute(query)}
    return [found[one] for one in ids if one in found]


def due_before(session: Session, moment: datetime, *, now: datetime) -> int:
    """How many requests that wait now are due before `moment`."""
    query = select(func.count()).select_from(RequestRow).where(_awake(now), _REQUEST.due_at < moment)
    return session.scalar(query) or 0


_COLUMNS = (
    _REQUEST.id,
    _REQUEST.case_id,
    _REQUEST.digest,
    _REQUEST.question,
    _REQUEST.state,
    _REQUEST.action_kind,
    _REQUEST.summary,
    _REQUEST.amount,
    _REQUEST.currency,
    _REQUEST.confidence,
    _REQUEST.approvals_needed,
    _REQUEST.role,
    _REQUEST.due_at,
    _REQUEST.snoozed_until,
    _REQUEST.assigned_to,
    _REQUEST.ladder,
    _ACTION.lane,
    _CASE.external_id,
    _CASE.party,
    _CASE.subject,
    _CASE.worker,
)


def _line(*columns: Any) -> WaitingRow:
    values = dict(zip(WaitingRow.__slots__, columns, strict=True))
    values["question"], values["state"] = Question(values["question"]), RequestState(values["state"])
    values["lane"] = None if values["lane"] is None else Lane(values["lane"])
    for name in ("ref", "party", "subject", "worker"):
        values[name] = values[name] or ""
    return WaitingRow(**values)


def _pending() -> Any:
    return _REQUEST.state == str(RequestState.PENDING)


def _awake(now: datetime) -> Any:
    return and_(_pending(), or_(_REQUEST.snoozed_until.is_(None), _REQUEST.snoozed_until <= now))
