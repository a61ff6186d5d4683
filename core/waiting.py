"""What the inbox shows of each waiting request: all ids at once, and the rows a window at a time.

Only plain columns are read, never whole rows, so that a hundred thousand waiting requests open at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, case, func, or_, select
from sqlmodel import Session

from . import inbox
from .approval import Question, RequestState
from .tables import ActionRow, CaseRow, RequestRow
from .verdict import Lane


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
    counts = [func.coalesce(func.sum(case((RequestRow.due_at < edge, 1), else_=0)), 0) for edge in edges]
    found = session.execute(select(func.count(RequestRow.due_at), *counts).where(_awake(now))).one()
    asleep = select(RequestRow.id).where(_pending(), RequestRow.snoozed_until > now)
    return Listing(
        ids=inbox.waiting_ids(session, now=now),
        before=tuple(int(number) for number in found[1:]),
        dated=int(found[0]),
        snoozed=list(session.scalars(asleep.order_by(RequestRow.snoozed_until, RequestRow.id))),
    )


def window(session: Session, ids: Sequence[str]) -> list[WaitingRow]:
    """The lines of these requests, in this order, whatever has become of them; unknown ids are left out."""
    query = (
        select(*_COLUMNS)
        .outerjoin(CaseRow, CaseRow.id == RequestRow.case_id)
        .outerjoin(ActionRow, ActionRow.id == RequestRow.action_id)
        .where(RequestRow.id.in_(ids))
    )
    found = {row[0]: _line(*row) for row in session.execute(query)}
    return [found[one] for one in ids if one in found]


def due_before(session: Session, moment: datetime, *, now: datetime) -> int:
    """How many requests that wait now are due before `moment`."""
    query = select(func.count()).select_from(RequestRow).where(_awake(now), RequestRow.due_at < moment)
    return session.scalar(query) or 0


_COLUMNS = (
    RequestRow.id,
    RequestRow.case_id,
    RequestRow.digest,
    RequestRow.question,
    RequestRow.state,
    RequestRow.action_kind,
    RequestRow.summary,
    RequestRow.amount,
    RequestRow.currency,
    RequestRow.confidence,
    RequestRow.approvals_needed,
    RequestRow.role,
    RequestRow.due_at,
    RequestRow.snoozed_until,
    ActionRow.lane,
    CaseRow.external_id,
    CaseRow.party,
    CaseRow.subject,
    CaseRow.worker,
)


def _line(*columns):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN202 - one tuple of database columns
    values = dict(zip(WaitingRow.__slots__, columns, strict=True))
    values["question"], values["state"] = Question(values["question"]), RequestState(values["state"])
    values["lane"] = None if values["lane"] is None else Lane(values["lane"])
    for name in ("ref", "party", "subject", "worker"):
        values[name] = values[name] or ""
    return WaitingRow(**values)


def _pending():  # type: ignore[no-untyped-def]  # noqa: ANN202 - a SQLAlchemy expression
    return RequestRow.state == str(RequestState.PENDING)


def _awake(now: datetime):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a SQLAlchemy expression
    return and_(_pending(), or_(RequestRow.snoozed_until.is_(None), RequestRow.snoozed_until <= now))
