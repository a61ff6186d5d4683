"""Hashed features of a text: word 1-2-grams and character 2-5-grams within words, the same in every process."""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.noun import Noun

FORMAT = 1
"""Changes whenever the same text would yield other features; a model of another format is refused."""
_MAX_CHARACTERS = 8_000
_MAX_WORD = 32
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}|https?://\S+|www\.\S+")
_NUMBER = re.compile(r"\d(?:[\d.,:/'-]*\d)?")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[?!€$£%]")


class FeatureSpec(Noun):
    """Which n-grams are taken; stored with a model."""

    format: int = FORMAT
    words: tuple[int, int] = (1, 2)
    """Shortest and longest word n-gram."""
    characters: tuple[int, int] = (2, 5)
    """Shortest and longest character n-gram within a word and its borders."""


class Counts(NamedTuple):
    """How often each feature of a text occurs: first the word n-grams, then the character n-grams."""

    ids: NDArray[np.uint32]
    counts: NDArray[np.float32]
    words: int
    """How many of them are word n-grams."""


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
