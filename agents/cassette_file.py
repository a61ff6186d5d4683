"""A cassette on disk: recorded questions and answers as a text file that people can review, without personal data or secrets.

A YAML stream: first what holds for the whole file, then one document for each recording, in the order in which they were asked.
"""

import os
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import Field, ValidationError

from ..core.errors import CassetteError
from ..core.noun import Noun, plain
from .cassette_request import Request, strings

FORMAT = 1
"""The version of the file's form that this code reads and writes."""

_SECRETS = {
    "a provider's key": re.compile(r"\b(?:sk|pk|rk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{16,}"),
    "a cloud key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}"),
    "an access token": re.compile(
        r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abeprs]-[\w-]{10,}|hf_\w{30,})"
    ),
    "a signed token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an authorization header": re.compile(r"\b(?:bearer|basic)\s+(?=\S*\d)[\w.~+/=-]{20,}", re.IGNORECASE),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@<>]+:[^\s/@<>]+@", re.IGNORECASE),
}
"""What a secret looks like, by what it is called in a message."""

_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)$")
"""Names of environment variables whose values are secrets, whatever they look like."""

_SHORTEST_SECRET = 12
"""How long such a value is at least; a shorter one stands in many a text by chance."""


_N = TypeVar("_N", bound=Noun)


class ModelReply(Noun):
    """What a model answered, without ids and headers."""

    content: Any = ""
    """Its text, or its blocks where it is more than text."""
    tool_calls: tuple[dict[str, Any], ...] = ()
    """`name` and `arguments` of each."""
    invalid_tool_calls: tuple[dict[str, Any], ...] = ()
    """`name`, `arguments` as text, and `error` of calls whose arguments are no JSON."""
    usage: dict[str, int] = {}
    """`input_tokens`, `output_tokens` and `total_tokens`, where the provider says them."""
    finish_reason: str = ""
    logprobs: str = ""
    """Its tokens with their log-probabilities as one line of JSON, where the provider tells them and they give nothing away."""


class Recording(Noun):
    """One question, redacted, and its answer."""

    key: str
    recorded: date
    request: Request
    answer: ModelReply


class Tape(Noun):
    """Everything in a cassette."""

    text_only: tuple[str, ...] = ()
    """Models that take no tools, so that nobody asks them for structured output."""
    recordings: tuple[Recording, ...] = ()


class _Head(Noun):
    format: int = Field(ge=1)
    text_only: tuple[str, ...] = ()


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """A safe loader that refuses a key that is written twice in one mapping."""


def _mapping(loader: Any, node: yaml.MappingNode) -> Generator[dict[Any, Any], None, None]:
    found: dict[Any, Any] = {}
    yield found
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or key in found:
            problem = f"{key!r} is written twice in one mapping" if isinstance(key, str) else f"the key {key!r} is not a word"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_BREAKS = re.compile("[\x85\u2028\u2029\ufeff]")
"""What a reader of YAML may take for the end of a line or of nothing, so that it has to be escaped."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def read_tape(path: Path) -> Tape:
    """The cassette at `path`; raises CassetteError naming the line of what does not hold."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CassetteError(
            f"{str(path)!r}: {error.strerror}.", hint="Record it first: `shiftlead work --cassette FILE --mode record`."
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CassetteError(f"{path}, line {line}: is not UTF-8 text.", hint="Take it from version control again.") from error
    return parse_tape(text, origin=str(path))


def parse_tape(text: str, *, origin: str) -> Tape:
    """The cassette in `text`; raises CassetteError naming `origin` and the line of what does not hold."""
    documents = _documents(text, origin)
    if not documents:
        raise CassetteError(f"{origin}, line 1: is empty.", hint="A cassette begins with `format: 1`.")
    line, first = documents[0]
    head = _held(_Head, first, origin, line)
    if head.format != FORMAT:
        raise CassetteError(
            f"{origin}, line {line}: is of format {head.format}.", hint=f"This shiftlead reads format {FORMAT}."
        )
    recordings = tuple(_recording(value, origin, at) for at, value in documents[1:])
    return Tape(text_only=head.text_only, recordings=recordings)


def _documents(text: str, origin: str) -> list[tuple[int, Any]]:
    """Every document of the stream with the line that it begins on."""
    found = []
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            found.append((node.start_mark.line + 1, loader.construct_document(node)))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or next(iter(str(error).splitlines()), type(error).__name__)
        # A character that YAML does not allow is told by its place in the text.
        place = getattr(error, "position", None)
        line = (
            mark.line + 1
            if mark
            else text.count("\n", 0, place) + 1
            if isinstance(place, int)
            else found[-1][0]
            if found
            else 1
        )
        raise CassetteError(f"{origin}, line {line}: {problem}.", hint="Mend the YAML there, or record again.") from error
    return found


def _recording(value: Any, origin: str, line: int) -> Recording:
    one = _held(Recording, value, origin, line)
    try:
        key = one.request.key
    except (TypeError, ValueError) as error:
        raise CassetteError(f"{origin}, line {line}: request: {error}.", hint="Use plain JSON values.") from error
    if one.key != key:
        raise CassetteError(
            f"{origin}, line {line}: the key {one.key[:12]}… is not that of its request, which is {key[:12]}….",
            hint="A question was edited: take it back, or record again.",
        )
    return one


def _held(kind: type[_N], value: Any, origin: str, line: int) -> _N:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CassetteError(
            f"{origin}, line {line}: {f'{where}: ' if where else ''}{first['msg']}.", hint="Mend it there, or record again."
        ) from error


def head_block(text_only: Iterable[str]) -> str:
    """The first document of a cassette."""
    return _dumped({"format": FORMAT, **({"text_only": sorted(text_only)} if text_only else {})})


def recording_block(one: Recording) -> str:
    """The document of one recording; raises CassetteError where it holds a secret, or would not read back as it is."""
    refuse_secrets(one)
    bare = {"key": one.key, "recorded": one.recorded, "request": one.request.bare(), "answer": _bare(one.answer)}
    text = _dumped(bare)
    ((_, read),) = _documents(text, "the recording")
    if _held(Recording, read, "the recording", 1) != one:
        raise CassetteError(f"The recording {one.key[:12]}… cannot be written as text.", hint="Report it with the question.")
    return text


def write_tape(path: Path, blocks: Sequence[str]) -> None:
    """Write a cassette whole or not at all; raises CassetteError where it cannot be written."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as target:
            target.write("---\n".join(blocks))
            target.flush()
            os.fsync(target.fileno())
        part.replace(path)
    except OSError as error:
        raise CassetteError(
            f"{str(path)!r} cannot be written: {error.strerror}.", hint="Check the path and its rights."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def refuse_secrets(value: Noun | Mapping[str, Any], *, environ: Mapping[str, str] | None = None) -> None:
    """Raise CassetteError where a text in `value` holds a secret: by its looks, or since the environment holds it as one."""
    found = strings(plain(value))
    held = _held_secrets(os.environ if environ is None else environ)
    for text in found:
        named = next((name for name, look in _SECRETS.items() if look.search(text)), "")
        named = named or next((f"the value of {name}" for name, secret in held if secret in text), "")
        if named:
            raise CassetteError(
                f"The recording holds {named}, so nothing of it was written.",
                hint="Take the secret out of the question or the case.",
            )


def hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """JSON types with every text changed by `hide`, names too."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {hide(name): hidden(item, hide) for name, item in value.items()}
    return [hidden(item, hide) for item in value] if isinstance(value, list) else value


def _held_secrets(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    named = ((name, value) for name, value in environ.items() if _SECRET_NAME.search(name.upper()))
    return [(name, value) for name, value in named if len(value) >= _SHORTEST_SECRET]


def _bare(answer: ModelReply) -> dict[str, Any]:
    found: dict[str, Any] = plain(answer.model_dump(exclude_defaults=True))
    return found


def _dumped(value: dict[str, Any]) -> str:
    # A width without end, so that a line of a prompt stays one line.
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=2**31, default_flow_style=False)
