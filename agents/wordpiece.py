"""WordPiece, the way BERT's uncased models cut a text into pieces, in plain Python.

The algorithm is the one of Devlin et al. 2019 (`bert-base-uncased`): controls out, Chinese characters apart, lower case, accents
off, punctuation apart, and then for each word the longest known piece from the left, again and again.
"""

import gzip
import hashlib
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files

from ..core.errors import BadInput

VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
"""Of the vocabulary's 30,522 lines, as published with the model."""
MOST_PIECES = 128
"""How many pieces of a text are read, the two marks at its ends included; the encoder was trained on no more."""
_FILE = "wordpiece_vocabulary.txt.gz"
_START, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_LONGEST_WORD = 100
_MOST_CHARACTERS = 8_000
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@cache
def vocabulary() -> dict[str, int]:
    """Every piece with its number; raises BadInput where the shipped file is damaged."""
    try:
        data = gzip.decompress(files(__package__).joinpath(_FILE).read_bytes())
    except (OSError, EOFError) as error:
        raise BadInput(f"{_FILE} is missing or damaged ({type(error).__name__}).", hint="Install shiftlead again.") from error
    if hashlib.sha256(data).hexdigest() != VOCABULARY_SHA256:
        raise BadInput(f"{_FILE} is not the encoder's vocabulary.", hint="Install shiftlead again.")
    return {piece: number for number, piece in enumerate(data.decode().split("\n")) if piece}


def pieces(text: str, *, most: int = MOST_PIECES) -> list[int]:
    """The numbers of the pieces of `text` between the start and the end mark, `most` of them at most."""
    known = vocabulary()
    found = [known[_START]]
    for word in words(text[:_MOST_CHARACTERS]):
        found += _cut(word)
        if len(found) >= most - 1:
            break
    return [*found[: most - 1], known[_END]]


def words(text: str) -> list[str]:
    """The words and punctuation marks of `text`, in lower case and without accents."""
    spaced = "".join(_spaced(character) for character in text)
    plain = unicodedata.normalize("NFD", spaced.lower())
    bare = "".join(character for character in plain if unicodedata.category(character) != "Mn")
    return [part for word in bare.split() for part in _parts(word)]


def _spaced(character: str) -> str:
    """A space for white space, nothing for a control character, and a Chinese one between spaces."""
    if character in " \t\n\r":
        return " "
    if character.isascii():
        return character if character.isprintable() else ""
    category = unicodedata.category(character)
    if category.startswith("C") or character == "\ufffd":
        return ""
    if category == "Zs":
        return " "
    place = ord(character)
    return f" {character} " if any(low <= place <= high for low, high in _IDEOGRAPHS) else character


def _parts(word: str) -> Iterator[str]:
    start = 0
    for place, character in enumerate(word):
        if character in _ASCII_PUNCTUATION or (not character.isascii() and unicodedata.category(character).startswith("P")):
            if start < place:
                yield word[start:place]
            yield character
            start = place + 1
    if start < len(word):
        yield word[start:]


@lru_cache(maxsize=20_000)
def _cut(word: str) -> tuple[int, ...]:
    known = vocabulary()
    unknown = (known[_UNKNOWN],)
    if len(word) > _LONGEST_WORD:
        return unknown
    found: list[int] = []
    start = 0
    while start < len(word):
        prefix = "##" if start else ""
        for end in range(len(word), start, -1):
            number = known.get(prefix + word[start:end])
            if number is not None:
                break
        else:
            return unknown
        found.append(number)
        start = end
    return tuple(found)
