"""Packs: jurisdictions as data that only ever restrict, hold where nothing is known, and may be tightened but never loosened."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftlead.core.action import Action, Proposal, Target
from shiftlead.core.errors import PolicyError
from shiftlead.core.money import Money
from shiftlead.core.verdict import Lane, Verdict
from shiftlead.guardrails.conditions import leaves
from shiftlead.guardrails.facts import FACTS, FactType
from shiftlead.guardrails.lanes import judge
from shiftlead.guardrails.packs import parse_pack, shipped_packs
from shiftlead.guardrails.policy import Policy, load_policy, parse_policy, shipped_policy
from shiftlead.guardrails.review import check, explain

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
HOUSE = shipped_policy()
PACKS = shipped_packs()
CONTACTS = ("reminder.send", "plan.offer", "task.call", "receivable.agency")
HEAD = """
name: test
version: 1
owner: somebody
actions:
  reminder.send: {}
  plan.offer: {}
  task.call: {}
  receivable.agency: {}
"""
ALLOW = """
rules:
  - {id: R-1, lane: allowed, actions: [reminder.send, plan.offer, task.call], reason: x, owner: me, source: SOP}
"""


@cache
def policy(packs: str = "", rules: str = "", folder: Path | None = None) -> Policy:
    return parse_policy(f"{HEAD}{packs}{rules}", origin="test.yaml", folder=folder)


def judged(under: Policy, kind: str = "reminder.send", confidence: float = 1.0, **facts: Any) -> Verdict:
    amount = facts.pop("amount", None)
    action = Action(kind=kind, target=Target(system="s", kind="customer", id="C-1"), amount=amount)
    proposal = Proposal(action=action, confidence=confidence, rationale="-", facts=facts)
    return judge(under, proposal, context={}, now=NOW)


def rules_of(verdict: Verdict) -> set[str]:
    return {hit.rule for hit in verdict.hits}


# --- what ships ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PACKS))
def test_each_pack_says_where_it_comes_from(name: str) -> None:
    pack = PACKS[name]
    assert pack.sources
    assert "not legal advice" in pack.note
    assert date(2026, 1, 1) <= pack.checked_on
    for rule in pack.rules:
        assert re.fullmatch(r"C(?:[1-9]|1\d|20)-[a-z0-9]+", rule.id)
        assert rule.lane is not Lane.ALLOWED
        assert all(example.action in rule.actions for example in rule.examples)


@pytest.mark.parametrize("name", sorted(PACKS))
def test_each_rule_of_a_pack_is_shown_by_an_example_that_holds_on_its_own(name: str) -> None:
    report = check(policy(f"packs: [{name}]\n"))
    assert [remark for remark in report.remarks if remark.serious] == []
    assert all(rule.examples for rule in PACKS[name].rules)


def test_together_the_packs_cover_every_rule_of_the_checklist() -> None:
    numbers = {int(rule.id.partition("-")[0][1:]) for pack in PACKS.values() for rule in pack.rules}
    # C20 is no rule but a time: how long records of contacts are kept.
    assert numbers == set(range(1, 20))
    assert PACKS["us-reg-f"].retention_years == PACKS["us-nyc"].retention_years == 3


def test_the_house_has_adopted_all_of_them_and_nothing_serious_is_wrong() -> None:
    assert {pack.name for pack in HOUSE.packs} == set(PACKS)
    assert [remark for remark in check(HOUSE).remarks if remark.serious] == []
    assert HOUSE.retention_years == 3
    assert policy(rules=ALLOW).retention_years == 0


def test_a_verdict_names_pack_and_source() -> None:
    found = judged(HOUSE, disputed=True)
    [hit] = [hit for hit in found.hits if hit.rule == "C7-dispute"]
    assert hit.source == "Regulation F, 12 CFR 1006.38; pack us-reg-f@1"
    assert any("pack us-reg-f@1" in line for line in explain(HOUSE, found))


# --- for whom they hold -------------------------------------------------------------------------------------------------

NYC = policy("packs: [us-nyc]\n", ALLOW)


@pytest.mark.parametrize(
    ("who", "holds"),
    [
        ({"region": "US-NYC", "consumer": True}, True),
        ({"region": "US-CA", "consumer": True}, False),
        ({"region": "", "consumer": True}, False),
        ({"region": "US-NYC", "consumer": False}, False),
        ({"consumer": True}, True),
        ({"region": "US-NYC"}, True),
        ({}, True),
        ({"region": ""}, False),
        ({"consumer": False}, False),
    ],
)
def test_a_rule_holds_where_it_applies_and_where_nobody_knows(who: dict, holds: bool) -> None:
    found = judged(NYC, channel="email", written_consent=True, contacts_last_7_days=3, **who)
    assert found.lane is (Lane.PROHIBITED if holds else Lane.ALLOWED)
    assert ("C3-cap" in rules_of(found)) is holds


def test_one_rule_may_be_named_without_a_list() -> None:
    assert policy("packs: [{pack: us-nyc, everyone: C3-cap}]\n").packs[0].everyone == ("C3-cap",)


def test_a_rule_for_everyone_holds_for_those_the_pack_is_not_about() -> None:
    wide = policy("packs: [{pack: us-nyc, everyone: [C3-cap]}]\n", ALLOW)
    others = {"region": "", "consumer": False, "channel": "email"}
    assert judged(wide, contacts_last_7_days=3, **others).lane is Lane.PROHIBITED
    assert judged(wide, contacts_last_7_days=2, written_consent=False, **others).lane is Lane.ALLOWED
    widest = policy("packs: [{pack: us-nyc, everyone: true}]\n", ALLOW)
    assert judged(widest, contacts_last_7_days=2, written_consent=False, **others).lane is Lane.PROHIBITED


TRADER = {"country": "US", "region": "US-CA", "consumer": False, "sole_trader": True, "guarantor": False,
          "validation_notice_sent": False}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "protected"),
    [
        ({}, True),
        ({"sole_trader": False, "guarantor": True}, True),
        ({"sole_trader": False}, False),
        ({"owed_amount": Money.of("500000.00", "USD")}, True),
        ({"owed_amount": Money.of("500000.01", "USD")}, False),
        ({"region": "US-TX"}, False),
        ({"region": None}, True),
        ({"sole_trader": None}, True),
        ({"owed_amount": None}, True),
        ({"country": "DE", "region": ""}, False),
    ],
)
def test_california_switches_people_in_business_to_the_consumer_packs(changed: dict, protected: bool) -> None:
    both = policy("packs: [us-reg-f, us-ca-sb1286]\n")
    alone = policy("packs: [us-reg-f]\n")
    facts = {"owed_amount": Money.of("80000.00", "USD")} | TRADER | changed
    assert ("C14-notice" in rules_of(judged(both, **facts))) is protected
    assert "C14-notice" not in rules_of(judged(alone, **facts))


@pytest.mark.parametrize(("changed", "protected"), [({}, True), ({"sole_trader": False}, False), ({"region": "US-TX"}, False)])
def test_the_switch_reaches_into_the_rules_of_other_packs(changed: dict, protected: bool) -> None:
    """A Californian sole trader is not written to at work, as a consumer is not."""
    wide = policy("packs: [{pack: us-reg-f, everyone: [C11-work]}, us-ca-sb1286]\n")
    facts = {"owed_amount": Money.of("80000.00", "USD"), "work_mailbox": True} | TRADER | changed
    assert ("C11-work" in rules_of(judged(wide, **facts))) is protected


def test_unknown_zones_must_be_convenient_everywhere() -> None:
    reg_f = policy("packs: [us-reg-f]\n")
    for hours, prohibited in (((8, 20), False), ((7, 12), True), ((10, 21), True), ((0, 23), True)):
        facts = {"local_hour_earliest": hours[0], "local_hour_latest": hours[1], "country": "US", "consumer": True}
        assert ("C1-hours" in rules_of(judged(reg_f, **facts))) is prohibited


# --- what a policy may do with them -------------------------------------------------------------------------------------


def test_a_policy_tightens_a_parameter() -> None:
    tight = policy("packs: [{pack: us-nyc, tighten: {contacts_per_7_days: 2}}]\n", ALLOW)
    who = {"region": "US-NYC", "consumer": True, "channel": "email", "written_consent": True}
    assert judged(tight, contacts_last_7_days=2, **who).lane is Lane.PROHIBITED
    assert judged(NYC, contacts_last_7_days=2, **who).lane is Lane.ALLOWED
    assert "At most 2 contacts" in tight.rule("C3-cap").reason
    assert [remark for remark in check(tight).remarks if remark.serious] == []
    assert tight.packs[0].parameters == {"contacts_per_7_days": 2}
    assert tight.packs[0].digest != NYC.packs[0].digest


PACK = """
pack: mine
title: Mine
jurisdiction: MX
version: 4
checked_on: 2026-11-01
owner: me
note: Not legal advice.
sources: [somewhere]
actions: [reminder.send, plan.offer]
applies: {country: {is: MX}}
facts:
  siesta: {type: flag, meaning: It is the hour in which people sleep.}
parameters:
  most: {value: 5, tighter: lower, meaning: Contacts.}
rules:
  - id: C3-mine
    lane: prohibited
    actions: ["*"]
    when: {contacts_last_7_days: {at_least: $most}}
    reason: Not more than $most.
    owner: me
    source: my law
    examples:
      - {action: reminder.send, country: MX, contacts_last_7_days: $most, lane: prohibited}
  - id: C1-siesta
    lane: reviewed
    actions: [reminder.send]
    when: {siesta: true}
    reason: Sleep.
    owner: me
    source: my law
    examples:
      - {country: MX, siesta: true, lane: reviewed}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(PACK, encoding="utf-8")
    path = tmp_path / "policy.yaml"
    path.write_text(f"{HEAD}packs: [mine.yaml]\n{ALLOW}", encoding="utf-8")
    return path


def test_a_pack_of_ones_own_lies_beside_the_policy(mine: Path) -> None:
    found = load_policy(mine)
    assert found.packs[0].ref == "mine@4"
    assert [rule.id for rule in found.rules] == ["C3-mine", "C1-siesta", "R-1"]
    assert found.rule("C3-mine").actions == ("reminder.send", "plan.offer"), "* is every action of the pack, not of the policy"
    assert judged(found, country="MX", siesta=True, contacts_last_7_days=0).lane is Lane.REVIEWED
    assert judged(found, country="FR", siesta=True, contacts_last_7_days=9).lane is Lane.ALLOWED
    assert judged(found, "task.call", country="MX", contacts_last_7_days=9).lane is Lane.ALLOWED
    assert [remark for remark in check(found).remarks if remark.serious] == []


@pytest.mark.parametrize("applies", ["{consumer: true}", "{not: {consumer: false}}", "{not: {not: {consumer: true}}}"])
def test_a_switch_reaches_a_flag_however_the_pack_writes_it(mine: Path, applies: str) -> None:
    mine.with_name("mine.yaml").write_text(
        PACK.replace("{country: {is: MX}}", applies).split("    examples:")[0], encoding="utf-8"
    )
    mine.write_text(f"{HEAD}packs: [mine.yaml, us-ca-sb1286]\n{ALLOW}", encoding="utf-8")
    facts = TRADER | {"owed_amount": Money.of("80000.00", "USD"), "contacts_last_7_days": 9}
    assert "C3-mine" in rules_of(judged(load_policy(mine), **facts))
    assert "C3-mine" not in rules_of(judged(load_policy(mine), **(facts | {"region": "US-TX"})))


@pytest.mark.parametrize(
    ("old", "new"),
    [("at_least", "above"), ("version: 4", "version: 5"), ("source: my law", "source: your law"), ("MX}", "BR}")],
)
def test_another_pack_is_another_policy(mine: Path, old: str, new: str) -> None:
    before = load_policy(mine).digest()
    changed = mine.with_name("mine.yaml")
    changed.write_text(PACK.replace(old, new), encoding="utf-8")
    assert load_policy(mine).digest() != before


def refused(text: str, folder: Path | None = None) -> str:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, origin="test.yaml", folder=folder)
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("packs", "said"),
    [
        ("[us-regf]", "'us-regf' is no pack. Did you mean 'us-reg-f'"),
        ("[mine.yaml]", "'mine.yaml' lies beside no policy file"),
        ("[us-nyc, us-nyc@1]", "'us-nyc' is named twice"),
        ("[us-nyc@2]", "'us-nyc' is there in version 1, not 2"),
        ("us-nyc", "a list is expected"),
        ("[{pack: us-nyc, tighten: {contacts_per_7_days: 4}}]", "4 would loosen the pack. The pack says 3; only lower"),
        ("[{pack: us-reg-f, tighten: {hours_from: 7}}]", "7 would loosen the pack. The pack says 8; only higher"),
        ("[{pack: us-reg-f, tighten: {hours_untill: 20}}]", "no such parameter. Did you mean 'hours_until'"),
        ("[{pack: us-nyc, tighten: {contacts_per_7_days: few}}]", "'few' is no value for it"),
        ("[{pack: us-nyc, tighten: {contacts_per_7_days: true}}]", "True is no value for it"),
        ("[{pack: us-nyc, everyone: [C3-cup]}]", "it has no rule 'C3-cup'. Did you mean 'C3-cap'"),
        ("[{pack: us-nyc, evryone: [C3-cap]}]", "'evryone' is not a known field. Did you mean 'everyone'"),
        ("[{everyone: true}]", "an entry is a pack's name"),
    ],
)
def test_a_mistake_in_naming_a_pack_is_refused(packs: str, said: str) -> None:
    assert said in refused(f"{HEAD}packs: {packs}\n")


def test_ids_are_unique_over_packs_and_policy() -> None:
    clash = ALLOW.replace("R-1", "C3-cap").replace("lane: allowed", "lane: reviewed")
    assert "rule 'C3-cap': two rules or limits have this id" in refused(f"{HEAD}packs: [us-nyc]\n{clash}")


def test_a_pack_about_none_of_the_actions_protects_nobody() -> None:
    other = re.sub(r"actions:.*", "actions:\n  invoice.post: {}\n", HEAD, flags=re.DOTALL)
    assert "'us-nyc' is about no action of this policy" in refused(f"{other}packs: [us-nyc]\n")


def test_rules_keep_only_the_actions_the_policy_knows() -> None:
    few = re.sub(r"actions:.*", "actions:\n  task.call: {}\n", HEAD, flags=re.DOTALL)
    found = parse_policy(f"{few}packs: [us-nyc]\n", origin="test.yaml")
    assert [(rule.id, rule.actions) for rule in found.rules] == [("C3-cap", ("task.call",))]


@pytest.mark.parametrize("name", ["../mine.yaml", "sub/mine.yaml", "/etc/mine.yaml"])
def test_a_pack_file_lies_beside_the_policy(name: str, tmp_path: Path) -> None:
    assert f"{name!r} does not lie beside the policy" in refused(f"{HEAD}packs: [{name}]\n", tmp_path)


def test_a_missing_pack_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(f"{HEAD}packs: [none.yaml]\n", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lane: reviewed", "lane: allowed", "rule 'C1-siesta': a pack cannot allow anything"),
        ("$most}", "$mots}", "$mots: there is no such parameter. Did you mean 'most'"),
        ("checked_on: 2026-11-01", "checked_on: lately", "checked_on: it is no day"),
        ("sources: [somewhere]", "sources: []", "sources"),
        ("owner: me\nnote", "note", "owner is missing"),
        ("tighter: lower", "tighter: less", "parameter 'most': tighter"),
        ("{country: {is: MX}}\nfacts", "{cuntry: {is: MX}}\nfacts", "'cuntry' is not a declared fact. Did you mean 'country'"),
        ('["*"]', "[reminder.sent]", "'reminder.sent' is no action of this policy. Did you mean 'reminder.send'"),
        ("title: Mine", "titel: Mine", "'titel' is not a known field. Did you mean 'title'"),
        ("rules:", "switches: [{fact: country, when: {siesta: true}}]\nrules:", "switch: 'country' is no flag"),
        ("rules:", "  lots: {value: 1, tighter: lower, meaning: x}\nrules:", "parameter 'lots': no rule uses it"),
        ("pack: mine", "pack: Mine", "name: "),
    ],
)
def test_a_mistake_in_a_pack_is_refused_with_its_file(old: str, new: str, said: str) -> None:
    assert PACK.count(old), old
    with pytest.raises(PolicyError) as caught:
        parse_pack(PACK.replace(old, new), origin="mine.yaml")
    assert caught.value.message.startswith("mine.yaml, line ")
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_fact_of_a_pack_must_not_be_another_one_of_the_policy(mine: Path) -> None:
    mine.write_text(f"{HEAD}packs: [mine.yaml]\nfacts: {{siesta: {{type: text, meaning: no}}}}\n{ALLOW}", encoding="utf-8")
    with pytest.raises(PolicyError, match="the fact 'siesta' is declared twice, and differently"):
        load_policy(mine)


# --- never freer --------------------------------------------------------------------------------------------------------

# What the house demanded of every contact before any pack, which is the least that its packs must demand.
LEAST = parse_policy(
    HEAD
    + """
rules:
  - {id: R-051, lane: prohibited, actions: [reminder.send, plan.offer], reason: x, owner: x, source: x,
     when: {any: [local_hour: {below: 8}, local_hour: {at_least: 21}]}}
  - {id: R-052, lane: prohibited, actions: [reminder.send, plan.offer], reason: x, owner: x, source: x,
     when: {contacts_last_7_days: {at_least: 3}}}
  - {id: R-053, lane: prohibited, actions: [task.call], reason: x, owner: x, source: x, when: {contacts_last_7_days: {at_least: 7}}}
  - {id: R-054, lane: prohibited, actions: [reminder.send, plan.offer, task.call], reason: x, owner: x, source: x,
     when: {do_not_contact: true}}
  - {id: R-055, lane: prohibited, actions: [reminder.send, plan.offer, task.call, receivable.agency], reason: x, owner: x,
     source: x, when: {insolvent: true}}
  - {id: R-056, lane: prohibited, actions: [reminder.send, receivable.agency], reason: x, owner: x, source: x, when: {disputed: true}}
  - {id: R-057, lane: prohibited, actions: [reminder.send], reason: x, owner: x, source: x, when: {promise_open: true}}
  - {id: R-058, lane: reviewed, actions: [reminder.send], reason: x, owner: x, source: x, when: {promise_broken: true}}
  - {id: R-059, lane: prohibited, actions: [reminder.send, plan.offer, task.call], reason: x, owner: x, source: x,
     when: {recipient_from_records: false}}
  - {id: R-060, lane: prohibited, actions: [reminder.send, plan.offer], reason: x, owner: x, source: x,
     when: {amounts_match_records: false}}
  - {id: R-061, lane: reviewed, actions: [reminder.send, plan.offer], reason: x, owner: x, source: x,
     when: {any: [vulnerable: true, key_account: true]}}
  - {id: R-062, lane: reviewed, actions: [reminder.send], reason: x, owner: x, source: x, four_eyes: true,
     when: {reminder_level: {at_least: 3}}}
  - {id: R-065, lane: reviewed, actions: [plan.offer], reason: x, owner: x, source: x, four_eyes: true, approvals: 2,
     when: {instalments: {above: 12}}}
  - {id: R-071, lane: prohibited, actions: [receivable.agency], reason: x, owner: x, source: x, when: {vulnerable: true}}
""",
    origin="least",
)
# Everything that a rule of the house allows on its own counts as allowed here too.
WITH_ALLOWED = LEAST.model_copy(
    update={
        "actions": tuple(one for one in HOUSE.actions if one.kind in CONTACTS),
        "rules": (*LEAST.rules, *(rule for rule in HOUSE.rules if rule.id in {"R-050", "R-063", "R-064"})),
    }
)
CLEAN = next(example for example in HOUSE.rule("R-050").examples if example.lane is Lane.ALLOWED).facts
USED = sorted(
    {
        leaf.field
        for one in (HOUSE, WITH_ALLOWED)
        for rule in one.rules
        if set(rule.actions) & set(CONTACTS) and rule.when is not None
        for leaf in leaves(rule.when)
    }
    & FACTS.keys() - {"amount", "confidence"}
)


def values(name: str) -> st.SearchStrategy[Any]:
    kind = FACTS[name].type
    if kind is FactType.FLAG:
        return st.booleans()
    if kind is FactType.TEXT:
        return st.sampled_from(("", "email", "US", "DE", "GB", "US-NYC", "US-CA", "reminder_1", "none"))
    if kind is FactType.MONEY:
        return st.sampled_from((Money.of("40.00", "EUR"), Money.of("90.00", "GBP"), Money.of("500000.01", "USD")))
    if kind is FactType.RATIO:
        return st.sampled_from((0.2, 0.9))
    if kind is FactType.NUMBER:
        return st.sampled_from((Decimal(8), Decimal(9)))
    return st.integers(0, 24)


@st.composite
def circumstances(draw: st.DrawFn) -> dict[str, Any]:
    """A clean reminder of which a few facts are otherwise, or unknown."""
    facts = {
        name: value for name, value in CLEAN.items() if name not in ("target_kind", "reversibility", "confidence", "currency")
    }
    for name in draw(st.lists(st.sampled_from(USED), max_size=6, unique=True)):
        facts[name] = draw(st.one_of(st.none(), values(name)))
    facts["amount"] = draw(st.sampled_from((facts["amount"], Money.of("20000.00", "EUR"), Money.of("900.00", "GBP"))))
    return facts


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(CONTACTS), circumstances(), st.sampled_from((0.75, 0.95)))
def test_the_house_with_packs_is_never_freer_than_its_own_rules_were(kind: str, facts: dict, sure: float) -> None:
    shared = {name: value for name, value in facts.items() if name in FACTS or name == "amount"}
    least, house = judged(WITH_ALLOWED, kind, sure, **shared), judged(HOUSE, kind, sure, **facts)
    assert house.lane.rank >= least.lane.rank
    if house.lane is least.lane is Lane.REVIEWED:
        assert house.approvals >= least.approvals
        assert house.four_eyes >= least.four_eyes


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(CONTACTS[:3]), circumstances(), st.sets(st.sampled_from(sorted(PACKS)), min_size=1))
def test_adopting_a_pack_never_makes_anything_freer(kind: str, facts: dict, names: set[str]) -> None:
    facts = {name: value for name, value in facts.items() if name in FACTS}
    without, adopted = policy(rules=ALLOW), policy(f"packs: [{', '.join(sorted(names))}]\n", ALLOW)
    assert judged(adopted, kind, **facts).lane.rank >= judged(without, kind, **facts).lane.rank
    everyone = policy(f"packs: [{', '.join(f'{{pack: {name}, everyone: true}}' for name in sorted(names))}]\n", ALLOW)
    assert judged(everyone, kind, **facts).lane.rank >= judged(adopted, kind, **facts).lane.rank


def test_the_sweep_reaches_all_lanes() -> None:
    lanes = {
        judged(HOUSE, **{**{k: v for k, v in CLEAN.items() if k not in ("confidence", "currency")}, **more}).lane
        for more in ({}, {"quiet_day": True}, {"counsel": True})
    }
    assert lanes == set(Lane)


def test_a_file_does_not_pass_for_a_pack_that_ships(mine: Path) -> None:
    mine.with_name("mine.yaml").write_text(PACK.replace("pack: mine", "pack: us-reg-f"), encoding="utf-8")
    with pytest.raises(PolicyError, match="ships with the product"):
        load_policy(mine)
