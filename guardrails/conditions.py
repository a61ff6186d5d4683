"""Conditions: the typed tree a rule is written in, checked when it is loaded.

An outcome is true, false or "a fact is missing"; `all`, `any` and `not` follow Kleene's three-valued logic.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ..core.money import minor_digits, round_minor
from ..core.noun import Noun
from .document import Block, nearest
from .facts import Fact, FactType


class Op(StrEnum):
    """How a fact is compared."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"
    MISSING = "missing"


ORDERED = frozenset({Op.ABOVE, Op.AT_LEAST, Op.BELOW, Op.AT_MOST})
_EQUAL = frozenset({Op.IS, Op.IS_NOT, Op.IN, Op.NOT_IN})
OPS: dict[FactType, frozenset[Op]] = {
    FactType.MONEY: ORDERED,
    FactType.NUMBER: ORDERED,
    FactType.RATIO: ORDERED,
    FactType.INTEGER: ORDERED | _EQUAL,
    FactType.DAYS: ORDERED | _EQUAL,
    FactType.TEXT: _EQUAL,
    FactType.FLAG: frozenset({Op.IS}),
}
"""The operators each type of fact knows; `missing` goes with all of them."""

OPPOSITE = {
    Op.IS: Op.IS_NOT,
    Op.IS_NOT: Op.IS,
    Op.IN: Op.NOT_IN,
    Op.NOT_IN: Op.IN,
    Op.ABOVE: Op.AT_MOST,
    Op.AT_MOST: Op.ABOVE,
    Op.BELOW: Op.AT_LEAST,
    Op.AT_LEAST: Op.BELOW,
}
"""What an operator becomes under `not`; a missing fact stays missing."""


class Compare(Noun):
    """One fact against one value."""

    field: str
    type: FactType
    op: Op
    value: Any
    """As the fact's type: a limit by currency for money, a float for a ratio, a tuple for `in`."""


class AllOf(Noun):
    """True where every part is."""

    every: "tuple[Condition, ...]"


class AnyOf(Noun):
    """True where at least one part is."""

    some: "tuple[Condition, ...]"


class Not(Noun):
    """True where its part is false."""

    never: "Condition"


Condition = Compare | AllOf | AnyOf | Not

AllOf.model_rebuild()
AnyOf.model_rebuild()
Not.model_rebuild()

_MONEY = re.compile(r"^(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?) ([A-Z]{3})$")
_CODE = re.compile("^[A-Z]{3}$")
_THOUSANDS = re.compile(r"^-?[1-9]\d{0,2}\.\d{3}$")
_TREE = ("all", "any", "not")


class Mistake(Exception):
    """What is wrong with a condition, and how to write it right."""

    def __init__(self, message: str, hint: str = "", line: int = 0) -> None:
        self.message, self.hint, self.line = message, hint, line
        super().__init__(message)


def parse_condition(raw: Any, facts: Mapping[str, Fact]) -> Condition:
    """The condition in `raw`, checked against the declared facts; raises Mistake."""
    if not isinstance(raw, Block) or not raw:
        raise Mistake(f"{raw!r} is not a condition", "Write `fact: value`, `fact: {above: value}`, or all, any, not.")
    try:
        parts = [part for key, value in raw.items() for part in _parsed(key, value, facts)]
    except Mistake as mistake:
        mistake.line = mistake.line or raw.line
        raise
    return parts[0] if len(parts) == 1 else AllOf(every=tuple(parts))


def _parsed(key: str, value: Any, facts: Mapping[str, Fact]) -> list[Condition]:
    if key == "not":
        part = parse_condition(value, facts)
        if any(leaf.op is Op.MISSING for leaf in leaves(part)):
            raise Mistake("`missing` stands under `not`", "A fact that is there needs no test of its own.")
        return [Not(never=part)]
    if key in _TREE:
        if not isinstance(value, list) or not value:
            raise Mistake(f"`{key}` takes a list of conditions", f"Write `{key}:` and below it lines that start with `- `.")
        parts = tuple(parse_condition(part, facts) for part in value)
        return [AllOf(every=parts) if key == "all" else AnyOf(some=parts)]
    if key not in facts:
        raise Mistake(f"{key!r} is not a declared fact", nearest(key, (*facts, *_TREE)))
    fact = facts[key]
    if not isinstance(value, Block) or (fact.type is FactType.MONEY and all(_CODE.match(one) for one in value)):
        return [_compare(fact, Op.IS, value)]
    # Every word is checked before any value: `{above: 5,000 EUR}` in braces shows as a strange second word.
    words = [_op(fact, word) for word in value]
    return [_compare(fact, op, one) for op, one in zip(words, value.values(), strict=True)]


def _op(fact: Fact, word: str) -> Op:
    allowed = sorted(OPS[fact.type] | {Op.MISSING})
    if word not in tuple(Op):
        comma = " In braces a comma ends the value: write 5000.00 EUR or use a line of its own." if "000" in word else ""
        raise Mistake(f"{word!r} is no operator of {fact.name}", nearest(word, allowed) + comma)
    return Op(word)


def _compare(fact: Fact, op: Op, raw: Any) -> Compare:
    if op is Op.MISSING:
        if raw is not True:
            raise Mistake(f"{fact.name}: `missing` takes only true", "A fact that is there needs no test of its own.")
    elif op not in OPS[fact.type]:
        known = ", ".join(sorted(OPS[fact.type]))
        raise Mistake(f"{fact.name} is {_A[fact.type]} and cannot be compared with `{op}`", f"Use one of: {known}.")
    value = True if op is Op.MISSING else _operand(fact, op, raw)
    return Compare(field=fact.name, type=fact.type, op=op, value=value)


def _operand(fact: Fact, op: Op, raw: Any) -> Any:
    if op not in (Op.IN, Op.NOT_IN):
        return operand(fact, raw)
    if not isinstance(raw, list) or not raw:
        raise Mistake(f"{fact.name}: `{op}` takes a list", f"Write `{op}: [first, second]`.")
    return tuple(sorted({operand(fact, one) for one in raw}))


_A = {
    FactType.MONEY: "money",
    FactType.NUMBER: "a number",
    FactType.INTEGER: "a whole number",
    FactType.RATIO: "a ratio between 0 and 1",
    FactType.DAYS: "a whole number of days",
    FactType.TEXT: "text",
    FactType.FLAG: "true or false",
}


def operand(fact: Fact, raw: Any) -> Any:
    """`raw` from a policy file as the type of `fact`; raises Mistake saying what it should look like."""
    if fact.type is FactType.MONEY:
        return money_limits(raw, fact.name)
    if fact.type is FactType.FLAG:
        return _wanted(fact, raw, isinstance(raw, bool), "Write true or false, without quotes.")
    if fact.type is FactType.TEXT:
        return _word(fact, _wanted(fact, raw, isinstance(raw, str), f"Write '{raw}' in quotes if the text is meant."))
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise Mistake(f"{fact.name} is {_A[fact.type]}, but the value is {_shown(raw)}", "Write a number, without quotes.")
    if fact.type is FactType.RATIO:
        return float(_wanted(fact, raw, 0 <= raw <= 1, "Write 0.80 for 80 %."))
    if fact.type is FactType.NUMBER:
        return Decimal(raw)
    return _wanted(fact, raw, isinstance(raw, int), "Write a number without a fraction.")


def _word(fact: Fact, word: str) -> str:
    if fact.values and word not in fact.values:
        raise Mistake(f"{fact.name} is never {word!r}", nearest(word, fact.values))
    return word


def _wanted(fact: Fact, raw: Any, right: bool, hint: str) -> Any:
    if not right:
        raise Mistake(f"{fact.name} is {_A[fact.type]}, but the value is {_shown(raw)}", hint)
    return raw


def _shown(raw: Any) -> str:
    return str(raw) if isinstance(raw, int | Decimal) and not isinstance(raw, bool) else repr(raw)


def money_limits(raw: Any, name: str) -> dict[str, Decimal]:
    """A limit by currency from `500.00 EUR` or `{EUR: 500, USD: 550}`; raises Mistake."""
    if isinstance(raw, str) and (found := _MONEY.match(raw)):
        return {found[2]: _limit(found[1], found[2], name)}
    if isinstance(raw, Block) and raw and all(_CODE.match(one) and type(limit) in (int, Decimal) for one, limit in raw.items()):
        return {code: _limit(str(raw[code]), code, name) for code in sorted(raw)}
    raise Mistake(f"{name} is money, but the value is {_shown(raw)}", "Write 500.00 EUR, or {EUR: 500, USD: 550}.")


def _limit(written: str, currency: str, name: str) -> Decimal:
    """The number as it is written, unless its point may separate thousands: 5.000 is five in London and five thousand in Rome."""
    if _THOUSANDS.match(written) and minor_digits(currency) != 3:
        many, few = written.replace(".", ""), Decimal(written).normalize()
        message = f"{name}: {written} {currency} may be {Decimal(many):,} or {few:f}"
        exact = round_minor(few, currency)
        raise Mistake(message, f"Write {many} {currency}, or {exact if exact == few else few:f} {currency}.")
    return Decimal(written.replace(",", ""))


def negated(condition: Condition) -> Condition:
    """The condition that is true where `condition` is false, and missing where it is missing."""
    if isinstance(condition, Compare):
        return condition.model_copy(update={"op": OPPOSITE[condition.op]})
    if isinstance(condition, Not):
        return positive(condition.never)
    if isinstance(condition, AnyOf):
        return AllOf(every=tuple(negated(part) for part in condition.some))
    return AnyOf(some=tuple(negated(part) for part in condition.every))


def positive(condition: Condition) -> Condition:
    """The same condition without `not`, and without `all` directly in `all`."""
    if isinstance(condition, Compare):
        return condition
    if isinstance(condition, Not):
        return negated(condition.never)
    if isinstance(condition, AnyOf):
        return AnyOf(some=tuple(positive(part) for part in condition.some))
    parts = [positive(part) for part in condition.every]
    return AllOf(every=tuple(one for part in parts for one in (part.every if isinstance(part, AllOf) else (part,))))


def leaves(condition: Condition) -> list[Compare]:
    """Every comparison in `condition`, in the order they are written."""
    if isinstance(condition, Compare):
        return [condition]
    if isinstance(condition, Not):
        return leaves(condition.never)
    return [leaf for part in (condition.every if isinstance(condition, AllOf) else condition.some) for leaf in leaves(part)]
