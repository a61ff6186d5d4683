"""The ladder: what happens to a request that nobody answers. Time reminds, reassigns, escalates and parks; it never approves."""

from datetime import datetime, timedelta
from typing import assert_never

from ..core import holding, inbox
from ..core.approval import Question, Request, RequestState
from ..core.inbox import Timing
from ..core.store import Ledger, Transaction
from .policy import Policy
from .requests import escalated, parked, rank
from .rungs import Rung, Todo

_OVERLAP = timedelta(minutes=5)
"""How far the clock of whoever opened a request may be behind ours."""


def end_of(request: Request | Timing) -> datetime | None:
    """The moment that fractions of a request's time are counted to: its due time, else its expiry; None where it has neither."""
    return next((at for at in (request.due_at, request.expires_at) if at is not None and at > request.created_at), None)


def moment_of(request: Request | Timing, rung: Rung) -> datetime | None:
    """When a step of the ladder is reached by a request."""
    end = end_of(request)
    return None if end is None else request.created_at + (end - request.created_at) * float(rung.at)


class Ladder:
    """Climbs with every request of a ledger under one policy."""

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self.ledger = ledger
        self.policy = policy
        self._seen: datetime | None = None
        self._next: dict[str, datetime] = {}
        """When each request that waits reaches its next step."""

    def climb(self) -> int:
        """Take every step whose time has come, each once, and expire what ran out of time; returns how many requests changed."""
        now = self.ledger.clock.now()
        self._look(now)
        late = sorted(one for one, at in self._next.items() if at <= now)
        if not late and not self._any_expired(now):
            return 0
        with self.ledger.transaction() as tx:
            return sum(self._step(tx, request_id) for request_id in late) + self._expire(tx)

    def _look(self, now: datetime) -> None:
        """Learn of the requests that were opened since the last look."""
        with self.ledger.reading() as session:
            since = None if self._seen is None else self._seen - _OVERLAP
            opened = inbox.opened_since(session, since)
        self._seen = now
        for timing in opened:
            if timing.id not in self._next:
                self._expect(timing)

    def _expect(self, request: Request | Timing) -> None:
        self._next.pop(request.id, None)
        if request.ladder < len(self.policy.ladder):
            at = moment_of(request, self.policy.ladder[request.ladder])
            if at is not None:
                self._next[request.id] = at

    def _any_expired(self, now: datetime) -> bool:
        with self.ledger.reading() as session:
            return bool(inbox.expired(session, now=now))

    def _step(self, tx: Transaction, request_id: str) -> int:
        """The steps of one request that are due now, read under a lock, so that of several processes one takes each."""
        taken = 0
        while (request := self._due(tx, request_id)) and inbox.climb(tx, request, request.ladder + 1):
            self._do(tx, request, self.policy.ladder[request.ladder], request.ladder + 1)
            taken = 1
        return taken

    def _due(self, tx: Transaction, request_id: str) -> Request | None:
        """The request where its next step is due and its time has not run out altogether."""
        request = inbox.lock(tx, request_id)
        if request.state is not RequestState.PENDING:
            self._next.pop(request_id, None)
            return None
        self._expect(request)
        at = self._next.get(request_id)
        over = request.expires_at is not None and request.expires_at <= tx.now
        return None if at is None or at > tx.now or over else request

    def _do(self, tx: Transaction, request: Request, rung: Rung, number: int) -> None:
        told = {"request": request.id, "step": number, "at": str(rung.at)}
        match rung.do:
            case Todo.REMIND:
                pass
            case Todo.REASSIGN:
                self._reassign(tx, request, rung.to)
            case Todo.ESCALATE:
                self._ask(tx, request, rung.to or self.policy.escalate_to)
            case Todo.PARK:
                self._park(tx, request)
            case _:
                assert_never(rung.do)
        tx.audit(f"request.{_DONE[rung.do]}", actor="system", case_id=request.case_id, to=rung.to, **told)

    def _reassign(self, tx: Transaction, request: Request, to: str) -> None:
        if self.policy.role(to) is not None:
            self._ask(tx, request, to)
        else:
            inbox.reassign(tx, request.id, role=request.role, assigned_to=to)

    def _ask(self, tx: Transaction, request: Request, role: str) -> None:
        """Ask a role; never one below the role that is asked already."""
        asked = max((request.role, role), key=lambda one: rank(self.policy, one))
        inbox.reassign(tx, request.id, role=asked)

    def _park(self, tx: Transaction, request: Request) -> None:
        """Nobody decided: nothing runs, the case is parked, and the escalation role is asked to take it."""
        if request.question is Question.APPROVE and holding.park_waiting(tx, request.case_id, why="nobody decided in time"):
            inbox.settle(tx, request.id, RequestState.EXPIRED)
            inbox.put(tx, parked(self.policy, request, tx.now))
        else:
            self._ask(tx, request, self.policy.escalate_to)

    def _expire(self, tx: Transaction) -> int:
        """Give every request whose time ran out to the escalation role; nothing is approved."""
        late = inbox.expired(tx.session, now=tx.now)
        for request in late:
            inbox.settle(tx, request.id, RequestState.EXPIRED)
            tx.audit("request.expired", actor="system", case_id=request.case_id, request=request.id)
            inbox.put(tx, escalated(self.policy, request, tx.now))
        return len(late)


_DONE = {Todo.REMIND: "reminded", Todo.REASSIGN: "reassigned", Todo.ESCALATE: "escalated", Todo.PARK: "parked"}
