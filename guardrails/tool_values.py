"""Tool values: what an agent gives to a tool and what it answers, as JSON types that can be labelled and traced."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..core.noun import plain

_FROM_LANGCHAIN = frozenset({"config", "run_manager"})
"""What LangChain itself hands to a tool, in the place of anything of that name."""


def given_by_agent(tool: Any, named: Iterable[str]) -> list[str]:
    """The names among `named` that are arguments of the agent: those of the schema, and any other that it lets through."""
    known = set(tool.args)
    others = set(named) - _FROM_LANGCHAIN - _injected(tool, known) if _takes_any(tool) else set()
    return [name for name in named if name in known | others]


def _takes_any(tool: Any) -> bool:
    """Whether arguments that its schema does not name reach the tool."""
    schema = tool.args_schema
    return schema is None or isinstance(schema, Mapping) or getattr(schema, "model_config", {}).get("extra") == "allow"


def _injected(tool: Any, known: set[str]) -> set[str]:
    fields = set(getattr(tool.args_schema, "model_fields", ())) - known
    return fields | set(getattr(tool, "_injected_args_keys", ()))


def answered(answer: Any) -> Any:
    """An answer as JSON types; one that is JSON as what it says, so that its fields can be labelled.

    A text within it stays a text, whatever it looks like: somebody else has written it.
    """
    return _json(_loaded(answer))


def parsed(value: Any) -> Any:
    """Arguments as JSON types; each text that is JSON as what it says."""
    value = _json(_loaded(value))
    if isinstance(value, dict):
        return {key: parsed(one) for key, one in value.items()}
    return [parsed(one) for one in value] if isinstance(value, list) else value


@contextmanager
def gathered(keep: Callable[[str], Any], keep_error: Callable[[Exception], Any]) -> Iterator[list[Any]]:
    """The pieces of an answer that come one by one: what their texts say together is kept in the end, and an error on the way at once."""
    pieces: list[Any] = []
    try:
        yield pieces
    except Exception as error:
        keep_error(error)
        raise
    finally:
        keep("".join(one for one in pieces if isinstance(one, str)))


def _loaded(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(one) for one in value]
    try:
        return plain(value)
    except TypeError:
        return str(value)
