"""How much personal data is found, in texts made up with a seed, and how fast.

    python benchmarks/privacy.py --texts 600

Two measures. *Structured*: accounts, cards, mail, phones, tax and identity numbers in the ways that people of six countries write
them, among numbers that only look like them. *Known*: every name, address and number of a customer's record, written differently
from the record, and how often one customer's values are found in a text about another. The texts come from this file, so the figures
show what the finder does on its own ground; presidio-research's public set, which other figures are about, is not part of this.
Over 300 lines since the generator of the texts is part of what is measured.
"""

import argparse
import json
import random
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import phonenumbers
from stdnum import luhn
from stdnum.de import idnr, vat
from stdnum.es import dni
from stdnum.fr import nir
from stdnum.gb import nhs

from shiftlead.guardrails.known_values import KnownValue, KnownValues
from shiftlead.guardrails.personal_data import Kind, Source, Span, distinct
from shiftlead.guardrails.recognisers import Patterns, Wordings

LOCALES = ("DE", "GB", "US", "FR", "ES", "IT")
FIRST = {
    "DE": ("Jürgen", "Anke", "Björn", "Käthe", "Lukas"), "GB": ("Oliver", "Siobhan", "Harriet", "Rhys", "Imogen"),
    "US": ("Madison", "Tyrone", "Ashley", "DeShawn", "Carl"), "FR": ("Élodie", "François", "Aurélie", "Noël", "Jean-Luc"),
    "ES": ("Íñigo", "Begoña", "José", "Lucía", "Ramón"), "IT": ("Niccolò", "Giulia", "Andrea", "Chiara", "Matteo"),
}  # fmt: skip
LAST = {
    "DE": ("Müller", "Großmann", "Schäfer", "Köhler", "Weiß"), "GB": ("O'Connor", "Featherstone", "Llewellyn", "Whitby", "Ashdown"),
    "US": ("Washington", "McAllister", "Nguyen", "Ramirez", "Kowalski"), "FR": ("Lefèvre", "Béranger", "D'Aubigné", "Garçon", "Maître"),
    "ES": ("Núñez", "Ibáñez", "Peña", "Echeverría", "Castaño"), "IT": ("Esposito", "D'Angelo", "Fabbri", "Pellegrino", "Moretti"),
}  # fmt: skip
STREETS = {
    "DE": "Lindenstraße {n}, {p} Köln", "GB": "{n} Harbour Road, Leeds LS1 4DY", "US": "{n} Sycamore Avenue, Dayton OH {p}",
    "FR": "{n} rue des Peupliers, {p} Nîmes", "ES": "Calle Mayor {n}, {p} Cádiz", "IT": "Via Garibaldi {n}, {p} Forlì",
}  # fmt: skip
BUSINESS = (
    "Nordlicht & Söhne GmbH",
    "Harbour Tools Ltd",
    "Blue Mesa LLC",
    "Ateliers Béranger SARL",
    "Talleres Peña SL",
    "Officine Fabbri Srl",
)
NOISE = (
    "Order 4500017998 arrived on 2026-09-15 at 10:30.", "Invoice 2026-336905 over 12,480.00 EUR is due on 15.10.2026.",
    "We run version 1.2.3.4 of the portal.", "Account DE89370400440532013002 has wrong check digits.",
    "Tracking 1Z999AA10123456784, weight 12.5 kg, 3 x 45 x 20 cm.", "Ticket T-900904 was closed 14 days ago, see PO-2026/0815.",
    "Batch 4111111111111112 failed.", "SKU 30-1042-77 costs 1.234,56 EUR; 99 pieces are left.", "Ratio 1:2:3, room 3.14, extension 4021.",
    "Please call us back.", "The total of 1 234 567,89 EUR is right.", "Reference 0001-2222-33 and case 20260915.",
)  # fmt: skip
CARRIERS = (
    "Hello, {x} is what we have on file.",
    "please use {x}, thanks",
    "({x})",
    "Details: {x}.",
    "{x}\nregards",
    "Is {x} right?",
    "use\t{x}",
)


@dataclass
class Text:
    """One text with the pieces in it that should be found."""

    text: str
    pieces: list[tuple[int, int, Kind]]


@dataclass
class Score:
    """What was found of one kind."""

    there: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, float | int]:
        """Recall and precision over all kinds."""
        there, found, false = (sum(one.values()) for one in (self.there, self.found, self.false))
        return {"pieces": there, "recall": round(found / there, 4), "precision": round(found / max(1, found + false), 4)}


def _iban(rng: random.Random) -> str:
    country, length, letters = rng.choice(
        (("DE", 18, 0), ("GB", 18, 4), ("FR", 23, 0), ("ES", 20, 0), ("IT", 23, 1), ("NL", 14, 4))
    )
    body = "".join(rng.choice("ABCDEFGH") for _ in range(letters)) + "".join(
        rng.choice("0123456789") for _ in range(length - letters)
    )
    check = 98 - int("".join(str(int(one, 36)) for one in f"{body}{country}00")) % 97
    whole = f"{country}{check:02d}{body}"
    return rng.choice((whole, " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)), whole.lower()))


def _card(rng: random.Random) -> str:
    body = rng.choice(("4", "51", "55", "2221", "6011")) + "".join(rng.choice("0123456789") for _ in range(20))
    body = body[:15]
    whole = body + luhn.calc_check_digit(body)
    return rng.choice(
        (whole, " ".join(whole[at : at + 4] for at in range(0, 16, 4)), "-".join(whole[at : at + 4] for at in range(0, 16, 4)))
    )


def _number(rng: random.Random, locale: str) -> phonenumbers.PhoneNumber:
    example = phonenumbers.example_number_for_type(
        locale, rng.choice((phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE))
    )
    while True:
        digits = str(example.national_number)
        drawn = digits[:3] + "".join(rng.choice("0123456789") for _ in digits[3:])
        number = phonenumbers.PhoneNumber(
            country_code=example.country_code, national_number=int(drawn), italian_leading_zero=example.italian_leading_zero
        )
        if phonenumbers.is_valid_number(number):
            return number


def _dialled(rng: random.Random, number: phonenumbers.PhoneNumber) -> str:
    shapes = phonenumbers.PhoneNumberFormat
    abroad = phonenumbers.format_number(number, shapes.INTERNATIONAL)
    home = phonenumbers.format_number(number, shapes.NATIONAL)
    ways = (
        abroad,
        phonenumbers.format_number(number, shapes.E164),
        home,
        "00" + abroad[1:],
        abroad.replace(" ", "-"),
        f"Tel. {home}",
    )
    return rng.choice(ways)


def _mail(rng: random.Random, locale: str) -> str:
    first, last = (_plain(rng.choice(names[locale])).lower().replace("'", "") for names in (FIRST, LAST))
    host = rng.choice(("example.com", "mail.example.org", "firma.example", "example.co.uk"))
    return rng.choice((f"{first}.{last}@{host}", f"{first[0]}{last}+bills@{host}", f"{last}_{rng.randrange(99)}@{host}"))


def _checked(body: str, valid: Callable[[str], bool]) -> str:
    """`body` with the last digit that makes it right; empty where none does."""
    return next((whole for one in "0123456789" if valid(whole := body + one)), "")


def _identity(rng: random.Random) -> tuple[str, Kind]:
    digits = "".join(rng.choice("0123456789") for _ in range(12))
    ten = rng.sample("0123456789", 9)
    ten.insert(rng.randrange(1, 9), rng.choice(ten))
    steuer = _checked("".join(ten), idnr.is_valid) if ten[0] != "0" else "65929970489"
    health = _checked(digits[:9], nhs.is_valid) or "9434765919"
    person = f"{rng.choice('12')}{rng.randrange(40, 99)}{rng.randrange(1, 13):02d}{rng.randrange(1, 95):02d}{digits[:6]}"
    german = "DE" + (_checked(str(rng.randrange(10**7, 10**8)), vat.is_valid) or "136695976")
    return rng.choice((
        (f"Steuer-ID {(steuer := steuer or '65929970489')[:2]} {steuer[2:5]} {steuer[5:8]} {steuer[8:]}", Kind.TAXID),
        (f"NHS number {health[:3]} {health[3:6]} {health[6:]}", Kind.NATIONALID),
        (f"{person}{nir.calc_check_digits(person)}", Kind.NATIONALID),
        (f"DNI {digits[:8]}{dni.calc_check_digit(digits[:8])}", Kind.TAXID),
        (f"SSN {rng.randrange(100, 665)}-{rng.randrange(1, 99):02d}-{rng.randrange(1, 9999):04d}", Kind.NATIONALID),
        (f"NI number AB {rng.randrange(10, 99)} {rng.randrange(10, 99)} {rng.randrange(10, 99)} C", Kind.NATIONALID),
        (german, Kind.TAXID),
    ))  # fmt: skip


def structured(rng: random.Random, count: int) -> list[Text]:
    """Texts with numbers of a fixed shape among others."""
    made = []
    for _ in range(count):
        parts: list[tuple[str, Kind | None]] = []
        for _ in range(rng.randrange(1, 4)):
            locale = rng.choice(LOCALES)
            piece, kind = rng.choice((
                lambda: (_iban(rng), Kind.IBAN), lambda: (_card(rng), Kind.CARD), lambda at=locale: (_mail(rng, at), Kind.EMAIL),
                lambda at=locale: (_dialled(rng, _number(rng, at)), Kind.PHONE), lambda: _identity(rng),
                lambda: (".".join(str(rng.randrange(1, 255)) for _ in range(4)), Kind.IP),
            ))()  # fmt: skip
            parts += [(rng.choice(NOISE), None), (piece, kind)]
        made.append(_put_together(rng, [*parts, (rng.choice(NOISE), None)]))
    return made


def _put_together(rng: random.Random, parts: Iterable[tuple[str, Kind | None]]) -> Text:
    text, pieces = "", []
    for words, kind in parts:
        if kind is None:
            text += f"{words} "
            continue
        before, _, after = rng.choice(CARRIERS).partition("{x}")
        text += before
        pieces.append((len(text), len(text) + len(words), kind))
        text += f"{words}{after} "
    return Text(text=text, pieces=pieces)


def _plain(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


def record(rng: random.Random, place: int) -> list[KnownValue]:
    """One customer's record."""
    locale = rng.choice(LOCALES)
    owner = f"C-{place}"
    number = _number(rng, locale)
    street = STREETS[locale].format(n=rng.randrange(1, 300), p=f"{rng.randrange(10000, 99999)}")
    return [
        KnownValue(kind=Kind.NAME, value=f"{rng.choice(FIRST[locale])} {rng.choice(LAST[locale])}", owner=owner, person=True),
        KnownValue(kind=Kind.NAME, value=f"{rng.choice(LAST[locale])} {rng.choice(BUSINESS)}", owner=owner),
        KnownValue(kind=Kind.ADDRESS, value=street, owner=owner),
        KnownValue(kind=Kind.EMAIL, value=_mail(rng, locale), owner=owner),
        KnownValue(
            kind=Kind.PHONE, value=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL), owner=owner
        ),
        KnownValue(kind=Kind.IBAN, value=_iban(rng).replace(" ", "").upper(), owner=owner),
        KnownValue(kind=Kind.TAXID, value=f"DE{rng.randrange(10**8, 10**9)}", owner=owner),
        KnownValue(kind=Kind.REFERENCE, value=f"SO-2026-{rng.randrange(10**5, 10**6)}", owner=owner),
    ]


def rewritten(rng: random.Random, one: KnownValue) -> str:
    """A value of a record as people write it."""
    value = one.value
    ways: list[Callable[[], str]] = [
        lambda: value, lambda: value.upper(), lambda: value.lower(), lambda: unicodedata.normalize("NFD", value),
        lambda: value[:2] + "\u200b" + value[2:], lambda: value.replace(" ", "\n"), lambda: value.replace(" ", "\u00a0 "),
    ]  # fmt: skip
    if one.kind is Kind.NAME:
        umlauts = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
        ways += [lambda: _plain(value), lambda: value.translate(umlauts)]
        if one.person:
            first, last = value.split(" ", 1)
            ways += [lambda: f"{last}, {first}", lambda: f"{first[0]}. {last}", lambda: f"Ms {last}", lambda: f"{last} {first}"]
    elif one.kind is Kind.ADDRESS:
        ways += [
            lambda: value.split(",")[0],
            lambda: value.replace("straße", "str.").replace("Road", "Rd").replace("Avenue", "Ave"),
        ]
    elif one.kind is Kind.EMAIL:
        ways += [lambda: value.replace("@", " (at) "), lambda: f"<mailto:{value}>"]
    elif one.kind is Kind.PHONE:
        number = phonenumbers.parse(value)
        ways += [
            lambda: _dialled(rng, number),
            lambda: value.replace(" ", " (0)", 1) if number.country_code in (49, 44) else value,
        ]
    else:
        ways += [lambda: " ".join(value[at : at + 4] for at in range(0, len(value), 4)), lambda: value.replace("-", " ")]
    return rng.choice(ways)()


def scored(texts: Iterable[Text], look: Callable[[str], list[Span]]) -> Score:
    """What `look` finds in `texts`; a piece counts as found where a span of its kind lies over most of it."""
    score = Score()
    for one in texts:
        spans = look(one.text)
        used: set[int] = set()
        for start, end, kind in one.pieces:
            score.there[kind] += 1
            hit = next((at for at, span in enumerate(spans) if at not in used and _covers(span, start, end, kind)), None)
            if hit is not None:
                used.add(hit)
                score.found[kind] += 1
        score.false.update(span.kind for at, span in enumerate(spans) if at not in used)
    return score


def _covers(span: Span, start: int, end: int, kind: Kind) -> bool:
    overlap = min(span.end, end) - max(span.start, start)
    return span.kind is kind and overlap >= 0.5 * min(end - start, span.end - span.start) and overlap > 0


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=600)
    parser.add_argument("--seed", type=int, default=2026)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    patterns = Patterns(LOCALES)
    texts = structured(rng, given.texts)
    patterns.find(texts[0].text)
    began = time.process_time()
    found = scored(texts, lambda text: distinct(patterns.find(text)))
    spent = (time.process_time() - began) / len(texts)

    records = [record(rng, place) for place in range(given.texts // 4)]
    missed: Counter[str] = Counter()
    pieces = strangers = others = 0
    began, looked = time.process_time(), 0
    for place, values in enumerate(records):
        known = KnownValues(values)
        for one in values:
            text = _put_together(rng, [(rng.choice(NOISE), None), (rewritten(rng, one), one.kind), (rng.choice(NOISE), None)])
            pieces += 1
            looked += 1
            missed[one.kind] += not any(
                _covers(span, start, end, kind) for span in known.find(text.text) for start, end, kind in text.pieces
            )
        other = records[(place + 1) % len(records)]
        text = _put_together(rng, [(rng.choice(NOISE), None), *((rewritten(rng, one), one.kind) for one in other)])
        mine = {one.value for one in other}
        others += 1
        strangers += any(span.sure and span.value not in mine for span in known.find(text.text))
    known_spent = (time.process_time() - began) / looked
    wordings = [span for text in texts for span in Wordings().find(text.text) if span.source is Source.WORDING]
    print(json.dumps({
        "structured": {**found.figures(), "ms_per_text": round(1000 * spent, 3)},
        "by_kind": {kind: round(found.found[kind] / there, 4) for kind, there in sorted(found.there.items())},
        "false_by_kind": dict(found.false),
        "known": {
            "pieces": pieces, "recall": round(1 - sum(missed.values()) / pieces, 4), "missed": {k: n for k, n in missed.items() if n},
            "texts_about_others": others, "taken_for_ours": strangers, "ms_per_record_and_text": round(1000 * known_spent, 3),
        },
        "names_guessed_where_there_is_none": len(wordings),
        "not_measured": "presidio-research synth_dataset_v2, which is not on this machine",
    }, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()
