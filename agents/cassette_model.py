"""A chat model behind a cassette: any LangChain model while it is recorded, and none at all while it is replayed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from ..core.errors import CassetteError
from ..core.noun import plain
from .cassette import Cassette, Question
from .cassette_file import ModelReply
from .cassette_request import content_of, request_of


class CassetteModel(BaseChatModel):
    """Answers from a cassette; what the cassette does not know it asks `inner`, and keeps.

    Structured output is asked for as a tool call whatever the provider has of its own, and a stream is one piece, so that a
    cassette is the same for all of them. What a provider raises is not recorded.
    """

    cassette: Any
    """The Cassette."""
    called: str
    """What the model is called in the recordings: the brain's `provider:model`."""
    parameters: dict[str, Any] = {}
    """Settings of the model that count in a question."""
    inner: Any = None
    """The model that is recorded; None in a replay."""
    # A cached answer would not be recorded, and in a replay nobody would know where it came from.
    cache: Any = False

    @property
    def _llm_type(self) -> str:
        return "cassette"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.called, **self.parameters}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools; raises NotImplementedError where the recorded model takes none."""
        tape: Cassette = self.cassette
        if self.inner is not None:
            try:
                self.inner.bind_tools(tools)
            except NotImplementedError:
                tape.keep_text_only(self.called)
                raise
        elif not tape.takes_tools(self.called):
            raise NotImplementedError(f"{self.called} takes no tools.")
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        question = self._question(messages, stop, kwargs)
        answer = self.cassette.recorded(question)
        if answer is None:
            said = self._asking(kwargs).invoke(messages, stop=stop, **_others(kwargs))
            answer = self.cassette.keep(question, _answer(said))
        return _result(self.called, answer)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        question = self._question(messages, stop, kwargs)
        answer = self.cassette.recorded(question)
        if answer is None:
            said = await self._asking(kwargs).ainvoke(messages, stop=stop, **_others(kwargs))
            answer = self.cassette.keep(question, _answer(said))
        return _result(self.called, answer)

    def _question(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]) -> Question:
        request = request_of(
            self.called,
            messages,
            stop=stop,
            tools=kwargs.get("tools") or (),
            tool_choice=kwargs.get("tool_choice"),
            parameters={**self.parameters, **_others(kwargs)},
        )
        found: Question = self.cassette.question(request)
        return found

    def _asking(self, kwargs: Mapping[str, Any]) -> Any:
        """The recorded model, with the tools of this call in its provider's own form."""
        if self.inner is None:
            raise CassetteError(f"{self.called} is not there to be asked.", hint="Use --mode record.")
        if not kwargs.get("tools"):
            return self.inner
        chosen = {"tool_choice": kwargs["tool_choice"]} if kwargs.get("tool_choice") is not None else {}
        return self.inner.bind_tools(kwargs["tools"], **chosen)


def _others(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name not in ("tools", "tool_choice")}


def _answer(message: AIMessage) -> ModelReply:
    usage: dict[str, Any] = dict(message.usage_metadata or {})
    reason = message.response_metadata.get("finish_reason") or message.response_metadata.get("stop_reason") or ""
    return ModelReply(
        content=content_of(message),
        tool_calls=tuple({"name": one["name"], "arguments": plain(one["args"])} for one in message.tool_calls),
        invalid_tool_calls=tuple(
            {"name": one["name"], "arguments": one["args"], "error": one["error"]} for one in message.invalid_tool_calls
        ),
        usage={name: int(usage[name]) for name in ("input_tokens", "output_tokens", "total_tokens") if name in usage},
        finish_reason=str(reason),
        logprobs=_logprobs(message),
    )


def _logprobs(message: AIMessage) -> str:
    """What OpenAI's way tells of each token, on one line; other providers' ways are not kept."""
    told = message.response_metadata.get("logprobs")
    content = told.get("content") if isinstance(told, Mapping) else None
    try:
        pairs = [[str(one["token"]), round(float(one["logprob"]), 6)] for one in content or ()]
    except (KeyError, TypeError, ValueError):
        return ""
    return json.dumps(pairs, ensure_ascii=False) if pairs else ""


def _result(called: str, answer: ModelReply) -> ChatResult:
    calls = [
        {"name": one["name"], "args": one["arguments"], "id": f"call_{number}", "type": "tool_call"}
        for number, one in enumerate(answer.tool_calls, 1)
    ]
    broken = [
        {
            "name": one["name"],
            "args": one["arguments"],
            "id": f"broken_{number}",
            "error": one["error"],
            "type": "invalid_tool_call",
        }
        for number, one in enumerate(answer.invalid_tool_calls, 1)
    ]
    message = AIMessage(
        content=answer.content,
        tool_calls=calls,
        invalid_tool_calls=broken,
        usage_metadata={"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, **answer.usage} if answer.usage else None,
        response_metadata=_metadata(called, answer),
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


def _metadata(called: str, answer: ModelReply) -> dict[str, Any]:
    told = [{"token": token, "logprob": value} for token, value in json.loads(answer.logprobs or "[]")]
    found = {"model_name": called, "finish_reason": answer.finish_reason, "logprobs": {"content": told} if told else None}
    return {name: value for name, value in found.items() if value}
