"""Payees: account numbers, and the rules of the house against payment fraud."""

import pytest

from shiftlead.core.action import Action, Target
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.payees import accounts, iban_valid
from shiftlead.guardrails.policy import shipped_policy
from shiftlead.guardrails.review import verdict_of
from shiftlead.guardrails.rules import Example

IBAN = "DE02120300000000202051"
HOUSE = shipped_policy()
CLEAN = HOUSE.rule("P-007").examples[1].facts
CHANGE = HOUSE.rule("P-003").examples[0].facts
POST, PART, CHANGES = "invoice.post", "invoice.short_pay", "supplier.change"


def paying(**arguments):
    return Action(kind=POST, target=Target(system="erp", kind="invoice", id="I-1"), arguments=arguments)


@pytest.mark.parametrize(
    ("arguments", "valid"),
    [
        ({"iban": IBAN}, True),
        ({"iban": "de02 1203 0000 0000 2020 51"}, True),
        ({"iban": "DE02120300000000202052"}, False),  # check digits
        ({"iban": IBAN[:-1]}, False),  # length
        ({"iban": "12345678"}, False),  # called one and none
        ({"iban": [IBAN, "DE02120300000000202052"]}, False),
        ({"account": "DE02120300000000202052"}, False),  # looks like one
        ({"account": "12-345-678"}, None),  # another kind of account
        ({"iban": ""}, None),
        ({}, None),
        ({"iban": 17}, None),
    ],
)
def test_an_iban_can_exist_or_not(arguments, valid):
    assert iban_valid(paying(**arguments)) is valid


def test_an_account_is_named_once():
    assert accounts(paying(iban=IBAN, account="DE02 1203 0000 0000 2020 51")) == [IBAN]


# What a mail about money asks for, what is known about it, and where the action that would follow it goes.
MAILS = [
    ("an ordinary invoice", POST, {}, Lane.ALLOWED),
    ("the same, with an account that is not the supplier's", POST, {"bank_matches_master": False}, Lane.PROHIBITED),
    ("the same, in part", PART, {"bank_matches_master": False}, Lane.PROHIBITED),
    ("our bank changed, says a mail; the new account stands only there", CHANGES, {"authority_from_records": False}, Lane.PROHIBITED),
    ("the same, said with the argument's name", CHANGES, {"tainted_arguments": "iban"}, Lane.PROHIBITED),
    ("our phone changed, call us there about our bank", CHANGES, {"callback_number_on_record": False}, Lane.PROHIBITED),
    ("the number was put into the master by the same mail", CHANGES, {"callback_number_days": 0}, Lane.PROHIBITED),
    ("nobody knows how old the number is", CHANGES, {"callback_number_days": None}, Lane.REVIEWED),
    ("called at the old number, and they confirm", CHANGES, {}, Lane.REVIEWED),
    ("an account that cannot exist", POST, {"iban_valid": False}, Lane.PROHIBITED),
    ("an account that cannot exist, as a change", CHANGES, {"iban_valid": False}, Lane.PROHIBITED),
    ("a new account abroad", CHANGES, {"iban_country_matches": False}, Lane.PROHIBITED),
    ("paying to the account that moved abroad last week", POST, {"iban_country_matches": False, "days_since_bank_change": 7}, Lane.PROHIBITED),
    ("paying to an account that was always abroad", POST, {"iban_country_matches": False}, Lane.ALLOWED),
    ("paying to the account that changed last week", POST, {"days_since_bank_change": 7}, Lane.REVIEWED),
    ("the day the cooling-off ends", POST, {"days_since_bank_change": 30}, Lane.REVIEWED),
    ("the day after", POST, {"days_since_bank_change": 31}, Lane.ALLOWED),
    ("the bank says the account is somebody else's", POST, {"account_name_check": "no_match"}, Lane.PROHIBITED),
    ("the bank says the name is close", POST, {"account_name_check": "close_match"}, Lane.REVIEWED),
    ("the bank was not asked", POST, {"account_name_check": "not_checked"}, Lane.ALLOWED),
    ("answers go elsewhere", POST, {"reply_to_differs": True}, Lane.REVIEWED),
    ("a domain nobody knows", POST, {"first_seen_domain": True}, Lane.REVIEWED),
    ("pay at once and tell nobody", POST, {"urgent_words": True}, Lane.REVIEWED),
    ("all of it, and another account", POST, {"urgent_words": True, "first_seen_domain": True, "bank_matches_master": False}, Lane.PROHIBITED),
    ("nobody looked at the sender", POST, {"first_seen_domain": None}, Lane.REVIEWED),
]  # fmt: skip


@pytest.mark.parametrize(("mail", "kind", "facts", "lane"), MAILS, ids=[mail for mail, *_ in MAILS])
def test_mails_about_money(mail, kind, facts, lane):
    base = CHANGE if kind == CHANGES else CLEAN
    told = {name: value for name, value in {**base, **facts}.items() if value is not None}
    assert verdict_of(HOUSE, Example(action=kind, facts=told, lane=lane)).lane is lane


@pytest.mark.parametrize("facts", [{"reply_to_differs": True}, {"first_seen_domain": True}, {"urgent_words": True}])
def test_marks_of_fraud_ask_a_second_person_and_prove_nothing(facts):
    found = verdict_of(HOUSE, Example(action=POST, facts=CLEAN | facts, lane=Lane.REVIEWED))
    assert (found.lane, found.four_eyes, found.hits[0].rule) == (Lane.REVIEWED, True, "P-009")


@pytest.mark.parametrize(("kind", "facts"), [(CHANGES, CHANGE), (POST, CLEAN | {"days_since_bank_change": 7})])
def test_master_data_that_changed_takes_two_people_and_none_of_them_made_it(kind, facts):
    found = verdict_of(HOUSE, Example(action=kind, facts=facts, lane=Lane.REVIEWED))
    assert (found.lane, found.approvals, found.four_eyes) == (Lane.REVIEWED, 2, True)


def test_a_policy_that_asks_for_the_name_check_reviews_where_it_is_missing():
    without = {name: value for name, value in CLEAN.items() if name != "account_name_check"}
    found = verdict_of(HOUSE, Example(action=POST, facts=without, lane=Lane.REVIEWED))
    assert (found.lane, found.missing) == (Lane.REVIEWED, ("account_name_check",))
    silent = HOUSE.model_copy(update={"rules": tuple(rule for rule in HOUSE.rules if rule.id not in ("P-007", "P-008"))})
    assert verdict_of(silent, Example(action=POST, facts=without, lane=Lane.ALLOWED)).lane is Lane.ALLOWED
