"""Passages: a text as it is searched for values, codes and runs of words; each form is made once and kept."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from .forms import decoded, loose, normal, squeezed, words

RUN = 5
"""So many words in a row, on one line, are a quotation."""
WHOLE = 3
"""An argument of at least so many words that stands in a text as a whole is a quotation as well."""

LETTERS = 16
"""A line with so many letters is a quotation too, whatever stands between them."""

_EDGE, _END = r"(?<![\w@.+-])(?<!\w/)", r"(?![\w@]|[.+-]\w)"
_APOSTROPHE = re.compile("['’`´]")
_NOT_A_WORD = re.compile(r"[\W_]+")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"']+|\b(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}/[^\s<>\"']*")
_MOMENT = re.compile(
    r"\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?)?\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}:\d\d(?::\d\d)?\b"
)
_DIGITS = re.compile(r"(?<![\w.,])\+?\d(?:[ ()./-]?\d){5,}(?![\w])")
_MIXED = re.compile(r"(?<![\w@.-])(?=[a-z0-9-]*\d)(?=[a-z0-9-]*[a-z])[a-z0-9][a-z0-9-]{4,}[a-z0-9](?![\w@])")
_ACCOUNT = re.compile(r"\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?\b")
_SECRET = re.compile(
    r"\b(?:password|passwort|passcode|pin|token|secret|api key|secret key|access key|otp)\b\s*(?:is|ist|:|=)+\s*['\"]?([^\s'\",;]{4,})"
)
_ORDINAL = re.compile(r"^\d+(?:st|nd|rd|th|x|h|am|pm|min|kg|km|gb|mb|days?|hours?|%)$")


class Text:
    """One text with the forms it is searched in."""

    def __init__(self, raw: str) -> None:
        self.raw = raw

    @cached_property
    def hidden(self) -> tuple["Text", ...]:
        """What it holds in encoded form."""
        return tuple(Text(one) for one in decoded(self.raw))

    @cached_property
    def loose(self) -> str:
        """Without case, invisible characters and look-alike letters."""
        return loose(self.raw)

    @cached_property
    def bare(self) -> str:
        """Its letters and digits, with nothing between them."""
        return squeezed(self.raw)

    @cached_property
    def run(self) -> str:
        """Its words between single spaces, without signs, a space before and after."""
        return f" {' '.join(_words_of(self.loose))} "

    @cached_property
    def runs(self) -> frozenset[str]:
        """Every so many of its words in a row."""
        own = self.run.split()
        return frozenset(" ".join(own[at : at + RUN]) for at in range(len(own) - RUN + 1))

    @cached_property
    def _words(self) -> set[str]:
        return words(self.loose)

    def has_word(self, form: str, seen: str) -> bool:
        """Whether a short value stands here by itself: its normal form as a word, or `seen` between other words."""
        return form in self._words or normal(seen) in self._words or stands_in(seen, self.loose)

    @cached_property
    def literals(self) -> frozenset[str]:
        """The links, accounts, long numbers, codes and secrets in it, as letters and digits only; no dates and times."""
        rest = self.loose
        found = set(_LINK.findall(rest))
        rest = _MOMENT.sub(" ; ", _LINK.sub(" ; ", rest))
        for pattern in (_ACCOUNT, _DIGITS, _MIXED, _SECRET):
            found |= {one for one in pattern.findall(rest) if not _ORDINAL.match(one)}
        bare = {squeezed(one.rstrip(".,;:!?)")) for one in found}
        return frozenset(one for one in bare if len(one) >= RUN)


@lru_cache(maxsize=16384)
def searched(raw: str) -> Text:
    """`raw` as it is searched."""
    return Text(raw)


def _words_of(text: str) -> list[str]:
    return _NOT_A_WORD.sub(" ", _APOSTROPHE.sub("", text)).split()


def stands_in(value: str, text: str) -> bool:
    """Whether `value` stands in `text` between other words, not as a part of one."""
    return value in text and bool(re.search(_EDGE + re.escape(value) + _END, text))


@dataclass(frozen=True, slots=True)
class Line:
    """What of one line is a quotation where it stands in a text; made once, since one line is held against many texts."""

    words: str
    bare: str = ""
    """All its letters and digits, where they are enough."""
    title: str = ""
    """All its words, where these few are all there is."""
    runs: tuple[str, ...] = ()
    """So many of its words in a row, and the next ones."""

    def in_text(self, text: Text) -> str:
        """The first words that repeat the text at length; empty where there are none."""
        if self.bare and self.bare in text.bare:
            return self.words
        if self.title:
            return self.title if f" {self.title} " in text.run else ""
        return next((one for one in self.runs if one in text.runs), "")


def line_of(words: str, allowed: Text, *, whole: bool) -> Line:
    """`words` as they are looked for, without what stands in `allowed`.

    `whole` says that the line is all there is, so that fewer words count: a title, but not a greeting in a letter.
    """
    own, bare = _words_of(loose(words)), squeezed(words)
    long = (whole or len(own) >= RUN) and sum(map(str.isalpha, bare)) >= LETTERS
    bare = bare if long and bare not in allowed.bare else ""
    if WHOLE <= len(own) < RUN and whole:
        title = " ".join(own)
        said = not _telling(own) or f" {title} " in allowed.run
        return Line(words.strip(), bare=bare, title="" if said else title)
    pieces = (own[at : at + RUN] for at in range(len(own) - RUN + 1))
    runs = (" ".join(piece) for piece in pieces if _telling(piece))
    return Line(words.strip(), bare=bare, runs=tuple(one for one in runs if one not in allowed.runs))


def _telling(words_in_a_row: list[str]) -> bool:
    # Dates and figures in a row are nobody's words.
    return sum(one.isalpha() for one in words_in_a_row) >= WHOLE
