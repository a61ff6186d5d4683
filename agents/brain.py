"""Brains: what turns the evidence on a desk into an assessment."""

from typing import Any, Protocol

from ..tools.desk import Desk
from .worker import Assessment, Worker

EMBEDDED = "embedded"
"""The brain that needs no model, no key and no network."""


class Brain(Protocol):
    """Concludes from what a worker found; one instance serves many cases and threads."""

    @property
    def name(self) -> str:
        """Name and version, as an envelope carries them: `embedded@1`."""

    def assess(self, worker: Worker, desk: Desk, findings: object) -> Assessment:
        """Conclude from the worker's `findings` and the evidence on `desk`."""


class EmbeddedBrain:
    """The worker's own reasoning: deterministic, offline, from evidence alone."""

    @property
    def name(self) -> str:
        """`embedded@1`; the number changes when equal evidence may give another assessment."""
        return f"{EMBEDDED}@1"

    def assess(self, worker: Worker, desk: Desk, findings: object) -> Assessment:
        """What the worker concludes."""
        return worker.assess(desk, findings)


def make_brain(spec: str, **settings: Any) -> Brain:
    """The brain called `spec`: `embedded`, `provider:model`, or `module.path:factory`.

    `record` in `settings` is called with every exchange with a model, `recognisers` look for personal data beside our own; the
    rest goes to the model. Raises BadInput where `spec` names nothing, ShiftleadError where the provider's package is not
    installed.
    """
    if spec == EMBEDDED:
        return EmbeddedBrain()
    # LangChain is imported only by those who use a model.
    from .llm import LlmBrain, chat_model

    record, recognisers = settings.pop("record", None), settings.pop("recognisers", ())
    return LlmBrain(chat_model(spec, **settings), spec, record=record, recognisers=recognisers)
