"""All rules about one kind of action as one Python function for one shape of proposal.

A worker supplies the same facts in the same order each time, so what is there and what is missing is known when the function
is written: nothing is merged or looked up by name, and a rule about a missing fact shrinks to what is left of it under
Kleene's logic. The function takes only the shape it was written for, with facts that are there and of exactly their declared
type; for anything else it answers None, and the rules are tested one by one.

The source is put together from names made up here (`f0`, `k3`); facts, limits and rules reach it as bound objects, so no
text of a policy is ever part of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntFlag
from itertools import groupby
from typing import Any

from ..core.action import Action
from ..core.money import Money
from ..core.verdict import RuleHit
from .conditions import ORDERED, AllOf, AnyOf, Compare, Condition, Op
from .facts import Fact, FactType
from .factsheet import RUNTIME
from .steps import Step

Sweep = Callable[[Mapping[str, Any], Mapping[str, Any], Action, float | None, list[RuleHit]], int | None]
"""The worker's facts, the runtime's, the action and the confidence to what matched, or None.

Of n steps, bit i stands for step i that matches, bit n + i for one that cannot be decided, and the three bits above for the
structural rules in `Doubt`. The hits are added to the given list in the order of the steps; none where the answer is None.
"""


class Doubt(IntFlag):
    """Structural rules that hold for one proposal, whatever the policy says."""

    UNSURE = 1
    """The brain is below the floor of the action, or cannot say how sure it is."""
    NEGATIVE = 2
    """The amount is below zero."""
    STOPPED = 4
    """A kill switch is thrown."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is supplied with a proposal, without the values."""

    facts: tuple[str, ...]
    """The names of the worker's facts in their order."""
    context: tuple[str, ...]
    """The names of the runtime's facts in their order; they win over the worker's."""
    amount: bool
    confidence: bool


_LADDER = 3
"""From how many alike rules on one test for all of them is worth it."""

_SIGN = {
    Op.IS: "==",
    Op.IS_NOT: "!=",
    Op.IN: "in",
    Op.NOT_IN: "not in",
    Op.ABOVE: ">",
    Op.AT_LEAST: ">=",
    Op.BELOW: "<",
    Op.AT_MOST: "<=",
}
_TYPE = {
    FactType.MONEY: "Money",
    FactType.NUMBER: "Decimal",
    FactType.RATIO: "float",
    FactType.INTEGER: "int",
    FactType.DAYS: "int",
    FactType.TEXT: "str",
    FactType.FLAG: "bool",
}
_SOUND = {FactType.RATIO: " and 0.0 <= {} <= 1.0", FactType.NUMBER: " and {}.is_finite()"}


_OWN = {
    "amount": "action.amount",
    "currency": "action.amount.currency",
    "confidence": "confidence",
    "target_kind": "action.target.kind",
    # `.value` is a function call in Python 3.11.
    "reversibility": "action.reversibility._value_",
}
"""Where the facts are that only the action itself supplies."""


def sweep(steps: Sequence[Step], shape: Shape, declared: Mapping[str, Fact], *, floor: float) -> Sweep:
    """The function that tests all of `steps` on proposals of one shape, whose facts are all declared.

    Below the confidence `floor` the brain is unsure.
    """
    source = _Source(shape)
    rules = [line for group in _ladders(steps) for line in source.rules(group, len(steps))]
    body = [
        "def swept(facts, context, action, confidence, hits):",
        *source.unpacked,
        f" if not ({' and '.join(source.checks(declared))}): return None",
        *source.own,
        *source.limits,
        *source.doubts(2 * len(steps), floor),
        *rules,
        " return matched",
    ]
    exec(compile("\n".join(body), "<policy>", "exec"), source.bound)  # noqa: S102 - holds no text of a policy, see above
    swept: Sweep = source.bound["swept"]
    return swept


class _Source:
    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.bound: dict[str, Any] = {"Money": Money, "Decimal": Decimal}
        absent = {"amount", "currency"} if not shape.amount else set()
        absent |= {"confidence"} if not shape.confidence else set()
        names = dict.fromkeys((*(name for name in shape.facts if name not in RUNTIME), *shape.context, *_OWN))
        self.fields = {name: f"f{number}" for number, name in enumerate(names) if name not in absent}
        self.money: dict[str, list[Compare]] = {}
        self.read: set[str] = set()

    @property
    def unpacked(self) -> list[str]:
        """That the names are those of the shape, and the values taken out; what somebody else wins over is dropped."""
        context = {*self.shape.context, *_OWN, *RUNTIME}
        return [
            *self._taken("facts", self.shape.facts, context),
            *self._taken("context", self.shape.context, set(_OWN)),
        ]

    def _taken(self, given: str, names: Sequence[str], lost: set[str]) -> list[str]:
        into = "".join(f"{'_' if name in lost else self.fields[name]}, " for name in names)
        return [f" if [*{given}] != {self._bind([*names])}: return None", f" {into}= {given}.values()" if names else ""]

    def checks(self, declared: Mapping[str, Fact]) -> Iterable[str]:
        """That each fact has its exact type and a value it may have; those of the action itself have."""
        yield "type(action.amount) is Money" if self.shape.amount else "action.amount is None"
        yield f"confidence is {'not ' if self.shape.confidence else ''}None"
        yield from (self._check(declared[name], local) for name, local in self.fields.items() if name not in _OWN)

    def _check(self, fact: Fact, local: str) -> str:
        closed = f" and {local} in {self._bind(frozenset(fact.values))}" if fact.values else ""
        return f"type({local}) is {_TYPE[fact.type]}" + _SOUND.get(fact.type, "").format(local) + closed

    def doubts(self, above: int, floor: float) -> list[str]:
        """The bits of the structural rules, which stand above all others."""
        unsure, negative, stopped = (int(one) << above for one in Doubt)
        lines = [f" matched = {0 if self.shape.confidence else unsure}"]
        if self.shape.confidence:
            lines.append(f" if not confidence >= {self._bind(floor)}: matched += {unsure}")
        if self.shape.amount:
            lines.append(f" if action.amount.amount < {self._bind(Decimal(0))}: matched += {negative}")
        if "stopped" in self.fields:
            lines.append(f" if {self.fields['stopped']}: matched += {stopped}")
        return lines

    @property
    def own(self) -> list[str]:
        """The action's own facts that some rule looks at."""
        return [f" {self.fields[name]} = {where}" for name, where in _OWN.items() if name in self.read & self.fields.keys()]

    @property
    def limits(self) -> list[str]:
        """The limits on each amount in its currency, all at once; a currency that lacks one of them is not for here."""
        return [line for name, limits in self.money.items() for line in self._limits(self.fields[name], limits)]

    def _limits(self, field: str, limits: list[Compare]) -> list[str]:
        shared = set.intersection(*(set(leaf.value) for leaf in limits))
        table = self._bind({code: tuple(leaf.value[code] for leaf in limits) for code in shared})
        row = "".join(f"{field}l{number}, " for number in range(len(limits)))
        return [
            f" {field}r = {table}.get({field}.currency)",
            f" if {field}r is None: return None",
            f" {field}a = {field}.amount; {row}= {field}r",
        ]

    def rules(self, group: list[tuple[int, Step]], count: int) -> list[str]:
        """The lines that test some rules; many that differ only in their limits stand behind one test with the loosest."""
        lines = [line for number, step in group for line in self.rule(number, step, count)]
        conditions = [step.when for _, step in group if step.when is not None]
        if not lines or len(conditions) < _LADDER:
            return lines
        return [f" if {self._holds(_loosest(conditions), sure=False)}:", *(f" {line}" for line in lines)]

    def rule(self, number: int, step: Step, count: int) -> list[str]:
        """The lines that test one rule: it matches where it is true, and is undecided where it is only not false."""
        true, possible = self._holds(step.when, sure=True), self._holds(step.when, sure=False)
        told = f"matched += {1 << number}; hits.append({self._hit(step)})"
        if true == possible:
            return [] if true == "False" else [f" if {true}: {told}"]
        undecided = f"matched += {1 << (count + number)}"
        return [f" if {true}: {told}", f" elif {possible}: {undecided}"]

    def _hit(self, step: Step) -> str:
        sure = step.when is None or isinstance(step.when, Compare) or (
            isinstance(step.when, AllOf) and all(isinstance(part, Compare) for part in step.when.every)
        )  # fmt: skip
        told = ""
        for one in step.leaves:
            field = self.fields.get(one.leaf.field)
            told += f"{self._bind(one.hit)}({field})"
            if sure:
                return told
            told += f" if {self._leaf(one.leaf, sure=True)} else "
        return told + self._bind(step.bare)

    def _bind(self, value: Any) -> str:
        name = f"k{len(self.bound)}"
        self.bound[name] = value
        return name

    def _holds(self, condition: Condition | None, *, sure: bool) -> str:
        """`condition` as an expression that is true where it is true (`sure`), or where it is not false."""
        if condition is None:
            return "True"
        if isinstance(condition, Compare):
            return self._leaf(condition, sure=sure)
        if isinstance(condition, AllOf):
            return _joined(" and ", "True", [self._holds(part, sure=sure) for part in condition.every])
        if isinstance(condition, AnyOf):
            return _joined(" or ", "False", [self._holds(part, sure=sure) for part in condition.some])
        raise TypeError(f"{type(condition).__name__} is left after `positive`")

    def _leaf(self, leaf: Compare, *, sure: bool) -> str:
        field = self.fields.get(leaf.field)
        self.read.add(leaf.field)
        if leaf.op is Op.MISSING:
            return str(field is None)
        if field is None:
            return str(not sure)
        if leaf.type is FactType.MONEY:
            limits = self.money.setdefault(leaf.field, [])
            if leaf not in limits:
                limits.append(leaf)
            return f"{field}a {_SIGN[leaf.op]} {field}l{limits.index(leaf)}"
        if leaf.type is FactType.FLAG:
            return field if leaf.value is (leaf.op is Op.IS) else f"not {field}"
        return f"{field} {_SIGN[leaf.op]} {self._bound_once(leaf)}"

    def _bound_once(self, leaf: Compare) -> str:
        return next((name for name, value in self.bound.items() if value is leaf.value), "") or self._bind(leaf.value)


def _ladders(steps: Sequence[Step]) -> Iterator[list[tuple[int, Step]]]:
    """The steps with their numbers, those together that follow each other and differ only in their limits."""
    for _, group in groupby(enumerate(steps), key=lambda one: _outline(one[1].when)):
        yield list(group)


def _outline(condition: Condition | None) -> object:
    """A condition without its limits, to be compared with others."""
    if isinstance(condition, Compare):
        ordered = condition.op in ORDERED
        return condition.field, condition.op, None if ordered else repr(condition.value)
    if isinstance(condition, AllOf | AnyOf):
        parts = condition.every if isinstance(condition, AllOf) else condition.some
        return type(condition), tuple(_outline(part) for part in parts)
    return condition


def _loosest(conditions: Sequence[Condition]) -> Condition:
    """A condition of the same outline that is true wherever one of `conditions` is."""
    first = conditions[0]
    if isinstance(first, Compare):
        return _loosest_leaf([one for one in conditions if isinstance(one, Compare)])
    if isinstance(first, AllOf):
        columns = zip(*(one.every for one in conditions if isinstance(one, AllOf)), strict=True)
        return AllOf(every=tuple(_loosest(column) for column in columns))
    if isinstance(first, AnyOf):
        columns = zip(*(one.some for one in conditions if isinstance(one, AnyOf)), strict=True)
        return AnyOf(some=tuple(_loosest(column) for column in columns))
    raise TypeError(f"{type(first).__name__} is left after `positive`")


def _loosest_leaf(rungs: Sequence[Compare]) -> Compare:
    first = rungs[0]
    if first.op not in ORDERED:
        return first
    outermost = min if first.op in (Op.ABOVE, Op.AT_LEAST) else max
    if first.type is not FactType.MONEY:
        return first.model_copy(update={"value": outermost(one.value for one in rungs)})
    shared = set.intersection(*(set(one.value) for one in rungs))
    return first.model_copy(update={"value": {code: outermost(one.value[code] for one in rungs) for code in shared}})


def _joined(word: str, neutral: str, parts: list[str]) -> str:
    decisive = "False" if neutral == "True" else "True"
    if decisive in parts:
        return decisive
    left = [part for part in parts if part != neutral]
    return f"({word.join(left)})" if len(left) > 1 else (left or [neutral])[0]
