"""A policy as Cedar, so that another engine can be asked the same question and must give the same lane.

Two actions stand for the lanes: what may `run` is allowed, what may only be `propose`d is reviewed, the rest is prohibited. Cedar
has no floats, decimals of four digits, and no missing value. So numbers become whole ones at a scale that every limit fits, twice
as fine as that, so that a value between two steps has a place of its own; and a fact that is not in the context is missing.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from ..core.money import Money
from ..core.noun import Noun
from ..core.verdict import Lane
from .conditions import AllOf, AnyOf, Compare, Condition, Op, leaves, positive
from .facts import Fact, FactType
from .policy import Policy
from .rules import KnownAction, Rule
from .solver import STOPPED, exact

RUN, PROPOSE = "run", "propose"

_TYPES = {FactType.TEXT: "String", FactType.FLAG: "Bool", FactType.MONEY: "{ amount: Long, currency: String }"}
_SIGNS = {Op.IS: "==", Op.IS_NOT: "!=", Op.ABOVE: ">", Op.AT_LEAST: ">=", Op.BELOW: "<", Op.AT_MOST: "<="}
_SCALED = frozenset({FactType.MONEY, FactType.NUMBER, FactType.RATIO})
_END = 2**62

_HEADER = """\
// {ref}, digest {digest}
// What `run` permits is allowed; what only `propose` permits is reviewed; everything else is prohibited.
// Ask both with principal Worker::"…", resource Kind::{example} and the facts as context; a fact that is not there is missing.
// Cedar has no floats, its decimals have four digits, and it has no missing value. So:
//   money, numbers and ratios are whole numbers: 2 * value * {scale}, and 1 more than the step below where a value lies between two steps;
//   how many people must approve stands in the annotations @approvals and @four_eyes, which Cedar does not evaluate;
//   a context with a fact that is not declared is an error there, and prohibits here.
"""


class Export(Noun):
    """A policy for another engine."""

    policy: str
    """The text of the policies."""
    schema_text: str
    """The schema that they are valid against."""
    scale: int
    """Steps in one unit of money, number or ratio."""


def export(policy: Policy) -> Export:
    """The policy and its schema as Cedar."""
    scale = _scale(policy)
    writer = _Writer(policy, scale)
    head = _HEADER.format(ref=_text(policy.ref), digest=policy.digest(), example=_text(policy.actions[0].kind), scale=scale)
    return Export(policy=head + "\n" + "\n".join(writer.statements()), schema_text=_schema(policy), scale=scale)


def context(policy: Policy, facts: Mapping[str, Any], scale: int) -> dict[str, Any]:
    """Typed facts as the context of a request."""
    known = policy.known_facts
    return {name: _plain(known[name], value, scale) for name, value in facts.items() if value is not None}


def lane(*, run: bool, propose: bool) -> Lane:
    """The lane that two answers stand for."""
    return Lane.ALLOWED if run and propose else Lane.REVIEWED if propose else Lane.PROHIBITED


def _plain(fact: Fact, value: Any, scale: int) -> Any:
    if isinstance(value, Money):
        return {"amount": _place(value.amount, scale), "currency": value.currency}
    return _place(value, scale) if fact.type in _SCALED else value


def _place(value: Any, scale: int) -> int:
    """The place of a number among the steps: even on one, odd between two; what is out of reach stands at the end."""
    number = exact(value) * scale
    floor = number.numerator // number.denominator
    return max(-_END, min(_END, 2 * floor + (number != floor)))


def _scale(policy: Policy) -> int:
    limits = [limit for leaf in _leaves(policy) if leaf.type in _SCALED for limit in _limits(leaf)]
    floors = [exact(action.min_confidence) for action in policy.actions]
    scale = 10_000
    while any((Fraction(limit) * scale).denominator != 1 for limit in (*limits, *floors)):
        scale *= 10
    return scale


def _leaves(policy: Policy) -> Iterator[Compare]:
    for rule in policy.every_rule:
        if rule.when is not None:
            yield from (leaf for leaf in leaves(rule.when) if leaf.op is not Op.MISSING)


def _limits(leaf: Compare) -> list[Fraction]:
    values = leaf.value.values() if leaf.type is FactType.MONEY else (leaf.value,)
    return [exact(value) for value in values]


def _schema(policy: Policy) -> str:
    attributes = "".join(
        f"    {name}?: {_TYPES.get(fact.type, 'Long')},\n" for name, fact in sorted(policy.known_facts.items())
    )
    return (
        "entity Worker;\nentity Kind;\ntype Facts = {\n"
        + attributes
        + "};\n"
        + f"action {RUN}, {PROPOSE} appliesTo {{ principal: Worker, resource: Kind, context: Facts }};\n"
    )


class _Writer:
    def __init__(self, policy: Policy, scale: int) -> None:
        self.policy, self.scale = policy, scale

    def statements(self) -> Iterator[str]:
        for action in self.policy.actions:
            rules = [rule for rule in self.policy.every_rule if rule.covers(action.kind)]
            yield from self._kind(action, rules)
        for fact in self.policy.known_facts.values():
            if fact.values:
                words = ", ".join(_text(value) for value in fact.values)
                when = f"context has {fact.name} && !([{words}].contains(context.{fact.name}))"
                yield _statement("forbid", f"{fact.name}:vocabulary", "", "", when, f"{fact.name} is one of a few words.")
        if STOPPED in self.policy.known_facts:
            when = f"context has {STOPPED} && context.{STOPPED}"
            yield _statement("forbid", "kill-switch", "", "", when, "A kill switch is thrown over this action.")

    def _kind(self, action: KnownAction, rules: list[Rule]) -> Iterator[str]:
        kind = action.kind
        people = f'@approvals("{action.approvals}")\n@four_eyes("{_bool(action.four_eyes)}")\n'
        yield _statement("permit", f"{kind}:known", PROPOSE, kind, "", "The policy knows this kind of action.", people)
        for rule in rules:
            yield from self._rule(kind, rule)
        negative = f"context has amount && context.amount.amount < {_number(0)}"
        yield _statement("forbid", f"{kind}:negative-amount", RUN, kind, negative, "The amount is below zero.")
        floor = _number(_place(action.min_confidence, self.scale))
        low = f"context.confidence < {floor}"
        doubt = f"if context has confidence then {low} else true"
        yield _statement("forbid", f"{kind}:low-confidence", RUN, kind, doubt, "The brain is unsure, or cannot say.")
        if self.policy.unsure == "one_lane_up":
            raised = f"context has confidence && {low} && !({self._free(rules)})"
            told = "The brain is unsure of what needs a person anyway."
            yield _statement("forbid", f"{kind}:one-lane-up", PROPOSE, kind, raised, told)

    def _rule(self, kind: str, rule: Rule) -> Iterator[str]:
        sure, may = self._when(rule, sure=True), self._when(rule, sure=False)
        people = f'@approvals("{rule.approvals}")\n@four_eyes("{_bool(rule.four_eyes)}")\n'
        people += f"@owner({_text(rule.owner)})\n@source({_text(rule.source)})\n"
        name = f"{kind}:{rule.id}"
        if rule.lane is Lane.ALLOWED:
            yield _statement("permit", name, RUN, kind, sure, rule.reason, people)
            if rule.when is not None:
                undecided = f"({may}) && !({sure})"
                yield _statement("forbid", f"{name}:undecided", RUN, kind, undecided, "It needs a fact that is missing.")
            return
        yield _statement("forbid", name, RUN, kind, may, rule.reason, people)
        if rule.lane is Lane.PROHIBITED:
            yield _statement("forbid", f"{name}:never", PROPOSE, kind, sure, rule.reason)

    def _free(self, rules: list[Rule]) -> str:
        """What would run alone if the brain were sure."""
        allows = [f"({self._when(rule, sure=True)})" for rule in rules if rule.lane is Lane.ALLOWED]
        if not allows:
            return "false"
        strict = [f"!({self._when(rule, sure=False)})" for rule in rules if rule.lane is not Lane.ALLOWED]
        undecided = [
            f"!(({self._when(rule, sure=False)}) && !({self._when(rule, sure=True)}))"
            for rule in rules
            if rule.lane is Lane.ALLOWED and rule.when is not None
        ]
        negative = "!(context has amount && context.amount.amount < 0)"
        return " && ".join((f"({' || '.join(allows)})", *strict, *undecided, negative))

    def _when(self, rule: Rule, *, sure: bool) -> str:
        return "true" if rule.when is None else self._condition(positive(rule.when), sure=sure)

    def _condition(self, condition: Condition, *, sure: bool) -> str:
        if isinstance(condition, Compare):
            return self._leaf(condition, sure=sure)
        parts = condition.every if isinstance(condition, AllOf) else condition.some if isinstance(condition, AnyOf) else ()
        joint = " && " if isinstance(condition, AllOf) else " || "
        return joint.join(f"({self._condition(part, sure=sure)})" for part in parts)

    def _leaf(self, leaf: Compare, *, sure: bool) -> str:
        there, value = f"context has {leaf.field}", f"context.{leaf.field}"
        if leaf.op is Op.MISSING:
            return f"!({there})"
        holds = self._money(leaf, value, sure=sure) if leaf.type is FactType.MONEY else self._compared(leaf, value)
        return f"{there} && ({holds})" if sure else f"if {there} then ({holds}) else true"

    def _money(self, leaf: Compare, value: str, *, sure: bool) -> str:
        """The limit of the amount's own currency; one without a limit cannot be compared."""
        found = "false" if sure else "true"
        for code, limit in leaf.value.items():
            compared = f"{value}.amount {_SIGNS[leaf.op]} {_number(_place(limit, self.scale))}"
            found = f"if {value}.currency == {_text(code)} then {compared} else ({found})"
        return found

    def _compared(self, leaf: Compare, value: str) -> str:
        if leaf.op in (Op.IN, Op.NOT_IN):
            words = ", ".join(self._constant(leaf, one) for one in leaf.value)
            inside = f"[{words}].contains({value})"
            return inside if leaf.op is Op.IN else f"!({inside})"
        return f"{value} {_SIGNS[leaf.op]} {self._constant(leaf, leaf.value)}"

    def _constant(self, leaf: Compare, value: Any) -> str:
        if leaf.type is FactType.TEXT:
            return _text(value)
        if leaf.type is FactType.FLAG:
            return _bool(value)
        return _number(_place(value, self.scale) if leaf.type in _SCALED else value)


def _statement(effect: str, name: str, action: str, kind: str, when: str, reason: str, more: str = "") -> str:
    on = f'action == Action::"{action}"' if action else "action"
    of = f"resource == Kind::{_text(kind)}" if kind else "resource"
    tail = f"\nwhen {{ {when} }}" if when and when != "true" else ""
    return f"@id({_text(name)})\n@reason({_text(reason)})\n{more}{effect} (principal, {on}, {of}){tail};\n"


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _number(value: int) -> str:
    return str(value) if value >= 0 else f"({value})"


def _text(value: str) -> str:
    """A string literal; what could end it or turn its meaning is escaped."""
    return '"' + "".join(char if " " <= char <= "~" and char not in '"\\' else f"\\u{{{ord(char):x}}}" for char in value) + '"'
