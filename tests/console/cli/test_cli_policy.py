"""`shiftlead policy`: from an edited file to a policy in force, as its author and the second person see it."""

import pytest

from shiftlead.agents.crew import open_crew
from shiftlead.agents.runner import Runner
from shiftlead.console.cli_session import Session
from shiftlead.console.cli_work import _shift
from shiftlead.core.keys import SECRETS
from shiftlead.core.settings import locate


@pytest.fixture
def office(place, tmp_path, monkeypatch):
    """The demo workspace with a key for everybody, and a policy file that loosens one limit."""
    monkeypatch.setenv(SECRETS, str(tmp_path / "own"))
    found = locate(place)
    for name in found.workspace.operators:
        # The demo's own keys lie elsewhere; these people make new ones.
        (found.keys.public / f"{name}.pub").unlink(missing_ok=True)
        found.keys.make(name)
    return place


def write(office, *pairs):
    text = (office / "policy.yaml").read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    (office / "policy.yaml").write_text(text)


LOOSER = (
    ("at_most: {EUR: 5000,", "at_most: {EUR: 15000,"),
    ("above: {EUR: 5000,", "above: {EUR: 15000,"),
    ("amount: 5000.01 EUR", "amount: 15000.01 EUR"),
    ("version: 1", "version: 2"),
)
STRICTER = tuple((old, new.replace("15000", "4000")) for old, new in LOOSER)


def test_a_loosening_from_the_edited_file_to_the_second_signature(office, run, told):
    write(office, *LOOSER)
    result = run("policy", "diff", code=1)
    assert "loosens  invoice.post: reviewed -> allowed" in result.stdout
    assert "case  invoice.post with amount 5,000.01 EUR, confidence" in result.stdout
    assert "old   reviewed: R-002 (amount 5,000.01 EUR; limit 5,000.00 EUR; 0.01 EUR over)" in result.stdout
    assert result.stdout.endswith("1 loosened, 0 tightened.\n")
    assert "is not what is in force" in run("policy", "explain", "R-002").stderr
    assert "5,000.00 EUR" in run("policy", "explain", "R-002").stdout
    assert "waits for a second person" in run("policy", "adopt", "--reason", "fewer questions", "--as", "lea").stdout
    assert "waits for a second person" in run("doctor").stdout
    assert "you wrote it" in run("policy", "sign", "--as", "lea", code=5).stderr
    assert "is in force, signed by lea (controller) and ana (lead)" in run("policy", "sign", "--as", "ana").stdout
    assert "15,000.00 EUR" in run("policy", "explain", "R-002").stdout
    assert [(one["policy"], one["state"]) for one in told("policy", "list")] == [
        ("house@2", "in_force"),
        ("house@1", "retired"),
    ]
    run("doctor")
    run("audit", "verify")


def test_a_tightening_is_in_force_at_once_and_the_replay_says_what_it_would_have_changed(office, run, told):
    write(office, *STRICTER)
    assert told("policy", "diff")["loosens"] is False
    found = told("policy", "replay")
    assert found["actions"] > 20
    assert all(not move["freer"] for move in found["moves"])
    assert "is in force." in run("policy", "adopt", "--reason", "more care", "--as", "lea").stdout
    assert told("policy", "list")[0]["policy"] == "house@2"


def test_the_replay_of_the_policy_in_force_changes_nothing(worked, told, run, monkeypatch):
    monkeypatch.setenv("SHIFTLEAD_WORKSPACE", str(worked))
    found = told("policy", "replay")
    assert found["same"] == found["actions"] > 20
    assert "0 of " in run("policy", "replay", "--since", "2020-01-01").stdout
    assert told("policy", "replay", "--since", "2999-01-01")["actions"] == 0


def test_examples_that_lead_elsewhere_are_named(office, run):
    assert "examples lead where they say." in run("policy", "test").stdout
    write(office, ("amount: 5000.01 EUR, lane: reviewed", "amount: 5000.01 EUR, lane: allowed"))
    result = run("policy", "test", code=1)
    assert "R-002: example 1 (invoice.post) should be allowed, but is reviewed" in result.stdout


def test_theorems_are_proved_and_refuted(office, run, told):
    assert "theorems hold in every case." in run("policy", "prove").stdout
    write(office, ("    when: {bank_matches_master: false}", "    when: {bank_matches_master: false, disputed: true}"))
    result = run("policy", "prove", code=1)
    assert "REFUTED  T-006" in result.stdout
    assert "bank_matches_master no" in result.stdout
    assert "holds    T-001  A thrown kill switch stops everything." in result.stdout


def test_a_policy_is_compared_with_another_file(office, run, tmp_path):
    (tmp_path / "old.yaml").write_text((office / "policy.yaml").read_text())
    write(office, *LOOSER)
    run("policy", "diff", str(office / "policy.yaml"), str(tmp_path / "old.yaml"))
    run("policy", "diff", str(tmp_path / "old.yaml"), str(office / "policy.yaml"), code=1)
    assert "3 files were named" in run("policy", "diff", "a", "b", "c", code=2).stderr


def test_the_export_names_its_policy(worked, run, monkeypatch):
    monkeypatch.setenv("SHIFTLEAD_WORKSPACE", str(worked))
    assert run("policy", "export", "--to", "cedar").stdout.startswith('// "house@1", digest ')
    assert "entity Kind;" in run("policy", "export", "--schema").stdout
    assert "no language" in run("policy", "export", "--to", "rego", code=2).stderr


def test_who_may_not_put_a_policy_in_force(office, run):
    write(office, *STRICTER)
    assert "by the role 'controller'" in run("policy", "adopt", "--reason", "x", "--as", "ben", code=5).stderr
    assert "needs a reason" in run("policy", "adopt", "--as", "lea", code=2).stderr
    assert "No policy waits" in run("policy", "sign", "--as", "ana", code=3).stderr


class Interrupted(Runner):
    """Somebody adopts another policy while it works."""

    def until_idle(self, **options):
        self.meanwhile()
        return super().until_idle(**options)


def test_workers_that_run_take_up_what_came_into_force_meanwhile(office, run):
    session = Session(workspace=office, who="lea")
    write(office, *STRICTER)
    crew = open_crew(session.place, clock=session.clock)
    runner = Interrupted(crew)
    runner.meanwhile = lambda: run("policy", "adopt", "--reason", "more care", "--as", "lea")
    try:
        # It would go on until a signal came; another policy ends the round, and the command opens its workers anew.
        assert _shift(session, runner, pull=False, interval=3600, concurrency=1) is True
    finally:
        crew.close()
    assert session.policy.ref == "house@2"
