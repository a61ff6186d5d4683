"""A chat model that says what it is told to: for tests, docs and replays, without a key or a network."""

import json
import threading
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from ..core.errors import NotFound


class ScriptedModel(BaseChatModel):
    """A LangChain chat model that answers from a script.

    `ScriptedModel(script=[{"action": "invoice.hold", …}])` answers once; a function answers for ever.
    """

    script: Any
    """Answers in order, or a function from the messages to an answer. A string is text, a mapping is JSON, an exception is raised."""
    tools: bool = False
    """True where it takes part in structured output, as hosted models do; a mapping is then a tool call."""
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
        answer = self._answer(messages)
        if isinstance(answer, BaseException):
            raise answer
        return ChatResult(generations=[ChatGeneration(message=_message(answer, kwargs.get("tools") or []))])

    def _answer(self, messages: list[BaseMessage]) -> Any:
        with self._lock:
            self._asked.append(list(messages))
            place = len(self._asked) - 1
        if callable(self.script):
            return self.script(messages)
        if place >= len(self.script):
            raise NotFound(f"The script has {len(self.script)} answers and was asked for one more.", hint="Add an answer.")
        return self.script[place]


def _message(answer: Any, tools: Sequence[Any]) -> AIMessage:
    if isinstance(answer, str):
        return AIMessage(content=answer)
    if tools:
        return AIMessage(content="", tool_calls=[{"name": tools[0]["function"]["name"], "args": answer, "id": "call_1"}])
    return AIMessage(content=json.dumps(answer, ensure_ascii=False))
