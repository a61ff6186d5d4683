"""The command line as a whole: help, options, errors and their exit codes, and what it may import."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from shiftlead import __version__
from shiftlead.console import cli, cli_errors
from shiftlead.console.cli_session import command, group
from shiftlead.core import errors
from shiftlead.core.errors import ShiftleadError


def every_command(app: typer.Typer, *before: str) -> Iterator[tuple[str, ...]]:
    yield before
    for one in app.registered_groups:
        yield from every_command(one.typer_instance, *before, str(one.name))
    for command_ in app.registered_commands:
        yield (*before, str(command_.name))


@pytest.mark.parametrize("words", sorted(every_command(cli.app)), ids=" ".join)
def test_every_command_helps(words, run):
    told = run(*words, "--help").stdout
    assert "Usage: " in told
    assert "--help" in told


def test_the_noun_and_verb_table_is_whole():
    lines = {" ".join(words) for words in every_command(cli.app)}
    wanted = [
        "init demo work console kpi doctor stop resume",
        "case list show explain retry",
        "inbox list show approve edit reject respond escalate snooze",
        "policy check explain",
        "audit verify export",
        "invoices assess",
        "brain train predict",
        "collections rank",
        "einvoice read",
        "eval invoices",
        "connector list",
        "quarantine list",
    ]
    singles, *nouns = (one.split() for one in wanted)
    assert {*singles, *(f"{noun} {verb}" for noun, *verbs in nouns for verb in verbs)} <= lines


def test_help_names_every_exit_code(run):
    told = run("--help").stdout
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 70):
        assert f"{code:>2}  " in told.partition("Exit codes:")[2]


def test_version(run):
    assert run("--version").stdout == f"shiftlead {__version__}\n"


def leaves(kind: type[ShiftleadError]) -> Iterator[type[ShiftleadError]]:
    yield kind
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield from leaves(one)


CODES = {
    errors.BadInput: 2, errors.PolicyError: 2, errors.ContractBreach: 2, errors.SettingsError: 2,
    errors.NotFound: 3,
    errors.Conflict: 4, errors.AlreadyDecided: 4, errors.StaleRecord: 4, errors.StaleEnvelope: 4, errors.LeaseLost: 4,
    errors.Forbidden: 5, errors.Stopped: 5,
    errors.ConnectorError: 6, errors.Refused: 6, errors.Unreachable: 6, errors.OutcomeUnknown: 6,
    errors.PluginError: 7, errors.LedgerError: 7,
    errors.CassetteError: 1,
    errors.ShiftleadError: 70,
}  # fmt: skip


@pytest.mark.parametrize("kind", list(leaves(ShiftleadError)), ids=lambda kind: kind.__name__)
def test_every_error_has_its_exit_code_and_no_traceback(kind):
    app = typer.Typer(cls=cli.Guarded, rich_markup_mode=None)
    app.callback()(cli.options)

    @app.command()
    def fail() -> None:
        raise kind("It \x1b[31mbroke.", hint="Mend it.")

    result = CliRunner().invoke(app, ["fail"])
    assert result.exit_code == CODES[kind]
    assert result.stdout == ""
    assert result.stderr == f"error {kind.code}: It \\x1b[31mbroke.\nhint: Mend it.\n"


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    [
        (ZeroDivisionError("division by zero"), 70, "This is a bug"),
        (PermissionError(13, "Permission denied", "/a/file"), 2, "'/a/file': Permission denied."),
    ],
)
def test_what_nobody_foresaw(raised, code, says):
    app = typer.Typer(cls=cli.Guarded, rich_markup_mode=None)
    app.callback()(cli.options)

    @app.command()
    def fail() -> None:
        raise raised

    result = CliRunner().invoke(app, ["fail"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in CliRunner().invoke(app, ["--debug", "fail"]).stderr


def test_a_reader_that_goes_away_is_no_error():
    assert cli_errors.is_control_flow(BrokenPipeError(32, "Broken pipe"))
    assert not cli_errors.is_control_flow(OSError(28, "No space left on device"))


BAD_USE = [
    (("case", "list", "--state", "lost"), 2, "no state of a case"),
    (("case", "show", "case_nobody"), 3, "No case 'case_nobody'"),
    (("case", "explain", "T-000"), 3, "No case 'T-000'"),
    (("inbox", "show", "req_nobody"), 3, "No request 'req_nobody'"),
    (("inbox", "list", "--order", "size"), 2, "no order"),
    (("inbox", "approve", "req_nobody"), 3, "No request"),
    (("inbox", "snooze", "req_nobody"), 2, "--until or --for"),
    (("inbox", "snooze", "req_nobody", "--for", "soon"), 2, "no span of time"),
    (("inbox", "snooze", "req_nobody", "--until", "soon"), 2, "no moment"),
    (("inbox", "edit", "req_nobody", "--set", "amount"), 2, "is no change"),
    (("inbox", "approve", "a", "b", "--digest", "d"), 2, "--digest is of one request"),
    (("inbox", "list", "--mine", "--as", "stranger"), 5, "is not an operator"),
    (("policy", "check", "/nowhere.yaml"), 2, "cannot be read"),
    (("policy", "explain", "act_nobody"), 3, "No action"),
    (("stop", "everything"), 2, "is no scope"),
    (("resume", "all", "--reason", "checked", "--as", "stranger"), 5, "is not an operator"),
    (("policy", "explain", "--policy", "/nowhere.yaml"), 2, "cannot be read"),
    (("resume", "all", "--reason", "checked"), 4, "is not stopped"),
    (("work", "--once", "--until-idle"), 2, "do not go together"),
    (("work", "--once", "--brain", "nobody"), 2, "names no brain"),
    (("kpi", "--since", "ever"), 2, "no moment"),
    (("kpi", "--since", "999999999w"), 2, "too long"),
    (("einvoice", "read", "/nowhere.xml"), 2, "cannot be read"),
    (("console",), 2, "needs a terminal"),
    (("audit", "export", "--out", "/nowhere/chain.jsonl"), 2, "No such file"),
    (("brain", "predict", "--input", "/nowhere.jsonl"), 2, "No such file"),
    (("invoices", "assess", "--input", "/nowhere", "--output", "/nowhere2"), 2, "No such file"),
    (("case", "list", "--ledger", "sqlite:///gone.db"), 7, "There is no ledger"),
    (("case", "list", "--ledger", "no address"), 7, "ledger cannot be used"),
    (("--workspace", "/nowhere", "case", "list"), 3, "There is no shiftlead.yaml"),
    (("case", "list", "--workspace", "/nowhere"), 3, "There is no shiftlead.yaml"),
]


@pytest.mark.parametrize(("words", "code", "says"), BAD_USE, ids=[" ".join(words) for words, _, _ in BAD_USE])
def test_bad_use_gets_one_clear_message(words, code, says, run, worked):
    result = run(*words, code=code)
    assert says in result.stderr
    assert result.stderr.count("error SL") == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "words", [("frobnicate",), ("case", "lists"), ("case", "list", "--limit", "many"), ("inbox", "reject", "x")]
)
def test_wrong_usage_is_code_two(words, run):
    run(*words, code=2)


@pytest.mark.parametrize(
    ("text", "says"),
    [("ledger: [", "line 1"), ("ledger: 5\n", "ledger"), ("legder: x\n", "legder"), ("just words\n", "not a mapping")],
)
def test_a_broken_workspace_names_file_and_field(text, says, tmp_path, run):
    (tmp_path / "shiftlead.yaml").write_text(text)
    result = run("--workspace", str(tmp_path), "case", "list", code=2)
    assert str(tmp_path / "shiftlead.yaml") in result.stderr
    assert says in result.stderr


def test_options_count_before_and_after_the_command(worked, tmp_path, run):
    before = run("-w", str(worked), "--as", "ben", "inbox", "list", "--mine").stdout
    after = run("inbox", "list", "--mine", "--as", "ben", "-w", str(worked)).stdout
    assert before == after != ""


def test_a_command_without_data_has_no_json(run):
    run("console", "--json", code=2)


def test_a_session_knows_what_its_options_say(tmp_path):
    app, seen = group("Nouns."), []
    app.callback()(cli.options)

    @command(app, "look")
    def look(session, word: str = "none") -> None:
        seen.append((session.workspace, session.who, session.url, session.out.as_json, word))

    given = ["--as", "ana", "look", "--workspace", str(tmp_path), "--ledger", "sqlite:///x.db", "--json", "--word", "w"]
    assert CliRunner().invoke(app, given).exit_code == 0
    assert seen == [(tmp_path, "ana", "sqlite:///x.db", True, "w")]


def loaded_by(code: str, *, cwd: Path) -> set[str]:
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=cwd, env={**os.environ}, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


HEAVY = {"langgraph", "langchain_core", "textual", "sklearn", "httpx", "sqlalchemy", "pydantic", "numpy", "rich"}


def test_help_imports_nothing_heavy(tmp_path):
    code = "from shiftlead.console.cli import app\ntry:\n    app(['--help'])\nexcept SystemExit: pass"
    assert not loaded_by(code, cwd=tmp_path) & HEAVY


def test_lists_need_no_framework(worked):
    code = "from shiftlead.console.cli import app\ntry:\n    app(['inbox', 'list'])\nexcept SystemExit: pass"
    unneeded = {"langgraph", "langchain_core", "textual", "sklearn", "httpx", "numpy", "sqlalchemy.dialects.postgresql"}
    assert not loaded_by(code, cwd=worked) & unneeded


def test_the_console_is_opened_without_langgraph_and_httpx(worked):
    code = (
        "import shiftlead.console.app as console\n"
        "console.run_console = lambda *a, **k: None\n"
        "from shiftlead.console.cli_console import open_console\n"
        "from shiftlead.console.cli_session import Session\n"
        "open_console(Session(who='ana'))"
    )
    found = loaded_by(code, cwd=worked)
    assert "textual" in found
    assert not found & {"langgraph", "langchain_core", "httpx", "sklearn", "numpy"}
