"""docs/cli.md: its examples run in order, its files are what its commands read, and no command is missing."""

import re
import shlex
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"
TEXT = PAGE.read_text(encoding="utf-8")


def examples() -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def files() -> dict[str, str]:
    return dict(re.findall(r"`([\w.]+)`:\n\n```\w+\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))


def test_every_example_runs_in_order(place, run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(place)
    for name, text in files().items():
        (place / name).write_text(text, encoding="utf-8")
    for line in examples():
        shiftlead, *words = shlex.split(line)
        assert shiftlead == "shiftlead"
        run(*words)


def test_the_files_on_the_page_do_what_it_says(place, run, told, monkeypatch):
    monkeypatch.chdir(place)
    for name, text in files().items():
        (place / name).write_text(text, encoding="utf-8")
    assert told("eval", "invoices", "--cases", "cases.jsonl", "--truth", "truth.jsonl")["passed"] is True
    assert told("einvoice", "read", "invoice.xml")["findings"] == []


@pytest.mark.parametrize(
    "named", ["init", "demo", "work", "console", "doctor", "kpi", "case retry", "quarantine list", "connector list"]
)
def test_commands_have_their_section(named):
    assert f"### {named}\n" in TEXT


def test_every_exit_code_is_on_the_page():
    from shiftlead.console.cli_errors import BUG, CHECK_FAILED, CODES

    for code in {0, BUG, CHECK_FAILED, *(code for _, code, _ in CODES)}:
        assert re.search(rf"^\| {code} \| ", TEXT, re.MULTILINE)
