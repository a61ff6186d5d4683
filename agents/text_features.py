"""Hashed features of a text: word 1-2-grams and character 2-5-grams within words, the same in every process; folded into a sketch."""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..core.noun import Noun

FORMAT = 2
"""Changes whenever the same text would yield other features; a brain of another format is refused."""
_MAX_CHARACTERS = 8_000
_MAX_WORD = 32
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}|https?://\S+|www\.\S+")
_NUMBER = re.compile(r"\d(?:[\d.,:/'-]*\d)?")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[?!€$£%]")


class FeatureSpec(Noun):
    """Which n-grams are taken, and onto how many places they are folded; stored with a brain."""

    format: int = FORMAT
    words: tuple[int, int] = (1, 2)
    """Shortest and longest word n-gram."""
    characters: tuple[int, int] = (2, 5)
    """Shortest and longest character n-gram within a word and its borders."""
    places: int = Field(default=4096, ge=2, le=1 << 20)
    """Columns of a sketch: each n-gram is added to one of them, or taken from it, so that meetings cancel out on average."""


class Counts(NamedTuple):
    """How often each feature of a text occurs: first the word n-grams, then the character n-grams."""

    ids: NDArray[np.uint32]
    counts: NDArray[np.float32]
    words: int
    """How many of them are word n-grams."""


class Vocabulary(NamedTuple):
    """The n-grams that training kept."""

    ids: NDArray[np.uint32]
    """Their hashes, ascending."""
    idf: NDArray[np.float32]
    """How telling each is: the log of how rare it was."""
    unseen: float
    """The idf of an n-gram that training never kept."""


class Sketch(NamedTuple):
    """A text on the places of a sketch."""

    places: NDArray[np.int64]
    values: NDArray[np.float32]
    novelty: float
    """Share of the text's n-grams, by weight, that the vocabulary lacks; 1 for a text without words."""


def features(text: str, spec: FeatureSpec) -> Counts:
    """The features of `text` by their hash; of a very long text, those of its first 8,000 characters."""
    found = words(text)
    word_ids, word_counts = _counted(list(_word_hashes(found, *spec.words)))
    low, high = spec.characters
    ids, counts = _counted([code for word in found for code in _character_hashes(word, low, high)])
    return Counts(np.concatenate([word_ids, ids]), np.concatenate([word_counts, counts]), len(word_ids))


def words(text: str) -> list[str]:
    """The words of `text` in lower case, with every number as `0` and every address as one word."""
    text = unicodedata.normalize("NFKC", text[:_MAX_CHARACTERS]).lower()
    text = _NUMBER.sub("0", _ADDRESS.sub(" addressmark ", text))
    found = [word[:_MAX_WORD] for word in _WORD.findall(text)]
    # Figures and question marks alone say nothing, though beside words they do.
    return found if any(word[0].isalpha() for word in found) else []


def weighted(counts: Counts, idf: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sublinear tf times `idf`; the words and the characters each of length 1."""
    values = (1 + np.log(counts.counts)) * idf
    for part in (slice(0, counts.words), slice(counts.words, None)):
        values[part] /= max(float(np.linalg.norm(values[part])), 1e-9)
    return values


def sketched(counts: Counts, vocabulary: Vocabulary, spec: FeatureSpec) -> Sketch:
    """The n-grams of `counts` that are known, each on its place and with its sign (feature hashing, Weinberger et al. 2009)."""
    if not len(counts.ids):
        return Sketch(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32), 1.0)
    at = np.minimum(np.searchsorted(vocabulary.ids, counts.ids), len(vocabulary.ids) - 1)
    known = vocabulary.ids[at] == counts.ids
    values = weighted(counts, np.where(known, vocabulary.idf[at], np.float32(vocabulary.unseen)))
    total = float(values @ values)
    novelty = min(max(float(values[~known] @ values[~known]) / total, 0.0), 1.0)
    signs = np.where(counts.ids[known] >> 31, np.float32(1), np.float32(-1))
    return Sketch((counts.ids[known] % spec.places).astype(np.int64), values[known] * signs, novelty)


def _counted(hashes: Sequence[int]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    ids, counts = np.unique(np.array(hashes, dtype=np.uint32), return_counts=True)
    return ids, counts.astype(np.float32)


def _word_hashes(found: list[str], low: int, high: int) -> Iterator[int]:
    for size in range(low, high + 1):
        for start in range(len(found) - size + 1):
            # The prefix keeps whole words apart from equal character n-grams.
            yield zlib.crc32(("\x01" + " ".join(found[start : start + size])).encode("utf-8", "replace"))


@lru_cache(maxsize=20_000)
def _character_hashes(word: str, low: int, high: int) -> tuple[int, ...]:
    padded = f" {word} "
    grams = [padded[start : start + size] for size in range(low, high + 1) for start in range(len(padded) - size + 1)]
    return tuple(zlib.crc32(gram.encode("utf-8", "replace")) for gram in grams)
