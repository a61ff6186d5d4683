"""Spelling: one text as it is compared, with the way back to where each piece stands in the original.

Case, accents, invisible characters, look-alike letters and whatever separates the letters and digits of one value make no
difference here. Nothing is ever decided by meaning.
"""

import re
import unicodedata
from functools import lru_cache

from ..core.lookalikes import CONFUSABLE, without_invisible

_UNBROKEN = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Scripts that write without spaces: each of their signs counts as a word."""
_TOKEN = re.compile(rf"[{_UNBROKEN}]|[^\W_{_UNBROKEN}]+")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h"})
_UMLAUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_SPELLED_OUT = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))


@lru_cache(maxsize=8192)
def _folded(word: str) -> str:
    """`word` without case, accents and look-alikes."""
    bare = unicodedata.normalize("NFKD", word.casefold())
    return "".join(one for one in bare if not unicodedata.combining(one)).translate(_LETTERS).translate(CONFUSABLE)


def comparable(text: str) -> str:
    """The letters and digits of `text`, folded, with nothing between them."""
    return "".join(_folded(word) for word in _TOKEN.findall(text))


def spellings(text: str) -> set[str]:
    """The ways to write `text` in letters and digits: `Müller` is `muller` and `mueller`."""
    low = unicodedata.normalize("NFC", text.casefold())
    plain = comparable(text)
    found = {plain, comparable(low.translate(_UMLAUT))}
    for two, one in _SPELLED_OUT:
        found.add(plain.replace(two, one))
    return found - {""}


class Squeezed:
    """A text as its letters and digits, with the places where a word begins and ends."""

    def __init__(self, text: str) -> None:
        self.starts: dict[int, int] = {}
        """Where a word begins here, and where it begins in the original."""
        self.ends: dict[int, int] = {}
        parts: list[str] = []
        at = 0
        for found in _TOKEN.finditer(text):
            word = _folded(found[0])
            if not word:
                continue
            self.starts[at] = found.start()
            at += len(word)
            self.ends[at] = found.end()
            parts.append(word)
        self.text = "".join(parts)


class Clear:
    """A text in its compatibility form without invisible characters, for patterns; spans lead back to the original."""

    def __init__(self, text: str) -> None:
        self._at: list[int] | None = None
        self.text = text
        if text.isascii():
            return
        letters: list[str] = []
        places: list[int] = []
        for place, one in enumerate(text):
            seen = without_invisible(unicodedata.normalize("NFKC", one))
            if len(seen) == 1 and seen.isdecimal():
                seen = str(unicodedata.decimal(seen))
            letters.append(seen)
            places += [place] * len(seen)
        self.text = "".join(letters)
        self._at = places

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where the piece from `start` to `end` stands in the original."""
        if self._at is None or start >= end:
            return start, end
        return self._at[start], self._at[end - 1] + 1
