"""A policy file as plain values with line numbers, read so that YAML cannot change what the author meant.

Only `true` and `false` are booleans (`yes` stays a word), numbers with a point are exact Decimals, and a key that is
written twice in one mapping is refused instead of the last one winning.
"""

import re
from collections.abc import Collection, Generator
from decimal import Decimal
from typing import Any

import yaml

from ..core.errors import PolicyError

_ID = re.compile(r"^\s*- \{?\s*id: *([\w-]+)", re.MULTILINE)

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Block(dict[str, Any]):
    """A mapping that knows the line it starts on."""

    line: int = 0


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ("n", "~", "")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+\.[0-9]+$", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _block(loader: Any, node: yaml.MappingNode) -> Generator[Block, None, None]:
    block = Block()
    block.line = node.start_mark.line + 1
    yield block
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        problem = "" if isinstance(key, str) else f"the key {key!r} is not a word"
        problem = f"{key!r} is written twice in one mapping" if isinstance(key, str) and key in block else problem
        if problem:
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        block[key] = loader.construct_object(value_node, deep=True)


def _exact(loader: Any, node: yaml.ScalarNode) -> Decimal:
    return Decimal(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _block)
_Loader.add_constructor("tag:yaml.org,2002:float", _exact)


def read_document(text: str, *, origin: str) -> Block:
    """The mapping in `text`; raises PolicyError naming `origin` and the line."""
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a narrowed SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        where = f", line {mark.line + 1}{_near(text, mark.line)}" if mark else ""
        raise PolicyError(f"{origin}{where}: {problem}.", hint="Mend the YAML there.") from error
    if not isinstance(document, Block):
        raise PolicyError(f"{origin}: a policy is a mapping of fields.", hint="Start it with `name:` and `version:`.")
    return document


def _near(text: str, line: int) -> str:
    """The rule that was begun last before a line that cannot be read."""
    ids = _ID.findall("\n".join(text.splitlines()[: line + 1]))
    return f", near rule {ids[-1]!r}" if ids else ""


def nearest(word: str, known: Collection[str]) -> str:
    """A hint with the known words that look most like `word`."""
    # Needed for a mistake only.
    from difflib import get_close_matches

    same = [one for one in known if one.casefold() == word.casefold()]
    near = same or get_close_matches(word, known, n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(repr(str(one)) for one in near)}?" if near else f"Known are: {', '.join(sorted(known))}."
