"""Fixtures of the scenarios: a stage in a folder, and troupes of processes on it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from stage import Stage

TROUPE = Path(__file__).with_name("troupe.py")


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An empty stage to copy, since making a ledger takes longer than most scenarios."""
    folder = tmp_path_factory.mktemp("template")
    Stage.create(folder).close()
    return folder


@pytest.fixture
def make_stage(template, tmp_path, clock):
    """Opens stages on the same files, as several processes would."""
    opened = []

    def make(**settings):
        for name in ("ledger.db", "outside.db"):
            if not (tmp_path / name).exists():
                (tmp_path / name).write_bytes((template / name).read_bytes())
        stage = Stage(tmp_path, **{"clock": clock, **settings})
        opened.append(stage)
        return stage

    yield make
    for stage in opened:
        stage.close()


@pytest.fixture
def stage(make_stage):
    return make_stage()


@pytest.fixture
def shared_stage(tmp_path, ledger_url, clock):
    """A stage on either database."""
    opened = Stage.create(tmp_path, url=ledger_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def troupe(tmp_path, ledger_url):
    """Runs a task in many processes at once on the files of `shared_stage`."""

    def play(task, count):
        command = [sys.executable, str(TROUPE), str(tmp_path), ledger_url, task, str(count)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-3000:]
        told = [json.loads(line) for line in ran.stdout.splitlines()]
        crashed = [one["crashed"] for one in told if "crashed" in one]
        assert not crashed, crashed[0]
        assert len(told) == count
        return told

    return play
