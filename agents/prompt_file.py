"""Prompts as files: the words that a model is asked with, with a name, a version and a digest, beside the playbook that uses them."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from ..core.errors import SettingsError
from ..core.noun import Noun, digest

_PLACE = re.compile(r"\{([a-z_]+)\}")
"""A place for something else; the braces of JSON hold quotes or nothing."""

PLACES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "system": (frozenset({"steps", "operations"}), frozenset({"title", "purpose"})),
    "case": (frozenset({"case", "records", "evidence", "outside"}), frozenset({"named"})),
    "again": (frozenset({"problem"}), frozenset()),
}
"""By text: the places that it must have, and those that it may have."""

_HINT = "See agents/prompt_case.yaml for one that is whole."


class PromptFile(Noun):
    """The words that a model is asked with; what changes from case to case has a place in them."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    version: int = Field(ge=1)
    """Raised with every change; what decides is the digest."""
    system: str
    """Who the model is, what it may propose and how it answers; with `{steps}` and `{operations}` of the playbook."""
    case: str
    """The case: `{case}`, `{records}`, `{evidence}`, and `{outside}`, which brings its own fence."""
    again: str
    """What is said about an answer that cannot be used: `{problem}`."""

    @property
    def ref(self) -> str:
        """Name and version: `case@1`."""
        return f"{self.name}@{self.version}"

    def digest(self) -> str:
        """SHA-256 of everything in it."""
        return digest(self)


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with `values` in their places, without the line break that ends it; what they hold is not looked through again."""
    return _PLACE.sub(lambda found: values[found[1]], text).rstrip("\n")


def parse_prompt(text: str, *, origin: str) -> PromptFile:
    """The prompt in `text`; raises SettingsError naming `origin`, the line, and what is wrong there."""
    fields = _fields(text, origin)
    try:
        prompt = PromptFile.model_validate({name: _value(origin, *field) for name, field in fields.items()})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "prompt"
        line = fields[field][0] if field in fields else 1
        raise SettingsError(f"{origin}, line {line}: {field}: {first['msg']}.", hint=_HINT) from error
    for field in PLACES:
        for line, problem in _wrong_places(field, getattr(prompt, field), fields[field][1]):
            raise SettingsError(f"{origin}, line {line}: {field}: {problem}.", hint=_HINT)
    return prompt


def load_prompt(path: Path) -> PromptFile:
    """The prompt in a file; raises SettingsError where it is missing or does not hold together."""
    try:
        return parse_prompt(path.read_text(encoding="utf-8"), origin=str(path))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f"The prompt {str(path)!r} cannot be read: {why}.", hint="Check its path.") from error


@cache
def shipped_prompt() -> PromptFile:
    """The prompt of playbooks that name none."""
    resource = files(__package__).joinpath("prompt_case.yaml")
    return parse_prompt(resource.read_text(encoding="utf-8"), origin="agents/prompt_case.yaml")


def _fields(text: str, origin: str) -> dict[str, tuple[int, Any]]:
    """Line and YAML node of each field."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(
            f"{origin}{where}: {getattr(error, 'problem', None) or 'it is not YAML'}.", hint="Mend the YAML of the prompt."
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise SettingsError(f"{origin}, line 1: a prompt is a mapping of fields.", hint=_HINT)
    fields: dict[str, tuple[int, Any]] = {}
    for key, node in root.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in fields:
            raise SettingsError(f"{origin}, line {line}: {name!r} is written twice.", hint="Take one out.")
        if name not in PromptFile.model_fields:
            known = ", ".join(PromptFile.model_fields)
            raise SettingsError(f"{origin}, line {line}: {name!r} is no field of a prompt.", hint=f"It has {known}.")
        fields[name] = (line, node)
    return fields


def _value(origin: str, line: int, node: Any) -> Any:
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        # A tag of its own, a mapping within itself, or a day that no calendar has.
        problem = getattr(error, "problem", None) or error
        raise SettingsError(f"{origin}, line {line}: {problem}.", hint="Write plain text.") from error


def _wrong_places(field: str, text: str, node: Any) -> Iterator[tuple[int, str]]:
    """What is wrong with the places of one text, with its line."""
    must, may = PLACES[field]
    first = node.start_mark.line + 1
    for number, words in enumerate(text.splitlines()):
        for found in _PLACE.finditer(words):
            if found[1] not in must | may:
                known = ", ".join(f"{{{name}}}" for name in sorted(must | may))
                # The text of a block begins on the line after its mark.
                yield (first + number + 1 if node.style == "|" else first), f"{found[0]} is no place; it has {known}"
    there = set(_PLACE.findall(text))
    if missing := sorted(must - there):
        yield first, f"the place {{{missing[0]}}} is missing"
