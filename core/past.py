"""The past: every sealed action with what people answered and when it was sent, for looking back over all of them at once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from . import actions
from .actions import SealedAction
from .approval import DecisionKind
from .noun import Noun
from .receipt import EffectState
from .tables import ACTION, DECISION, EFFECT, REQUEST

_HAPPENED = (EffectState.SENDING, EffectState.UNKNOWN, EffectState.DONE)


class PastAction(Noun):
    """One sealed action, and what became of it."""

    sealed: SealedAction
    proposed_at: datetime
    answers: tuple[DecisionKind, ...] = ()
    """What people answered to requests about it, in order."""
    sent_at: datetime | None = None
    """When its effect was sent, where one was that may have happened."""


def all_actions(session: Session) -> list[PastAction]:
    """Every sealed action of the ledger, in the order they were proposed."""
    answers, sent = _answers(session), _sent(session)
    rows = session.connection().execute(select(ACTION).order_by(ACTION.c.created_at, ACTION.c.id))
    return [
        PastAction(
            sealed=actions.from_row(row),
            proposed_at=row.created_at,
            answers=tuple(answers.get(row.id, ())),
            sent_at=sent.get(row.id),
        )
        for row in rows
    ]


def _answers(session: Session) -> dict[str, list[DecisionKind]]:
    joined = DECISION.join(REQUEST, REQUEST.c.id == DECISION.c.request_id)
    query = select(REQUEST.c.action_id, DECISION.c.kind).select_from(joined).order_by(DECISION.c.decided_at, DECISION.c.id)
    found: dict[str, list[DecisionKind]] = defaultdict(list)
    for action_id, kind in session.connection().execute(query):
        if action_id is not None:
            found[action_id].append(DecisionKind(kind))
    return found


def _sent(session: Session) -> dict[str, datetime]:
    happened: Sequence[str] = [str(state) for state in _HAPPENED]
    query = select(EFFECT.c.action_id, EFFECT.c.sent_at).where(EFFECT.c.state.in_(happened), EFFECT.c.sent_at.is_not(None))
    return {row.action_id: row.sent_at for row in session.connection().execute(query)}
