"""Language models as brains: any LangChain chat model, asked for one answer that is checked before it counts.

A model that fails, rambles, or wants something it may not want leads to a question for a person, never to a guess.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from ..core.action import Proposal
from ..core.errors import BadInput, Forbidden, NotFound, PluginError
from ..core.noun import Noun
from ..guardrails.personal_data import Recogniser
from ..guardrails.redaction import SHIPPED, Redactor
from ..tools.desk import Desk
from .answers import Answer, parse_answer, proposed, restored
from .parties import known_values
from .prompts import ANSWER_SCHEMA, Prompt, build_prompt
from .worker import Assessment, Worker

PROVIDERS: dict[str, tuple[str, str]] = {
    "openai": ("langchain_openai", "ChatOpenAI"),
    "anthropic": ("langchain_anthropic", "ChatAnthropic"),
    "google": ("langchain_google_genai", "ChatGoogleGenerativeAI"),
    "mistral": ("langchain_mistralai", "ChatMistralAI"),
    "ollama": ("langchain_ollama", "ChatOllama"),
}
"""Module and class of each provider; the provider's name is also the extra that installs it."""


class Exchange(Noun):
    """One question to a model and its answer, as they may be kept: with tokens in place of personal data."""

    brain: str
    source: str
    external_id: str
    revision: str
    """Source, id and revision of the ticket; together they name one case."""
    attempt: int
    prompt: str
    answer: str
    """What the model said; empty where it failed."""
    problem: str = ""
    """Why the answer could not be used; empty where it was."""
    at: datetime


Recorder = Callable[[Exchange], None]
"""Keeps exchanges; what it raises stops the case, since an answer that is not on record must not count."""


def chat_model(spec: str, **settings: Any) -> BaseChatModel:
    """The chat model called `spec`: `provider:model`, or `module.path:factory` for one of your own.

    `settings` go to the model's class or to the factory. Raises BadInput where `spec` names nothing, PluginError where the
    provider's package is not installed or the model cannot be made.
    """
    provider, _, model = spec.partition(":")
    if provider in PROVIDERS and model:
        return _made(spec, _provided(provider), {"model": model, **settings})
    if "." in provider and model:
        return _made(spec, _factory(provider, model), settings)
    raise BadInput(
        f"{spec!r} names no brain.",
        hint=f"Use embedded, PROVIDER:MODEL with one of {', '.join(PROVIDERS)}, or module.path:factory.",
    )


def _provided(provider: str) -> Callable[..., Any]:
    module, name = PROVIDERS[provider]
    try:
        return getattr(import_module(module), name)  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        if error.name != module:
            raise PluginError(f"{module} cannot be loaded: {error}.", hint=f"pip install 'shiftlead[{provider}]'") from error
        raise PluginError(
            f"The package {module.replace('_', '-')} for {provider} models is not installed.",
            hint=f"pip install 'shiftlead[{provider}]'",
        ) from error


def _factory(module: str, name: str) -> Callable[..., Any]:
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BadInput(
            f"{module}:{name} cannot be loaded: {error}.", hint="Name an importable module and a function in it."
        ) from error
    if not callable(found):
        raise BadInput(f"{module}:{name} is not a function.", hint="Name a function that returns a chat model.")
    return found  # type: ignore[no-any-return]


def _made(spec: str, make: Callable[..., Any], settings: dict[str, Any]) -> BaseChatModel:
    try:
        model = make(**settings)
    except Exception as error:
        raise PluginError(
            f"The model {spec!r} could not be made: {_cause(error)}.", hint="Check its settings and the provider's key."
        ) from error
    if not isinstance(model, BaseChatModel):
        raise BadInput(f"{spec!r} gave a {type(model).__name__}.", hint="It must be a LangChain chat model.")
    return model


class LlmBrain:
    """A brain that asks a language model, and holds its answer against the records and the worker's own reasoning."""

    def __init__(
        self, model: BaseChatModel, name: str, *, record: Recorder | None = None, recognisers: Sequence[Recogniser] = ()
    ) -> None:
        """`recognisers` look for personal data beside our own, before anything goes to the model."""
        self._recognisers = (*SHIPPED, *recognisers)
        self._model = model
        self._name = name
        self._record = record or (lambda _: None)

    @property
    def name(self) -> str:
        """What it was made as: `provider:model`."""
        return self._name

    def assess(self, worker: Worker, desk: Desk, findings: object) -> Assessment:
        """What the model concludes; a question for a person where its answer cannot be used."""
        embedded = worker.assess(desk, findings)
        redactor = Redactor(known_values(desk), self._recognisers)
        prompt = build_prompt(worker.playbook, desk, redactor)
        problem = complaint = ""
        # The second attempt asks in plain text: a model whose structured output fails can often still write JSON.
        for attempt, structured in enumerate((True, False), 1):
            messages = _messages(prompt, complaint)
            text, problem = self._ask(messages, structured=structured)
            complaint = ""
            try:
                if not problem:
                    answer = restored(parse_answer(text), prompt.tokens)
                    return _concluded(answer, worker, desk, embedded)
            except (BadInput, Forbidden, NotFound) as error:
                problem = error.message
                complaint = _unrevealing(problem, prompt, redactor)
            finally:
                self._keep(desk, attempt, messages, redactor.hide(text), _unrevealing(problem, prompt, redactor))
        return _unanswered(self._name, problem, embedded)

    def _ask(self, messages: list[BaseMessage], *, structured: bool) -> tuple[str, str]:
        """What the model said, and what went wrong; one of them is empty."""
        try:
            return (self._structured(messages) if structured else str(self._model.invoke(messages).text)), ""
        except Exception as error:  # noqa: BLE001 - a client library may raise anything, and none of it may stop the case
            return "", f"the model failed: {_cause(error)}"

    def _structured(self, messages: list[BaseMessage]) -> str:
        try:
            asking = self._model.with_structured_output(ANSWER_SCHEMA, method="function_calling", include_raw=True)
        except NotImplementedError:
            return str(self._model.invoke(messages).text)
        got: Any = asking.invoke(messages)
        parsed = got["parsed"]
        return json.dumps(parsed, ensure_ascii=False, default=str) if isinstance(parsed, dict) else str(got["raw"].text)

    def _keep(self, desk: Desk, attempt: int, messages: list[BaseMessage], answer: str, problem: str) -> None:
        prompt = "\n\n".join(str(message.text) for message in messages)
        self._record(
            Exchange(
                brain=self._name,
                source=desk.item.source,
                external_id=desk.item.external_id,
                revision=desk.item.revision,
                attempt=attempt,
                prompt=prompt,
                answer=answer,
                problem=problem,
                at=desk.clock.now(),
            )
        )


def _messages(prompt: Prompt, complaint: str) -> list[BaseMessage]:
    messages: list[BaseMessage] = [SystemMessage(prompt.system), HumanMessage(prompt.case)]
    if complaint:
        messages.append(HumanMessage(f"Your last answer cannot be used: {complaint} Answer again with the one JSON object."))
    return messages


def _concluded(answer: Answer, worker: Worker, desk: Desk, embedded: Assessment) -> Assessment:
    if answer.question.strip():
        leaning = f" (It leaned towards {answer.action} on {answer.target_id}.)" if answer.action else ""
        return _asking(f"{answer.question.strip()}{leaning}", embedded)
    if answer.action:
        proposal = proposed(answer, worker.playbook, desk, embedded.proposals)
        return embedded.model_copy(update={"proposals": (_compared(proposal, embedded),), "question": ""})
    if embedded.proposals or embedded.question:
        # A text that talks a model into doing nothing must not close the case over what the records say.
        return _asking(
            f"The model would do nothing: {answer.rationale or 'it gave no reason'}. {_otherwise(embedded)}", embedded
        )
    return embedded


def _compared(proposal: Proposal, embedded: Assessment) -> Proposal:
    agreed = [one.action for one in embedded.proposals] == [proposal.action]
    if agreed and not embedded.question:
        return proposal
    return proposal.model_copy(update={"rationale": f"{proposal.rationale} {_otherwise(embedded)}"})


def _otherwise(embedded: Assessment) -> str:
    """What the worker's own rules conclude, in one sentence."""
    if embedded.question:
        return f"The worker's own rules would ask: {embedded.question}"
    named = ", ".join(f"{one.action.kind} on {one.action.target.kind} {one.action.target.id}" for one in embedded.proposals)
    return f"The worker's own rules would propose: {named or 'nothing'}."


def _unanswered(name: str, problem: str, embedded: Assessment) -> Assessment:
    said = problem.rstrip(".")
    return _asking(f"{name} gave no answer that can be used: {said}. Please settle this case. {_otherwise(embedded)}", embedded)


def _asking(question: str, embedded: Assessment) -> Assessment:
    return Assessment(question=question, summary=embedded.summary)


def _unrevealing(problem: str, prompt: Prompt, redactor: Redactor) -> str:
    """`problem` with tokens in place of personal data, as a model or a record may see it."""
    for token, value in prompt.tokens.items():
        problem = problem.replace(value, token)
    before = len(redactor.tokens)
    hidden = redactor.hide(problem)
    return hidden if len(redactor.tokens) == before else "It does not fit the case."


def _cause(error: Exception) -> str:
    first = next(iter(str(error).splitlines()), "").strip().rstrip(".")
    return f"{type(error).__name__}: {first[:200]}" if first else type(error).__name__
