"""Conditions: types, Kleene logic, money by currency, and the compiled form against a plain walk."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.action import Action, Proposal, Target
from shiftlead.core.money import Money
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.closures import condition_test
from shiftlead.guardrails.conditions import (
    AllOf,
    AnyOf,
    Compare,
    Mistake,
    Not,
    Op,
    leaves,
    negated,
    parse_condition,
    positive,
)
from shiftlead.guardrails.document import read_document
from shiftlead.guardrails.facts import FACTS, FactType
from shiftlead.guardrails.factsheet import OWN, Factsheet
from shiftlead.guardrails.plans import plans
from shiftlead.guardrails.rules import KnownAction, Rule


def parsed(text):
    return parse_condition(read_document(text, origin="t")["when"], FACTS)


def swept(tree, facts):
    """What one rule says: walked the first times, from the function written for this shape of proposal afterwards."""
    rule = Rule(id="R-1", lane=Lane.PROHIBITED, actions=("a.do",), when=tree, reason="r", owner="o", source="s")
    plan = plans([KnownAction(kind="a.do")], [rule], Factsheet(FACTS))["a.do"]
    action = Action(kind="a.do", target=Target(system="s", kind="record", id="1"), amount=facts.get("amount"))
    others = {name: value for name, value in facts.items() if name not in OWN}
    given = Proposal(action=action, confidence=facts.get("confidence"), rationale="r", facts=others)
    found = [_said(plan, given) for _ in range(5)]
    assert found == found[:1] * 5
    return found[0]


def _said(plan, given):
    hits = []
    found = plan.outcome(given, {}, hits)
    assert (len(hits), len(found.unknown), len(found.passed)) in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    return True if hits else None if found.unknown else False


def outcome(text, **facts):
    return swept(parsed(text), facts)


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("when: {exceptions: {above: 2}}", {"exceptions": 3}, True),
        ("when: {exceptions: {above: 2}}", {"exceptions": 2}, False),
        ("when: {exceptions: {at_least: 2}}", {"exceptions": 2}, True),
        ("when: {exceptions: {below: 2}}", {"exceptions": 2}, False),
        ("when: {exceptions: {at_most: 2}}", {"exceptions": 2}, True),
        ("when: {exceptions: {is: 2}}", {"exceptions": 2}, True),
        ("when: {exceptions: 2}", {"exceptions": 2}, True),
        ("when: {exceptions: {is_not: 2}}", {"exceptions": 2}, False),
        ("when: {exceptions: {in: [1, 2]}}", {"exceptions": 2}, True),
        ("when: {channel: {not_in: [phone, letter]}}", {"channel": "phone"}, False),
        ("when: {channel: {not_in: [phone, letter]}}", {}, None),
        ("when: {order_found: true}", {"order_found": False}, False),
        ("when: {order_found: true}", {"order_found": None}, None),
        ("when: {confidence: {at_least: 0.70}}", {"confidence": 0.7}, True),
        ("when: {price_variance_percent: {above: 2.5}}", {"price_variance_percent": Decimal("2.51")}, True),
        ("when: {local_hour: {missing: true}}", {}, True),
        ("when: {local_hour: {missing: true}}", {"local_hour": 0}, False),
        # two operators, and two facts, in one mapping must both hold
        ("when: {local_hour: {at_least: 8, below: 21}}", {"local_hour": 21}, False),
        ("when: {order_found: true, exceptions: {is: 0}}", {"order_found": True, "exceptions": 0}, True),
        # Kleene: what is decided needs no missing fact
        ("when: {all: [order_found: true, disputed: true]}", {"order_found": False}, False),
        ("when: {all: [order_found: true, disputed: true]}", {"order_found": True}, None),
        ("when: {any: [order_found: true, disputed: true]}", {"order_found": True}, True),
        ("when: {any: [order_found: true, disputed: true]}", {"order_found": False}, None),
        ("when: {not: {order_found: true}}", {"order_found": False}, True),
        ("when: {not: {order_found: true}}", {}, None),
        ("when: {not: {any: [order_found: true, exceptions: {above: 1}]}}", {"exceptions": 0, "order_found": False}, True),
    ],
)
def test_outcomes(text, facts, expected):
    assert outcome(text, **facts) is expected


def test_money_is_compared_only_in_a_currency_that_has_a_limit():
    text = "when: {amount: {above: {EUR: 500, USD: 550}}}"
    assert outcome(text, amount=Money.of("500.01", "EUR")) is True
    assert outcome(text, amount=Money.of("550", "USD")) is False
    assert outcome(text, amount=Money.of("1000000", "JPY")) is None


@pytest.mark.parametrize(
    "text",
    [
        "when: {amount: {above: 5000.00 EUR}}",
        'when: {amount: {above: "5,000.00 EUR"}}',
        "when:\n  amount:\n    above: 5,000 EUR",
    ],
)
def test_money_may_be_written_with_and_without_thousands(text):
    assert parsed(text) == Compare(field="amount", type=FactType.MONEY, op=Op.ABOVE, value={"EUR": Decimal(5000)})


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("5.000 KWD", {"KWD": Decimal("5.000")}),  # a dinar has a thousand fils
        ("0.500 EUR", {"EUR": Decimal("0.500")}),  # no group of thousands starts with a zero
        ('"1,234.500 EUR"', {"EUR": Decimal("1234.500")}),
        ("1234.500 EUR", {"EUR": Decimal("1234.500")}),
        ("5.00 EUR", {"EUR": Decimal("5.00")}),
    ],
)
def test_three_digits_after_a_point_that_can_be_read_in_one_way(written, limit):
    assert parsed(f"when: {{amount: {{above: {written}}}}}").value == limit


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("when: {amonut: {above: 5 EUR}}", "'amonut' is not a declared fact", "'amount'"),
        ("when: {amount: {abvoe: 5 EUR}}", "'abvoe' is no operator of amount", "'above'"),
        ("when: {amount: {above: 5,000.00 EUR}}", "no operator of amount", "comma"),
        ("when: {amount: {above: 5000}}", "amount is money, but the value is 5000", "500.00 EUR"),
        ("when: {amount: {above: 5000 eur}}", "amount is money", "500.00 EUR"),
        ("when: {exceptions: {above: '3'}}", "exceptions is a whole number, but the value is '3'", "without quotes"),
        ("when: {exceptions: {above: 0.8}}", "exceptions is a whole number, but the value is 0.8", "without a fraction"),
        ("when: {exceptions: {above: true}}", "exceptions is a whole number", "Write a number"),
        ("when: {confidence: {below: 80}}", "confidence is a ratio between 0 and 1, but the value is 80", "0.80"),
        ("when: {order_found: 'yes'}", "order_found is true or false, but the value is 'yes'", "true or false"),
        ("when: {order_found: yes}", "order_found is true or false, but the value is 'yes'", "true or false"),
        ("when: {order_found: {above: true}}", "cannot be compared with `above`", "is"),
        ("when: {queue: {is: 3}}", "queue is text, but the value is 3", "quotes"),
        ("when: {queue: {in: fraud}}", "`in` takes a list", "[first, second]"),
        ("when: {all: {order_found: true}}", "`all` takes a list", "- "),
        ("when: {not: {local_hour: {missing: true}}}", "`missing` stands under `not`", "no test"),
        ("when: {local_hour: {missing: false}}", "`missing` takes only true", "no test"),
        ("when: {match_type: {is: 3WAY}}", "match_type is never '3WAY'", "Did you mean '3way'?"),
        ("when: {match_type: {not_in: [3way, 2-way]}}", "match_type is never '2-way'", "Did you mean '2way'"),
        ("when: {reversibility: final}", "reversibility is never 'final'", "compensable, irreversible, reversible"),
        ("when: {amount: {above: 5.000 EUR}}", "amount: 5.000 EUR may be 5,000 or 5", "Write 5000 EUR, or 5.00 EUR."),
        ("when: {amount: {above: {EUR: 12.500}}}", "12.500 EUR may be 12,500 or 12.5", "Write 12500 EUR, or 12.50 EUR."),
        ("when: {amount: {above: 5.000 JPY}}", "5.000 JPY may be 5,000 or 5", "Write 5000 JPY, or 5 JPY."),
        ("when: amount above 5", "is not a condition", "fact: value"),
        ("when: []", "is not a condition", "fact: value"),
    ],
)
def test_mistakes_are_refused_with_the_way_to_write_it(text, message, hint):
    with pytest.raises(Mistake) as caught:
        parsed(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


_LEAVES = st.sampled_from(
    [
        Compare(field="exceptions", type=FactType.INTEGER, op=op, value=2)
        for op in (Op.IS, Op.IS_NOT, Op.ABOVE, Op.AT_LEAST, Op.BELOW, Op.AT_MOST)
    ]
    + [
        Compare(field=name, type=FactType.FLAG, op=Op.IS, value=value)
        for name in ("disputed", "insolvent")
        for value in (True, False)
    ]
    + [Compare(field="queue", type=FactType.TEXT, op=op, value=("a", "b")) for op in (Op.IN, Op.NOT_IN)]
    + [Compare(field="amount", type=FactType.MONEY, op=op, value={"EUR": Decimal(10)}) for op in (Op.ABOVE, Op.AT_MOST)]
)
_TREES = st.recursive(
    _LEAVES,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda some: AllOf(every=tuple(some))),
        st.lists(parts, min_size=1, max_size=3).map(lambda some: AnyOf(some=tuple(some))),
        parts.map(lambda part: Not(never=part)),
    ),
    max_leaves=8,
)
_GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "exceptions": st.integers(0, 4),
        "disputed": st.booleans(),
        "insolvent": st.booleans(),
        "queue": st.sampled_from("abc"),
        "amount": st.builds(Money.of, st.integers(8, 12), st.sampled_from(["EUR", "USD"])),
    },
)


def walk(tree, facts):
    if isinstance(tree, Compare):
        return condition_test(tree)(facts)
    if isinstance(tree, Not):
        inner = walk(tree.never, facts)
        return None if inner is None else not inner
    parts = [walk(part, facts) for part in (tree.every if isinstance(tree, AllOf) else tree.some)]
    decisive = isinstance(tree, AnyOf)
    return decisive if decisive in parts else None if None in parts else not decisive


@given(_TREES, _GIVEN)
def test_the_compiled_form_agrees_with_a_plain_walk(tree, facts):
    expected = walk(tree, facts)
    assert condition_test(tree)(facts) is expected
    assert swept(tree, facts) is expected
    assert swept(positive(tree), facts) is expected
    assert swept(negated(tree), facts) is (None if expected is None else not expected)
    assert len(leaves(positive(tree))) == len(leaves(tree))
