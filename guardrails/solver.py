"""Facts as symbols of a solver, so that a question about a policy is answered for every case at once.

Exact, because rules compare facts only with constants: between two neighbouring limits nothing changes. A fact is a value and a
flag that says whether it was supplied; money is a currency with an exact amount; text is one of the words that rules mention, or
another one. z3 is optional and loaded when the first question is asked.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..core.action import Reversibility
from ..core.errors import PluginError
from .conditions import AllOf, AnyOf, Compare, Condition, Op, leaves, positive
from .facts import Fact, FactType
from .policy import Policy
from .samples import currency, plainest, word

STOPPED = "stopped"
"""The flag by which the runtime says that a kill switch is on."""

Key = tuple[str, FactType]
"""A fact by name and type: where two policies declare it differently, it is two facts."""

_WHOLE = frozenset({FactType.INTEGER, FactType.DAYS})
_CODE = re.compile("^[A-Z]{3}$")
_ALWAYS = ("target_kind", "reversibility")
"""Facts that every proposal has."""


def available() -> bool:
    """Whether z3 is installed."""
    return find_spec("z3") is not None


def load_z3() -> Any:
    """The solver; raises PluginError where it is not installed."""
    try:
        return import_module("z3")
    except ImportError as error:
        raise PluginError(
            "z3, which proves things about policies, is not installed.", hint="pip install 'shiftlead[prove]'"
        ) from error


@dataclass
class Symbol:
    """One fact as the solver sees it."""

    fact: Fact
    present: Any
    value: Any
    currency: Any = None
    words: tuple[str, ...] = ()
    """For text the words that rules mention, for money the currencies; number 0 is another one."""
    points: dict[str, list[Fraction]] = field(default_factory=dict)
    """The constants it is compared with, by currency for money, in order."""

    beyond: tuple[Fraction, ...] = ()
    """The constants that hold in every other currency."""


def exact(value: Any) -> Fraction:
    """A number of a policy as written: a ratio as its shortest decimal, which keeps the order of all floats."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


class World:
    """The facts that some policies and questions look at."""

    def __init__(self, policies: Iterable[Policy], *, asked: Iterable[Condition] = ()) -> None:
        self.z3 = load_z3()
        self.facts: dict[Key, Fact] = {}
        found: list[Compare] = [leaf for condition in asked for leaf in leaves(condition)]
        for policy in policies:
            self.facts |= {(name, fact.type): fact for name, fact in policy.known_facts.items()}
            found += [leaf for rule in policy.every_rule if rule.when is not None for leaf in leaves(rule.when)]
        self._mentioned = found
        self.floors = sorted({exact(action.min_confidence) for policy in policies for action in policy.actions})
        self.symbols: dict[Key, Symbol] = {}
        self._kept: dict[tuple[int, bool], tuple[Condition, Any]] = {}
        self._solver, self._bound = self.z3.Solver(), set[Key]()

    def symbol(self, name: str, kind: FactType) -> Symbol:
        """The symbol of one fact."""
        known = self.symbols.get((name, kind))
        if known is None:
            known = self.symbols[name, kind] = self._made(name, kind)
        return known

    def _made(self, name: str, kind: FactType) -> Symbol:
        z3, label = self.z3, f"{name}:{kind}"
        mine = [leaf for leaf in self._mentioned if (leaf.field, leaf.type) == (name, kind) and leaf.op is not Op.MISSING]
        fact, present = self.facts[name, kind], z3.Bool(f"{label}?")
        if kind is FactType.FLAG:
            return Symbol(fact, present, z3.Bool(label))
        if kind is FactType.MONEY:
            return self._money(fact, present, mine)
        if kind is FactType.TEXT:
            words = tuple(sorted({word for leaf in mine for word in _listed(leaf.value)} | set(closed(fact))))
            return Symbol(fact, present, z3.Int(label), words=words)
        points = {exact(value) for leaf in mine for value in _listed(leaf.value)}
        points |= set(self.floors) if name == "confidence" else set()
        value = z3.Int(label) if kind in _WHOLE else z3.Real(label)
        return Symbol(fact, present, value, points={"": sorted(points)})

    def _money(self, fact: Fact, present: Any, mine: Iterable[Compare]) -> Symbol:
        points: dict[str, set[Fraction]] = {}
        for leaf in mine:
            for code, limit in leaf.value.items():
                points.setdefault(code, set()).add(exact(limit))
        if fact.name == "amount":
            for code in self._currencies():
                points.setdefault(code, set())
            for found in points.values():
                found.add(Fraction(0))
        label = f"{fact.name}:money"
        return Symbol(
            fact,
            present,
            self.z3.Real(label),
            currency=self.z3.Int(f"{label}#"),
            words=tuple(sorted(points)),
            points={code: sorted(found) for code, found in points.items()},
            beyond=(Fraction(0),) if fact.name == "amount" else (),
        )

    def _currencies(self) -> set[str]:
        named = (leaf.value for leaf in self._mentioned if leaf.field == "currency" and leaf.op is not Op.MISSING)
        return {word for value in named for word in _listed(value) if _CODE.match(word)}

    def solver(self) -> Any:
        """The one solver of this world, which knows what is true of every fact that was used so far."""
        for key, symbol in self.symbols.items():
            if key not in self._bound:
                self._bound.add(key)
                self._solver.add(*self._domain(symbol))
        return self._solver

    def _domain(self, symbol: Symbol) -> Iterable[Any]:
        name, kind = symbol.fact.name, symbol.fact.type
        if name in _ALWAYS:
            yield symbol.present
        if kind is FactType.RATIO:
            yield self.z3.And(symbol.value >= 0, symbol.value <= 1)
        elif kind is FactType.TEXT:
            yield self.z3.And(symbol.value >= (1 if closed(symbol.fact) else 0), symbol.value <= len(symbol.words))
        elif kind is FactType.MONEY:
            yield self.z3.And(symbol.currency >= 0, symbol.currency <= len(symbol.words))

    def holds(self, condition: Condition, *, sure: bool) -> Any:
        """`condition` is true (`sure`), or it is not false."""
        kept = self._kept.get((id(condition), sure))
        if kept is None:
            # The condition is kept beside its formula, so that its id stays its own.
            kept = self._kept[id(condition), sure] = condition, self._holds(positive(condition), sure=sure)
        return kept[1]

    def _holds(self, condition: Condition, *, sure: bool) -> Any:
        if isinstance(condition, Compare):
            return self._leaf(condition, sure=sure)
        if isinstance(condition, AllOf):
            return self.z3.And([self._holds(part, sure=sure) for part in condition.every])
        if isinstance(condition, AnyOf):
            return self.z3.Or([self._holds(part, sure=sure) for part in condition.some])
        raise TypeError(f"{type(condition).__name__} is left after `positive`")

    def _leaf(self, leaf: Compare, *, sure: bool) -> Any:
        z3 = self.z3
        if leaf.field == "currency" and leaf.type is FactType.TEXT:
            symbol = self.symbol("amount", FactType.MONEY)
            known, holds = symbol.present, self._word(leaf, symbol.currency, symbol.words)
        else:
            symbol = self.symbol(leaf.field, leaf.type)
            known, holds = self._compared(leaf, symbol)
        if leaf.op is Op.MISSING:
            return z3.Not(symbol.present)
        return z3.And(known, holds) if sure else z3.Or(z3.Not(known), holds)

    def _compared(self, leaf: Compare, symbol: Symbol) -> tuple[Any, Any]:
        """Whether it can be compared, and whether the comparison holds."""
        z3 = self.z3
        if leaf.op is Op.MISSING:
            return symbol.present, z3.BoolVal(True)
        if leaf.type is FactType.FLAG:
            return symbol.present, symbol.value if leaf.value == (leaf.op is Op.IS) else z3.Not(symbol.value)
        if leaf.type is FactType.TEXT:
            return symbol.present, self._word(leaf, symbol.value, symbol.words)
        if leaf.type is not FactType.MONEY:
            return symbol.present, self._number(leaf.op, symbol.value, leaf.value)
        codes = {code: symbol.currency == symbol.words.index(code) + 1 for code in leaf.value}
        branches = [z3.And(codes[code], self._number(leaf.op, symbol.value, limit)) for code, limit in leaf.value.items()]
        return z3.And(symbol.present, z3.Or(list(codes.values()))), z3.Or(branches)

    def _word(self, leaf: Compare, value: Any, words: tuple[str, ...]) -> Any:
        # A word that is no currency can never be the currency of an amount.
        hits = [] if leaf.op is Op.MISSING else [value == words.index(one) + 1 for one in _listed(leaf.value) if one in words]
        found = self.z3.Or(hits) if hits else self.z3.BoolVal(False)
        return found if leaf.op in (Op.IS, Op.IN) else self.z3.Not(found)

    def _number(self, op: Op, value: Any, limit: Any) -> Any:
        if op in (Op.IN, Op.NOT_IN):
            found = self.z3.Or([value == one for one in limit])
            return found if op is Op.IN else self.z3.Not(found)
        return _OPERATORS[op](value, self._constant(limit))

    def _constant(self, number: Any) -> Any:
        wanted = exact(number)
        return wanted.numerator if wanted.denominator == 1 else self.z3.Q(wanted.numerator, wanted.denominator)

    def below(self, floor: float) -> tuple[Any, Any]:
        """Whether the brain says how sure it is, and whether that is below `floor`."""
        symbol = self.symbol("confidence", FactType.RATIO)
        return symbol.present, symbol.value < self._constant(floor)

    def negative(self) -> Any:
        """Whether the amount is below zero."""
        symbol = self.symbol("amount", FactType.MONEY)
        return self.z3.And(symbol.present, symbol.value < 0)

    def stopped(self) -> Any:
        """Whether a kill switch is on."""
        if (STOPPED, FactType.FLAG) not in self.facts:
            return self.z3.BoolVal(False)
        symbol = self.symbol(STOPPED, FactType.FLAG)
        return self.z3.And(symbol.present, symbol.value)


_OPERATORS: dict[Op, Callable[[Any, Any], Any]] = {
    Op.IS: lambda value, limit: value == limit,
    Op.IS_NOT: lambda value, limit: value != limit,
    Op.ABOVE: lambda value, limit: value > limit,
    Op.AT_LEAST: lambda value, limit: value >= limit,
    Op.BELOW: lambda value, limit: value < limit,
    Op.AT_MOST: lambda value, limit: value <= limit,
}


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def closed(fact: Fact) -> tuple[str, ...]:
    """The words of a text that can only be one of a few; empty where it may be any."""
    return tuple(str(one) for one in Reversibility) if fact.name == "reversibility" else fact.values


class Undecided(Exception):
    """The solver gave no answer; whoever asked takes the worse one."""


def solution(world: World, *asked: Any) -> dict[str, Any] | None:
    """Facts for which all of `asked` hold, in their typed form; None where there are none. Raises Undecided.

    A fact that is not in the answer is missing; `confidence` is None where the brain cannot say.
    """
    model = _model(world, asked)
    if model is None:
        return None
    given = (one for one in world.symbols.values() if world.z3.is_true(model.eval(one.present, model_completion=True)))
    return {"confidence": None} | {symbol.fact.name: _read(world, symbol, model) for symbol in given}


def possible(world: World, *asked: Any) -> bool:
    """Whether there are facts for which all of `asked` hold. Raises Undecided."""
    return _model(world, asked) is not None


def _model(world: World, asked: Iterable[Any]) -> Any:
    solver = world.solver()
    solver.push()
    try:
        solver.add(*asked)
        answer = solver.check()
        if answer == world.z3.unknown:
            raise Undecided(solver.reason_unknown())
        return solver.model() if answer == world.z3.sat else None
    finally:
        solver.pop()


def _read(world: World, symbol: Symbol, model: Any) -> Any:
    """The value of a fact in a model, as the plainest value that no rule tells apart from it."""
    kind, value = symbol.fact.type, model.eval(symbol.value, model_completion=True)
    if kind is FactType.FLAG:
        return world.z3.is_true(value)
    if kind is FactType.TEXT:
        return word(symbol.words, value.as_long())
    number = Fraction(value.as_long()) if kind in _WHOLE else Fraction(value.numerator_as_long(), value.denominator_as_long())
    if kind is not FactType.MONEY:
        return plainest(kind, symbol.points[""], number)
    code = currency(symbol.words, model.eval(symbol.currency, model_completion=True).as_long())
    return plainest(kind, symbol.points.get(code, symbol.beyond), number, code)
