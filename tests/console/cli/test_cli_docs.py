"""docs/cli.md: its examples run in order, its files are what its commands read, and no command is missing."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from shiftlead.console.cli import app

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


def commands(group: Any, *path: str) -> Iterator[str]:
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, *path, name)
        elif not one.hidden:
            yield " ".join((*path, name))


def sections() -> Iterator[str]:
    """`### policy adopt, sign and list` is about three commands of one group."""
    for title in re.findall(r"^### (.+)$", TEXT, re.MULTILINE):
        first, *others = re.split(r", | and ", title)
        yield first
        group = first.rpartition(" ")[0]
        yield from (one if " " in one or not group else f"{group} {one}" for one in others)


def test_every_command_has_its_section():
    assert sorted(sections()) == sorted(commands(get_command(app)))


def test_every_exit_code_is_on_the_page():
    from shiftlead.console.cli_errors import BUG, CHECK_FAILED, CODES

    for code in {0, BUG, CHECK_FAILED, *(code for _, code, _ in CODES)}:
        assert re.search(rf"^\| {code} \| ", TEXT, re.MULTILINE)
