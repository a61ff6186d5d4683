"""What a worker is: a playbook, the kinds of ticket it takes, and its own way of reading and reasoning."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from ..core.action import Proposal
from ..core.case import TicketItem
from ..core.noun import Noun
from ..tools.desk import Desk
from .playbook import Playbook, shipped_playbook


class Assessment(Noun):
    """What a worker concludes about one case."""

    proposals: tuple[Proposal, ...] = ()
    """Actions in the order they should run; one that is rejected or refused ends the list."""
    handoffs: tuple[TicketItem, ...] = ()
    """New cases for other workers, linked to this one."""
    question: str = ""
    """What a person should settle, where the worker may not or cannot propose; empty where nothing is open."""
    summary: str = ""
    """One sentence about the case, for lists."""
    outcome: str = "no_action"
    """How the case closes where nothing is proposed, handed over or asked."""
    again_at: datetime | None = None
    """Where it is too early to conclude: when to look again. The case rests until then instead of closing."""
    brain: str = ""
    """Name and version of the brain that concluded, where that is not the crew's own: another stepped in, or it has its own for a worker."""


class Worker(ABC):
    """One kind of case. Subclasses read in `investigate` and conclude in `assess`; neither touches the outside.

    Instances hold no state of a case: `investigate` returns what `assess` needs.
    """

    name: ClassVar[str]
    takes: ClassVar[frozenset[str]]
    """The kinds of ticket it takes: `supplier_invoice`."""

    def __init__(self, playbook: Playbook | None = None) -> None:
        self.playbook = playbook or self.default_playbook()

    @classmethod
    def default_playbook(cls) -> Playbook:
        """The playbook that ships with the worker; a plugin overrides it with its own file."""
        return shipped_playbook(cls.name)

    @abstractmethod
    def investigate(self, desk: Desk) -> object:
        """Look things up and lay the evidence on the desk; the result goes to `assess`."""

    @abstractmethod
    def assess(self, desk: Desk, findings: object) -> Assessment:
        """The embedded brain: conclude from evidence alone, deterministically."""

    def recheck(self, desk: Desk, proposal: Proposal) -> Mapping[str, Any]:
        """Facts about `proposal` that may have changed while a person decided, read again just before it runs."""
        return {}
