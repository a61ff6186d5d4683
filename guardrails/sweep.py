"""All rules about one kind of action as one Python function, which is several times faster than a closure per comparison.

The source is put together from names made up here (`f0`, `k3`); facts, limits and rules reach it as bound objects, so no
text of a policy is ever part of it. Each rule becomes two plain expressions, "not false" and "true": under Kleene's logic a
rule that is the first but not the second is missing a fact.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .conditions import AllOf, AnyOf, Compare, Condition, Op, leaves, positive
from .facts import FactType

S = TypeVar("S")
Sweep = Callable[[Mapping[str, Any]], tuple[list[S], list[S], list[str]]]
"""Facts to the rules that match, the rules that cannot be decided, and the ids of the rest."""

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


def sweep(rules: Sequence[tuple[S, str, Condition | None]]) -> Sweep[S]:
    """The function that tests all of `rules`, each given as (what to report, its id, its condition)."""
    source = _Source()
    lines = [line for rule, rule_id, when in rules for line in source.rule(rule, rule_id, when)]
    body = [
        "def swept(facts):",
        " matched, unknown, passed = [], [], []",
        *source.head,
        *lines,
        " return matched, unknown, passed",
    ]
    exec(compile("\n".join(body), "<policy>", "exec"), source.bound)  # noqa: S102 - holds no text of a policy, see above
    swept: Sweep[S] = source.bound["swept"]
    return swept


class _Source:
    def __init__(self) -> None:
        self.bound: dict[str, Any] = {}
        self.head: list[str] = [" get = facts.get"]
        self._fields: dict[str, str] = {}

    def rule(self, rule: Any, rule_id: str, when: Condition | None) -> list[str]:
        reported, name = self._bind(rule), self._bind(rule_id)
        if when is None:
            return [f" matched.append({reported})"]
        plain = positive(when)
        for leaf in leaves(plain):
            self._field(leaf)
        possible, true = self._expression(plain, sure=False), self._expression(plain, sure=True)
        return [f" if {possible}:", f"  (matched if {true} else unknown).append({reported})", f" else: passed.append({name})"]

    def _bind(self, value: Any) -> str:
        name = f"k{len(self.bound)}"
        self.bound[name] = value
        return name

    def _field(self, leaf: Compare) -> str:
        name = self._fields.get(leaf.field)
        if name is None:
            name = self._fields[leaf.field] = f"f{len(self._fields)}"
            self.head.append(f" {name} = get({self._bind(leaf.field)})")
            if leaf.type is FactType.MONEY:
                self.head.append(f" a{name}, c{name} = (None, None) if {name} is None else ({name}.amount, {name}.currency)")
        return name

    def _expression(self, condition: Condition, *, sure: bool) -> str:
        if isinstance(condition, Compare):
            return self._leaf(condition, sure=sure)
        if isinstance(condition, AllOf):
            return "(" + " and ".join(self._expression(part, sure=sure) for part in condition.every) + ")"
        if isinstance(condition, AnyOf):
            return "(" + " or ".join(self._expression(part, sure=sure) for part in condition.some) + ")"
        raise TypeError(f"{type(condition).__name__} is left after `positive`")

    def _leaf(self, leaf: Compare, *, sure: bool) -> str:
        name = self._field(leaf)
        if leaf.op is Op.MISSING:
            return f"{name} is None"
        if leaf.type is FactType.FLAG:
            wanted = leaf.value if leaf.op is Op.IS else not leaf.value
            return f"{name} is {wanted}" if sure else f"{name} is not {not wanted}"
        value, limit = name, self._bind(leaf.value)
        if leaf.type is FactType.MONEY:
            value, limit = f"a{name}", self._limit(limit, f"c{name}")
            name = limit
        holds = f"{value} {_SIGN[leaf.op]} {limit}"
        return f"({name} is not None and {holds})" if sure else f"({name} is None or {holds})"

    def _limit(self, limits: str, currency: str) -> str:
        name = f"l{limits}"
        self.head.append(f" {name} = {limits}.get({currency})")
        return name
