"""What every screen shares: the feed, who sits here, what holds, and where a decision goes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..core.approval import DecisionKind
from ..core.settings import Operator
from ..guardrails import killswitch
from ..guardrails.approvals import Answer, Approvals
from ..guardrails.policy import Policy
from ..guardrails.stages import Closing
from .feed import NEWS, Feed, Pulse, Story
from .guide import Guide, Guides, guide_of


@dataclass(slots=True, kw_only=True)
class Desk:
    """One operator's place at one ledger."""

    feed: Feed
    approvals: Approvals
    policy: Policy
    operator: Operator
    title: str
    guides: Guides = field(default_factory=dict)
    pulse: Pulse | None = None
    problem: str = ""
    """Why the ledger cannot be read at the moment."""
    seen: set[str] = field(default_factory=set)
    """Closed lanes that this person has taken note of."""
    on_change: Callable[[], None] = lambda: None
    """Called after something was written, so that the figures are read again at once."""

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.feed.now

    def guide(self, worker: str) -> Guide:
        """The guide of a worker."""
        return guide_of(self.guides, worker)

    def opened(self, request_id: str) -> "Opened":
        """A request with its case, and whether this person may approve it."""
        story = self.feed.story(request_id)
        if story.action is not None:
            found = self.feed.grounds(story.action, self.policy, self.approvals.quorum.roster.keyring)
            story = replace(story, grounds=found)
        return Opened(story=story, why_not=self._why_not(story))

    @property
    def news(self) -> tuple[Closing, ...]:
        """The lanes that an alarm closed within the last day, and that this person has not taken note of."""
        known = self.pulse.closed if self.pulse else ()
        return tuple(one for one in known if one.key not in self.seen and self.now - one.at < NEWS)

    def resume(self, scope: str, reason: str) -> killswitch.Resumed:
        """Ask that a scope may run again, or agree to it as the second person; says which it was."""
        return killswitch.resume(
            self.feed.ledger,
            scope,
            operator=self.operator,
            policy=self.policy,
            signer=self.approvals.signer,
            reason=reason,
        )

    def _why_not(self, story: Story) -> str:
        request = story.request
        if hindrance := self.approvals.hindrance(request, self.operator):
            return f"You may not approve this: {hindrance}."
        given = [one for one in story.decisions if one.request_id == request.id and one.kind is DecisionKind.APPROVE]
        if any(self.operator.name in (one.operator, one.acting_for) for one in given):
            return "You approved this already; another person has to approve it too."
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the decision pane needs for one request."""

    story: Story
    why_not: str
    """Why this person may not approve it; empty where they may."""

    def answer(self, kind: DecisionKind, now: datetime, *, shown: str, **said: Any) -> Answer:
        """A decision on what is painted, with its text and how long it was looked at."""
        request, seconds = self.story.request, (now - self.story.read_at).total_seconds()
        return Answer(request_id=request.id, digest=request.digest, kind=kind, seconds=seconds, shown=shown, **said)
