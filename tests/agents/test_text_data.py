import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.text_data import Example, check_trainable, read_examples
from shiftlead.core.errors import BadInput


def written(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("field", ["label", "intent", "category"])
def test_reads_each_name_of_a_label_in_both_formats(tmp_path, field):
    lines = written(tmp_path, "a.jsonl", json.dumps({"text": "hi, there", field: "greet"}) + "\n\n")
    table = written(tmp_path, "a.csv", f'text,{field}\n"hi, there",greet\n')
    assert read_examples(lines).examples == read_examples(table).examples == (Example(text="hi, there", label="greet"),)


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        ("not json", "", "a JSON object"),
        ("[1, 2]", "", "a JSON object"),
        ('{"label": "a"}', "text", "a non-empty string"),
        ('{"text": "x"}', "label", "a non-empty string"),
        ('{"text": 3, "label": "a"}', "text", "a non-empty string"),
        ('{"text": "  ", "label": "a"}', "text", "a non-empty string"),
        ('{"text": "x", "intent": null}', "intent", "a non-empty string"),
        ('{"text": "x", "label": ["a"]}', "label", "a non-empty string"),
        ('{"text": "\\ud800", "label": "a"}', "text", "a non-empty string"),
    ],
)
def test_a_malformed_line_is_named_and_the_rest_is_read(tmp_path, line, field, expected):
    path = written(tmp_path, "bad.jsonl", f'{{"text": "one", "label": "a"}}\n{line}\n{{"text": "two", "label": "b"}}\n')
    found = read_examples(path)
    assert [example.text for example in found.examples] == ["one", "two"]
    (problem,) = found.problems
    assert (problem.line, problem.field) == (2, field)
    assert problem.expected.startswith(expected)
    assert str(path) in str(problem)
    assert "line 2" in str(problem)


def test_a_row_with_too_many_cells_is_named_by_its_first_line(tmp_path):
    path = written(tmp_path, "bad.csv", 'text,label\n"two\nlines",a\none,b,c\nthree,b\n')
    found = read_examples(path)
    assert [example.text for example in found.examples] == ["two\nlines", "three"]
    assert [(problem.line, problem.expected, problem.found) for problem in found.problems] == [(4, "2 columns", "3")]


def test_counts_duplicates_and_conflicts(tmp_path):
    rows = [("x", "a"), ("x", "a"), ("x", "b"), ("y", "b")]
    path = written(tmp_path, "a.jsonl", "\n".join(json.dumps({"text": text, "label": label}) for text, label in rows))
    found = read_examples(path)
    assert (len(found.examples), found.duplicates, found.conflicts, found.labels) == (3, 1, 1, ("a", "b"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "x", "not a format"),
        ("a.jsonl", "", "It is empty"),
        ("a.jsonl", "{}\n", "no usable example"),
        ("a.csv", "body,label\nx,a\n", "line 1: the header has body, label"),
    ],
)
def test_a_file_without_any_example_is_refused(tmp_path, name, text, words):
    with pytest.raises(BadInput, match=words) as caught:
        read_examples(written(tmp_path, name, text))
    assert caught.value.hint


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"missing\.jsonl"):
        read_examples(tmp_path / "missing.jsonl")
    path = tmp_path / "latin.csv"
    path.write_bytes(b"text,label\ncaf\xe9,a\n")
    with pytest.raises(BadInput, match="byte 14 is not UTF-8"):
        read_examples(path)


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbftext,label\nx,a\n")
    assert read_examples(path).examples == (Example(text="x", label="a"),)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "at least 2 labels; the examples have none"),
        ([("x", "a"), ("y", "a")], "only 'a'"),
        ([("x", "a"), ("y", "a"), ("z", "b"), ("z", "b")], "too few of 'b'"),
    ],
)
def test_too_little_to_train_on_is_refused(rows, words):
    with pytest.raises(BadInput, match=words):
        check_trainable([Example(text=text, label=label) for text, label in rows])


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), max_size=8))
def test_every_line_is_an_example_or_a_problem_or_a_duplicate(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    lines = [{"text": "sure", "label": "sure"}] + [{"text": text, "label": label} for text, label in rows]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=True) for line in lines), encoding="utf-8")
    found = read_examples(path)
    assert len(found.examples) + len(found.problems) + found.duplicates == len(lines)
