"""Cases of two policies, drawn on, beside and between the limits of every rule: what several engines must judge alike."""

from decimal import Decimal
from functools import cache

from hypothesis import strategies as st

from shiftlead.core.money import Money
from shiftlead.guardrails.conditions import Op, leaves
from shiftlead.guardrails.facts import FactType
from shiftlead.guardrails.policy import parse_policy, shipped_policy

# Every operator on every type, and every structural rule.
STRANGE = """
name: strange
version: 1
owner: tests
unsure: reviewed
facts:
  rush: {type: flag, meaning: Hurry.}
  share: {type: ratio, meaning: A part.}
  weight: {type: number, meaning: Kilograms.}
actions:
  a.do: {min_confidence: 0.85, approvals: 2}
  a.rest: {min_confidence: 0.0, four_eyes: true}
  a.sell: {max_error: 0.125}
  a.send: {max_error: 0.0301, quality_share: 0, min_confidence: 0.4}
rules:
  - {id: S-1, lane: allowed, actions: [a.do], reason: r, owner: o, source: s,
     when: {amount: {below: {EUR: 10.123456, JPY: 1000}}, any: [rush: true, not: {share: {above: 0.1}}]}}
  - {id: S-2, lane: allowed, actions: ["*"], reason: r, owner: o, source: s,
     when: {exceptions: {in: [0, 2, 5]}, queue: {not_in: [red, blue]}}}
  - {id: S-3, lane: reviewed, actions: [a.do], reason: r, owner: o, source: s, approvals: 3,
     when: {any: [weight: {at_least: 2.25}, amount: {missing: true}, currency: {in: [CHF, euro]}]}}
  - {id: S-4, lane: reviewed, actions: ["a.*"], reason: r, owner: o, source: s, four_eyes: true,
     when: {not: {all: [days_overdue: {is_not: 7}, exposure_party_24h: {at_most: 90 EUR}]}}}
  - {id: S-5, lane: prohibited, actions: [a.rest], reason: r, owner: o, source: s,
     when: {any: [reversibility: {is: irreversible}, target_kind: {is: vault}, confidence: {below: 0.2}]}}
"""
POLICIES = {"house": shipped_policy(), "strange": parse_policy(STRANGE, origin="strange")}
_TINY = Decimal("0.0000001")


@cache
def cases(name, kind):
    """For each fact that rules about this kind look at: values on, beside and between their limits."""
    policy = POLICIES[name]
    found = {"stopped": {True, False}, "confidence": {0.0, 0.2, 0.5, 0.85, 0.95, 1.0}, "amount": {Money.of("-0.01", "EUR")}}
    for rule in policy.every_rule:
        for leaf in leaves(rule.when) if rule.covers(kind) and rule.when is not None else ():
            found.setdefault(leaf.field, set()).update(_near(leaf) if leaf.op is not Op.MISSING else ())
    found["reversibility"] = {"reversible", "compensable", "irreversible"}
    found["target_kind"] = {"record", "vault"}
    known = policy.known_facts
    found.pop("currency", None)
    return {fact: sorted(those, key=repr) for fact, those in found.items() if fact in known and those}


def _near(leaf):
    if leaf.type is FactType.FLAG:
        return {True, False}
    if leaf.type is FactType.TEXT:
        return {*(leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)), "", 'another "one"'}
    if leaf.type is FactType.MONEY:
        amounts = [(code, limit + step) for code, limit in leaf.value.items() for step in (-_TINY, Decimal(0), _TINY)]
        return {Money(amount=amount, currency=code) for code, amount in (*amounts, ("SEK", Decimal(1)))}
    limits = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    if leaf.type is FactType.RATIO:
        return {max(0.0, min(1.0, limit + step)) for limit in limits for step in (-1e-9, 0.0, 1e-9)}
    step = _TINY if leaf.type is FactType.NUMBER else 1
    return {limit + one for limit in limits for one in (-step, 0, step)}


REQUIRED = ("reversibility", "target_kind")


@st.composite
def drawn(draw, name, kind):
    """The facts of one case; any of them may be missing."""
    return {
        fact: draw(st.sampled_from(those), label=fact)
        for fact, those in cases(name, kind).items()
        if fact in REQUIRED or draw(st.integers(0, 6), label=f"{fact}?")
    }
