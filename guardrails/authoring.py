"""From a policy file to nouns: every authoring mistake is refused here, with file, rule and the nearest right word."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..core.errors import BadInput, PolicyError
from ..core.money import Money
from ..core.verdict import Lane
from .conditions import Condition, Mistake, Op, leaves, money_limits, operand, parse_condition
from .contradictions import contradiction
from .document import Block, nearest
from .facts import FACTS, Fact, FactType
from .factsheet import RUNTIME
from .limits import Per, Within
from .rules import Example, KnownAction, Limit, Role, Rule, built_in, matches

N = TypeVar("N", bound=BaseModel)

_EXAMPLE_KEYS = ("like", "action", "lane", "without")
_RESERVED = (*_EXAMPLE_KEYS, "all", "any", "not")
_FEW = frozenset({FactType.TEXT, FactType.FLAG})
_NO_SLICE = RUNTIME | {"worker"}


class Author:
    """Reads the sections of one policy file."""

    def __init__(self, document: Block, *, origin: str) -> None:
        self.document, self.origin = document, origin
        self.facts: dict[str, Fact] = dict(FACTS)

    def refuse(self, block: Any, where: str, message: str, hint: str = "", line: int = 0) -> PolicyError:
        """The error for a mistake in `where`, at the line of `block`."""
        at = line or (block.line if isinstance(block, Block) else 0) or self.document.line
        stop = "" if message.endswith((".", "?")) else "."
        return PolicyError(f"{self.origin}, line {at}, {where}: {message}{stop}", hint=hint)

    def only(self, block: Any, known: Collection[str], where: str) -> Block:
        """`block` as a mapping whose keys are all known."""
        if not isinstance(block, Block):
            raise self.refuse(block, where, f"a mapping is expected, not {block!r}", f"Known fields: {', '.join(known)}.")
        for key in block:
            if key not in known:
                raise self.refuse(block, where, f"{key!r} is not a known field", nearest(key, known))
        return block

    def made(self, noun: Callable[..., N], block: Any, where: str, /, **values: Any) -> N:
        """A noun from checked values; pydantic's complaint becomes ours."""
        try:
            return noun(**values)
        except ValidationError as error:
            first = error.errors()[0]
            at = ".".join(str(part) for part in first["loc"]) or "it"
            hint = nearest(str(first["input"]), tuple(Lane)) if at == "lane" else f"Found {first['input']!r}."
            message = f"{at} is missing" if first["type"] == "missing" else f"{at}: {first['msg'][0].lower()}{first['msg'][1:]}"
            raise self.refuse(block, where, message, "" if first["type"] == "missing" else hint) from error

    def section(self, name: str) -> Block:
        """One section that is a mapping; empty where it is not written."""
        found = self.document.get(name)
        if found is None:
            return Block()
        if not isinstance(found, Block):
            raise self.refuse(found, name, "a mapping is expected")
        return found

    def listed(self, name: str) -> list[Any]:
        """One section that is a list; empty where it is not written."""
        found = self.document.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.refuse(found, name, "a list is expected", "Start each entry with `- id:`.")
        return found

    def declared(self) -> tuple[Fact, ...]:
        """The facts a policy declares beside ours."""
        own = tuple(self._fact(name, block) for name, block in self.section("facts").items())
        self.facts.update((fact.name, fact) for fact in own)
        return own

    def _fact(self, name: str, block: Any) -> Fact:
        where = f"fact {name!r}"
        if name in FACTS or name in _RESERVED or not re.fullmatch("[a-z][a-z0-9_]*", name):
            raise self.refuse(block, where, "the name is taken or no lower_case word", "Choose another name.")
        self.only(block, ("type", "meaning", "values"), where)
        if block.get("type") not in tuple(FactType):
            known = nearest(str(block.get("type")), tuple(FactType))
            raise self.refuse(block, where, f"{block.get('type')!r} is no type of fact", known)
        if "values" in block and (block["type"] != FactType.TEXT or not _words(block["values"])):
            raise self.refuse(block, where, "values are the words that a text may be", "Write a list of different words.")
        return self.made(Fact, block, where, name=name, **block)

    def actions(self) -> tuple[KnownAction, ...]:
        """The kinds of action the policy knows."""
        found = tuple(self._action(kind, block) for kind, block in self.section("actions").items())
        if not found:
            raise self.refuse(self.document, "actions", "no kind of action is known, so everything would be prohibited")
        return found

    def _action(self, kind: str, block: Any) -> KnownAction:
        where = f"action {kind!r}"
        known = tuple(name for name in KnownAction.model_fields if name != "kind")
        given = self.only(Block() if block is None else block, known, where)
        idle = [name for name in ("quality_share", "slices") if name in given]
        if idle and given.get("max_error") is None:
            hint = "Add `max_error: 0.03`, or leave it out."
            raise self.refuse(block, where, f"{idle[0]} says nothing without `max_error`", hint)
        return self.made(KnownAction, block, where, kind=kind, **given)

    def patterns(self, block: Any, where: str, raw: Any, kinds: Collection[str]) -> tuple[str, ...]:
        """Kinds of action and patterns, each of which covers a known kind."""
        patterns = [raw] if isinstance(raw, str) else raw
        if not isinstance(patterns, list) or not patterns:
            raise self.refuse(block, where, "actions is missing", 'Write a list of kinds, "invoice.*" or "*".')
        for pattern in patterns:
            if not isinstance(pattern, str) or not any(matches(pattern, kind) for kind in kinds):
                raise self.refuse(block, where, f"{pattern!r} is no action of this policy", nearest(str(pattern), kinds))
        return tuple(patterns)

    def rules(self, kinds: Collection[str]) -> tuple[Rule, ...]:
        """Every rule, checked."""
        return tuple(self._rule(block, kinds) for block in self.listed("rules"))

    def _rule(self, block: Any, kinds: Collection[str]) -> Rule:
        where = self._named(block, "rule")
        given = self._own(self.only(block, tuple(Rule.model_fields), where), where)
        values = dict(given)
        values["actions"] = self.patterns(block, where, given.get("actions"), kinds)
        values["lane"] = self._lane(block, where, given.get("lane"))
        if "when" in given:
            values["when"] = self.condition(block, where, given["when"], values["lane"])
        examples = self._list(block, where, given.get("examples"), "examples")
        values["examples"] = tuple(self._example(where, one, values["actions"]) for one in examples)
        return self.made(Rule, block, where, **values)

    def _own(self, block: Block, where: str) -> Block:
        if built_in(str(block.get("id"))):
            told = "ids with CERT- and QA- belong to the rules that `max_error` adds"
            raise self.refuse(block, where, told, "Choose another id.")
        return block

    def condition(self, block: Any, where: str, raw: Any, lane: Lane) -> Condition:
        """A condition that can be true, and that a missing fact can never make freer."""
        try:
            found = parse_condition(raw, self.facts)
        except Mistake as mistake:
            raise self.refuse(block, where, mistake.message, mistake.hint, mistake.line) from mistake
        if lane is Lane.ALLOWED and any(leaf.op is Op.MISSING for leaf in leaves(found)):
            raise self.refuse(
                raw, where, "a missing fact cannot allow anything", "Use `missing` in reviewed or prohibited rules."
            )
        if clash := contradiction(found, self.facts):
            raise self.refuse(raw, where, f"this can never be true: {clash}", "Mend one of the two, or delete the rule.")
        return found

    def _lane(self, block: Any, where: str, raw: Any) -> Lane:
        if raw not in tuple(Lane):
            raise self.refuse(block, where, f"{raw!r} is no lane", nearest(str(raw), tuple(Lane)))
        return Lane(raw)

    def _list(self, block: Any, where: str, raw: Any, name: str) -> list[Any]:
        if raw is not None and not isinstance(raw, list):
            raise self.refuse(block, where, f"{name} is a list, not {raw!r}", f"Write `{name}: [first, second]`.")
        return raw or []

    def _named(self, block: Any, what: str) -> str:
        name = block.get("id", block.get("name")) if isinstance(block, Block) else None
        return f"{what} {name!r}" if name else f"a {what} without an id"

    def limits(self, kinds: Collection[str]) -> tuple[Limit, ...]:
        """Every limit, checked."""
        return tuple(self._limit(block, kinds) for block in self.listed("limits"))

    def _limit(self, block: Any, kinds: Collection[str]) -> Limit:
        where = self._named(block, "limit")
        given = self._own(self.only(block, tuple(Limit.model_fields), where), where)
        values = dict(given)
        values["actions"] = self.patterns(block, where, given.get("actions"), kinds)
        values["lane"] = self._lane(block, where, given.get("lane", Lane.REVIEWED.value))
        if values["lane"] is Lane.ALLOWED:
            raise self.refuse(block, where, "a limit cannot allow anything", "Use reviewed or prohibited.")
        for name, words in (("per", tuple(Per)), ("within", tuple(Within))):
            if name in given and given[name] not in words:
                raise self.refuse(block, where, f"{name}: {given[name]!r} is not known", nearest(str(given[name]), words))
        if "amount" in given:
            values["amount"] = self._money(block, where, given["amount"], "amount")
        elif "count" not in given:
            raise self.refuse(block, where, "it limits nothing", "Give an amount, a count, or both.")
        return self.made(Limit, block, where, **values)

    def _money(self, block: Any, where: str, raw: Any, name: str) -> dict[str, Any]:
        try:
            return money_limits(raw, name)
        except Mistake as mistake:
            raise self.refuse(block, where, mistake.message, mistake.hint) from mistake

    def rates(self) -> dict[str, Decimal]:
        """Amounts that are worth the same, by currency; empty where the policy fixes none."""
        block = self.section("rates")
        for code, rate in block.items():
            if not re.fullmatch("[A-Z]{3}", code) or type(rate) not in (int, Decimal) or rate <= 0:
                message = f"{code}: {rate!r} is no rate of a currency"
                raise self.refuse(block, "rates", message, "Write {EUR: 1, USD: 1.10}: amounts that are worth the same.")
        if block and "rates_checked_on" not in self.document:
            raise self.refuse(block, "rates", "it does not say when they were checked", "Add `rates_checked_on: 2026-10-01`.")
        return {code: Decimal(block[code]) for code in sorted(block)}

    def roles(self, kinds: Collection[str]) -> tuple[Role, ...]:
        """Who may approve what, least authority first."""
        return tuple(self._role(name, block, kinds) for name, block in self.section("roles").items())

    def _role(self, name: str, block: Any, kinds: Collection[str]) -> Role:
        where = f"role {name!r}"
        given = self.only(Block() if block is None else block, ("up_to", "actions"), where)
        patterns = self.patterns(block, where, given.get("actions", "*"), kinds)
        up_to = self._money(block, where, given["up_to"], "up_to") if given.get("up_to") is not None else None
        return self.made(Role, block, where, name=name, actions=patterns, up_to=up_to)

    def _example(self, where: str, block: Any, actions: tuple[str, ...]) -> Example:
        known = (*_EXAMPLE_KEYS, *self.facts)
        given = self.only(block, known, f"{where}, example")
        where = f"{where}, example at line {block.line}"
        facts = self._sample(block, where, given["like"]) if "like" in given else {}
        for name in self._list(block, where, given.get("without"), "without"):
            if not isinstance(name, str) or name not in self.facts:
                raise self.refuse(block, where, f"{name!r} is not a declared fact", nearest(str(name), self.facts))
            facts.pop(name, None)
        facts |= self._typed(block, where, {key: value for key, value in given.items() if key not in _EXAMPLE_KEYS})
        action = given.get("action", actions[0])
        if not isinstance(action, str) or "*" in action:
            raise self.refuse(block, where, "it does not say which action", "Add `action:` with a kind.")
        return self.made(Example, block, where, action=action, facts=facts, lane=self._lane(block, where, given.get("lane")))

    def _sample(self, block: Block, where: str, name: Any) -> dict[str, Any]:
        samples = self.section("samples")
        if not isinstance(name, str) or name not in samples:
            raise self.refuse(block, where, f"{name!r} is no sample of this policy", nearest(str(name), tuple(samples)))
        sample = self.only(samples[name], tuple(self.facts), f"sample {name!r}")
        return self._typed(sample, f"sample {name!r}", sample)

    def _typed(self, block: Block, where: str, raw: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {name: self._example_value(self.facts[name], value) for name, value in raw.items()}
        except (Mistake, BadInput) as mistake:
            raise self.refuse(block, where, mistake.message, mistake.hint) from mistake

    def _example_value(self, fact: Fact, raw: Any) -> Any:
        value = operand(fact, raw)
        if fact.type is not FactType.MONEY:
            return value
        if len(value) != 1:
            raise Mistake(f"{fact.name} of an example is one amount", "Write 500.00 EUR.")
        ((currency, amount),) = value.items()
        return Money.of(amount, currency)


def _words(raw: Any) -> bool:
    return isinstance(raw, list) and bool(raw) and all(isinstance(one, str) for one in raw) and len(set(raw)) == len(raw)


def slices_known(author: Author, actions: Iterable[KnownAction]) -> None:
    """Refuse a slice that is no declared fact with few values, that is named twice, or that every certificate has anyway."""
    telling = tuple(name for name, fact in author.facts.items() if fact.type in _FEW and name not in _NO_SLICE)
    for action in actions:
        for number, name in enumerate(action.slices):
            if name in telling and name not in action.slices[:number]:
                continue
            block, where = author.section("actions")[action.kind], f"action {action.kind!r}, slices"
            if name in _NO_SLICE:
                raise author.refuse(block, where, f"{name!r} splits nothing", "Each worker and brain has its own anyway.")
            if name in telling:
                raise author.refuse(block, where, f"{name!r} is named twice", "Name each fact once.")
            if name in author.facts:
                told = f"{name!r} is {author.facts[name].type}, which has too many values"
                raise author.refuse(block, where, told, "Name facts that are a text or a flag.")
            raise author.refuse(block, where, f"{name!r} is not a declared fact", nearest(name, telling))


def unique_ids(author: Author, found: Iterable[Rule | Limit]) -> None:
    """Refuse an id that two rules or limits share."""
    seen: set[str] = set()
    for rule in (one for item in found for one in (item.rules() if isinstance(item, Limit) else (item,))):
        if rule.id in seen:
            written = [one for name in ("rules", "limits") for one in author.listed(name) if one.get("id") == rule.id]
            last = max(written, key=lambda one: one.line, default=None)
            raise author.refuse(last, f"rule {rule.id!r}", "two rules or limits have this id", "Give one of them a new id.")
        seen.add(rule.id)
