"""Policy files: what loads, and every authoring mistake refused at load with file, rule and the nearest right word."""

from decimal import Decimal

import pytest

from shiftlead.core.errors import PolicyError
from shiftlead.core.money import Money
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.policy import load_policy, parse_policy

HEAD = """
name: test
version: 3
owner: somebody
actions:
  invoice.post: {min_confidence: 0.8}
  invoice.hold: {}
roles:
  operator: {up_to: 500 EUR, actions: ["invoice.*"]}
  lead: {}
"""
RULE = """
rules:
  - id: R-001
    lane: prohibited
    actions: [invoice.post]
    reason: because
    owner: me
    source: SOP
    when: %s
"""


def policy(rules="", head=HEAD):
    return parse_policy(head + rules, origin="test.yaml")


def refused(text):
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, origin="test.yaml")
    return str(caught.value)


SIX_MISTAKES = {
    "a misspelt field": ("{amonut: {above: 5000 EUR}}", "'amonut' is not a declared fact", "Did you mean 'amount'"),
    "a number against a text": (
        "{exceptions: {above: '3'}}",
        "exceptions is a whole number, but the value is '3'",
        "Write a number, without quotes.",
    ),
    "a flag against a word": (
        '{order_found: "yes"}',
        "order_found is true or false, but the value is 'yes'",
        "Write true or false",
    ),
    "a fraction against a whole number": (
        "{exceptions: {below: 0.8}}",
        "exceptions is a whole number, but the value is 0.8",
        "Write a number without a fraction.",
    ),
    "an impossible condition": (
        "{all: [exceptions: {above: 10}, exceptions: {below: 5}]}",
        "this can never be true: exceptions above 10 and exceptions below 5",
        "Mend one of the two",
    ),
    "a syntax error": ("{amount: {above: 5000 EUR}", "expected ',' or '}'", "Mend the YAML there."),
}


@pytest.mark.parametrize("mistake", SIX_MISTAKES)
def test_the_six_mistakes_fail_at_load_with_file_line_rule_and_the_way_to_write_it(mistake):
    when, said, right = SIX_MISTAKES[mistake]
    message = refused(HEAD + RULE % when)
    assert message.startswith("test.yaml, line ")
    assert "rule 'R-001'" in message
    assert said in message
    assert right in message


@pytest.mark.parametrize(
    ("when", "said", "right"),
    [
        ("{amount: {above: lots}}", "amount is money, but the value is 'lots'", "500.00 EUR"),
        ("{order_found: yes}", "order_found is true or false, but the value is 'yes'", "true or false"),
        ("{amount: {abov: 5000 EUR}}", "'abov' is no operator of amount", "'above'"),
        ("{match_type: {is: 3WAY}}", "match_type is never '3WAY'", "Did you mean '3way'?"),
        (
            "{amount: {above: 500 EUR}, currency: {is: USD}}",
            "amount above 500.00 EUR and currency is USD",
            "Mend one of the two",
        ),
        ("{amount: {above: 5.000 EUR}}", "5.000 EUR may be 5,000 or 5", "Write 5000 EUR, or 5.00 EUR."),
        ("{rush: gren}", "rush is never 'gren'", "Did you mean 'green'?"),
    ],
)
def test_other_mistakes_in_a_condition(when, said, right):
    message = refused(HEAD + "facts: {rush: {type: text, meaning: How fast., values: [green, red]}}\n" + RULE % when)
    assert "rule 'R-001'" in message
    assert said in message
    assert right in message


def test_an_id_used_twice_is_named_where_it_stands_the_second_time():
    text = HEAD + RULE % "{order_found: true}" + (RULE % "{disputed: true}").replace("rules:", "")
    second = [number for number, line in enumerate(text.splitlines(), start=1) if "R-001" in line][1]
    assert f"line {second}, rule 'R-001': two rules or limits have this id" in refused(text)


def test_a_syntax_error_names_the_rule_it_stands_in():
    assert "near rule 'R-002'" in refused(HEAD + RULE % "{order_found: true}" + "\n  - {id: R-002, lane")
    assert "rule" not in refused("name: [\nowner: x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + RULE % "{order_found: true}\n    lanes: x", "'lanes' is not a known field. Did you mean 'lane'?"),
        ((HEAD + RULE % "{order_found: true}").replace("prohibited", "forbiden"), "'forbiden' is no lane"),
        ((HEAD + RULE % "{order_found: true}").replace("prohibited", "review"), "Did you mean 'reviewed'?"),
        ((HEAD + RULE % "{order_found: true}").replace("[invoice.post]", "[invoice.pots]"), "Did you mean 'invoice.post' or"),
        ((HEAD + RULE % "{order_found: true}").replace("[invoice.post]", "ticket.*"), "'ticket.*' is no action of this policy"),
        ((HEAD + RULE % "{order_found: true}").replace("    reason: because\n", ""), "rule 'R-001': reason is missing"),
        ((HEAD + RULE % "{order_found: true}").replace("id: R-001", "id: missing-fact"), "id: string should match"),
        (
            HEAD + RULE % "{order_found: true}" + (RULE % "{disputed: true}").replace("rules:", ""),
            "two rules or limits have this id",
        ),
        (HEAD + RULE % "{order_found: true, order_found: false}", "'order_found' is written twice"),
        (HEAD + RULE % "{order_found: true}\n    four_eyes: yes", "four_eyes: input should be a valid boolean"),
        (HEAD + RULE % "{order_found: true}\n    approvals: 0", "approvals: input should be greater than or equal to 1"),
        (HEAD.replace("version: 3", "version: three"), "version: input should be a valid integer"),
        (HEAD.replace("owner: somebody\n", ""), "owner is missing"),
        (HEAD.replace("roles:", "role:"), "Did you mean 'roles'"),
        (HEAD + "separation: two_eyes\n", "separation: input should be 'four_eyes' or 'one_person'"),
        (HEAD + "escalate_to: boss\n", "'boss' is no role"),
        (HEAD.replace("min_confidence: 0.8", "min_confidence: 80"), "min_confidence: input should be less than or equal to 1"),
        (HEAD.replace("500 EUR", "500"), "up_to is money, but the value is 500"),
        (HEAD + "facts: {amount: {type: money, meaning: mine}}\n", "the name is taken"),
        (HEAD + "facts: {rush: {type: bool, meaning: mine}}\n", "'bool' is no type of fact"),
        (HEAD + "facts: {rush: {type: flag, meaning: mine, values: [a]}}\n", "values are the words that a text may be"),
        (HEAD + "facts: {rush: {type: text, meaning: mine, values: []}}\n", "values are the words that a text may be"),
        (HEAD + "facts: {rush: {type: text, meaning: mine, values: [a, 1]}}\n", "values are the words that a text may be"),
        (HEAD + "facts: {rush: {type: text, meaning: mine, values: [a, a]}}\n", "Write a list of different words"),
        (HEAD.replace("500 EUR", "1.500 EUR"), "up_to: 1.500 EUR may be 1,500 or 1.5"),
        ("name: x\nversion: 1\nowner: me\n", "no kind of action is known"),
        ("- a\n- b\n", "a policy is a mapping of fields"),
        ("", "a policy is a mapping of fields"),
        (HEAD + "limits: [{id: L-1, actions: '*', per: party, reason: r, owner: o, source: s}]\n", "it limits nothing"),
        (
            HEAD + "limits: [{id: L-1, actions: '*', per: day, count: 1, reason: r, owner: o, source: s}]\n",
            "per: 'day' is not known",
        ),
        (
            HEAD + "limits: [{id: L-1, actions: '*', per: party, count: 1, lane: allowed, reason: r, owner: o, source: s}]\n",
            "a limit cannot allow",
        ),
        (
            HEAD + (RULE % "{local_hour: {missing: true}}").replace("prohibited", "allowed"),
            "a missing fact cannot allow anything",
        ),
        (HEAD + RULE % "{order_found: true}\n    examples: [{like: nobody, lane: allowed}]", "'nobody' is no sample"),
        (HEAD + RULE % "{order_found: true}\n    examples: [{order_fund: true, lane: allowed}]", "Did you mean 'order_found'"),
        (
            HEAD + RULE % "{order_found: true}\n    examples: [{action: invoice.pst, lane: allowed}]",
            "Did you mean 'invoice.post'",
        ),
        (HEAD + RULE % "{order_found: true}\n    examples: [{order_found: 1, lane: allowed}]", "order_found is true or false"),
        (HEAD + RULE % "{order_found: true}\n    examples: {lane: allowed}", "examples is a list"),
        (HEAD + RULE % "{order_found: true}\n    examples: [{without: amount, lane: allowed}]", "without is a list"),
        (HEAD + RULE % "{order_found: true}\n    examples: [{without: [[amount]], lane: allowed}]", "is not a declared fact"),
        (HEAD + RULE % "{order_found: true}\n    examples: [{action: 5, lane: allowed}]", "it does not say which action"),
        (HEAD + RULE % "{order_found: true}\n    examples: [{like: [a], lane: allowed}]", "is no sample"),
        (HEAD + "<<: {a: 1}\n", "'<<' is not a known field"),
    ],
)
def test_what_a_policy_may_not_say(text, said):
    message = refused(text)
    assert message.startswith("test.yaml")
    assert said in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PolicyError, match=r"nowhere\.yaml.*cannot be read: No such file"):
        load_policy(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(PolicyError, match="not UTF-8"):
        load_policy(tmp_path / "latin.yaml")


def test_a_policy_declares_facts_for_plugins():
    own = policy(RULE % "{rush: true}", HEAD + "facts: {rush: {type: flag, meaning: The customer is in a hurry.}}\n")
    assert own.rules[0].when.field == "rush"


def test_the_digest_changes_with_the_text_that_matters():
    first = policy(RULE % "{all: [order_found: true, disputed: true]}")
    assert first.digest() == policy(RULE % "{all: [order_found: true, disputed: true]}  # a remark").digest()
    assert first.digest() != policy(RULE % "{any: [order_found: true, disputed: true]}").digest()


def test_a_changed_copy_has_its_own_digest_and_its_own_plans():
    first = policy(RULE % "{order_found: true}")
    assert len(first.plans["invoice.post"].steps) == 1
    emptied = first.model_copy(update={"rules": ()})
    assert emptied.digest() != first.digest()
    assert emptied.plans["invoice.post"].steps == ()


def test_limits_become_rules_on_the_exposure_facts():
    limits = "limits: [{id: L-1, actions: '*', per: party, amount: 900 EUR, count: 3, reason: r, owner: o, source: s}]\n"
    found = policy(limits)
    assert [(rule.id, rule.when.field, rule.when.value, rule.lane) for rule in found.every_rule] == [
        ("L-1", "exposure_party_24h", {"EUR": Decimal(900)}, Lane.REVIEWED),
        ("L-1n", "actions_party_24h", 3, Lane.REVIEWED),
    ]
    assert found.rule("L-1n").covers("invoice.hold")


@pytest.mark.parametrize(
    ("kind", "amount", "role"),
    [
        ("invoice.post", Money.of("500.00", "EUR"), "operator"),
        ("invoice.post", Money.of("500.01", "EUR"), "lead"),
        ("invoice.post", Money.of("1", "USD"), "lead"),
        ("invoice.hold", None, "operator"),
        ("ticket.reply", None, "lead"),
    ],
)
def test_the_least_role_that_may_approve(kind, amount, role):
    assert policy().role_for(kind, amount) == role


def test_a_refusal_says_how_far_the_amount_is_from_the_role():
    refusal = policy().role("operator").refusal("invoice.post", Money.of("812.50", "EUR"))
    assert refusal == "812.50 EUR is above the 500 EUR of the role 'operator'"
