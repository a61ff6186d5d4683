"""A small demo workspace, worked on once per test run and copied for each test that changes it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shiftlead.console.cli import app
from shiftlead.core import settings
from shiftlead.core.settings import PLACE, WHO

SIZE = "40"

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PLACE, raising=False)
    monkeypatch.delenv(WHO, raising=False)
    monkeypatch.setattr(settings, "system_user", lambda: "lea")


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo workspace after its first shift; never change it."""
    folder = tmp_path_factory.mktemp("worked") / "demo"
    result = CliRunner().invoke(app, ["demo", "--headless", "--size", SIZE, "--dir", str(folder), "--as", "lea"])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def place(worked: Path, tmp_path: Path) -> Path:
    """A copy of the demo workspace."""
    return Path(shutil.copytree(worked, tmp_path / "demo"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Run:
    """Runs a command line; in the copied workspace where the test asks for one."""
    if "place" in request.fixturenames:
        monkeypatch.setenv(PLACE, str(request.getfixturevalue("place")))
    elif "worked" in request.fixturenames:
        monkeypatch.setenv(PLACE, str(request.getfixturevalue("worked")))

    def invoke(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == code, f"{words}: {result.exit_code}\n{result.output}"
        return result

    return invoke


@pytest.fixture
def told(run: Run) -> Callable[..., Any]:
    """Runs a command with --json and gives back what it printed."""
    return lambda *words, code=0: json.loads(run(*words, "--json", code=code).stdout)
