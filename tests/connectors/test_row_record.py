"""What is said of a text that is no JSON."""

import json

import pytest

from shiftlead.connectors.row_record import exact_json, no_json


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"id": "T1", "subj', "a line that is cut off"),
        ('{"id": "T1"', "a line that is cut off"),
        ('{"id": "T1",', "a line that is cut off"),
        ('{"id": {"a": 1}', "a line that is cut off"),
        ("{", "a line that is cut off"),
        ("not json", "what is no JSON at column 1"),
        ('{"id" "T1"}', "what is no JSON at column 7"),
        ('{"id": "T1"} {"id": "T2"}', "what is no JSON at column 14"),
        ('{"amount": NaN}', "NaN is not a number"),
        ("[" * 100_000, "brackets within brackets, too deep to read"),
    ],
)
def test_what_is_no_json_is_said_in_plain_words(text, says):
    with pytest.raises((ValueError, RecursionError)) as caught:
        exact_json(text)
    assert no_json(caught.value) == says


def test_bytes_and_halves_of_characters_are_named():
    with pytest.raises(UnicodeDecodeError) as caught:
        b'{"name": "M\xfcller"}'.decode("utf-8")
    assert no_json(caught.value) == "byte 11, which is not UTF-8"
    with pytest.raises(UnicodeEncodeError) as halved:
        json.loads('"\\ud800"').encode("utf-8")
    assert no_json(halved.value) == "half a character"
