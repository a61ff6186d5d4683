"""What every screen shares: the feed, who sits here, what holds, and where a decision goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ..core.approval import Request
from ..core.settings import Operator
from ..guardrails.approvals import Approvals
from ..guardrails.policy import Policy
from .feed import Feed, Pulse, Story
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
    on_change: Callable[[], None] = lambda: None
    """Called after something was written, so that the figures are read again at once."""

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.feed.now

    def guide(self, worker: str) -> Guide:
        """The guide of a worker."""
        return guide_of(self.guides, worker)

    def hindrance(self, request: Request) -> str:
        """Why this person may not approve it; empty where they may."""
        return self.approvals.hindrance(request, self.operator)

    def opened(self, request_id: str) -> "Opened":
        """A request with its case, and whether this person may approve it."""
        story = self.feed.story(request_id)
        return Opened(story=story, hindrance=self.hindrance(story.request))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the decision pane needs for one request."""

    story: Story
    hindrance: str
