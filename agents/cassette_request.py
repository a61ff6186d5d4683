"""What a model was asked, in one form for every provider: the question's key, and how two questions differ.

Ids that are new in every run, the present moment, and settings that change no answer are left out; everything else counts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from ..core.errors import CassetteError
from ..core.noun import Noun, canonical_json, digest, plain

_ROLES = {"human": "user", "ai": "assistant"}
_NOW = re.compile(r'(?<="now": ")[^"]*(?=")')
_UNHEARD = re.compile(
    r"(?:^|_)(?:key|token|secret|password|credentials|headers|url|base|endpoint|proxy|client|clients|timeout|retries|limiter"
    r"|organization|project|callbacks|cache|verbose|metadata|tags|user|streaming|stream|stream_usage|stream_options)$"
)
"""Names of settings that say how a model is reached, not what it is asked."""

_VOLATILE = frozenset({"id", "index", "signature", "extras", "cache_control"})
_CALLS = frozenset({"tool_use", "tool_call", "function_call", "tool_call_chunk"})
"""Content blocks that repeat what stands among a message's tool calls."""

_SHOWN = 60
"""How many characters of a value a difference shows."""


class Request(Noun):
    """One question to a model."""

    model: str
    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: Any = None
    stop: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    """Settings of the model and the call that may change the answer."""

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical form; equal questions have equal keys, whoever the provider is."""
        return digest(self.bare())

    @cached_property
    def opening(self) -> str:
        """What the questions of one conversation begin with: the model, and all messages up to the user's first."""
        first = next((at for at, one in enumerate(self.messages) if one.get("role") == "user"), len(self.messages))
        return digest([self.model, self.messages[: first + 1]])

    def bare(self) -> dict[str, Any]:
        """The fields that are set, as JSON types."""
        found: dict[str, Any] = plain(self.model_dump(exclude_defaults=True))
        return found


def request_of(
    model: str,
    messages: Sequence[BaseMessage],
    *,
    stop: Sequence[str] | None = None,
    tools: Sequence[Any] = (),
    tool_choice: Any = None,
    parameters: Mapping[str, Any] | None = None,
) -> Request:
    """The question as it counts; raises CassetteError where a setting has no form that can be kept."""
    names: dict[str, str] = {}
    try:
        found = Request(
            model=model,
            messages=tuple(_message(one, names) for one in messages),
            tools=tuple(_tool(one) for one in tools),
            tool_choice=plain(tool_choice),
            stop=tuple(stop or ()),
            parameters=plain(settings_that_count(parameters or {})),
        )
        digest(found.bare())
    except (TypeError, ValueError) as error:
        raise CassetteError(
            f"A question to {model} cannot be kept: {error}.", hint="Ask with settings and contents that are plain JSON."
        ) from error
    return found


def settings_that_count(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that may change an answer: without keys, addresses, time limits and the like, and without what is not set."""
    return {name: value for name, value in settings.items() if value is not None and not _UNHEARD.search(name.lower())}


def content_of(message: BaseMessage) -> Any:
    """A message's content: its text where it is nothing else, or its blocks without ids and without what its tool calls repeat."""
    if isinstance(message.content, str):
        return message.content
    blocks = [one if isinstance(one, dict) else {"type": "text", "text": one} for one in message.content]
    blocks = [_unmarked(one) for one in blocks if one.get("type") not in _CALLS]
    if all(set(one) == {"type", "text"} and one["type"] == "text" for one in blocks):
        return "".join(str(one["text"]) for one in blocks)
    return plain(blocks)


def first_difference(recorded: Any, asked: Any, path: str = "") -> tuple[str, str, str]:
    """Where two values first differ, and what stands there in each, shortened; `path` is empty where they are equal."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        pairs = [(f"{path}.{name}".strip("."), recorded.get(name), asked.get(name)) for name in {**recorded, **asked}]
    elif isinstance(recorded, list) and isinstance(asked, list):
        both = range(max(len(recorded), len(asked)))
        pairs = [(f"{path}[{at}]", _at(recorded, at), _at(asked, at)) for at in both]
    elif recorded == asked and type(recorded) is type(asked):
        return "", "", ""
    else:
        return (path, *_where_they_part(recorded, asked))
    found = (first_difference(one, other, place) for place, one, other in pairs)
    return next((one for one in found if one[0]), ("", "", ""))


def strings(value: Any) -> Iterator[str]:
    """Every text in `value`, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def _message(message: BaseMessage, names: dict[str, str]) -> dict[str, Any]:
    """One message; `names` gives every tool call a number in place of its id, over the whole conversation."""
    found: dict[str, Any] = {"role": _ROLES.get(message.type, message.type), "content": _without_now(content_of(message))}
    if message.name:
        found["name"] = message.name
    if isinstance(message, AIMessage) and message.tool_calls:
        found["tool_calls"] = [
            {"name": one["name"], "arguments": plain(one["args"]), "id": _numbered(one["id"], names)}
            for one in message.tool_calls
        ]
    if isinstance(message, ToolMessage):
        found["answers"] = _numbered(message.tool_call_id, names)
        found |= {"status": "error"} if message.status == "error" else {}
    return found


def _numbered(call: str | None, names: dict[str, str]) -> str:
    return names.setdefault(call or f"nameless {len(names)}", f"call_{len(names) + 1}")


def _tool(tool: Any) -> dict[str, Any]:
    wanted = convert_to_openai_tool(tool)
    found: dict[str, Any] = plain(wanted.get("function") if wanted.get("type") == "function" else wanted)
    return found


def _unmarked(block: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name not in _VOLATILE}


def _without_now(value: Any) -> Any:
    if isinstance(value, str):
        return _NOW.sub("<NOW>", value)
    if isinstance(value, dict):
        return {name: _without_now(item) for name, item in value.items()}
    return [_without_now(item) for item in value] if isinstance(value, list) else value


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def _where_they_part(recorded: Any, asked: Any) -> tuple[str, str]:
    """Both values from shortly before the place where they begin to differ."""
    sides = [
        side if isinstance(side, str) else "nothing" if side is None else canonical_json(side) for side in (recorded, asked)
    ]
    both = zip(*sides, strict=False)
    same = next((at for at, (one, other) in enumerate(both) if one != other), min(map(len, sides)))
    begin = max(0, same - _SHOWN // 3) if same > _SHOWN // 2 else 0
    first, second = (_shortened(side, begin) for side in sides)
    return first, second


def _shortened(text: str, begin: int) -> str:
    piece = text[begin : begin + _SHOWN]
    return f"{'…' if begin else ''}{piece}{'…' if begin + _SHOWN < len(text) else ''}"
