"""Workspaces made, worked on, and told about: init, demo, work, doctor, kpi, quarantine, audit, stop and resume."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from shiftlead.connectors.intake import Taken
from shiftlead.console import cli_work
from shiftlead.console.cli_progress import Progress
from shiftlead.core.case import CaseState
from shiftlead.core.errors import Unreachable
from shiftlead.core.settings import locate
from shiftlead.core.store import Ledger
from shiftlead.core.tables import CaseRow

SIGNED = ("--house", "Acme Ltd", "--email", "office@acme.example", "--phone", "+44 20 7946 0100")


def test_init_makes_a_whole_workspace(tmp_path, run):
    folder = tmp_path / "new" / "place"
    run("init", str(folder), "--size", "8", "--as", "zoe")
    found = locate(folder).workspace
    assert found.operators == {"ana": "lead", "ben": "operator", "zoe": "controller"}
    assert found.policy == "policy.yaml"
    assert {one.name for one in folder.iterdir()} >= {"shiftlead.yaml", "policy.yaml", "ledger.db", "company"}
    run("-w", str(folder), "policy", "check")
    run("-w", str(folder), "doctor", "--as", "zoe")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@h/db",
        "postgresql://u:x${PW}@h/db",
        "postgresql://h/db?password=hunter2",
        "postgresql+psycopg://u:hunter2@h:5432/db?sslmode=require",
    ],
)
def test_init_writes_no_password(url, tmp_path, run, monkeypatch):
    monkeypatch.setenv("PW", "hunter2")
    result = run("init", str(tmp_path / "w"), "--ledger", url, code=2)
    assert "${LEDGER_PASSWORD}" in result.stderr
    assert "hunter2" not in result.output
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("name", ["${LEDGER_FILE_PASSWORD}", "$LEDGER_FILE_PASSWORD"])
def test_init_takes_a_password_from_the_environment(name, tmp_path, run):
    url = f"postgresql://u:{name}@h/db"
    assert "the environment has no LEDGER_FILE_PASSWORD" in run("init", str(tmp_path / "w"), "--ledger", url, code=2).stderr
    assert not (tmp_path / "w").exists()


def test_init_writes_over_nothing(tmp_path, run):
    (tmp_path / "policy.yaml").write_text("mine")
    assert "nothing was written" in run("init", str(tmp_path), "--size", "8", code=2).stderr
    assert [one.name for one in tmp_path.iterdir()] == ["policy.yaml"]
    assert (tmp_path / "policy.yaml").read_text() == "mine"


def test_init_writes_nothing_beside_the_ledger_of_another_workspace(place, tmp_path, run):
    ledger = f"sqlite:///{place / 'ledger.db'}"
    assert "another workspace's" in run("init", str(tmp_path / "w"), "--size", "8", "--ledger", ledger, code=2).stderr
    assert not [*(tmp_path / "w").iterdir()]


def test_init_writes_nothing_where_the_ledger_cannot_be_made(tmp_path, run):
    run("init", str(tmp_path / "w"), "--size", "8", "--ledger", "postgresql://nobody@localhost:1/none", code=7)
    assert not [*(tmp_path / "w").iterdir()]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--connector", "files"), "--folder is missing"),
        (("--connector", "files", "--folder", "/nowhere"), "is no folder"),
        (("--connector", "files", "--folder", "."), "--house, --email, --phone is missing"),
        (("--connector", "nobody"), "No connector 'nobody'"),
    ],
)
def test_init_refuses_what_cannot_be(words, says, tmp_path, run):
    assert says in run("init", str(tmp_path / "w"), *words, code=2).stderr
    assert not (tmp_path / "w").exists()


def test_a_folder_of_exports_is_worked_on(tmp_path, run, told):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "customers.csv").write_text("id,name,currency\nC1,Acme Ltd,EUR\n")
    (exports / "tickets.jsonl").write_text(
        '{"id": "T1", "subject": "Where is my order?", "body": "Order 5 is late. Where is it?", "requester": "a@acme.example", "created_at": "2026-09-01T08:00:00Z"}\n'
        "not json\n"
    )
    folder = str(tmp_path / "w")
    run("init", folder, "--connector", "files", "--folder", str(exports), *SIGNED)
    done = told("-w", folder, "work", "--until-idle")
    assert (done["taken"]["opened"], done["taken"]["quarantined"]) == (1, 1)
    assert done["shift"]["worked"] == 1
    [held] = told("-w", folder, "quarantine", "list")
    assert held["raw"]
    assert "tickets.jsonl" in json.dumps(held)


def test_the_demo_tells_what_came_of_it(tmp_path, told, run):
    folder = tmp_path / "demo"
    found = told("demo", "--headless", "--size", "12", "--dir", str(folder))
    assert found["cases"] >= 12
    assert found["ran_alone"]["count"] > 0
    assert found["audit_ok"] is True
    assert all(isinstance(amount, str) for amount in found["ran_alone"]["money"].values())
    assert found["waiting"]["count"] == sum(one["count"] for one in found["waiting"]["reasons"])
    first = told("-w", str(folder), "case", "list", "--limit", "500")
    again = told("demo", "--keep", "--headless", "--dir", str(folder))
    assert again["cases"] == found["cases"] == len(first)
    run("demo", "--headless", "--size", "8", "--dir", str(folder))
    assert {one["id"] for one in told("-w", str(folder), "case", "list")}.isdisjoint(one["id"] for one in first)


def test_the_demo_deletes_only_what_a_demo_made(tmp_path, run):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "left alone" in run("demo", "--headless", "--dir", str(tmp_path), code=2).stderr
    assert (tmp_path / "thesis.txt").exists()


def test_the_demo_in_words(tmp_path, run):
    result = run("demo", "--headless", "--size", "12", "--dir", str(tmp_path / "demo"))
    for word in (
        "Ran alone: ",
        "Waits for a person: ",
        "Blocked: ",
        "Closed without action: ",
        "Handed on",
        "In quarantine: ",
        "it holds",
    ):
        assert word in result.stdout
    assert "Working: 100 %" in result.stderr
    assert "\nWaits: the money is " in result.stdout
    assert "\nBlocked: the money is " in result.stdout
    assert f"`shiftlead -w {tmp_path / 'demo'} console`" in result.stderr
    assert result.stderr.endswith(f"`shiftlead -w {tmp_path / 'demo'} work --until-idle` to run what you approved.\n")


def test_work_takes_up_what_was_decided(place, run, told):
    waiting = next(
        one for one in told("inbox", "list", "--mine", "--as", "ana", "--limit", "100") if one["question"] == "approve"
    )
    run("inbox", "approve", waiting["id"], "--as", "ana")
    assert told("work", "--once", "--no-pull")["shift"]["worked"] == 1
    case = told("case", "explain", waiting["case_id"])
    decided = next(one for one in case["actions"] if one["id"] == waiting["action_id"])
    assert decided["state"] == "done"
    assert [one["kind"] for one in case["trail"]][-1] in ("case.closed", "request.opened")


def test_trouble_with_one_queue_is_told_and_the_work_goes_on(place, run, monkeypatch):
    def trouble(_, on_trouble):
        on_trouble(Unreachable("The help desk does not answer.", hint="Try later."))
        return Taken()

    monkeypatch.setattr(cli_work, "pull_all", trouble)
    result = run("work", "--until-idle", code=6)
    assert "Worked on 0" in result.stdout
    assert "error SL520: The help desk does not answer." in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_work_stops_at_a_signal(place, number):
    words = [sys.executable, "-c", "from shiftlead.console.cli import main; main()", "work", "--interval", "60"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=place, env={**os.environ}
    ) as worker:
        assert worker.stderr is not None
        assert "Working" in worker.stderr.readline()
        worker.send_signal(number)
        _, narrated = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert "nothing is left half done" in narrated


def test_progress_without_a_terminal_is_ten_lines(capsys):
    bar = Progress("Working", 7)
    for _ in range(9):
        bar.step()
    bar.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "Working: 100 %"
    assert len(lines) == len(set(lines)) <= 10


def test_the_chain_is_verified_and_a_forgery_found(place, told, run):
    assert told("audit", "verify")["ok"] is True
    with sqlite3.connect(place / "ledger.db") as ledger:
        ledger.execute("UPDATE audit SET actor = 'somebody' WHERE seq = 3")
    ledger.close()
    found = told("audit", "verify", code=1)
    assert found["ok"] is False
    assert found["breaks"][0]["seq"] == 3
    text = run("audit", "verify", code=1).stdout
    assert "event 3" in text
    assert "broken in 1 place." in text


def test_the_chain_is_exported_whole(worked, tmp_path, run, told):
    out = tmp_path / "chain.jsonl"
    run("audit", "export", "--out", str(out))
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert [one["seq"] for one in events] == list(range(1, told("audit", "verify")["events"] + 1))
    assert run("audit", "export").stdout == out.read_text()
    case = told("case", "list", "--limit", "1")[0]["id"]
    assert {json.loads(line)["case_id"] for line in run("audit", "export", "--case", case).stdout.splitlines()} == {case}


def test_anybody_may_stop_and_only_an_operator_resumes(place, told, run):
    assert told("stop", "worker:invoices", "--as", "stranger")["by"] == "stranger"
    assert "Recorded: stranger." in run("stop", "--as", "stranger").stdout
    assert "stranger" in {json.loads(line)["actor"] for line in run("audit", "export").stdout.splitlines()}
    run("resume", "all", "--reason", "checked", "--as", "stranger", code=5)
    assert told("resume", "all", "--reason", "checked", "--as", "ana")["stopped"] is True


@pytest.mark.parametrize("scope", ["worker:invoicez", "action:invoice.pots", "party:V-none", "party:V_0"])
def test_a_stop_that_nothing_is_called_by_is_thrown_and_says_so(place, run, scope):
    assert "look at the spelling" in run("stop", scope).stderr
    assert scope in run("work", "--until-idle", "--no-pull").stdout


def test_a_stop_of_what_is_known_says_nothing_more_and_a_name_is_told_its_id(place, run, told):
    done = (one for one in told("case", "list", "--worker", "invoices") if one["outcome"] == "done")
    case = next(one for one in done if one["party"].count(" "))
    action = told("case", "explain", case["id"])["actions"][0]
    party = action["envelope"]["proposal"]["action"]["party"]
    for scope in ("all", "worker:invoices", f"action:{action['envelope']['proposal']['action']['kind']}", f"party:{party}"):
        assert "warning" not in run("stop", scope).stderr
    assert f"by its id: {party}." in run("stop", f"party:{case['party']}").stderr
    assert f"resume 'party:{case['party']}'" in run("stop", f"party:{case['party']}").stdout


def test_stop_and_resume(place, told, run):
    assert told("stop", "--as", "ben") == {"scope": "all", "stopped": True, "by": "ben"}
    assert {"check": "stopped", "state": "look", "found": "all by ben: no reason given"} in told("doctor")
    run("resume", "all", "--as", "ana", code=2)
    asked = told("resume", "all", "--reason", "checked", "--as", "ana")
    assert asked == {"scope": "all", "stopped": True, "by": "ana", "asked": True}
    assert "ana asks to let it run" in next(one["found"] for one in told("doctor") if one["check"] == "stopped")
    run("resume", "all", "--reason", "checked twice", "--as", "ana", code=5)
    assert told("resume", "all", "--as", "ben")["stopped"] is False


def test_doctor_finds_what_is_broken_and_looks_at_the_rest(place, told, run):
    assert {one["state"] for one in told("doctor")} <= {"ok", "look"}
    (place / "policy.yaml").write_text("name: [\n")
    (place / "company" / "company.db").unlink()
    found = told("doctor", code=1)
    broken = {one["check"] for one in found if one["state"] == "broken"}
    assert "connectors" in broken
    assert "ledger" not in broken
    # The text in the ledger counts, so a file that does not load stops nothing and is looked at.
    states = {one["check"]: (one["state"], one["found"]) for one in found}
    assert states["policy"][0] == "ok"
    assert states["policy file"][0] == "look"
    assert "cannot be used, so house@1 stays in force" in states["policy file"][1]


@pytest.mark.parametrize(
    ("operators", "state", "says"),
    [
        ("{ana: lead, ben: operator, zoe: controller}", "ok", ""),
        ("{ana: lead, ben: operator}", "look", "nobody holds controller or a higher role"),
        ("{ana: controller, ben: operator}", "look", "nobody holds lead, so a higher role decides"),
        ("{zoe: controller}", "look", "some actions need 2 approvals, and there is one person"),
        ("{zoe: controller}", "look", "one person under four eyes"),
        ("{zoe: king}", "look", "no role of the policy: zoe (king)"),
    ],
)
def test_doctor_looks_at_who_holds_which_role(operators, state, says, place, told, run):
    file = place / "shiftlead.yaml"
    head, found, _ = file.read_text().partition("operators:")
    assert found
    file.write_text(f"{head}operators: {operators}\n")
    for name in re.findall(r"(\w+):", operators):
        run("operator", "key", name)
    found = next(one for one in told("doctor") if one["check"] == "operators")
    assert found["state"] == state
    assert says in found["found"]


def test_work_ends_with_what_is_left(place, told, run):
    left = told("work", "--until-idle", "--no-pull")
    assert left["waiting"] == len(told("inbox", "list", "--limit", "500"))
    text = run("work", "--until-idle", "--no-pull").stdout
    assert f"In all {left['waiting']} requests wait for a person; " in text
    case = told("case", "list", "--state", "waiting", "--limit", "1")[0]["id"]
    ledger = Ledger.open(f"sqlite:///{place}/ledger.db")
    soon = ledger.clock.now() + timedelta(days=400)
    with ledger.transaction() as tx:
        row = tx.session.get(CaseRow, case)
        row.state, row.wake_at = CaseState.READY, soon
        tx.session.add(row)
    ledger.close()
    after = told("work", "--until-idle", "--no-pull")
    assert after["resting"] == left["resting"] + 1
    assert after["resting_until"] is not None


@pytest.mark.parametrize(
    ("waiting", "resting", "minutes", "says"),
    [
        (0, 0, None, "In all 0 requests wait for a person; no case rests."),
        (1, 1, 31, "In all 1 request waits for a person; one case rests, until 09:31 UTC."),
        (55, 3, 31, "In all 55 requests wait for a person; 3 cases rest, the first until 09:31 UTC."),
        (2, 2, 24 * 60, "In all 2 requests wait for a person; 2 cases rest, the first until 2026-09-16 09:00 UTC."),
    ],
)
def test_what_is_left_in_words(waiting, resting, minutes, says, clock):
    first = None if minutes is None else clock.now() + timedelta(minutes=minutes)
    left = {"waiting": waiting, "resting": resting, "resting_until": first}
    assert cli_work._left_told(left, clock.now()) == says


def test_doctor_lists_operations(worked, told):
    posting = next(one for one in told("doctor", "--operations") if one["name"] == "invoice.post")
    assert posting["effect"] is True
    assert posting["arguments"]["invoice_id"] == "string"
    assert posting["arguments"]["iban"].startswith("optional ")


def test_kpis(worked, told, run):
    found = {one["name"]: one for one in told("kpi", "--worker", "invoices")}
    assert found["touchless_rate"]["target"] is not None
    assert "touchless_rate" in run("kpi", "--since", "7d").stdout


def test_connectors_are_listed(told):
    assert {"company", "files"} <= {one["name"] for one in told("connector", "list")}


def test_quarantine_names_who_mends_it(worked, told, run):
    for one in told("quarantine", "list"):
        assert one["owner"]
        assert one["raw"]


def test_collections_are_ranked(worked, told, run):
    found = told("collections", "rank", "--limit", "5")
    assert found
    assert all(isinstance(one["expected_loss"]["amount"], str) for one in found)
    by_currency = [(one["expected_loss"]["currency"], -float(one["expected_loss"]["amount"])) for one in found]
    assert by_currency == sorted(by_currency)
    text = run("collections", "rank").stdout
    assert "NEXT STEP" in text
    assert "EXPECTED LOSS OF ALL OPEN" in text
    assert "not now: not now" not in text


def test_a_company_that_is_gone(place, run):
    (place / "company" / "company.db").unlink()
    assert "There is no company" in run("work", "--once", code=2).stderr


def test_demo_folder_is_that_of_the_workspace_option(tmp_path: Path, run):
    run("-w", str(tmp_path / "x"), "demo", "--headless", "--size", "8")
    assert (tmp_path / "x" / "shiftlead.yaml").exists()


def test_a_running_shift_notices_other_people_and_keys(place, run, capsys):
    """Whoever loses a role or a key must not go on deciding until somebody restarts the workers."""
    from shiftlead.agents.crew import open_crew
    from shiftlead.agents.runner import Runner
    from shiftlead.console.cli_session import Session

    session = Session(workspace=place)
    crew = open_crew(session.place)
    runner = Runner(crew)
    assert cli_work._changed(session, runner) == ""
    key = place / "keys" / "ben.pub"
    kept = key.read_text()
    key.unlink()
    assert "operators or their keys" in cli_work._changed(session, runner)
    key.write_text(kept)
    assert cli_work._changed(session, runner) == ""
    file = place / "shiftlead.yaml"
    before = file.read_text()
    file.write_text(before.replace("ana: lead", "ana: operator"))
    assert "operators or their keys" in cli_work._changed(session, runner)
    file.write_text("operators: [")
    assert cli_work._changed(session, runner) == "", "half a file is told of, and the work goes on"
    assert "cannot be read" in capsys.readouterr().err
    file.write_text(before)
    text = (place / "policy.yaml").read_text()
    (place / "policy.yaml").write_text(text.replace("version: 1", "version: 2", 1))
    run("policy", "adopt", "--reason", "adopted before the shift looked for the first time")
    run("operator", "add", "kim", "--role", "lead")
    assert "Another policy" in cli_work._changed(session, runner)
    assert "kim" in session.place.workspace.operators, "whoever signs may be new too"
    crew.close()
