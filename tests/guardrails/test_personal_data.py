"""Personal data: what is found in a text, how sure that is, and what a message tells its reader about others."""

import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.errors import PluginError, SettingsError
from shiftlead.guardrails.disclosure import after_edit, disclosed, free_texts, goes_out
from shiftlead.guardrails.known_values import KnownValue, KnownValues
from shiftlead.guardrails.personal_data import Kind, PersonalData, Source, Span, distinct, find
from shiftlead.guardrails.presidio import Presidio, open_recognisers
from shiftlead.guardrails.recognisers import Guesses, Patterns, Wordings
from shiftlead.guardrails.redaction import Redactor

ANNA = KnownValue(kind=Kind.NAME, value="Jürgen Maria Großmann", owner="C-1", person=True)
FIRM = KnownValue(kind=Kind.NAME, value="Nordlicht & Söhne GmbH", owner="C-1")
HOME = KnownValue(kind=Kind.ADDRESS, value="Lindenstraße 12a, 50674 Köln", owner="C-1")
MAIL = KnownValue(kind=Kind.EMAIL, value="j.grossmann@nordlicht.example", owner="C-1")
PHONE = KnownValue(kind=Kind.PHONE, value="+49 221 9123456", owner="C-1")
IBAN = KnownValue(kind=Kind.IBAN, value="DE89370400440532013000", owner="C-1")
TAX = KnownValue(kind=Kind.TAXID, value="DE136695976", owner="C-1")
ORDER = KnownValue(kind=Kind.REFERENCE, value="SO-2026-4711", owner="C-1")
RECORD = (ANNA, FIRM, HOME, MAIL, PHONE, IBAN, TAX, ORDER)
OTHER = (
    KnownValue(kind=Kind.NAME, value="Siobhan Featherstone", owner="C-2", person=True),
    KnownValue(kind=Kind.EMAIL, value="siobhan@harbour.example", owner="C-2"),
    KnownValue(kind=Kind.REFERENCE, value="SO-2026-9999", owner="C-2"),
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (ANNA, "Jürgen Maria Großmann"),
        (ANNA, "JÜRGEN MARIA GROSSMANN"),
        (ANNA, "Juergen Maria Grossmann"),
        (ANNA, "jurgen maria grossmann"),
        (ANNA, "Großmann, Jürgen Maria"),
        (ANNA, "Jürgen Großmann"),
        (ANNA, "Großmann Jürgen"),
        (ANNA, "Jürgen M. Großmann"),
        (ANNA, "Jür\u200bgen\nMaria\u00a0Großmann"),
        (ANNA, "Ju\u0308rgen Maria Großmann"),
        (ANNA, "Jürgеn Maria Großmann"),
        (FIRM, "Nordlicht und Söhne GmbH"),
        (FIRM, "nordlicht & soehne"),
        (FIRM, "NORDLICHT-SÖHNE GMBH"),
        (HOME, "Lindenstr. 12a"),
        (HOME, "Lindenstrasse 12 A, 50674 Koeln"),
        (MAIL, "J.Grossmann@Nordlicht.example"),
        (MAIL, "j.grossmann (at) nordlicht.example"),
        (PHONE, "0221 / 912 34 56"),
        (PHONE, "0049-221-9123456"),
        (PHONE, "+49 (0)221 9123456"),
        (PHONE, "2219123456"),
        (IBAN, "de89 3704 0044 0532 0130 00"),
        (IBAN, "DE89-3704-0044-0532-0130-00"),
        (IBAN, "370400440532013000"),
        (TAX, "DE 136 695 976"),
        (TAX, "136695976"),
        (ORDER, "so 2026/4711"),
    ],
)
def test_a_known_value_is_found_however_it_is_written(value, written):
    text = f"About {written}: nothing new."
    (span, *_) = [one for one in KnownValues(RECORD).find(text) if one.value == value.value and one.sure]
    assert text[span.start : span.end] == written
    assert (span.kind, span.source, span.owner) == (value.kind, Source.KNOWN, "C-1")


@pytest.mark.parametrize("written", ["J. Großmann", "Herr Großmann", "Großmann, J.", "J. M. Großmann"])
def test_a_part_of_a_persons_name_is_only_possible(written):
    spans = list(KnownValues([ANNA]).find(f"Ask {written} again."))
    assert spans
    assert not any(span.sure for span in spans)


@pytest.mark.parametrize(
    "text",
    [
        "The grossmann scale",
        "Jürgen Marianne Großmannova",
        "Order SO-2026-47110",
        "Konto 3704004405320130001",
        "Call 0221 91234567",
        "Town: 50674 Köln",
        "Lindenstraße 12",
    ],
)
def test_what_is_only_like_a_known_value_is_not_taken_for_it(text):
    assert [span for span in KnownValues(RECORD).find(text) if span.sure] == []


@pytest.mark.parametrize(
    ("number", "found"), [("2026", False), ("10500", False), ("105004", True), ("A-10", False), ("PO-1050", True)]
)
def test_a_short_number_alone_is_no_reference(number, found):
    known = KnownValues([KnownValue(kind=Kind.REFERENCE, value=number, owner="C-1")])
    assert bool(list(known.find(f"In {number} we met."))) is found


def test_signs_without_spaces_between_words_are_found_too():
    known = KnownValues([KnownValue(kind=Kind.NAME, value="山田太郎", owner="C-3")])
    (span,) = known.find("お客様は山田太郎です")
    assert span.value == "山田太郎"


def test_a_value_that_both_have_belongs_to_the_reader():
    shared = KnownValue(kind=Kind.PHONE, value="0221 9123456", owner="C-2")
    own, others = KnownValues((*RECORD, *OTHER, shared, shared.model_copy(update={"owner": "C-1"}))).apart(["C-1"])
    assert {one.owner for one in own.values} == {"C-1"}
    assert shared not in others.values


@pytest.mark.parametrize(
    ("text", "kind", "sure"),
    [
        ("IBAN GB82 WEST 1234 5698 7654 32", Kind.IBAN, True),
        ("card 4111-1111-1111-1111", Kind.CARD, True),
        ("ana@example.com", Kind.EMAIL, True),
        ("ana [at] example [dot] com", Kind.EMAIL, True),
        ("ａｎａ＠example.com", Kind.EMAIL, True),
        ("+49 30 901820", Kind.PHONE, True),
        ("Tel. 030 901820", Kind.PHONE, True),
        ("01 42 68 53 00", Kind.PHONE, False),
        ("VAT DE136695976", Kind.TAXID, True),
        ("FR 40 303 265 045", Kind.TAXID, True),
        ("Steuer-ID 65 929 970 489", Kind.TAXID, True),
        ("DNI 54362315K", Kind.TAXID, True),
        ("RCCMNL83S18D969H", Kind.TAXID, True),
        ("295 10 99 126 111 93".replace(" ", ""), Kind.NATIONALID, True),
        ("NHS number 943 476 5919", Kind.NATIONALID, True),
        ("SSN 536-90-4399", Kind.NATIONALID, True),
        ("536-90-4399", Kind.NATIONALID, False),
        ("AB 12 34 56 C", Kind.NATIONALID, False),
        ("NI number AB123456C", Kind.NATIONALID, True),
        ("from 192.0.2.17", Kind.IP, False),
        ("from 2001:db8::17", Kind.IP, False),
        ("BIC COBADEFFXXX", Kind.BIC, False),
        ("account no. 12345678", Kind.ACCOUNT, False),
    ],
)
def test_numbers_of_a_fixed_shape(text, kind, sure):
    found = find(text, [Patterns()])
    assert [(span.kind, span.sure) for span in found.spans] == [(kind, sure)], found


@pytest.mark.parametrize(
    "text",
    [
        "PO 4500017998, invoice 2026-336905, SKU 30-1042-77",
        "12,480.00 EUR on 2026-09-15 at 10:30, 1 234 567,89 EUR",
        "version 1.2.3.4 of DOCUMENT",
        "VAT DE123456789, IBAN DE89370400440532013002",
        "65929970489",
        "9434765919",
    ],
)
def test_numbers_that_only_look_like_it(text):
    assert find(text, [Patterns()]).level is PersonalData.NONE


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("Dear Ms Featherstone,\nthanks", "Featherstone"),
        ("Sehr geehrter Herr Dr. von Weizäcker,", "von Weizäcker"),
        ("Bonjour Élodie Lefèvre,", "Élodie Lefèvre"),
        ("All well.\n\nBest regards,\nOlu Adeyemi", "Olu Adeyemi"),
        ("My name is Anna-Lena Voß.", "Anna-Lena Voß"),
        ("We moved to Lindenstraße 12a.", "Lindenstraße 12a"),
        ("at 221 Baker Street", "221 Baker Street"),
        ("12, rue des Peupliers", "12, rue des Peupliers"),
        ("Via Garibaldi 14", "Via Garibaldi 14"),
        ("Leeds LS1 4DY", "LS1 4DY"),
    ],
)
def test_names_and_addresses_by_the_words_around_them(text, piece):
    spans = list(Wordings().find(text))
    assert piece in {text[span.start : span.end] for span in spans}, spans
    assert not any(span.sure for span in spans)


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 60_000,
        "regards" + "\n" * 60_000,
        "regards," + " " * 60_000,
        "a." * 30_000,
        "A-" * 30_000,
        "1 " * 30_000,
        "1-" * 30_000,
        "DE89" * 15_000,
        "a@" * 30_000,
        "via " + "a" * 60_000,
        "(" * 60_000,
        ":" * 60_000,
        "account " * 8_000,
    ],
    ids=lambda text: repr(text[:9]),
)
def test_no_text_keeps_the_recognisers_busy(text):
    """With a pattern that goes over a text once for each of its letters this would take minutes."""
    assert find(text, [Patterns(), Wordings(), Guesses(), KnownValues(RECORD)]).level is not PersonalData.CERTAIN


def test_a_text_is_free_of_personal_data_only_where_known_values_were_looked_for():
    assert find("all is well", [Guesses()]).level is PersonalData.NONE
    assert find("all is well", [Guesses()], checked=False).level is PersonalData.POSSIBLE
    assert find(" ", [Guesses()], checked=False).level is PersonalData.NONE
    assert find("ask Olu Adeyemi", [Guesses()]).level is PersonalData.POSSIBLE


def test_of_pieces_that_overlap_the_surer_one_stays():
    card = Span(kind=Kind.CARD, start=3, end=20, sure=True, source=Source.PATTERN)
    phone = Span(kind=Kind.PHONE, start=0, end=25, source=Source.PATTERN)
    name = Span(kind=Kind.NAME, start=30, end=35, source=Source.GUESS)
    assert distinct([phone, name, card]) == [card, name]


# What a message tells its reader

KNOWN = KnownValues((*RECORD, *OTHER))
HOUSE = (KnownValue(kind=Kind.PHONE, value="+44 20 7946 0115", owner="house"),)


def told(text, to=("C-1",), known=KNOWN, house=HOUSE):
    return disclosed([text], known=known, to=to, house=house)


def test_what_belongs_to_the_reader_or_to_us_is_no_disclosure():
    letter = (
        "Dear Jürgen Maria Großmann,\nyour order SO-2026-4711 is on its way to Lindenstraße 12a. Questions? Call +44 20 7946 0115 or "
        "we call +49 221 9123456."
    )
    assert told(letter).level is PersonalData.NONE


@pytest.mark.parametrize(
    "piece",
    [
        "Siobhan Featherstone",
        "featherstone, siobhan",
        "SO-2026-9999",
        "siobhan@harbour.example",
        "GB82 WEST 1234 5698 7654 32",
        "c2lvYmhhbkBoYXJib3VyLmV4YW1wbGU=",
    ],
)
def test_what_belongs_to_somebody_else_is_certain(piece):
    assert told(f"Please see {piece} for more.").level is PersonalData.CERTAIN


def test_the_same_value_is_a_disclosure_to_one_and_none_to_the_other():
    assert told("siobhan@harbour.example", to=["C-2"]).level is PersonalData.NONE
    assert told("siobhan@harbour.example", to=["C-1"]).level is PersonalData.CERTAIN


def test_a_text_where_no_record_could_be_looked_for_may_tell_anything():
    assert told("all is well", known=KnownValues([ORDER])).level is PersonalData.POSSIBLE
    assert told("all is well").level is PersonalData.NONE


def test_an_unknown_name_is_possible():
    assert told("Please ask Olu Adeyemi about it.").level is PersonalData.POSSIBLE


def test_the_most_telling_text_counts():
    found = disclosed(["all is well", "siobhan@harbour.example"], known=KNOWN, to=["C-1"])
    assert (found.level, found.spans[0].owner) == (PersonalData.CERTAIN, "C-2")


@given(text=st.text(max_size=60), piece=st.sampled_from(OTHER), pad=st.sampled_from([" ", "\n", ", ", " ("]))
def test_adding_somebody_elses_value_never_makes_a_text_tell_less(text, piece, pad):
    assert told(f"{text}{pad}{piece.value}{pad}").level is PersonalData.CERTAIN


def test_an_edited_text_is_never_free_of_personal_data():
    before = ["Write to ana@example.com."]
    assert after_edit(before, ["Please write to ana@example.com."]) is PersonalData.POSSIBLE
    assert after_edit(before, ["Write to eva@example.com."]) is PersonalData.CERTAIN


def test_the_words_of_an_action_are_what_picks_nobody_and_names_no_record():
    arguments = {"ticket_id": "T-1", "to": "ana@example.com", "subject": "Re: you", "body": "words", "tags": ["a"]}
    assert free_texts(arguments, ("to",)) == ["Re: you", "words", "a"]
    assert goes_out(("to",))
    assert not goes_out(("iban", "amount"))


# Tokens over a conversation


def test_one_value_has_one_token_in_every_spelling_and_comes_back_as_the_record_has_it():
    redactor = Redactor(KnownValues(RECORD))
    first = redactor.hide("Großmann, Jürgen wrote from J.GROSSMANN@nordlicht.example")
    second = redactor.hide("It was Juergen Maria Grossmann (j.grossmann@nordlicht.example) about SO-2026-4711.")
    assert first == "<NAME_1> wrote from <EMAIL_1>"
    assert second == "It was <NAME_1> (<EMAIL_1>) about SO-2026-4711."
    assert redactor.show(second) == "It was Jürgen Maria Großmann (j.grossmann@nordlicht.example) about SO-2026-4711."


def test_nothing_of_a_number_is_left_beside_its_token():
    redactor = Redactor(KnownValues(RECORD))
    assert redactor.hide("call +49 221 9123456 or (0221) 9123456") == "call <PHONE_1> or <PHONE_1>"


def test_a_token_that_somebody_wrote_is_never_given_out():
    redactor = Redactor(KnownValues(RECORD))
    redactor.reserve("pay <IBAN_1>")
    assert redactor.hide(IBAN.value) == "<IBAN_2>"
    assert redactor.show("<IBAN_1>") == "<IBAN_1>"


def test_a_guess_by_capitals_alone_is_not_hidden():
    assert Redactor().hide("The Purchase Order is open.") == "The Purchase Order is open."


# Another engine behind the same port


class Engine:
    """Finds one place, as Presidio would."""

    def analyze(self, text, language, entities):
        assert (language, "PERSON" in entities) == ("en", True)
        at = text.index("olu")
        named = SimpleNamespace(entity_type="PERSON", start=at, end=at + 3, score=0.85)
        return [
            named,
            SimpleNamespace(entity_type="PERSON", start=0, end=1, score=0.1),
            SimpleNamespace(entity_type="URL", start=0, end=1, score=1),
        ]


def test_an_engine_adds_what_it_finds_as_possible():
    found = find("ask olu", [Patterns(), Presidio(engine=Engine())])
    assert [(span.kind, span.source, span.start) for span in found.spans] == [(Kind.NAME, Source.ENGINE, 4)]
    assert found.level is PersonalData.POSSIBLE


def test_without_the_extra_the_engine_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "presidio_analyzer", None)
    with pytest.raises(PluginError, match="presidio-analyzer") as refused:
        Presidio()
    assert "shiftlead[pii]" in refused.value.hint


def shouting():
    """A recogniser of a workspace's own."""
    return Presidio(engine=Engine())


def test_a_workspace_names_its_own_recognisers(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "finders", SimpleNamespace(shouting=shouting, nothing=lambda: 1))
    (one,) = open_recognisers(["finders:shouting"])
    assert [span.kind for span in one.find("ask olu")] == [Kind.NAME]
    for spec in ("finders:nothing", "finders:absent", "no.such.module:x", "spacy"):
        with pytest.raises(SettingsError, match="recognisers"):
            open_recognisers([spec])


def test_what_another_engine_finds_is_hidden_too():
    assert Redactor(None, [Presidio(engine=Engine())]).hide("ask olu") == "ask <NAME_1>"


def test_a_flood_of_addresses_is_hidden_in_time():
    """Quadratic would be minutes."""
    started = time.process_time()
    text = "<EMAIL_7> " * 20_000 + " ".join(f"a{number}@b.example" for number in range(20_000))
    hidden = Redactor().hide(text)
    assert "@" not in hidden
    assert len(set(hidden.split())) == 20_001
    assert time.process_time() - started < 30
