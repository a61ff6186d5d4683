"""Witnesses: a case that shows what a formula says, found by the solver, made plain, and tried on the policies themselves."""

from collections.abc import Callable, Mapping
from typing import Any

from ..core.noun import Noun
from ..core.verdict import Lane, Verdict
from .facts import FactType
from .policy import Policy
from .review import verdict_of
from .rules import Example
from .samples import currency, samples, word
from .solver import Symbol, World, closed
from .wording import shown

Facts = Mapping[str, Any]
Holds = Callable[[Facts], bool]

_REQUIRED = frozenset({"target_kind", "reversibility", "confidence"})
_FAMILIAR = ("EUR", "USD", "GBP")
"""Currencies that are tried first, because most readers know them."""


class Witness(Noun):
    """Facts of one case, only those that matter; the rest may be missing."""

    action: str
    facts: dict[str, Any]
    shown: dict[str, str]
    """The facts as a person reads them, the amount and the confidence first."""

    def told(self) -> str:
        """The case in words: `invoice.post with amount 5,000.01 EUR, confidence 0.95`."""
        listed = ", ".join(f"{name} {value}" for name, value in self.shown.items())
        return f"{self.action} with {listed}" if listed else f"any {self.action}"


def _weight(name: str) -> tuple[int, str]:
    return (0 if name == "amount" else 1 if name == "confidence" else 2), name


def judged(policy: Policy, kind: str, facts: Facts) -> Verdict:
    """The verdict of `policy` on such a case; facts that it does not declare are left out."""
    known = policy.known_facts
    own = {"confidence": None} | {name: value for name, value in facts.items() if name in known and name != "currency"}
    return verdict_of(policy, Example(action=kind, facts=own, lane=Lane.PROHIBITED))


def plain(world: World, kind: str, facts: Facts, holds: Holds) -> Witness | None:
    """The case without the facts that do not matter and with the plainest values; None where `holds` is not true of it at all."""
    found = dict(facts)
    if not holds(found):
        return None
    symbols = {symbol.fact.name: symbol for symbol in world.symbols.values()}
    names = [name for name in sorted(found, key=_weight) if name in symbols]
    for name in reversed(names):
        found = _without(found, symbols[name], holds)
    for name in names:
        if name in found:
            found = _plainer(found, symbols[name], holds)
    told = {name: _shown(symbols.get(name), found[name]) for name in sorted(found, key=_weight)}
    return Witness(action=kind, facts=found, shown=told)


def _shown(symbol: Symbol | None, value: Any) -> str:
    return "unknown" if symbol is None or value is None else shown(value, symbol.fact.type)


def _without(facts: dict[str, Any], symbol: Symbol, holds: Holds) -> dict[str, Any]:
    """The facts without this one, where it does not matter."""
    name = symbol.fact.name
    rest = {other: value for other, value in facts.items() if other != name}
    if name not in _REQUIRED:
        return rest if holds(rest) else facts
    # It cannot be left out of a proposal, so it does not matter only where every value will do.
    values = (*_values(symbol, facts), *((None,) if name == "confidence" else ()))
    return rest if all(holds(rest | {name: value}) for value in values) else facts


def _plainer(facts: dict[str, Any], symbol: Symbol, holds: Holds) -> dict[str, Any]:
    tried = (facts | {symbol.fact.name: value} for value in _values(symbol, facts))
    return next((one for one in tried if holds(one)), facts)


def _values(symbol: Symbol, facts: Facts) -> list[Any]:
    """One value for each stretch that rules tell apart, the plainest first."""
    kind, name = symbol.fact.type, symbol.fact.name
    if kind is FactType.FLAG:
        return [True, False]
    if kind is FactType.TEXT:
        return [word(symbol.words, number) for number in _numbers(symbol.words, other=not closed(symbol.fact))]
    if kind is FactType.MONEY:
        return [value for code in _codes(symbol, name, facts) for value in _amounts(symbol, code)]
    values = list(samples(kind, symbol.points[""]))
    return values[::-1] if name == "confidence" else sorted(values, key=lambda value: (value < 0, value))


def _codes(symbol: Symbol, name: str, facts: Facts) -> list[str]:
    """Currencies, that of the case's amount first: no ledger adds up different ones."""
    amount = facts.get("amount") if name != "amount" else None
    first = (amount.currency,) if amount is not None else _FAMILIAR
    codes = [currency(symbol.words, number) for number in _numbers(symbol.words, other=True)]
    return sorted(dict.fromkeys((*(code for code in first if amount is not None), *codes)), key=lambda code: code not in first)


def _amounts(symbol: Symbol, code: str) -> list[Any]:
    values = list(samples(FactType.MONEY, symbol.points.get(code, list(symbol.beyond)), code))
    return sorted(values, key=lambda value: (value.amount <= 0, value.amount))


def _numbers(words: tuple[str, ...], *, other: bool) -> tuple[int, ...]:
    return (*range(1, len(words) + 1), *((0,) if other else ()))
