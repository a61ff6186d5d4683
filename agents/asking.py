"""Asking a chat model: one question, repeated while the provider is away for a moment, and what it cost."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from ..core.clock import Clock
from ..core.errors import CassetteError, ShiftleadError
from ..core.noun import Noun
from .allowance import Allowance, Spent, estimated_tokens
from .failures import Down, Failed, cause, hopeless, passing, pause_after
from .prompts import ANSWER_SCHEMA
from .sureness import likelihood

Wait = Callable[[float], None]
"""Lets so many seconds pass."""


class Reply(Noun):
    """What a model said to one question."""

    text: str
    likelihood: float | None = None
    """How likely its deciding words were, where the provider tells."""


class Asker:
    """Asks one chat model; one instance serves many cases and threads."""

    def __init__(self, model: BaseChatModel, *, retries: int, wait: Wait) -> None:
        """`retries` is how often a call is repeated that failed for a passing reason; `wait` is called between them."""
        self._model = model
        self._retries = retries
        self._wait = wait

    def ask(self, messages: Sequence[BaseMessage], allowance: Allowance, clock: Clock, *, structured: bool) -> Reply:
        """The reply to `messages`, as a tool call where `structured`.

        Raises OverBudget where the allowance does not last, Down where the provider stays away, Failed where it refuses.
        """
        size = estimated_tokens("".join(str(message.text) for message in messages))
        for tried in range(self._retries + 1):
            allowance.check_call(size)
            try:
                message, text = self._call(messages, structured=structured)
            except CassetteError:
                # What was not recorded is no failure of a provider: the run itself is wrong.
                raise
            except Exception as error:  # a client library may raise anything, and none of it may stop the case
                # Some providers bill what they did not answer.
                allowance.add(Spent(calls=1, tokens_in=size, estimated=True))
                if not passing(error):
                    known = hopeless(error) or isinstance(error, ShiftleadError)
                    raise Failed(f"the model failed: {cause(error)}", hopeless=known) from error
                if tried == self._retries:
                    raise Down(f"the model failed {_times(tried + 1)}: {cause(error)}") from error
                pause = pause_after(error, tried, clock.now())
                allowance.check_pause(pause)
                self._wait(pause)
            else:
                allowance.add(_used(message, size, text))
                return Reply(text=text, likelihood=likelihood(message))
        raise AssertionError("The last try either answers or raises.")

    def _call(self, messages: Sequence[BaseMessage], *, structured: bool) -> tuple[AIMessage, str]:
        """The model's message, and the answer in it as text."""
        if structured:
            try:
                asking = self._model.with_structured_output(ANSWER_SCHEMA, method="function_calling", include_raw=True)
            except NotImplementedError:
                pass
            else:
                got: Any = asking.invoke(list(messages))
                parsed, raw = got["parsed"], got["raw"]
                held = isinstance(parsed, dict)
                return raw, json.dumps(parsed, ensure_ascii=False, default=str) if held else str(raw.text)
        message = self._model.invoke(list(messages))
        return message, str(message.text)


def _used(message: AIMessage, size: int, text: str) -> Spent:
    """What a call has used: as the provider counts, else estimated."""
    counted = message.usage_metadata
    if counted is None:
        return Spent(calls=1, tokens_in=size, tokens_out=estimated_tokens(text), estimated=True)
    return Spent(calls=1, tokens_in=counted["input_tokens"], tokens_out=counted["output_tokens"])


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times in a row"
