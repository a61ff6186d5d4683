"""Personal data in a text: what finds it, where it stands, and how sure that is.

A text in which nothing was found is `none` only where the known values of the case could be looked for: patterns alone miss most
names and addresses.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Protocol

from ..core.noun import Noun


class PersonalData(StrEnum):
    """How sure it is that a text holds personal data; the fact `personal_data` holds one of these words."""

    NONE = "none"
    """The known values were looked for, and neither they nor anything that looks like personal data is there."""
    POSSIBLE = "possible"
    """Something looks like it, or the known values could not be looked for."""
    CERTAIN = "certain"
    """A value of a record, or a number whose check digits are right."""

    @property
    def rank(self) -> int:
        """0, 1, 2 from none to certain."""
        return (PersonalData.NONE, PersonalData.POSSIBLE, PersonalData.CERTAIN).index(self)


class Kind(StrEnum):
    """What a piece of personal data is; in capitals it names its tokens: `<IBAN_1>`."""

    NAME = "name"
    ADDRESS = "address"
    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    BIC = "bic"
    CARD = "card"
    ACCOUNT = "account"
    TAXID = "taxid"
    """A tax or VAT number, of a person or a business."""
    NATIONALID = "nationalid"
    """A social security, health or identity number."""
    IP = "ip"
    REFERENCE = "reference"
    """The number of an order, an invoice or an account in our own systems."""


class Source(StrEnum):
    """What found a piece."""

    KNOWN = "known"
    """It stands in a record."""
    PATTERN = "pattern"
    """It has the shape, and where there are any the check digits, of its kind."""
    WORDING = "wording"
    """The words around it say so: a greeting, a signature, a street's name."""
    GUESS = "guess"
    """Two capitalised words; often wrong."""
    ENGINE = "engine"
    """A language model for names found it."""


class Span(Noun):
    """One piece of personal data in a text."""

    kind: Kind
    start: int
    end: int
    """The first place after it."""
    sure: bool = False
    """True where it is certain, not only possible."""
    source: Source
    owner: str = ""
    """Id of the customer or supplier whose record holds it."""
    value: str = ""
    """The value as the record spells it; empty where no record does."""


class Recogniser(Protocol):
    """Anything that finds personal data in a text."""

    def find(self, text: str) -> Iterable[Span]:
        """Every piece in `text`, in any order; pieces may overlap."""


class Found(Noun):
    """What was found in one text."""

    level: PersonalData
    spans: tuple[Span, ...] = ()
    """Without overlaps, in the order they stand in."""


def find(text: str, recognisers: Iterable[Recogniser], *, checked: bool = True) -> Found:
    """What all of `recognisers` find in `text`; `checked` says that the known values of the case were among them."""
    spans = distinct([span for one in recognisers for span in one.find(text)])
    return Found(level=level_of(spans, checked=checked or not text.strip()), spans=tuple(spans))


def level_of(spans: Sequence[Span], *, checked: bool) -> PersonalData:
    """The level of a text in which `spans` were found."""
    if any(span.sure for span in spans):
        return PersonalData.CERTAIN
    return PersonalData.POSSIBLE if spans or not checked else PersonalData.NONE


def distinct(spans: Iterable[Span]) -> list[Span]:
    """`spans` without overlaps: the surer one stays, then the longer, then the one that a record holds."""
    taken: list[Span] = []
    for span in sorted(spans, key=_weight):
        # Those that were taken stand in order, so only the neighbours can be in the way.
        at = bisect_right(taken, span.start, key=_start)
        free = (at == 0 or taken[at - 1].end <= span.start) and (at == len(taken) or span.end <= taken[at].start)
        if free:
            taken.insert(at, span)
    return taken


def _start(span: Span) -> int:
    return span.start


_ORDER = (Source.KNOWN, Source.PATTERN, Source.WORDING, Source.ENGINE, Source.GUESS)


def _weight(span: Span) -> tuple[bool, int, int, int]:
    return (not span.sure, span.start - span.end, _ORDER.index(span.source), span.start)
