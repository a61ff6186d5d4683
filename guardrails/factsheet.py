"""The facts about one proposal: merged from the action, the runtime and the worker, each of its declared type."""

from collections.abc import Mapping
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


_BOUNDED = frozenset({float, Decimal})


def _sound(value: float | Decimal) -> bool:
    return 0.0 <= value <= 1.0 if isinstance(value, float) else value.is_finite()


class Factsheet:
    """The declared facts, ready to take and check what is supplied for one proposal."""

    def __init__(self, declared: Mapping[str, Fact]) -> None:
        self._declared = declared
        self._exact = {name: _EXACT[fact.type] for name, fact in declared.items()}

    def filled(self, proposal: Proposal, context: Mapping[str, Any]) -> dict[str, Any]:
        """Every supplied fact; the runtime's win over the worker's, and the action's own over both.

        A fact that is None counts as missing. Raises BadInput for an undeclared fact or one of the wrong type.
        """
        action = proposal.action
        facts = {**proposal.facts, **context}
        facts["amount"] = action.amount
        facts["currency"] = None if action.amount is None else action.amount.currency
        facts["confidence"] = proposal.confidence
        facts["target_kind"] = action.target.kind
        facts["reversibility"] = action.reversibility.value
        kind_of = self._exact.get
        for name, value in facts.items():
            kind = type(value)
            if value is not None and (kind is not kind_of(name) or (kind in _BOUNDED and not _sound(value))):
                facts[name] = self._typed(name, value)
        return facts

    def _typed(self, name: str, value: Any) -> Any:
        fact = self._declared.get(name)
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
