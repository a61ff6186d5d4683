"""Operators at the command line: added, given a key, and standing in for each other."""

from datetime import timedelta

import pytest

from shiftlead.core.clock import SystemClock
from shiftlead.core.keys import SECRETS
from shiftlead.core.settings import FILE_NAME, read_workspace


@pytest.fixture
def soon():
    return (SystemClock().now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")


def people(told):
    return {one["operator"]: (one["role"], bool(one["key"]), one["yours"]) for one in told("operator", "list")["operators"]}


def test_everybody_of_a_demo_has_a_key(worked, told, run):
    assert people(told) == {"ana": ("lead", True, True), "ben": ("operator", True, True), "lea": ("controller", True, True)}
    text = run("operator", "list").stdout
    assert "SECRET KEY" in text
    assert not list(worked.glob(".keys/lea.key")), "whoever makes a workspace keeps their own"


def test_somebody_is_added_makes_a_key_and_decides(place, told, run, monkeypatch, tmp_path):
    before = (place / FILE_NAME).read_text()
    (place / FILE_NAME).write_text(before.replace("operators:\n", "operators:\n  # the night shift\n"))
    assert told("operator", "add", "kim o'hara", "--role", "lead") == {"operator": "kim o'hara", "role": "lead"}
    after = (place / FILE_NAME).read_text()
    assert "# the night shift" in after
    assert read_workspace(place / FILE_NAME).operators["kim o'hara"] == "lead"
    request = next(one["id"] for one in told("inbox", "list", "--limit", "100") if one["question"] == "approve")
    monkeypatch.setenv(SECRETS, str(tmp_path / "kim"))
    refused = run("inbox", "approve", request, "--as", "kim o'hara", code=3)
    assert "shiftlead operator key kim o'hara" in refused.stderr
    told("operator", "key", "--as", "kim o'hara")
    assert oct((tmp_path / "kim" / "kim o%27hara.key").stat().st_mode)[-3:] == "600"
    assert told("inbox", "approve", request, "--as", "kim o'hara")["decision"]["signature"]
    monkeypatch.setenv(SECRETS, str(tmp_path / "mallory"))
    assert "already" in run("operator", "key", "kim o'hara", code=5).stderr, "a key that is trusted is not replaced"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("add", "ana", "--role", "lead"), 2, "already"),
        (("add", "ANA", "--role", "lead"), 2, "one person to a reader"),
        (("add", "@ledger", "--role", "lead"), 2, "shiftlead.yaml: operators: "),
        (("add", "", "--role", "lead"), 2, "'' is no name of a person"),
        (("add", "k\nim", "--role", "lead"), 2, "is no name of a person"),
        (("add", "kim", "--role", "lear"), 2, "Did you mean 'lead'"),
        (("key", "nobody"), 3, "not an operator"),
        (("delegate", "--to", "nobody", "--until", "2999-01-01", "--reason", "x"), 3, "not an operator"),
        (("delegate", "--to", "ben", "--until", "2999-01-01", "--reason", "x"), 2, "at most 92 days"),
        (("revoke", "del_nothing"), 3, "no delegation"),
    ],
)
def test_what_is_refused_changes_nothing(place, run, words, code, says):
    before = (place / FILE_NAME).read_text()
    assert says in run("operator", *words, "--as", "ana", code=code).stderr
    assert (place / FILE_NAME).read_text() == before


def test_a_workspace_that_lists_its_operators_otherwise_is_left_alone(place, run):
    file = place / FILE_NAME
    head, _, _ = file.read_text().partition("operators:")
    file.write_text(head + "operators: {ana: lead}\n")
    assert "by hand" in run("operator", "add", "kim", "--role", "lead", code=2).stderr
    assert file.read_text() == head + "operators: {ana: lead}\n"


def test_authority_is_lent_listed_and_taken_back(place, told, run, soon):
    lent = told("operator", "delegate", "--to", "ben", "--until", soon, "--reason", "holiday", "--as", "ana")
    assert (lent["giver"], lent["receiver"], lent["role"]) == ("ana", "ben", "lead")
    (listed,) = told("operator", "list")["delegations"]
    assert (listed["id"], listed["signed"]) == (lent["id"], True)
    assert "holiday" in run("operator", "list").stdout
    told("inbox", "escalate", next(one["id"] for one in told("inbox", "list") if one["question"] == "approve"), "--as", "ben")
    mine = [one["id"] for one in told("inbox", "list", "--mine", "--as", "ben", "--limit", "100") if one["role"] == "lead"]
    assert mine, "what only a lead may settle is his too"
    decided = told("inbox", "approve", mine[0], "--as", "ben")["decision"]
    assert (decided["operator"], decided["acting_for"]) == ("ben", "ana")
    assert "ben for ana: approve" in run("case", "explain", mine[0]).stdout
    told("operator", "revoke", lent["id"], "--as", "ben")
    assert told("operator", "list")["delegations"] == []
    assert not [one for one in told("inbox", "list", "--mine", "--as", "ben", "--limit", "100") if one["role"] == "lead"]
