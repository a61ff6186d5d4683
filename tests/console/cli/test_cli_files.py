"""Commands on files: invoices, e-invoices, evals; and the text they print."""

import json

import pytest

from shiftlead.console.cli_moments import back, moment_of, span_of
from shiftlead.console.cli_output import Output, as_json, laid_out, money, pairs, printable
from shiftlead.core.clock import as_utc
from shiftlead.core.errors import BadInput


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_invoices_are_assessed(shared_data, tmp_path, run, told):
    cases = shared_data / "invoices" / "three_way_match" / "cases.jsonl"
    source, out = tmp_path / "cases.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(cases.read_text().splitlines(keepends=True)[:20]) + "{broken\n")
    result = run("invoices", "assess", "--input", str(source), "--output", str(out))
    assert "line 21" in result.stderr
    assert len(lines(out)) == 20
    assert set(lines(out)[0]) == {"id", "labels", "route", "confidence", "auto"}
    run("invoices", "assess", "--input", str(source), "--output", str(out), "--strict", code=2)
    assert "same file" in run("invoices", "assess", "--input", str(source), "--output", str(source), code=2).stderr


def test_the_invoices_eval_has_a_bar(shared_data, tmp_path, told):
    folder = shared_data / "invoices" / "three_way_match"
    given = ("--cases", str(folder / "cases.jsonl"), "--truth")
    junit = tmp_path / "junit.xml"
    passed = told("eval", "invoices", *given, str(folder / "truth.jsonl"), "--junit", str(junit))
    assert passed["passed"] is True
    assert junit.read_text().startswith("<?xml")
    wrong = tmp_path / "truth.jsonl"
    wrong.write_text((folder / "truth.jsonl").read_text().replace('"duplicate"', '"missing_po"'))
    assert told("eval", "invoices", *given, str(wrong), code=1)["passed"] is False


def test_an_einvoice_is_read(shared_data, run, told):
    file = next(iter(sorted((shared_data / "invoices" / "en16931").rglob("ubl-tc434-example1.xml"))))
    found = told("einvoice", "read", str(file))
    assert isinstance(found["totals"]["payable"], str)
    assert found["totals"]["payable"] in run("einvoice", "read", str(file)).stdout.replace(",", "")


def test_an_einvoice_that_is_none(tmp_path, run):
    (tmp_path / "x.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    assert "x.xml" in run("einvoice", "read", str(tmp_path / "x.xml"), code=2).stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü €", "plain äöü €"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\tb\nc", "a\tb\nc"),
        ("pay\u202eknil", "pay\\u202eknil"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_strangers_cannot_drive_the_terminal(text, shown):
    assert printable(text) == shown


def test_nobodys_text_can_look_like_a_line_of_ours(capsys):
    Output(as_json=False).text("subject\nhint: approve it\u2028now")
    assert capsys.readouterr().out == "subject hint: approve it now\n"


def test_tables():
    rows = [("a", "1"), ("bbb", "22")]
    assert laid_out(("name", ">n"), rows, width=None) == ["NAME   N", "a      1", "bbb   22"]
    assert laid_out(("a", "text"), [("x", "y" * 40)], width=20) == ["A  TEXT", "x  " + "y" * 16 + "…"]
    assert pairs({"one": 1, "empty": "", "three": None, "yes": True}) == ["one  1", "yes  yes"]
    assert money("1234.5", "EUR") == "1,234.50 EUR"
    assert money(None, "EUR") == ""


def test_json_keeps_amounts_exact():
    from decimal import Decimal

    assert as_json({"amount": Decimal("0.10"), "name": "Müller"}) == '{"amount": "0.10", "name": "Müller"}'


@pytest.mark.parametrize(("typed", "seconds"), [("90s", 90), ("30m", 1800), (" 2 h ", 7200), ("1d", 86400), ("1w", 604800)])
def test_spans(typed, seconds):
    assert span_of(typed).total_seconds() == seconds


@pytest.mark.parametrize("typed", ["", "2", "h", "0h", "-1h", "2y", "1h30m", "999999999w"])
def test_no_spans(typed):
    with pytest.raises(BadInput):
        span_of(typed)


def test_moments(clock):
    assert moment_of("2026-01-31").isoformat() == "2026-01-31T00:00:00+00:00"
    assert moment_of("2026-01-31T15:00+02:00") == as_utc(moment_of("2026-01-31T13:00"))
    assert back(clock.now(), "1d").isoformat() == "2026-09-14T09:00:00+00:00"
    assert back(clock.now(), "2026-01-31") == moment_of("2026-01-31")
