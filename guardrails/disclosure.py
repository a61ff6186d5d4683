"""Disclosure: whether a text that goes out tells its reader about somebody else.

What belongs to the reader, and what we say about ourselves, is no disclosure. Everything else that a record of the case holds is
certain; a shape without check digits, a name by its wording or by its capitals is possible, and so is any text where no record
could be looked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .forms import decoded, leaves
from .known_values import KnownValue, KnownValues
from .personal_data import Found, Kind, PersonalData, Recogniser, Source, Span, distinct, level_of
from .recognisers import Guesses, Patterns, Wordings
from .spelling import comparable

OUTWARD = frozenset({"to", "cc", "bcc", "email", "address", "agency", "url"})
"""Arguments that say whom a text goes to outside of the house; an action with none of them tells nobody outside anything."""

FACT = "personal_data"
"""The fact that holds the level; only the runtime tells it."""

SHIPPED: tuple[Recogniser, ...] = (Patterns(), Wordings(), Guesses())


def free_texts(arguments: Mapping[str, Any], authority: Sequence[str]) -> list[str]:
    """The words of an action: its arguments without those that pick a recipient or an amount, or name a record."""
    told = (value for name, value in arguments.items() if name not in authority and not name.endswith(("_id", "_ids")))
    return [leaf for value in told for leaf in leaves(value)]


def goes_out(authority: Sequence[str]) -> bool:
    """Whether an action with these authority arguments writes to somebody outside of the house."""
    return bool(OUTWARD.intersection(authority))


def disclosed(
    texts: Iterable[str],
    *,
    known: KnownValues,
    to: Iterable[str],
    house: Iterable[KnownValue] = (),
    recognisers: Sequence[Recogniser] = SHIPPED,
) -> Found:
    """What `texts` tell the owners `to` about others; the spans are those of the most telling text.

    Also looks at what a text hides in base64, hex or URL encoding.
    """
    own, others = known.apart(to)
    theirs = KnownValues((*own.values, *house))
    # The number of a ticket alone says nothing about whose names could stand in the text.
    checked = any(one.kind is not Kind.REFERENCE for one in known.values)
    found = Found(level=PersonalData.NONE)
    for text in texts:
        for one in (text, *decoded(text)):
            spans = _about_others(one, theirs, others, recognisers)
            level = level_of(spans, checked=checked or not one.strip())
            if level.rank > found.level.rank:
                found = Found(level=level, spans=tuple(spans))
    return found


def after_edit(before: Iterable[str], after: Iterable[str]) -> PersonalData:
    """The level of texts that a person has edited, whose case's records are not at hand: never none.

    A number that stood in the texts before was looked at then.
    """
    kept = comparable(" ".join(before))
    fresh = [(text, span) for text in after for span in Patterns().find(text)]
    sure = any(span.sure and comparable(text[span.start : span.end]) not in kept for text, span in fresh)
    return PersonalData.CERTAIN if sure else PersonalData.POSSIBLE


def _about_others(text: str, own: KnownValues, others: KnownValues, recognisers: Sequence[Recogniser]) -> list[Span]:
    mine = list(own.find(text))
    told = [span for one in (others, *recognisers) for span in one.find(text)]
    return distinct(span for span in told if not any(_belongs(span, to) for to in mine))


def _belongs(span: Span, own: Span) -> bool:
    """Whether a piece is, or is only noise beside, a value of the reader's own."""
    inside = own.start <= span.start and span.end <= own.end
    if inside or (span.source is Source.PATTERN and span.start <= own.start and own.end <= span.end):
        return True
    return span.source in (Source.GUESS, Source.WORDING, Source.ENGINE) and span.start < own.end and own.start < span.end
