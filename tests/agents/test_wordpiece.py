"""Cutting texts as the encoder was trained to read them."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents import wordpiece
from shiftlead.agents.wordpiece import MOST_PIECES, pieces, vocabulary, words
from shiftlead.core.errors import BadInput


def named(text):
    known = {number: piece for piece, number in vocabulary().items()}
    return [known[number] for number in pieces(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["[CLS]", "[SEP]"]),
        ("Where is my parcel?", ["[CLS]", "where", "is", "my", "parcel", "?", "[SEP]"]),
        # a word that is not known as a whole is cut from the left
        ("unaffable", ["[CLS]", "una", "##ffa", "##ble", "[SEP]"]),
        # accents go, ideographs stand alone, controls vanish
        ("Café", ["[CLS]", "cafe", "[SEP]"]),
        ("a\x00b", ["[CLS]", "ab", "[SEP]"]),
        ("x" * 101, ["[CLS]", "[UNK]", "[SEP]"]),
    ],
)
def test_known_texts(text, expected):
    assert named(text) == expected


def test_the_numbers_are_those_of_the_published_model():
    # from the model's documentation: "Hello world" is 7592 2088 between 101 and 102
    assert pieces("Hello world") == [101, 7592, 2088, 102]
    assert len(vocabulary()) == 30_522


@given(st.text(max_size=2000))
def test_any_text_is_cut_within_bounds(text):
    found = pieces(text)
    assert 2 <= len(found) <= MOST_PIECES
    assert found[0] == 101
    assert found[-1] == 102
    assert all(0 <= number < 30_522 for number in found)


@given(st.text(max_size=200))
def test_words_do_not_change_when_cut_again(text):
    once = words(text)
    assert words(" ".join(once)) == once


def test_another_vocabulary_is_refused(tmp_path, monkeypatch):
    (tmp_path / "wordpiece_vocabulary.txt.gz").write_bytes(gzip.compress(b"[CLS]\n[SEP]\n[UNK]\n"))
    monkeypatch.setattr(wordpiece, "files", lambda _: tmp_path)
    vocabulary.cache_clear()
    try:
        with pytest.raises(BadInput, match="not the encoder's vocabulary"):
            vocabulary()
    finally:
        vocabulary.cache_clear()
