"""Brains: what turns the evidence on a desk into an assessment."""

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..core.model_settings import ModelSettings
from ..tools.desk import Desk
from .worker import Assessment, Worker

if TYPE_CHECKING:
    from .cassette import Cassette

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

    In `settings`, `models` is what the workspace says about language models, `record` is called with every exchange with one,
    `recognisers` look for personal data beside our own, `meaning` says what a model's numbers were worth in reviewed cases, `before`
    what earlier looks at a case have used, `wait` lets seconds pass, and `cassette` records the model or answers in its place; the
    rest goes to the model. Raises BadInput where `spec` names nothing, another ShiftleadError where the model cannot be made or used so.
    """
    if spec == EMBEDDED:
        return EmbeddedBrain()
    # LangChain is imported only by those who use a model.
    from .llm import LlmBrain
    from .providers import chat_model

    own = {name: settings.pop(name) for name in _OWN if name in settings}
    cassette: Cassette | None = settings.pop("cassette", None)
    models: ModelSettings = own.setdefault("models", ModelSettings())
    make = partial(chat_model, spec, within=models, **settings)
    if cassette is None:
        return LlmBrain(make(), spec, **own)
    asked = {**models.options, **({"logprobs": True} if models.logprobs else {}), **settings}
    return LlmBrain(cassette.model(spec, make, asked), spec, **own)


_OWN = ("models", "record", "recognisers", "meaning", "before", "wait")
"""Settings of the brain, not of the model that it asks."""
