"""Known values: the names, addresses and numbers that the records of a case hold, found however they are written.

Of everything that finds personal data this has the highest recall, and it needs no model: what we know can be looked for. Values
are compared by their letters and digits; a value stands only where a word begins and ends.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from ..core.noun import Noun
from .personal_data import Kind, Source, Span
from .spelling import Squeezed, comparable, spellings

_SHORTEST = 3
"""Letters and digits below which a value is not looked for: it would stand in every text."""
_LEGAL = frozenset({
    "gmbh", "mbh", "ag", "kg", "ohg", "gbr", "ug", "se", "co", "ltd", "limited", "plc", "llp", "llc", "inc", "incorporated", "corp",
    "corporation", "company", "bv", "nv", "sarl", "sas", "sa", "eurl", "spa", "srl", "sl", "slu", "ab", "as", "aps", "oy", "oyj", "sp",
    "zoo", "kft", "doo", "eg", "ev", "ek", "kgaa", "und", "and", "et", "y", "e",
})  # fmt: skip
_STREETS = (
    ("strasse", "str"), ("street", "st"), ("road", "rd"), ("avenue", "ave"), ("lane", "ln"), ("drive", "dr"),
    ("boulevard", "blvd"), ("square", "sq"), ("court", "ct"), ("avenida", "avda"),
)  # fmt: skip
_POSTCODE = re.compile(
    r"^(?:[A-Z]{1,3}-)?\d{4,5}(?=\s+\D+$)|(?<=\s)\d{5}(?:-\d{4})?$|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b", re.IGNORECASE
)
"""A line that has no other figure than this names a town, not a house."""
_TITLE = re.compile(r"^(?:(?:mrs?|ms|miss|dr|prof|herr|frau|mme|m|sra?|sig|dott|ing)\.?\s+)+", re.IGNORECASE)


class KnownValue(Noun):
    """One value of a record."""

    kind: Kind
    value: str
    owner: str = ""
    """Id of the customer or supplier whom it belongs to."""
    person: bool = False
    """True for the name of a person, of which parts are looked for too."""


class KnownValues:
    """The values of some records, ready to be found in texts."""

    def __init__(self, values: Iterable[KnownValue]) -> None:
        self.values = tuple(dict.fromkeys(one for one in values if one.value.strip()))
        self._by_start: dict[str, dict[str, tuple[KnownValue, bool]]] = {}
        for one in self.values:
            for spelling, sure in _written(one):
                if len(spelling) < _SHORTEST:
                    continue
                known = self._by_start.setdefault(spelling[:_SHORTEST], {})
                before = known.get(spelling)
                if before is None or (sure and not before[1]):
                    known[spelling] = (one, sure)

    def __bool__(self) -> bool:
        return bool(self.values)

    def find(self, text: str) -> Iterator[Span]:
        """Every known value in `text`."""
        if not self._by_start:
            return
        seen = Squeezed(text)
        for at, start in seen.starts.items():
            for spelling, (one, sure) in self._by_start.get(seen.text[at : at + _SHORTEST], {}).items():
                end = seen.ends.get(at + len(spelling))
                if end is None or not seen.text.startswith(spelling, at):
                    continue
                if not sure and not text[start].isupper():
                    continue
                if one.kind is Kind.PHONE:
                    start = _with_sign(text, start, end)
                yield Span(
                    kind=one.kind, start=start, end=end, sure=sure, source=Source.KNOWN, owner=one.owner, value=one.value
                )

    def apart(self, owners: Iterable[str]) -> tuple["KnownValues", "KnownValues"]:
        """The values that belong to one of `owners`, and all the others; a value that both have belongs to the former."""
        of = set(owners)
        own = [one for one in self.values if one.owner in of]
        theirs = {comparable(one.value) for one in own}
        others = [one for one in self.values if one.owner not in of and comparable(one.value) not in theirs]
        return KnownValues(own), KnownValues(others)

    def but(self, kinds: Iterable[Kind]) -> "KnownValues":
        """The values of every kind but these."""
        left_out = set(kinds)
        return KnownValues(one for one in self.values if one.kind not in left_out)


def _with_sign(text: str, start: int, end: int) -> int:
    """Where a telephone number begins with the plus or the bracket before its first digit."""
    while start > 0 and (text[start - 1] == "+" or (text[start - 1] == "(" and ")" in text[start:end])):
        start -= 1
    return start


@lru_cache(maxsize=16384)
def _written(one: KnownValue) -> tuple[tuple[str, bool], ...]:
    """The ways to write a value, and whether each of them is certainly this value."""
    ways = _WAYS.get(one.kind)
    return tuple(ways(one)) if ways else tuple((spelling, True) for spelling in spellings(one.value))


def _name(one: KnownValue) -> Iterator[tuple[str, bool]]:
    value = _TITLE.sub("", one.value.strip())
    for spelling in (*spellings(one.value), *spellings(value)):
        yield spelling, True
    words = [word for word in re.split(r"[\s,;]+", value) if word]
    business = [word for word in words if comparable(word) in _LEGAL or not comparable(word)]
    core = [word for word in words if word not in business]
    if business and core:
        yield from ((spelling, len(core) > 1) for spelling in spellings("".join(core)))
    yield from ((spelling, True) for word in ("and", "und", "et") for spelling in _joined(value, word))
    if not business and 2 <= len(words) <= 4:
        yield from _turned(words, comma="," in value, person=one.person)


def _joined(value: str, word: str) -> Iterable[str]:
    return spellings(value.replace("&", f" {word} ").replace("+", f" {word} ")) if re.search("[&+]", value) else ()


def _turned(words: list[str], *, comma: bool, person: bool) -> Iterator[tuple[str, bool]]:
    """A name with its last part first, without its middle parts, with an initial, and the last part alone."""
    first, *middle, last = [*words[1:], words[0]] if comma else words
    yield from ((spelling, True) for spelling in spellings("".join((last, first, *middle))))
    yield from ((spelling, True) for spelling in spellings("".join((first, *middle, last))))
    if not person:
        return
    if middle:
        for order in ((first, last), (last, first), (first, *(part[0] for part in middle), last)):
            yield from ((spelling, True) for spelling in spellings("".join(order)))
    for order in ((first[0], last), (last, first[0]), (first[0], *(part[0] for part in middle), last)):
        yield from ((spelling, False) for spelling in spellings("".join(order)))
    if len(comparable(last)) > _SHORTEST:
        yield from ((spelling, False) for spelling in spellings(last))


def _address(one: KnownValue) -> Iterator[tuple[str, bool]]:
    lines = [line.strip() for line in re.split(r"[,;\n]", one.value)]
    told = [line for line in lines if re.search(r"\d", _POSTCODE.sub("", line)) and re.search(r"[^\W\d]{3}", line)]
    for part in (one.value, *told):
        for spelling in spellings(part):
            yield spelling, True
            for long, short in _STREETS:
                if long in spelling:
                    yield spelling.replace(long, short), True
                elif re.search(rf"{short}\d", spelling):
                    yield re.sub(rf"{short}(?=\d)", long, spelling), True


def _email(one: KnownValue) -> Iterator[tuple[str, bool]]:
    for spelled in (one.value, one.value.replace("@", " at "), one.value.replace("@", " at ").replace(".", " dot ")):
        yield comparable(spelled), True


def _phone(one: KnownValue) -> Iterator[tuple[str, bool]]:
    digits = re.sub(r"\D", "", re.sub(r"\(0\)", "", one.value))
    yield digits, True
    if len(digits) < 7:
        return
    code, national = _parted(one.value)
    if code:
        yield from ((prefix + national, True) for prefix in (code, f"00{code}", f"{code}0", f"00{code}0", "0", ""))


def _parted(value: str) -> tuple[str, str]:
    """Country code and national number; empty where the value does not say which is which."""
    import phonenumbers

    try:
        number = phonenumbers.parse(value if not value.startswith("00") else "+" + value[2:])
    except phonenumbers.NumberParseException:
        return "", ""
    return str(number.country_code), phonenumbers.national_significant_number(number)


def _iban(one: KnownValue) -> Iterator[tuple[str, bool]]:
    whole = comparable(one.value)
    yield whole, True
    if len(whole) >= 15:
        # Without country and check digits it is the account as it was written before IBANs.
        yield whole[4:], True


def _number(one: KnownValue) -> Iterator[tuple[str, bool]]:
    value = comparable(one.value)
    # A short number alone is as often a year or a quantity.
    if re.search(r"\d", value) and len(value) >= (6 if value.isdigit() else 4):
        yield value, True
        if one.kind is Kind.TAXID and value[:2].isalpha():
            yield value[2:], True


_WAYS: dict[Kind, Callable[[KnownValue], Iterator[tuple[str, bool]]]] = {
    Kind.NAME: _name,
    Kind.ADDRESS: _address,
    Kind.EMAIL: _email,
    Kind.PHONE: _phone,
    Kind.IBAN: _iban,
    Kind.ACCOUNT: _number,
    Kind.TAXID: _number,
    Kind.NATIONALID: _number,
    Kind.REFERENCE: _number,
}
