"""Two versions of a policy: every loosening is found with a case that shows it, with the solver and without."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shiftlead.core.errors import PolicyError
from shiftlead.core.money import Money
from shiftlead.core.verdict import Lane
from shiftlead.guardrails import differences
from shiftlead.guardrails.differences import CANNOT_TELL, compare
from shiftlead.guardrails.facts import Fact, FactType
from shiftlead.guardrails.policy import parse_policy, policy_text, shipped_policy
from shiftlead.guardrails.powers import PARTS, powers
from shiftlead.guardrails.witnesses import judged

HOUSE = shipped_policy()
TEXT = policy_text(None)


def changed(*pairs):
    text = TEXT
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return parse_policy(text, origin="changed")


LIMIT = (("at_most: {EUR: 5000,", "at_most: {EUR: 20000,"), ("above: {EUR: 5000,", "above: {EUR: 20000,"))


@pytest.fixture(params=["z3", "written"])
def way(request, monkeypatch):
    if request.param == "written":
        monkeypatch.setattr(differences, "available", lambda: False)
    else:
        pytest.importorskip("z3")
    return request.param


def test_a_policy_does_not_differ_from_itself(way):
    found = compare(HOUSE, shipped_policy())
    assert (found.differences, found.loosens) == ((), False)


@pytest.mark.parametrize(
    ("pairs", "about"),
    [
        (LIMIT, "invoice.post"),
        ((("invoice.post: {min_confidence: 0.95}", "invoice.post: {min_confidence: 0.94}"),), "invoice.post"),
        ((("days_since_bank_change: {above: 30}", "days_since_bank_change: {above: 10}"), ("at_most: 30}", "at_most: 10}")), "invoice.post"),
        ((("when: {supplier_blocked: true}", "when: {supplier_blocked: true, disputed: true}"),), "invoice.short_pay"),
        ((("receivable.write_off: {min_confidence: 0.50, approvals: 2,", "receivable.write_off: {min_confidence: 0.50, approvals: 1,"),
          ("    approvals: 2\n    four_eyes: true\n    reason: Receivables", "    four_eyes: true\n    reason: Receivables")), "receivable.write_off"),
        ((("    four_eyes: true\n    reason: The supplier's bank", "    reason: The supplier's bank"),), "invoice.post"),
        ((("amount: {EUR: 20000,", "amount: {EUR: 30000,"),), "invoice.post"),
        ((("unsure: one_lane_up", "unsure: reviewed"),), "unsure"),
        ((("separation: four_eyes", "separation: one_person"),), "separation"),
        ((("expire_after_hours: 72", "expire_after_hours: 96"),), "expire_after_hours"),
        ((("expire_after_hours: 72", "expire_after_hours: 72\napproval_valid_hours: 25"),), "approval_valid_hours"),
        ((("up_to: {EUR: 25000, USD: 27500", "up_to: {EUR: 26000, USD: 27500"),), "role operator"),
        ((("up_to: {EUR: 100000, USD: 110000,", "up_to: {SEK: 1000, EUR: 100000, USD: 110000,"),), "role lead"),
        ((("    up_to: {EUR: 100000, USD: 110000, GBP: 86000, CHF: 96000}\n", "    actions: [\"*\"]\n"),), "role lead"),
        ((('actions: ["ticket.*", "invoice.*",', 'actions: ["receivable.*", "ticket.*", "invoice.*",'),), "role operator"),
        ((("  controller: {}", "  controller: {}\n  helper: {}"),), "role helper"),
        ((("  account.escalate: {min_confidence: 0.30}", "  account.escalate: {min_confidence: 0.30}\n  account.close: {}"),), "account.close"),
        ((("escalate_to: lead", "escalate_to: operator"),), "escalate_to"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
def test_every_loosening_is_found(way, pairs, about):
    found = compare(HOUSE, changed(*pairs))
    assert about in {one.about for one in found.loosenings}, found.differences


@pytest.mark.parametrize(
    "pairs",
    [
        (("at_most: {EUR: 5000,", "at_most: {EUR: 4000,"), ("above: {EUR: 5000,", "above: {EUR: 4000,")),
        (("when: {supplier_blocked: true}", "when: {any: [supplier_blocked: true, disputed: true]}"),),
        (("days_since_bank_change: {at_most: 30}", "days_since_bank_change: {at_most: 60}"),),
        (("expire_after_hours: 72", "expire_after_hours: 48"),),
        (("up_to: {EUR: 25000, USD: 27500", "up_to: {EUR: 24000, USD: 27500"),),
        (("invoice.post: {min_confidence: 0.95}", "invoice.post: {min_confidence: 0.96}"),),
    ],
)  # fmt: skip
def test_a_tightening_is_no_loosening(pairs):
    pytest.importorskip("z3")
    found = compare(HOUSE, changed(*pairs))
    assert found.loosenings == ()
    assert found.tightenings


def test_a_rule_in_other_words_changes_nothing():
    pytest.importorskip("z3")
    found = compare(
        HOUSE, changed(("when: {supplier_known: false}", "when: {not: {supplier_known: true}}"), ("version: 1", "version: 2"))
    )
    assert found.differences == ()


def test_the_witness_says_what_was_reviewed_and_would_run():
    pytest.importorskip("z3")
    new = changed(*LIMIT)
    [found] = compare(HOUSE, new).loosenings
    assert found.text == "invoice.post: reviewed -> allowed"
    assert found.facts["amount"] == "5,000.01 EUR"
    assert "R-002 (amount 5,000.01 EUR; limit 5,000.00 EUR; 0.01 EUR over)" in found.before
    assert "R-001" in found.after
    # Only what matters: a fact that no rule for this action needs is not named.
    assert "disputed" not in found.facts


def test_a_witness_holds_no_fact_that_could_be_left_out():
    pytest.importorskip("z3")
    new = changed(("when: {supplier_blocked: true}", "when: {supplier_blocked: true, disputed: true}"))
    first = next(one for one in compare(HOUSE, new).loosenings if one.about == "invoice.post")
    assert set(first.facts) == {"confidence", "supplier_blocked"}


def test_without_the_solver_it_says_so_and_takes_what_it_cannot_tell_as_a_loosening(monkeypatch):
    monkeypatch.setattr(differences, "available", lambda: False)
    found = compare(HOUSE, changed(("days_since_bank_change: {at_most: 30}", "days_since_bank_change: {at_most: 60}")))
    assert CANNOT_TELL in found.loosenings[0].text
    assert "shiftlead[prove]" in found.left_out[0]


def test_without_the_solver_a_further_prohibition_is_a_tightening(monkeypatch):
    monkeypatch.setattr(differences, "available", lambda: False)
    more = "rules:\n  - {id: R-999, lane: prohibited, actions: [invoice.post], when: {disputed: true}, reason: r, owner: o, source: s}\n"
    found = compare(HOUSE, changed(("rules:\n", more)))
    assert not found.loosens
    assert [one.about for one in found.tightenings] == ["invoice.post"]


def test_a_solver_that_contradicts_the_policy_never_makes_a_change_look_harmless(monkeypatch):
    pytest.importorskip("z3")
    monkeypatch.setattr(differences, "judged", lambda policy, kind, facts: judged(HOUSE, kind, facts))
    found = compare(HOUSE, changed(*LIMIT))
    assert found.loosens
    assert CANNOT_TELL in found.loosenings[0].text


def test_a_fact_of_another_type_counts_as_a_loosening():
    own = "facts: {rush: {type: %s, meaning: Hurry.}}\n"
    before, after = (parse_policy(own % kind + TEXT, origin="t") for kind in ("flag", "text"))
    assert any(one.about == "fact rush" for one in compare(before, after).loosenings)


def test_a_wider_vocabulary_counts_as_a_loosening(way):
    before, after = (
        HOUSE.model_copy(update={"facts": (Fact(name="zone", type=FactType.TEXT, meaning="Where.", values=words),)})
        for words in (("north", "south"), ("north", "south", "moon"))
    )
    assert "zone may now be moon" in compare(before, after).loosenings[0].text
    assert not any(one.about == "fact zone" for one in compare(after, before).loosenings)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_the_comparison_knows_what_a_policy_is_made_of(part):
    # A field that it does not know would change nothing in its eyes: teach `differences` or `powers` about it first.
    assert set(part.model_fields) == PARTS[part]


OTHER_SETTINGS = {
    "roles": HOUSE.roles[:-1], "separation": "one_person", "unsure": "reviewed", "expire_after_hours": 73, "approval_valid_hours": 25,
    "certificate_days": 91, "escalate_to": "operator", "theorems": "own.yaml", "ladder": HOUSE.ladder[:-1], "rates": {"EUR": Decimal(1)},
}  # fmt: skip
ABOUT_LANES = {"name", "version", "owner", "facts", "actions", "packs", "rules", "limits", "rates_checked_on"}


@pytest.mark.parametrize("name", [name for name in type(HOUSE).model_fields if name not in ABOUT_LANES])
def test_no_setting_of_a_policy_changes_unnoticed(name):
    assert list(powers(HOUSE, HOUSE.model_copy(update={name: OTHER_SETTINGS[name]})))


def test_a_setting_that_the_comparison_does_not_know_counts_as_a_loosening():
    other = HOUSE.model_copy(update={"rates": {"EUR": Decimal(1), "USD": Decimal(2)}})
    assert "rates" in {one.about for one in compare(HOUSE, other).loosenings}


SMALL = """
name: small
version: 1
owner: tests
unsure: {unsure}
actions: {{a.do: {{min_confidence: {floor}, approvals: {approvals}}}}}
rules:
"""
RULE = "  - {{id: R-{number}, lane: {lane}, actions: [a.do], when: {when}, approvals: {approvals}, four_eyes: {eyes}, reason: r, owner: o, source: s}}\n"
LEAVES = st.sampled_from(
    ["disputed: true", "disputed: false", "exceptions: {above: 1}", "exceptions: {at_most: 2}", "queue: {is: red}",
     "queue: {is_not: red}", "amount: {at_most: {EUR: 10}}", "amount: {above: {EUR: 5, USD: 7}}", "exceptions: {in: [0, 3]}"]
)  # fmt: skip
WHEN = st.one_of(
    LEAVES.map(lambda one: f"{{{one}}}"),
    st.tuples(st.sampled_from(["all", "any"]), LEAVES, LEAVES).map(lambda one: f"{{{one[0]}: [{{{one[1]}}}, {{{one[2]}}}]}}"),
    LEAVES.map(lambda one: f"{{not: {{{one}}}}}"),
)


@st.composite
def policies(draw):
    head = SMALL.format(
        unsure=draw(st.sampled_from(["one_lane_up", "reviewed"])),
        floor=draw(st.sampled_from(["0.50", "0.80"])),
        approvals=draw(st.integers(1, 2)),
    )
    rules = [
        RULE.format(
            number=number,
            lane=draw(st.sampled_from(["allowed", "reviewed", "prohibited", "allowed"])),
            when=draw(WHEN),
            approvals=draw(st.integers(1, 2)),
            eyes=draw(st.sampled_from(["true", "false"])),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    return head + "".join(rules)


def maybe(values):
    return st.one_of(st.none(), values)


FACTS = st.fixed_dictionaries(
    {
        "confidence": maybe(st.sampled_from([0.0, 0.5, 0.79, 0.8, 1.0])),
        "disputed": maybe(st.booleans()),
        "exceptions": maybe(st.integers(-1, 4)),
        "queue": maybe(st.sampled_from(["red", "blue"])),
        "amount": maybe(st.builds(Money, amount=st.sampled_from([Decimal(one) for one in (-1, 0, 5, 6, 7, 8, 10, 11)]),
                                  currency=st.sampled_from(["EUR", "USD", "CHF"]))),
    }
)  # fmt: skip


def freer(old, new):
    if old.lane is new.lane is Lane.REVIEWED:
        return new.approvals < old.approvals or new.four_eyes < old.four_eyes
    return new.lane.rank < old.lane.rank


@pytest.mark.parametrize("proving", [True, False])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(texts=st.tuples(policies(), policies()), cases=st.lists(FACTS, min_size=30, max_size=30))
def test_no_case_is_freer_where_no_loosening_is_found(proving, texts, cases):
    if proving:
        pytest.importorskip("z3")
    try:
        old, new = (parse_policy(text, origin="t") for text in texts)
    except PolicyError:
        return
    with pytest.MonkeyPatch.context() as patch:
        if not proving:
            patch.setattr(differences, "available", lambda: False)
        found = compare(old, new)
    seen = any(freer(judged(old, "a.do", facts), judged(new, "a.do", facts)) for facts in cases)
    assert found.loosens or not seen
    assert not any(CANNOT_TELL in one.text for one in found.loosenings) or not proving


def test_the_highest_role_does_not_go_unnoticed():
    """Whoever is the highest then adopts policies and erases people."""
    roles = HOUSE.roles
    without_highest = HOUSE.model_copy(update={"roles": roles[:-1], "escalate_to": roles[0].name})
    with_highest = without_highest.model_copy(update={"roles": roles})
    gone = [one for one in powers(with_highest, without_highest) if one.about == f"role {roles[-1].name}"]
    assert [(one.loosens, roles[-2].name in one.text) for one in gone] == [(True, True)]
    nobody = [
        one for one in powers(with_highest, with_highest.model_copy(update={"roles": ()})) if one.about.startswith("role ")
    ]
    assert [one.loosens for one in nobody] == [*[False] * (len(roles) - 1), True]
    lower = [
        one
        for one in powers(with_highest, with_highest.model_copy(update={"roles": roles[1:]}))
        if one.about.startswith("role ")
    ]
    assert [one.loosens for one in lower] == [False]
