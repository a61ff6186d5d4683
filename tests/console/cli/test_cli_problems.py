"""A file that is wrong in every line gets ten messages and a count."""

import json

import pytest

from shiftlead.console.cli_output import Output
from shiftlead.console.cli_problems import Problems


@pytest.mark.parametrize(
    ("wrong", "lines", "last"),
    [(0, 0, ""), (10, 10, "no. 9"), (11, 11, "and 1 more line that"), (500, 11, "and 490 more lines that")],
)
def test_ten_are_told_and_the_rest_counted(wrong, lines, last, capsys):
    problems = Problems(Output(as_json=False))
    for number in range(wrong):
        problems.add(f"no. {number}")
    problems.close()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == lines
    assert not lines or last in told[-1]
    assert problems.count == wrong


def test_a_wholly_wrong_file_of_invoices(tmp_path, run, told):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": "A", "invoice"\n' * 30)
    result = run("invoices", "assess", "--input", str(source), "--output", str(out), code=2)
    assert result.stderr.count("error SL100") == 11
    assert "expected one JSON object, found a line that is cut off" in result.stderr
    assert "and 20 more lines" in result.stderr
    assert len(told("invoices", "assess", "--input", str(source), "--output", str(out), code=2)["problems"]) == 30


def test_a_wholly_wrong_file_of_texts(tmp_path, run):
    source = tmp_path / "in.jsonl"
    source.write_text(f"{json.dumps({'text': ''})}\n" * 12 + "{half")
    result = run("brain", "predict", "--input", str(source), code=2)
    assert "and 3 more lines" in result.stderr
    assert "no line could be used" in result.stderr
    assert len(result.stderr.splitlines()) == 13
