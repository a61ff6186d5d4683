"""What messages say between their figures, read from the text itself."""

import pytest

from shiftlead.agents.dunning_templates import shipped_templates
from shiftlead.agents.dunning_wording import admission_in_text, charges_claimed, opt_out_offered, text_facts, threat_in_text
from shiftlead.agents.wording import LANGUAGES

THREATS = (
    "Otherwise we will take you to court.", "We shall SUE.", "Our lawyers will take legal action.",
    "This will be passed to a collection agency.", "We will tell the credit bureau.", "Your goods will be seized.",
    "Wir beantragen einen Mahnbescheid.", "Danach übergeben wir an ein Inkassounternehmen.", "Eintrag bei der SCHUFA",
    "Es droht die Zwangsvollstreckung.", "Wir schalten unseren Anwalt ein.", "Rechtliche Schritte behalten wir uns vor.",
    "Nous saisirons le tribunal.", "Un huissier viendra.", "des poursuites judiciaires", "We see you in c\u200bo\u00adurt.",
    "ｃｏｕｒｔ", "legal\u00a0action",
)  # fmt: skip
HARMLESS = (
    "Please pay by Friday.", "We ensure that issues are pursued.", "Our credit manager decides how to go on with the account.",
    "a courtesy call", "Wir danken für Ihr Vertrauen.", "Nous vous remercions.", "Danach entscheidet unsere Kreditleitung.",
)  # fmt: skip


@pytest.mark.parametrize("text", THREATS)
def test_a_threat_is_seen(text: str) -> None:
    assert threat_in_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "We start legal\nproceedings.",
        "We go to \u0441ourt.",
        "\u0421OURT is next.",
        "le\u200bgal \u00a0action follows",
        "l\ufe0fawsuit",
    ],
)
def test_a_threat_that_is_wrapped_or_written_otherwise_is_seen(text: str) -> None:
    assert threat_in_text(text)


def test_two_paragraphs_say_nothing_together() -> None:
    assert admission_in_text("Please confirm\nthe amount due.")
    assert not admission_in_text("We confirm\n\nthe amount due")
    found = text_facts("We confirm", "The amount due is 12.00 EUR.", written_in="en", language="en")
    assert found["admission_in_text"] is False


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_sentence_says_nothing(text: str) -> None:
    assert [says(text) for says in (threat_in_text, admission_in_text, charges_claimed, opt_out_offered)] == [False] * 4


def test_a_name_is_no_threat_and_hides_none() -> None:
    assert not threat_in_text("Dear Crown Court Hotels Ltd, please pay.", ["Crown Court Hotels Ltd"])
    assert threat_in_text("Dear Crown Court Hotels Ltd, we go to court.", ["Crown Court Hotels Ltd"])
    assert threat_in_text("Dear Court, we go to court.", ["Court"])


@pytest.mark.parametrize(
    "text",
    [
        "By paying you acknowledge the debt.", "You admit that you owe this.", "Sie erkennen die Forderung an.", "ein Schuldanerkenntnis",
        "Mit der Zahlung wird die Schuld anerkannt.", "Vous reconnaissez devoir cette somme.",
    ],
)  # fmt: skip
def test_an_admission_is_seen(text: str) -> None:
    assert admission_in_text(text)


@pytest.mark.parametrize(
    "text",
    ["with 9 % interest", "a late fee applies", "zzgl. Verzugszinsen", "Mahngebühr", "intérêts de retard", "une indemnité de"],
)
def test_charges_are_seen(text: str) -> None:
    assert charges_claimed(text)


def test_stopping_to_remind_is_no_way_out() -> None:
    assert not opt_out_offered("If you disagree, reply with the reason; we stop reminding you of it.")
    assert opt_out_offered("To receive no more reminders, reply with STOP.")


@pytest.mark.parametrize("part", ["contact", "dispute", "opt_out"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_opt_out_sentence_of_the_templates_is_one(part: str, language: str) -> None:
    assert opt_out_offered(shipped_templates().disclosures[part][language]) is (part == "opt_out")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", sorted(shipped_templates().templates))
def test_no_approved_text_threatens_charges_or_makes_admit(key: str, language: str) -> None:
    text = shipped_templates().templates[key].texts[language]
    found = text_facts(text.subject, text.body, written_in=language, language=language)
    assert found == {
        "threat_in_text": False, "admission_in_text": False, "charges_claimed": False, "opt_out_offered": False,
        "language_matches": True,
    }  # fmt: skip


@pytest.mark.parametrize(("written", "spoken", "same"), [("en", "en-GB", True), ("en", "it", False), ("de", "fr", False)])
def test_the_language_is_the_debtors_or_not(written: str, spoken: str, same: bool) -> None:
    assert text_facts("", "", written_in=written, language=spoken)["language_matches"] is same
