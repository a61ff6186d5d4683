"""Brains at the command line: made from decisions, tried beside the one at work, promoted, rolled back."""

import pytest
import yaml
from help_desk import LABELS, POLICY, HelpDesk, brain, corpus
from typer.testing import CliRunner

from shiftlead.agents import brain_versions
from shiftlead.agents.retraining import LEAST
from shiftlead.agents.text_brain import TextBrain
from shiftlead.console.cli import app
from shiftlead.core import brains
from shiftlead.core.clock import SystemClock
from shiftlead.core.settings import locate

PEOPLE = {"ana": "operator", "lea": "lead"}


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A workspace of a help desk with a small policy of its own; never change it."""
    folder = tmp_path_factory.mktemp("desk") / "desk"
    made = CliRunner().invoke(app, ["init", str(folder), "--size", "4", "--as", "lea"])
    assert made.exit_code == 0, made.output
    (folder / "ledger.db").unlink()
    (folder / "policy.yaml").write_text(POLICY)
    settings = yaml.safe_load((folder / "shiftlead.yaml").read_text())
    (folder / "shiftlead.yaml").write_text(yaml.safe_dump({**settings, "workers": ["triage"], "operators": PEOPLE}))
    return folder


@pytest.fixture
def worked(empty, tmp_path):
    """What the command line is run in."""
    from shutil import copytree

    from shiftlead.core.store import Ledger

    folder = copytree(empty, tmp_path / "desk")
    Ledger.create(f"sqlite:///{folder / 'ledger.db'}").close()
    return folder


@pytest.fixture
def desk(worked, monkeypatch):
    """The help desk over that workspace's ledger, with tiny brains."""
    monkeypatch.setattr("shiftlead.agents.triage.shipped_text_brain", lambda _: brain())
    monkeypatch.setattr(
        "shiftlead.agents.triage.Triage.corpus", lambda _: [one for label in LABELS for one in corpus()[label][::5][:24]]
    )
    place = locate(worked)
    ledger = place.open_ledger(SystemClock())
    yield HelpDesk(ledger, roster=place.roster(), signing=place.keys.signer)
    ledger.close()


@pytest.fixture
def folder(tmp_path):
    brain(1).save(tmp_path / "brain")
    return tmp_path / "brain"


def added(told, folder):
    made = told("brain", "add", str(folder), "--worker", "triage")
    told("brain", "challenge", made["name"])
    return made


def test_from_decisions_to_work_and_back(desk, run, told, tmp_path):
    desk.busy(cases=LEAST)
    made = told("brain", "retrain", "--worker", "triage", "--out", str(tmp_path / "candidate"), "--as", "ana")
    assert (made["role"], made["made_by"], made["learnt"]["from"]["decisions"]) == ("candidate", "ana", 32)
    assert TextBrain.load(tmp_path / "candidate").digest == made["digest"]
    assert "from the next case on" in run("brain", "challenge", made["name"][:12]).stdout
    with desk.ledger.reading() as session:
        version = brains.find(session, made["digest"])
    desk.busy(version, cases=130)
    (row,) = told("brain", "versions")
    assert (row["role"], row["comparison"]["n"], row["comparison"]["hindrance"], row["lacks"]) == ("challenger", 130, "", [])
    listing = run("brain", "versions", "--worker", "triage").stdout
    assert "right in 100.0% of 130 decided cases" in listing
    assert "can be certified" in listing
    promoted = told("brain", "promote", made["name"], "--reason", "as good", "--as", "lea")
    assert (promoted["role"], promoted["signed_by"], promoted["reason"]) == ("champion", "lea (lead)", "as good")
    assert [one["target"] for one in promoted["certificates"]] == [0.05]
    assert desk.crew.cast(desk.case("T-0")).worker.model.digest == made["digest"]
    back = run("brain", "rollback", "--worker", "triage", "--reason", "worse", "--as", "ana").stdout
    assert back == "The brain that ships is at work for triage from the next case on.\n"
    assert desk.crew.cast(desk.case("T-0")).worker.model is brain()
    assert [one["role"] for one in told("brain", "versions")] == ["retired"]


def test_what_promoting_says(desk, run, told, folder):
    made = added(told, folder)
    with desk.ledger.reading() as session:
        desk.busy(brains.find(session, made["digest"]), cases=130)
    said = run("brain", "promote", made["name"], "--reason", "as good").stdout.splitlines()
    assert said[0] == f"{made['name']} is at work for triage from the next case on, signed by lea."
    assert said[1].startswith("On the same 130 cases it was right in 100.0%, the one before in 100.0%")
    assert said[2].startswith("certified  every case: from a confidence of ")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("promote", "{name}", "--reason", "now", "--as", "ana"), 5, "by the role 'lead'"),
        (("promote", "{name}", "--reason", "now"), 4, "0 decided cases with a known truth are too few: 100 more"),
        (("promote", "{name}", "--reason", "now", "--without-certificate"), 4, "too few"),
        (("promote", "{name}"), 2, "with a reason"),
        (("promote", "nothing", "--reason", "now"), 3, "No brain 'nothing'"),
        (("challenge", "nothing"), 3, "No brain 'nothing'"),
        (("rollback", "--worker", "triage", "--reason", "now"), 4, "works with the brain that ships"),
        (("rollback", "--worker", "triage"), 2, "with a reason"),
        (("retrain", "--worker", "triage"), 2, "0 decided texts say what they are; retraining needs 40, so 40 more."),
        (("retrain", "--worker", "invoices"), 2, "No worker 'invoices' of this workspace has a text brain"),
        (("retrain", "--worker", "triage", "--out", "{folder}"), 4, "is not empty"),
        (("add", "{folder}", "--worker", "triage"), 4, "known already"),
        (("add", "/nowhere", "--worker", "triage"), 2, "there is no such folder"),
    ],
)
def test_what_is_refused(desk, run, told, folder, words, code, says):
    made = added(told, folder)
    given = [one.format(name=made["name"], folder=folder) for one in words]
    assert says in run("brain", *given, code=code).stderr
    assert [one["role"] for one in told("brain", "versions")] == ["challenger"]


def test_a_damaged_brain_at_work_is_listed_and_rolled_back(desk, run, told, folder):
    desk.put_to_work(brain_versions.add(desk.ledger, desk.worker, brain(2), by="ana"))
    added(told, folder)
    desk.sql("update brain set packed = x'00' where role = 'champion'")
    listed = run("brain", "versions")
    assert "is not used, and its cases rest" in listed.stderr
    assert listed.stdout.count("triage-") == 2
    run("brain", "rollback", "--worker", "triage", "--reason", "damaged", "--as", "ana")
    assert sorted(one["role"] for one in told("brain", "versions")) == ["challenger", "retired"]


def test_a_workspace_without_versions(desk, run, told):
    assert "brain that ships" in run("brain", "versions").stderr
    assert told("brain", "versions") == []
