"""How urgent a text is and in what mood, from words alone: a hint for the order of work, never a ground to decide.

English only, and made by hand: there is no labelled data to measure it on, so it says little and errs to the middle.
"""

import re
from typing import Literal, NamedTuple

_URGENT = (
    r"\burgent(?:ly)?\b", r"\basap\b", r"\bimmediate(?:ly)?\b", r"\bat once\b", r"\bright away\b", r"\bemergency\b", r"\btoday\b",
    r"\bfinal (?:deadline|notice)\b", r"\bproduction (?:is )?(?:down|stopped)\b", r"\bcannot wait\b", r"\bby (?:noon|tonight)\b",
)  # fmt: skip
_GRAVE = (
    r"\blawyer", r"\battorney", r"\bsolicitor", r"\bcourt\b", r"\blegal (?:action|department)", r"\bregulator\b", r"\bombudsman\b",
    r"\bpolice\b", r"\bfraud", r"\bstolen\b", r"\binsolven", r"\bbankrupt", r"\badministrator\b", r"\bcease and desist\b", r"\bdeceased\b",
    r"\bsuicid", r"\bharass",
)  # fmt: skip
_CALM = (
    r"\bno (?:rush|hurry)\b",
    r"\bwhenever (?:you|it)\b",
    r"\bwhen you have (?:time|a moment)\b",
    r"\bjust (?:curious|wondering)\b",
    r"\bfyi\b",
)
_BAD = (
    r"\bangr(?:y|ily)\b", r"\bridiculous\b", r"\boutrag", r"\bunacceptable\b", r"\bdisgust", r"\bterrible\b", r"\bhorrible\b",
    r"\bawful\b", r"\brude\b", r"\bdisappoint", r"\bfrustrat", r"\bfed up\b", r"\benough\b!", r"\bscandal", r"\bshame\b", r"\brubbish\b",
    r"\bscrap\b", r"\bnuisance\b", r"\bharass", r"\bincompeten", r"\bworst\b", r"\bnever again\b", r"\bthird time\b", r"\bsick of\b",
    r"\bcomplain", r"\bnobody (?:answers|reads|cares)\b", r"\bhow dare\b", r"\bjoke\b", r"\bwaste of\b",
)  # fmt: skip
_GOOD = (
    r"\bgreat\b", r"\bexcellent\b", r"\bperfect(?:ly)?\b", r"\bwonderful\b", r"\bhappy\b", r"\bpleas(?:ed|ure)\b", r"\bappreciate\b",
    r"\blove(?:ly)?\b", r"\bawesome\b", r"\bvery (?:helpful|kind)\b", r"\bmany thanks\b", r"\bthank(?:s| you) (?:so|very) much\b",
    r"\bwell done\b", r"\bgood job\b", r"\bfantastic\b", r"\bglad\b",
)  # fmt: skip
_NOT = re.compile(r"\b(?:not|no|never|n't|hardly|isn't|wasn't|far from)\s+(?:\w+\s+){0,2}$")
_LEAST_SHOUTED = 4
"""Words in capitals from which a text shouts."""


class Tone(NamedTuple):
    """The impression that a text makes."""

    sentiment: Literal["-", "0", "+"]
    priority: int
    """1 most urgent to 4, as on tickets; 3 where nothing tells."""


def tone_of(text: str) -> Tone:
    """The tone of an English text."""
    lower = text.lower()
    bad, good = _count(_BAD, lower) + _shouts(text), _count(_GOOD, lower)
    mood: Literal["-", "0", "+"] = "-" if bad > good else "+" if good > bad else "0"
    grave, urgent = _count(_GRAVE, lower), _count(_URGENT, lower)
    if grave and (urgent or mood == "-"):
        return Tone(mood, 1)
    if grave or urgent or bad >= 2:
        return Tone(mood, 2)
    return Tone(mood, 4 if _count(_CALM, lower) else 3)


def _count(patterns: tuple[str, ...], text: str) -> int:
    """How many of the patterns occur, those right after a negation left out."""
    return sum(any(not _NOT.search(text[: found.start()][-40:]) for found in re.finditer(one, text)) for one in patterns)


def _shouts(text: str) -> bool:
    loud = [word for word in re.findall(r"[^\W\d_]{3,}", text) if word.isupper()]
    return len(loud) >= _LEAST_SHOUTED or bool(re.search(r"!{2,}|\?!", text))
