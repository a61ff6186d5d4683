"""The facts about one proposal: merged from the action, the runtime and the worker, each of its declared type."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..core.action import Proposal
from ..core.errors import BadInput
from ..core.money import Money
from .facts import Fact, FactType

_EXACT: dict[FactType, type] = {
    FactType.MONEY: Money,
    FactType.NUMBER: Decimal,
    FactType.RATIO: float,
    FactType.INTEGER: int,
    FactType.DAYS: int,
    FactType.TEXT: str,
    FactType.FLAG: bool,
}

OWN = frozenset({"amount", "currency", "confidence", "target_kind", "reversibility"})
"""Facts that only the action itself supplies; what anybody else says about them is dropped."""

RUNTIME = frozenset({"error_bound", "quality_draw", "brain"})
"""Facts that only the runtime supplies; what a worker says about them is dropped, also where the runtime is silent."""

_BOUNDED = frozenset({float, Decimal})


def merged(proposal: Proposal, context: Mapping[str, Any]) -> dict[str, Any]:
    """Every supplied fact as it was supplied; the runtime's win over the worker's, and the action's own over both."""
    action = proposal.action
    facts = {**proposal.facts, **context}
    for name in RUNTIME:
        if name in facts and name not in context:
            del facts[name]
    amount, confidence = action.amount, proposal.confidence
    if amount is None:
        facts.pop("amount", None)
        facts.pop("currency", None)
    else:
        facts["amount"] = amount
        facts["currency"] = amount.currency
    if confidence is None:
        facts.pop("confidence", None)
    else:
        facts["confidence"] = confidence
    facts["target_kind"] = action.target.kind
    # `.value` is a function call in Python 3.11.
    facts["reversibility"] = action.reversibility._value_
    return facts


def _sound(value: float | Decimal) -> bool:
    return 0.0 <= value <= 1.0 if isinstance(value, float) else value.is_finite()


class Factsheet:
    """The declared facts, ready to take and check what is supplied for one proposal."""

    def __init__(self, declared: Mapping[str, Fact]) -> None:
        self.declared = declared
        self._exact = {name: _EXACT[fact.type] for name, fact in declared.items() if not fact.values}

    def filled(self, proposal: Proposal, context: Mapping[str, Any]) -> dict[str, Any]:
        """Every supplied fact of its declared type; raises BadInput for an undeclared fact or a wrong value."""
        facts = merged(proposal, context)
        self.typed(facts)
        return facts

    def only(self, names: Iterable[str], proposal: Proposal, context: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the supplied facts that are called `names`, of their declared type."""
        supplied = merged(proposal, context)
        facts = {name: supplied[name] for name in names if name in supplied}
        self.typed(facts)
        return facts

    def typed(self, facts: dict[str, Any]) -> None:
        """Bring every fact to its declared type, and drop those that are None: they are missing.

        Raises BadInput for an undeclared fact, one of the wrong type, or a value outside a closed vocabulary.
        """
        for name, value in tuple(facts.items()):
            kind = type(value)
            if value is None:
                del facts[name]
            elif kind is not self._exact.get(name) or (kind in _BOUNDED and not _sound(value)):
                facts[name] = self._typed(name, value)

    def _typed(self, name: str, value: Any) -> Any:
        fact = self.declared.get(name)
        if fact is None:
            raise BadInput(f"{name!r} is not a declared fact.", hint="Declare it under `facts:` in the policy.")
        return typed_fact(fact, value)


def typed_fact(fact: Fact, value: Any) -> Any:
    """`value` as the type of `fact`, also from its JSON form; raises BadInput where it is none."""
    try:
        found = _read(fact.type, value)
    except (InvalidOperation, ValueError, KeyError, TypeError, BadInput):
        found = None
    if found is None:
        raise BadInput(
            f"The fact {fact.name!r} is {fact.type.value}, but {type(value).__name__} was supplied.", hint="Mend the worker."
        )
    if fact.values and found not in fact.values:
        # The value may come from somebody's text, so it is not told.
        raise BadInput(
            f"The fact {fact.name!r} is one of {', '.join(fact.values)}, but another word was supplied.",
            hint="Mend the worker.",
        )
    return found


def _read(kind: FactType, value: Any) -> Any:
    if kind is FactType.FLAG or isinstance(value, bool):
        return value if kind is FactType.FLAG and isinstance(value, bool) else None
    if kind is FactType.TEXT:
        return str(value) if isinstance(value, str) else None
    if kind is FactType.MONEY:
        return value if isinstance(value, Money) else Money.model_validate(dict(value))
    if kind in (FactType.INTEGER, FactType.DAYS):
        return value if isinstance(value, int) else None
    if kind is FactType.RATIO:
        ratio = float(value)
        return ratio if 0 <= ratio <= 1 else None
    number = None if isinstance(value, float) else Decimal(value)
    return number if number is not None and number.is_finite() else None
