"""The policy as logic: on every set of facts the formulas say what judging says."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from drawn_cases import POLICIES, drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shiftlead.core.errors import PluginError
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.facts import FactType
from shiftlead.guardrails.formulas import Encoded
from shiftlead.guardrails.samples import samples
from shiftlead.guardrails.solver import World, exact, load_z3, possible, solution
from shiftlead.guardrails.witnesses import judged

z3 = pytest.importorskip("z3")


@cache
def encoded(name, kind):
    world = World([POLICIES[name]])
    found = Encoded(world, POLICIES[name], kind)
    lanes = {lane: found.lane(lane) for lane in Lane}
    people = [found.approvals(least) for least in range(2, 6)]
    return world, lanes, people, found.four_eyes


def bound(world, facts):
    """Each symbol with its value as the solver's constant."""
    for symbol in world.symbols.values():
        value = facts.get(symbol.fact.name)
        yield symbol.present, z3.BoolVal(value is not None)
        if value is None:
            continue
        kind = symbol.fact.type
        if kind is FactType.FLAG:
            yield symbol.value, z3.BoolVal(value)
        elif kind is FactType.TEXT:
            yield symbol.value, z3.IntVal(symbol.words.index(value) + 1 if value in symbol.words else 0)
        elif kind is FactType.MONEY:
            yield symbol.value, z3.RealVal(str(value.amount))
            yield symbol.currency, z3.IntVal(symbol.words.index(value.currency) + 1 if value.currency in symbol.words else 0)
        elif kind in (FactType.INTEGER, FactType.DAYS):
            yield symbol.value, z3.IntVal(value)
        else:
            yield symbol.value, z3.RealVal(str(exact(value)))


@pytest.mark.parametrize(
    ("name", "kind"), [(name, action.kind) for name, policy in POLICIES.items() for action in policy.actions]
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_the_formulas_say_what_judging_says(name, kind, data):
    world, lanes, people, four_eyes = encoded(name, kind)
    # A word outside a closed vocabulary never reaches a rule, so the formulas do not know it.
    known = POLICIES[name].known_facts
    facts = {fact: value for fact, value in data.draw(drawn(name, kind)).items() if value in (known[fact].values or [value])}
    facts = {"confidence": None} | facts
    pairs = list(bound(world, facts))
    true = [lane for lane, formula in lanes.items() if z3.is_true(z3.simplify(z3.substitute(formula, *pairs)))]
    verdict = judged(POLICIES[name], kind, facts)
    assert true == [verdict.lane], verdict.because()
    if verdict.lane is Lane.PROHIBITED:
        return
    asked = 1 + sum(z3.is_true(z3.simplify(z3.substitute(one, *pairs))) for one in people)
    assert (asked, z3.is_true(z3.simplify(z3.substitute(four_eyes, *pairs)))) == (verdict.approvals, verdict.four_eyes)


@pytest.mark.parametrize("kind", [action.kind for action in POLICIES["house"].actions])
def test_a_solution_is_a_case_that_judges_so(kind):
    policy = POLICIES["house"]
    world = World([policy])
    found = Encoded(world, policy, kind)
    for lane in Lane:
        facts = solution(world, found.lane(lane))
        if facts is not None:
            assert judged(policy, kind, facts).lane is lane


def test_an_unknown_kind_is_prohibited():
    world = World([POLICIES["house"]])
    found = Encoded(world, POLICIES["house"], "coffee.make")
    assert not possible(world, z3.Not(found.prohibited))


@pytest.mark.parametrize("points", [(), (0,), (1,), (0, 1), ("0.5", "0.505")])
def test_samples_of_a_ratio_stay_ratios(points):
    found = list(samples(FactType.RATIO, [Fraction(one) for one in points]))
    assert all(0 <= one <= 1 for one in found)
    assert found == sorted(set(found))


def test_samples_show_every_stretch_between_limits():
    found = list(samples(FactType.MONEY, [Fraction(0), Fraction("5000"), Fraction("5000.01")], "EUR"))
    assert [one.amount for one in found] == [
        Decimal(text) for text in ("-0.01", "0", "1", "5000", "5000.005", "5000.01", "5000.02")
    ]


def test_a_ratio_is_compared_as_the_decimal_that_was_written():
    assert exact(0.95) == Fraction(95, 100)


def test_without_z3_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(PluginError, match=r"shiftlead\[prove\]"):
        load_z3()


def test_importing_the_room_does_not_load_z3():
    told = "import sys, shiftlead.guardrails.solver, shiftlead.guardrails.review; print('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "False\n"
