"""Packs: the rules of one jurisdiction or house as data, which a policy adopts by name and may tighten, never loosen.

A pack only restricts. Its rules hold for whom its `applies` holds; a debtor of whom that is not known is protected as if it
did. They are an engineering checklist and no legal advice.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictInt

from ..core.errors import PolicyError
from ..core.noun import Noun
from ..core.verdict import Lane
from .authoring import Author, unique_ids
from .conditions import Condition, leaves
from .document import Block, nearest, read_document
from .facts import Fact, FactType
from .rules import Rule

_FILE = re.compile(r"pack_([a-z0-9_]+)\.yaml")
_PLACE = re.compile(r"\$([a-z][a-z0-9_]*)")


class Parameter(Noun):
    """A number in a pack that a policy may tighten."""

    name: str
    value: StrictInt | Decimal
    tighter: Literal["lower", "higher"]
    """Which way is stricter."""
    meaning: str = Field(min_length=1)

    def loosened_by(self, value: int | Decimal) -> bool:
        """Whether `value` would be laxer than the pack."""
        return value > self.value if self.tighter == "lower" else value < self.value


class Switch(Noun):
    """Whom a law protects like those a flag is about: where `when` holds, every other pack takes `fact` for true."""

    fact: str
    when: Condition


class Pack(Noun):
    """One checked pack."""

    name: str = Field(pattern="^[a-z][a-z0-9-]*$")
    title: str = Field(min_length=1)
    jurisdiction: str = Field(min_length=1)
    version: StrictInt = Field(ge=1)
    checked_on: date
    """When somebody last compared it with its sources."""
    owner: str = Field(min_length=1)
    note: str = Field(min_length=1)
    sources: tuple[str, ...] = Field(min_length=1)
    retention_years: StrictInt | None = Field(default=None, ge=1)
    """How long records of contacts, also of blocked ones, must be kept."""
    actions: tuple[str, ...] = Field(min_length=1)
    """The kinds of action it is about."""
    applies: Condition | None = None
    """Whom it protects; everybody where it is None."""
    facts: tuple[Fact, ...] = ()
    """Facts it declares beside the shipped ones."""
    parameters: tuple[Parameter, ...] = ()
    switches: tuple[Switch, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def ref(self) -> str:
        """Name and version: `us-reg-f@1`."""
        return f"{self.name}@{self.version}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Every fact that its conditions look at."""
        conditions = (self.applies, *(one.when for one in self.switches), *(rule.when for rule in self.rules))
        return tuple(sorted({leaf.field for when in conditions if when is not None for leaf in leaves(when)}))


def parse_pack(text: str, *, origin: str, tighten: Mapping[str, Any] | None = None) -> Pack:
    """The pack in `text`, with some parameters tightened; raises PolicyError naming `origin`, the line and what to do."""
    document = read_document(text, origin=origin)
    author = Author(document, origin=origin)
    author.only(document, ("pack", "samples", *(name for name in Pack.model_fields if name != "name")), "pack")
    facts = author.declared()
    actions = tuple(str(kind) for kind in author.listed("actions"))
    parameters = tuple(_parameter(author, name, block) for name, block in author.section("parameters").items())
    values = _tightened(author, parameters, tighten or {})
    used: set[str] = set()
    document["rules"] = [_filled(author, block, values, used) for block in author.listed("rules")]
    for parameter in parameters:
        if parameter.name not in used:
            raise author.refuse(
                document, f"parameter {parameter.name!r}", "no rule uses it", f"Write ${parameter.name} in one."
            )
    rules = author.rules(actions)
    unique_ids(author, rules)
    for rule in rules:
        if rule.lane is Lane.ALLOWED:
            raise author.refuse(document, f"rule {rule.id!r}", "a pack cannot allow anything", "Allow it in the policy.")
    applies = document.get("applies")
    plain = {
        key: document[key]
        for key in ("title", "jurisdiction", "version", "owner", "note", "retention_years")
        if key in document
    }
    return author.made(
        Pack, document, "pack", name=document.get("pack"), checked_on=_day(author), sources=tuple(author.listed("sources")),
        actions=actions, facts=facts, parameters=tuple(_with(one, values[one.name]) for one in parameters), rules=rules,
        applies=None if applies is None else author.condition(document, "applies", applies, Lane.PROHIBITED),
        switches=tuple(_switch(author, block) for block in author.listed("switches")), **plain,
    )  # fmt: skip


@cache
def shipped_packs() -> Mapping[str, Pack]:
    """Every pack that ships with the product, by name."""
    found = (_shipped(file.name) for file in files(__package__).iterdir() if _FILE.fullmatch(file.name))
    return {pack.name: pack for pack in sorted(found, key=lambda pack: pack.name)}


def shipped_pack(name: str, tighten: Mapping[str, Any] | None = None) -> Pack | None:
    """The pack that ships under `name`, with some parameters tightened; None where there is none."""
    pack = shipped_packs().get(name)
    return _shipped(f"pack_{name.replace('-', '_')}.yaml", tighten) if pack and tighten else pack


def load_pack(path: Path, tighten: Mapping[str, Any] | None = None) -> Pack:
    """The pack in a file; raises PolicyError where it is missing, must not be used or has the name of a shipped one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PolicyError(f"The pack {str(path)!r} cannot be read: {problem}.", hint="Check its path.") from error
    pack = parse_pack(text, origin=str(path), tighten=tighten)
    if pack.name in shipped_packs():
        # Whoever reads the list of what is in force would take it for the pack that ships.
        told = f"The pack {str(path)!r} has the name of one that ships with the product, {pack.name!r}."
        raise PolicyError(told, hint="Give it a name of its own.")
    return pack


def _shipped(file: str, tighten: Mapping[str, Any] | None = None) -> Pack:
    text = files(__package__).joinpath(file).read_text(encoding="utf-8")
    return parse_pack(text, origin=f"guardrails/{file}", tighten=tighten)


def _parameter(author: Author, name: str, block: Any) -> Parameter:
    where = f"parameter {name!r}"
    given = author.only(block, tuple(key for key in Parameter.model_fields if key != "name"), where)
    return author.made(Parameter, block, where, name=name, **given)


def _with(parameter: Parameter, value: int | Decimal) -> Parameter:
    return parameter.model_copy(update={"value": value})


def _tightened(author: Author, parameters: Iterable[Parameter], tighten: Mapping[str, Any]) -> dict[str, int | Decimal]:
    known = {one.name: one for one in parameters}
    for name, value in tighten.items():
        where = f"tighten {name!r}"
        if name not in known:
            raise author.refuse(None, where, "the pack has no such parameter", nearest(name, tuple(known)))
        if isinstance(value, bool) or not isinstance(value, type(known[name].value)):
            raise author.refuse(None, where, f"{value!r} is no value for it", f"The pack says {known[name].value}.")
        if known[name].loosened_by(value):
            hint = f"The pack says {known[name].value}; only {known[name].tighter} is stricter."
            raise author.refuse(None, where, f"{value} would loosen the pack", hint)
    return {name: tighten.get(name, one.value) for name, one in known.items()}


def _filled(author: Author, raw: Any, values: Mapping[str, Any], used: set[str]) -> Any:
    """`raw` with `$name` replaced by the parameter's value, alone or within words."""
    if isinstance(raw, list):
        return [_filled(author, one, values, used) for one in raw]
    if isinstance(raw, Block):
        filled = Block({key: _filled(author, one, values, used) for key, one in raw.items()})
        filled.line = raw.line
        return filled
    names = _PLACE.findall(raw) if isinstance(raw, str) else []
    for name in names:
        if name not in values:
            raise author.refuse(None, f"${name}", "there is no such parameter", nearest(name, tuple(values)))
    used.update(names)
    if names and raw == f"${names[0]}":
        return values[names[0]]
    return _PLACE.sub(lambda found: str(values[found[1]]), raw) if names else raw


def _switch(author: Author, block: Any) -> Switch:
    given = author.only(block, tuple(Switch.model_fields), "switch")
    fact = author.facts.get(str(given.get("fact")))
    if fact is None or fact.type is not FactType.FLAG:
        flags = tuple(name for name, one in author.facts.items() if one.type is FactType.FLAG)
        raise author.refuse(block, "switch", f"{given.get('fact')!r} is no flag", nearest(str(given.get("fact")), flags))
    return Switch(fact=fact.name, when=author.condition(block, "switch", given.get("when"), Lane.PROHIBITED))


def _day(author: Author) -> date:
    try:
        return date.fromisoformat(str(author.document.get("checked_on")))
    except ValueError as error:
        raise author.refuse(None, "checked_on", "it is no day", "Write it as 2026-11-22.") from error
