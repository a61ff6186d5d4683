"""A chat model that says what it is told to: for tests, docs and replays, without a key or a network."""

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from ..core.errors import NotFound


class Line(NamedTuple):
    """One answer of a script, with what a provider tells beside it."""

    answer: Any
    """Text, a mapping, or an exception."""
    tokens: tuple[int, int] | None = None
    """Tokens read and written; None where the provider does not count them."""
    logprobs: Sequence[tuple[str, float]] = ()
    """The tokens of the answer with their log-probabilities, as models that speak OpenAI's protocol tell them."""
    seconds: float = 0.0
    """How long it takes, by the model's clock."""


class ScriptedFailure(Exception):
    """What a provider's client raises for an answer that is none: with the status of HTTP, and `Retry-After` where it says so."""

    def __init__(self, status_code: int, *, retry_after: str = "") -> None:
        super().__init__(f"the provider answered {status_code}")
        self.status_code = status_code
        self.response = SimpleNamespace(headers={"retry-after": retry_after} if retry_after else {})


class ScriptedModel(BaseChatModel):
    """A LangChain chat model that answers from a script.

    `ScriptedModel(script=[{"action": "invoice.hold", …}])` answers once; a function answers for ever.
    """

    script: Any
    """Answers in order, or a function from the messages to an answer.

    A string is text, a mapping is JSON, an exception is raised, and a Line is one of these with what a provider tells beside it.
    """
    tools: bool = False
    """True where it takes part in structured output, as hosted models do; a mapping is then a tool call."""
    clock: Any = None
    """The FrozenClock that moves on while it answers; needed where a Line takes seconds."""
    _asked: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def asked(self) -> tuple[tuple[BaseMessage, ...], ...]:
        """The messages of every call so far."""
        with self._lock:
            return tuple(tuple(messages) for messages in self._asked)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Take part in structured output where `tools` is set."""
        if not self.tools:
            raise NotImplementedError("This scripted model answers in text only.")
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = self._answer(messages)
        line = said if isinstance(said, Line) else Line(said)
        if line.seconds:
            self.clock.advance(timedelta(seconds=line.seconds))
        if isinstance(line.answer, BaseException):
            raise line.answer
        return ChatResult(generations=[ChatGeneration(message=_message(line, kwargs.get("tools") or []))])

    def _answer(self, messages: list[BaseMessage]) -> Any:
        with self._lock:
            self._asked.append(list(messages))
            place = len(self._asked) - 1
        if callable(self.script):
            return self.script(messages)
        if place >= len(self.script):
            raise NotFound(f"The script has {len(self.script)} answers and was asked for one more.", hint="Add an answer.")
        return self.script[place]


def _message(line: Line, tools: Sequence[Any]) -> AIMessage:
    told: dict[str, Any] = {}
    if line.tokens is not None:
        read, written = line.tokens
        told["usage_metadata"] = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    if line.logprobs:
        content = [{"token": token, "logprob": value} for token, value in line.logprobs]
        told["response_metadata"] = {"logprobs": {"content": content}}
    if isinstance(line.answer, str):
        return AIMessage(content=line.answer, **told)
    if tools:
        call = {"name": tools[0]["function"]["name"], "args": line.answer, "id": "call_1"}
        return AIMessage(content="", tool_calls=[call], **told)
    return AIMessage(content=json.dumps(line.answer, ensure_ascii=False), **told)
