"""What the screens read: the ledger, asked from a thread, never written to.

The screens hold ids and a window of rows; everything else stays in the ledger until it is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from ..core import actions, bodies, certificates, inbox, operations, outbox, queue, switches, waiting
from ..core.action import Envelope
from ..core.actions import SealedAction
from ..core.approval import Decision, Request
from ..core.audit import AuditEvent
from ..core.case import Case, TicketItem
from ..core.errors import LedgerError
from ..core.evidence import Evidence
from ..core.keys import Keyring
from ..core.operations import OperationSpec
from ..core.receipt import Effect, EffectState
from ..core.store import Ledger
from ..core.switches import Switch
from ..core.waiting import WaitingRow
from ..guardrails.grounds import Grounds, grounds
from ..guardrails.policy import Policy
from ..guardrails.stages import Closing, closings
from .palette import SOON

NEWS = timedelta(hours=24)
"""How long the screens tell of a lane that an alarm closed."""

LAST_EVENTS = 400
"""How much of a case's audit trail is read for its history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of the inbox under one heading."""

    title: str
    ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What the status bar says."""

    tick: int
    """The ledger's tick it was read at."""
    waiting: int
    soon: int
    """Due within a quarter of an hour, or late."""
    stopped: tuple[Switch, ...]
    sending: int
    """Effects that are being sent right now."""
    closed: tuple[Closing, ...] = ()
    """Lanes that an alarm closed within the last day, the latest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything about one request and its case."""

    request: Request
    case: Case
    item: TicketItem
    actions: tuple[SealedAction, ...]
    """Every action of the case, in the order they run."""
    findings: tuple[Evidence, ...]
    """What the worker found where it proposed nothing."""
    action: SealedAction | None
    """The one that is asked about."""
    requests: tuple[Request, ...]
    decisions: tuple[Decision, ...]
    effects: tuple[Effect, ...]
    events: tuple[AuditEvent, ...]
    words: Mapping[str, str] = field(default_factory=dict)
    """What was said in the events, by its digest."""
    read_at: datetime
    grounds: Grounds = field(default_factory=Grounds)
    """What the confidence in the action is worth, and whether a certificate covers it."""

    @property
    def envelope(self) -> Envelope | None:
        """The sealed action that is asked about."""
        return self.action.envelope if self.action else None


class Feed:
    """The ledger as the screens see it; every method may run in a thread."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.ledger.clock.now()

    def sections(self) -> list[Section]:
        """Every waiting request, the most pressing first, cut where the eye wants a heading."""
        now = self.now
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        edges = [now, now + SOON, max(midnight, now + SOON)]
        with self.ledger.reading() as session:
            found = waiting.listing(session, now=now, edges=edges)
        cuts = [0, *found.before, found.dated, len(found.ids)]
        titles = ("Late", "Due < 15 min", "Due today", "Due later", "No due time")
        made = [Section(title=title, ids=found.ids[a:b]) for title, a, b in zip(titles, cuts, cuts[1:], strict=False)]
        made.append(Section(title="Snoozed", ids=found.snoozed))
        return [section for section in made if section.ids]

    def rows(self, ids: Sequence[str]) -> list[WaitingRow]:
        """The lines of some requests."""
        with self.ledger.reading() as session:
            return waiting.window(session, ids)

    def tick(self) -> int:
        """A number that changes whenever the ledger does."""
        return self.ledger.ticks()

    def pulse(self) -> Pulse:
        """The figures of the status bar."""
        tick, now = self.tick(), self.now
        with self.ledger.reading() as session:
            return Pulse(
                tick=tick,
                waiting=inbox.count_waiting(session, now=now),
                soon=waiting.due_before(session, now + SOON, now=now),
                stopped=tuple(switches.thrown(session)),
                sending=len(outbox.in_state(session, [EffectState.SENDING])),
                closed=_closed(session, now),
            )

    def story(self, request_id: str) -> Story:
        """One request with its case; raises NotFound."""
        with self.ledger.reading() as session:
            request = inbox.get(session, request_id)
            every = tuple(actions.of_case(session, request.case_id))
            return Story(
                request=request,
                case=queue.get(session, request.case_id),
                item=queue.item_of(session, request.case_id),
                actions=every,
                findings=queue.findings(session, request.case_id),
                action=next((one for one in every if one.id == request.action_id), None),
                requests=tuple(inbox.of_case(session, request.case_id)),
                decisions=tuple(inbox.decisions(session, case_id=request.case_id)),
                effects=tuple(outbox.of_case(session, request.case_id)),
                events=tuple(self.ledger.events(case_id=request.case_id, limit=LAST_EVENTS)),
                words=bodies.of_case(session, request.case_id),
                read_at=self.now,
            )

    def grounds(self, action: SealedAction, policy: Policy, keyring: Keyring | None) -> Grounds:
        """What the confidence in an action is worth."""
        with self.ledger.reading() as session:
            return grounds(session, policy, keyring, action, at=self.now)

    def operation(self, connector: str, name: str) -> OperationSpec | None:
        """What an operation takes; None where it was never registered."""
        with self.ledger.reading() as session:
            return operations.get(session, connector, name)


def _closed(session: Session, now: datetime) -> tuple[Closing, ...]:
    try:
        issued = certificates.listed(session)
    except LedgerError:
        # A damaged row must not take the figures from everybody; `doctor` and `brain status` name it.
        return ()
    return tuple(one for one in closings(issued, since=now - NEWS) if one.alarm)
