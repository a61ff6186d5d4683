"""Workers with a text brain: what the ledger's brains, their challengers and their teaching need to know about such a worker."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..core.action import Proposal
from ..core.noun import Noun
from .brain import EmbeddedBrain
from .text_data import Example
from .worker import Worker

if TYPE_CHECKING:
    from .text_brain import TextBrain


class Opinion(Noun):
    """What a worker takes a text for."""

    label: str
    confidence: float
    """As it would stand on its proposal."""


def envelope_name(text_brain: str) -> str:
    """What stands in an envelope for the text brain of this name: `embedded@1+triage-0f3a…`."""
    return f"{EmbeddedBrain().name}+{text_brain}"


class TextWorker(Worker):
    """A worker whose conclusions start with what a text brain takes a text for."""

    task: ClassVar[str]
    """What its brain is trained for; a brain of another task is refused."""
    taught_by: ClassVar[str]
    """The kind of action whose decisions tell what a text was: `ticket.route`."""
    text: ClassVar[str]
    """The name of the evidence that holds the text."""
    model: "TextBrain"
    """The brain at work; the shipped one, or the playbook's own, until the ledger names another."""

    @property
    def brain(self) -> str:
        """Its brain as envelopes carry it: `embedded@1+triage-0f3a…`."""
        return envelope_name(self.model.name)

    def with_brain(self, model: "TextBrain") -> Self:
        """The same worker with another brain; nothing else of it changes."""
        other = copy(self)
        other.model = model
        return other

    @property
    @abstractmethod
    def labels(self) -> frozenset[str]:
        """What a text can be to this worker; a brain's other labels count as out of scope."""

    @abstractmethod
    def corpus(self) -> Sequence[Example]:
        """What a brain of its task is trained on before anybody has decided anything."""

    @abstractmethod
    def opinion(self, text: str) -> Opinion:
        """What it takes `text` for, and how sure its proposal would be; deterministic."""

    @abstractmethod
    def truth_in(self, proposal: Proposal) -> str:
        """What the text is according to a proposal that a person let stand as it is, or edited; empty where that does not tell."""

    @abstractmethod
    def facts_of(self, label: str, proposal: Proposal) -> Mapping[str, Any]:
        """The facts that `proposal` would tell the policy, had the text been taken for `label`; those that it does not change are left out."""
