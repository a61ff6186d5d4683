"""Customers' answers: their kind by the shipped brain, the rest by rules, and a person wherever that is not enough."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftlead.agents.own_words import own_words
from shiftlead.agents.reply_corpus import FOLDS, examples_of, folds, unseen, wordings
from shiftlead.agents.reply_reading import PERSON, STOPS, read_reply, shipped_reply_brain
from shiftlead.agents.reply_tone import tone_of
from shiftlead.agents.reply_training import train_reply
from shiftlead.agents.text_scores import score
from shiftlead.core.money import Money

TODAY = date(2026, 9, 15)
LABELS = {
    "dispute", "promise", "out_of_office", "opt_out", "wrong_contact", "bankruptcy", "paid_already", "question", "out_of_scope",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The price on INV-2026-00417 is wrong, we dispute it until you send a corrected invoice.", "dispute"),
        ("We will transfer the full amount on 30 September.", "promise"),
        ("I am out of the office until Monday and will answer then.", "out_of_office"),
        ("Please stop sending me these emails.", "opt_out"),
        ("STOP", "opt_out"),
        ("You have the wrong person, I no longer work there.", "wrong_contact"),
        ("We filed for insolvency, an administrator has been appointed.", "bankruptcy"),
        ("We already paid this invoice last week, see the attached bank confirmation.", "paid_already"),
        ("Could you send me a copy of the invoice?", "question"),
        ("Nous avons déjà payé cette facture la semaine dernière, merci de vérifier votre compte bancaire.", PERSON),
        ("Diese Rechnung haben wir bereits letzte Woche bezahlt, bitte prüfen Sie Ihr Konto.", PERSON),
        ("What is the capital of Peru?", PERSON),
        ("qxzv wkjq vvxz", PERSON),
        ("", PERSON),
    ],
)
def test_the_kind_of_an_answer(text, kind):
    found = read_reply(text, today=TODAY)
    assert found.kind == kind
    assert found.stops == (kind in STOPS or kind == PERSON)


def test_day_and_amount_of_a_promise():
    found = read_reply(
        "Hello,\nwe will pay 1.250,00 EUR for invoice INV-2026-00417 on 30.09.2026.\nBest regards\nAna Ruiz", today=TODAY
    )
    assert (found.kind, found.promised_on, found.invoices) == ("promise", date(2026, 9, 30), ("INV-2026-00417",))
    assert found.amount == Money(amount=Decimal("1250.00"), currency="EUR")
    assert found.brain == shipped_reply_brain().name


@pytest.mark.parametrize(
    "text",
    [
        "We will pay on 30.09.2026 or on 15.10.2026.",  # two days
        "We paid you on 01.09.2026 and will pay the rest soon.",  # the only day has passed
        "We will pay next week, promised.",  # which day of it?
    ],
)
def test_no_day_is_made_up(text):
    assert read_reply(text, today=TODAY).promised_on is None


def test_only_a_promise_has_a_day():
    found = read_reply("I am out of the office until 30.09.2026.", today=TODAY)
    assert (found.kind, found.promised_on) == ("out_of_office", None)


def test_the_mail_that_is_answered_says_nothing():
    """Our own reminder under the answer speaks of payment and disputes; the customer does not."""
    quoted = "\n".join(
        f"> {line}" for line in ("Dear Ms Ruiz,", "invoice INV-2026-00417 is overdue, please pay by 30.09.2026.")
    )
    found = read_reply(f"I am on leave until Monday.\n\nOn Mon, 14 Sep 2026, Nordwerk wrote:\n{quoted}", today=TODAY)
    assert (found.kind, found.invoices) == ("out_of_office", ())


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Hello,\nWe paid it.\nBest regards\nAnna Keller\nKaltenbach Nord", "We paid it."),
        ("Hi there, stop mailing us\nBR Tom", "stop mailing us"),
        ("Thanks, paid it now.", "Thanks, paid it now."),
        ("We got it.\nThanks, will pay Monday", "We got it.\nThanks, will pay Monday"),
        ("Paid.\n\n-----Original Message-----\nFrom: us\nPay!", "Paid."),
        ("> only a quote", "> only a quote"),
        ("Thank you for the reminder. It is with our approver.", "Thank you for the reminder. It is with our approver."),
        (
            "Dear Ms Keller,\nok will pay tomorrow\nMany thanks in advance\nMaria Rossi\nSent from my iPhone",
            "ok will pay tomorrow",
        ),
    ],
)
def test_greeting_signature_and_quotes_are_not_his_words(text, own):
    assert own_words(text) == own


@pytest.mark.parametrize("line", ["A" * 20_000, "A " * 10_000, "A, ," * 5_000])
def test_a_long_line_under_a_closing_is_read_in_no_time(line):
    text = f"We paid.\nBest {line}?"
    assert own_words(text) == text


@given(st.text())
@settings(deadline=None)
def test_something_is_always_left(text):
    assert own_words(text) or not text.strip()


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("This is ridiculous, for the third time: we paid it!!", ("-", 2)),
        ("I am disappointed and will hand this to my lawyer today.", ("-", 1)),
        ("Thank you very much, perfect service.", ("+", 3)),
        ("The delivery was not terrible.", ("0", 3)),
        ("Could you send the invoice again? No rush.", ("0", 4)),
        ("Our production is down, please answer immediately.", ("0", 2)),
        ("Please send a copy.", ("0", 3)),
    ],
)
def test_mood_and_urgency(text, tone):
    assert tuple(tone_of(text)) == tone


def test_there_are_enough_wordings_of_every_kind():
    own = {label: [text for family in found.values() for text in family] for label, found in wordings().items()}
    assert set(own) == LABELS
    assert all(len(set(texts)) >= 60 for texts in own.values())
    everything = [text for texts in own.values() for text in texts]
    assert len(set(everything)) == len(everything)


def test_no_family_is_on_both_sides():
    examples = examples_of(wordings())
    judged = [one for _, held_out in folds(examples) for one in held_out]
    assert sorted(judged, key=repr) == sorted(examples, key=repr)
    for fit, held_out in folds(examples):
        assert not {one.group for one in fit} & {one.group for one in held_out}
        assert {one.label for one in fit} == LABELS
    assert len(folds(examples)) == FOLDS


def test_the_shipped_brain_on_what_the_companys_customers_write():
    brain = shipped_reply_brain()
    found = score(brain, examples_of(unseen(), seed=1))
    assert set(brain.labels) == LABELS
    assert found.accuracy >= 0.8
    assert found.ece <= 0.1
    assert found.oos_auroc is not None
    assert found.oos_auroc >= 0.88
    assert not {one.text for one in examples_of(unseen(), seed=1)} & {one.text for one in examples_of(wordings())}


@pytest.mark.slow
def test_the_shipped_brain_is_what_its_wordings_give():
    brain, record = train_reply(examples_of(wordings()))
    shipped = shipped_reply_brain()
    assert (brain.labels, brain.meta.data_digest) == (shipped.labels, shipped.meta.data_digest)
    assert brain.meta.scores == pytest.approx(shipped.meta.scores, abs=0.02)
    assert record.cases == len(examples_of(wordings()))
    assert record.ece <= 0.06
