"""A cassette is a text that reads back as it was written, and a damaged one is refused with the line."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.cassette_file import (
    ModelReply,
    Recording,
    head_block,
    parse_tape,
    read_tape,
    recording_block,
    refuse_secrets,
    write_tape,
)
from shiftlead.agents.cassette_request import Request
from shiftlead.core.errors import CassetteError

DAY = date(2026, 9, 15)
# No lone surrogates, which no text file can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "yes",
        "null",
        "2026-09-15",
        "1e3",
        "- a",
        "a: b",
        " lead",
        "trail \nline",
        "\n\n",
        "\tx\n",
        "a\r\nb",
        "a\x85b\n",
        "#",
        "|",
        "'\"\\",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def recording(content="Which day?", answer="Tuesday.\nOr Wednesday.", **parameters):
    request = Request(model="scripted:one", messages=({"role": "user", "content": content},), parameters=parameters)
    return Recording(key=request.key, recorded=DAY, request=request, answer=ModelReply(content=answer))


def text_of(*recordings, text_only=()):
    return "---\n".join([head_block(text_only), *map(recording_block, recordings)])


def test_the_text_is_one_that_people_can_review():
    assert text_of(recording("Rules:\n- be brief\n\nWhich day?", temperature=0.5), text_only=["a:b"]) == (
        "format: 1\n"
        "text_only:\n"
        "- a:b\n"
        "---\n"
        "key: d7a1bcd1ca583845effb73b1fd9f5ae7f9e5da95706e9e923ec331bd392ea06b\n"
        "recorded: 2026-09-15\n"
        "request:\n"
        "  model: scripted:one\n"
        "  messages:\n"
        "  - role: user\n"
        "    content: |-\n"
        "      Rules:\n"
        "      - be brief\n"
        "\n"
        "      Which day?\n"
        "  parameters:\n"
        "    temperature: 0.5\n"
        "answer:\n"
        "  content: |-\n"
        "    Tuesday.\n"
        "    Or Wednesday.\n"
    )


@given(TEXTS, VALUES, VALUES)
def test_every_question_and_answer_reads_back_as_it_was(content, setting, answer):
    one = recording(content, answer, setting=setting)
    tape = parse_tape(text_of(one, one), origin="here")
    assert tape.recordings == (one, one)
    assert tape.recordings[0].request.key == one.key


def test_a_long_line_stays_one_line():
    assert f"content: {'word ' * 400}end\n" in text_of(recording("word " * 400 + "end"))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: "", "line 1: is empty"),
        (lambda text: text.replace("format: 1", "format: 2"), "line 1: is of format 2"),
        (lambda text: text.replace("format: 1", "form: 1"), "line 1: format: Field required"),
        (lambda text: text.replace("recorded: 2026-09-15", "recorded: soon", 1), "line 3: recorded: "),
        (lambda text: text.replace("model: scripted:one", "model: scripted:two", 1), "line 3: the key 8c4c24ff189f… is not that of"),
        (lambda text: text.replace("answer:\n", "answer:\n  mood: good\n", 1), "line 3: answer.mood: Extra inputs"),
        (lambda text: text.replace("answer:\n", "answer: {\n", 1), r"line \d+: "),
        (lambda text: text.replace("recorded: 2026-09-15", "recorded: 2026-09-15\nrecorded: 2026-09-15", 1), "line 5: 'recorded' is written twice"),
        (lambda text: text.replace("recorded: 2026-09-15", "recorded: !!python/name:os.system", 1), "line 4: "),
        (lambda text: text.replace("recorded: 2026-09-15", "recorded: 2026-13-45", 1), "line 3: |line 1: "),
        (lambda text: text.replace("- role", "- 1: x\n    role", 1), "line 8: the key 1 is not a word"),
        (lambda text: text + "---\njust words\n", "line 27: Input"),
        (lambda text: text + "\x00", r"line \d+: "),
    ],
)  # fmt: skip
def test_a_damaged_cassette_is_refused_with_the_line(damage, said, tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text(damage(text_of(recording(), recording("Another?"))), encoding="utf-8")
    with pytest.raises(CassetteError, match=said) as caught:
        read_tape(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_bytes_that_are_no_text_are_refused_with_the_line(tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_bytes(b"format: 1\n---\n\xff\n")
    with pytest.raises(CassetteError, match="line 3: is not UTF-8"):
        read_tape(path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "answers.yaml"
    write_tape(path, [head_block(())])
    before = path.read_text()
    with pytest.raises(UnicodeEncodeError):
        write_tape(path, [head_block(()), "a lone \ud800 surrogate"])
    assert path.read_text() == before
    assert [one.name for one in path.parent.iterdir()] == ["answers.yaml"]
    with pytest.raises(CassetteError, match="cannot be written"):
        write_tape(path / "below", [head_block(())])


def test_short_values_and_harmless_names_of_the_environment_are_no_secrets():
    refuse_secrets({"text": "local and monkey"}, environ={"API_KEY": "local", "MONKEYS": "local and monkey"})
    with pytest.raises(CassetteError, match="the value of API_KEY"):
        refuse_secrets({"deep": [{"monkey business!": 1}]}, environ={"API_KEY": "monkey business!"})
