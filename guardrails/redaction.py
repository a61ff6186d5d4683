"""Redaction: personal data in text becomes tokens that can be turned back, so that a model works without it.

What the case's own records hold is found however it is written; patterns and wordings find the rest of what they can. A name that
stands in no record and that no greeting or signature points to is not found: a text without a token is not a text without
personal data.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import itemgetter

from ..core.noun import Noun
from .known_values import KnownValues
from .personal_data import Kind, Recogniser, Source, Span, distinct
from .recognisers import Patterns, Wordings, valid_card

__all__ = ["SHIPPED", "Redacted", "Redactor", "redact", "restore", "valid_card"]

_TOKEN = re.compile(rf"<(?:{'|'.join(kind.name for kind in Kind)})_\d+>")
SHIPPED: tuple[Recogniser, ...] = (Patterns(), Wordings())


class Redacted(Noun):
    """A text without what was found in it, and the tokens that stand for it."""

    text: str
    tokens: dict[str, str] = {}
    """Token to original: `<IBAN_1>` to the number as it was written."""


class Redactor:
    """Hides personal data over a whole conversation: one value has one token throughout, whatever text it stands in.

    A known value has one token in every spelling, and comes back as its record spells it.
    """

    def __init__(self, known: KnownValues | None = None, recognisers: Iterable[Recogniser] = SHIPPED) -> None:
        # An order's number identifies nobody without our own system, and a model needs it to say what it means.
        self._known = (known or KnownValues(())).but((Kind.REFERENCE,))
        self._recognisers: tuple[Recogniser, ...] = (self._known, *recognisers)
        self._given: dict[tuple[Kind, str], str] = {}
        self._taken: set[str] = set()
        self._last: Counter[Kind] = Counter()
        """The number of the last token of each kind that was given out."""
        self.tokens: dict[str, str] = {}
        """Token to original, over everything that was hidden so far."""

    def reserve(self, text: str) -> None:
        """Give no token out that stands in `text` already, so that it is not mixed up with ours."""
        self._taken.update(_TOKEN.findall(text))

    def hide(self, text: str) -> str:
        """`text` with a token for every piece of personal data that was found."""
        self.reserve(text)
        parts: list[str] = []
        at = 0
        for span in self._spans(text):
            parts += (text[at : span.start], self._token(span, text[span.start : span.end]))
            at = span.end
        return "".join((*parts, text[at:]))

    def show(self, text: str) -> str:
        """`text` with the originals in place of their tokens; an unknown token stays."""
        return restore(text, self.tokens)

    def _spans(self, text: str) -> list[Span]:
        tokens = [found.span() for found in _TOKEN.finditer(text)]
        found = (span for one in self._recognisers for span in one.find(text) if span.source is not Source.GUESS)
        return distinct(span for span in found if not _touches(span, tokens))

    def _token(self, span: Span, written: str) -> str:
        value = span.value if span.sure and span.value else written
        known = self._given.get((span.kind, value))
        if known is not None:
            return known
        self._last[span.kind] += 1
        while (token := f"<{span.kind.name}_{self._last[span.kind]}>") in self._taken:
            self._last[span.kind] += 1
        self._given[span.kind, value] = token
        self.tokens[token] = value
        return token


def _touches(span: Span, places: list[tuple[int, int]]) -> bool:
    """Whether a piece touches one of `places`, which stand in order and apart."""
    at = bisect_left(places, span.end, key=itemgetter(0))
    return at > 0 and span.start < places[at - 1][1]


def redact(text: str, known: KnownValues | None = None) -> Redacted:
    """`text` with a token for every piece of personal data that was found; one value has one token throughout."""
    redactor = Redactor(known)
    return Redacted(text=redactor.hide(text), tokens=redactor.tokens)


def restore(text: str, tokens: Mapping[str, str]) -> str:
    """`text` with the originals in place of their tokens; an unknown token stays."""
    return _TOKEN.sub(lambda found: tokens.get(found[0], found[0]), text)
