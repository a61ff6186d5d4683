"""`shiftlead work` records the answers of a model, and works again from the file: without the model, and without a connection."""

import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shiftlead.agents.cassette_file import read_tape
from shiftlead.console.cli import app
from shiftlead.core.settings import FILE_NAME

MODEL = """
from shiftlead.agents.scripted import ScriptedModel

def make(**settings):
    return ScriptedModel(script=lambda messages: '{"question": "Is this bill ours?", "confidence": 0.2}')
"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """A workspace in which nobody has worked, with invoices alone; never change it."""
    folder = tmp_path_factory.mktemp("fresh") / "workspace"
    result = CliRunner().invoke(app, ["init", str(folder), "--size", "4", "--as", "lea"])
    assert result.exit_code == 0, result.output
    file = folder / FILE_NAME
    head, _, tail = file.read_text(encoding="utf-8").partition("workers:\n")
    names = tail.splitlines(keepends=True)
    rest = "".join(names[next(at for at, line in enumerate(names) if not line.startswith("- ")) :])
    file.write_text(f"{head}workers:\n- invoices\n{rest}", encoding="utf-8")
    return folder


@pytest.fixture
def work(fresh, tmp_path, monkeypatch):
    """Runs `shiftlead work` in a new copy of that workspace, with a model that only a recording can import."""
    cassette = tmp_path / "answers.yaml"
    (tmp_path / "modules" / "some_talk").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    module = tmp_path / "modules" / "some_talk" / "talker.py"
    copies = iter(range(9))

    def work(*words, code=0, model=False, file=cassette):
        forget()
        if model:
            module.write_text(MODEL, encoding="utf-8")
        else:
            module.unlink(missing_ok=True)
        copy = shutil.copytree(fresh, tmp_path / f"copy-{next(copies)}")
        named = ("--cassette", str(file)) if file else ()
        command = ["-w", str(copy), "work", "--json", "--until-idle", "--brain", "some_talk.talker:make", *named, *words]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == code, result.output
        asked = CliRunner().invoke(app, ["-w", str(copy), "inbox", "list", "--json"])
        return result, sorted(one["reason"] for one in json.loads(asked.stdout))

    yield work
    forget()


def forget():
    for name in ("some_talk", "some_talk.talker"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


@pytest.fixture
def cassette(tmp_path):
    return tmp_path / "answers.yaml"


def test_work_is_recorded_and_replayed_without_the_model(work, cassette):
    _, asked = work("--mode", "record", model=True)
    assert asked
    assert all("Is this bill ours?" in one for one in asked)
    before = cassette.read_bytes()
    for words in ((), ("--mode", "replay-strict", "--max-age-days", "3")):
        assert work(*words)[1] == asked
    assert cassette.read_bytes() == before


def test_a_question_that_is_not_recorded_fails_the_run_and_names_the_difference(work, cassette):
    work("--mode", "record", model=True)
    text = cassette.read_text(encoding="utf-8")
    *kept, _ = text.split("---\n")
    cassette.write_text("---\n".join(kept), encoding="utf-8")
    result, _ = work(code=1)
    assert "error SL800" in result.stderr
    assert "The nearest is recording" in result.stderr
    assert "--mode record" in result.stderr


def test_recordings_that_nobody_asked_for_are_told_of_or_fail_the_run(work, cassette):
    work("--mode", "record", model=True)
    last = cassette.read_text(encoding="utf-8").split("---\n")[-1]
    with cassette.open("a", encoding="utf-8") as file:
        file.write(f"---\n{last}")
    count = len(read_tape(cassette).recordings)
    assert f"1 of {count} recordings was not asked for" in work()[0].stderr
    assert f"1 of {count} recordings was not asked for" in work("--mode", "replay-strict", code=1)[0].stderr


@pytest.mark.parametrize(
    ("words", "file", "says"),
    [
        (("--mode", "replay"), None, "no cassette"),
        (("--max-age-days", "3"), None, "no cassette"),
        (("--mode", "rewind"), "x.yaml", "'rewind' is no mode"),
        (("--brain", "embedded"), "x.yaml", "asks no model"),
    ],
)
def test_options_that_do_not_go_together_are_refused(work, words, file, says):
    assert says in work(*words, code=2, file=file)[0].stderr


def test_a_missing_cassette_is_refused_before_anything_is_worked_on(work):
    result, asked = work(code=1, file="/nowhere/answers.yaml")
    assert "No such file" in result.stderr
    assert asked == []


def test_a_live_run_writes_no_cassette(work, cassette):
    work("--mode", "live", model=True)
    assert not cassette.exists()
