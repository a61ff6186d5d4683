"""What to do about an account, in a form that a proposal and a list can be made of."""

from datetime import date, datetime

from ..connectors.records import Receivable
from ..core.noun import Noun
from .account import Position

CONTACTS = frozenset({"reminder.send", "plan.offer", "task.call"})
"""The operations that reach the customer."""


class NextStep(Noun):
    """One thing to do about an account."""

    operation: str
    sure: str
    """The key of its confidence in the playbook: `reminder_firm`."""
    sop: tuple[int, ...]
    """The SOP steps that lead to it."""
    reason: str
    """Why, for the approver."""
    label: str
    receivables: tuple[Receivable, ...] = ()
    position: Position | None = None
    template: str = ""
    level: int = 0
    until: date | None = None
    to_role: str = ""

    @property
    def words(self) -> str:
        """What it is, for a list."""
        named = {
            "reminder.send": f"send reminder {self.level}",
            "task.call": "call",
            "plan.offer": "offer instalments",
            "dunning.hold": f"hold dunning until {self.until}",
            "account.escalate": f"hand to the {self.to_role.replace('_', ' ')}",
            "receivable.write_off": "propose a write-off",
            "receivable.agency": "propose the agency",
        }
        return named[self.operation]


class Chosen(Noun):
    """What to do about an account now, or why nothing."""

    steps: tuple[NextStep, ...] = ()
    outcome: str = "no_action"
    """How the case closes where there is nothing to do."""
    again_at: datetime | None = None
    """When to look again, where it is only too early."""
    why: str = ""
    """Why nothing more is done now."""
    summary: str
