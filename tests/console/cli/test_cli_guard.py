"""`shiftlead guard`: lines in, lines out, and an exit code that a pipe can trust."""

import json

import pytest
from typer.testing import CliRunner

from shiftlead.console.cli import app
from shiftlead.guardrails.policy import parse_policy

GOOD = {"id": "a", "instruction": "Read it", "action": {"kind": "get_page", "args": {"page": "home"}}, "confidence": 1.0}


def judged(*words, lines, code=0):
    result = CliRunner().invoke(app, ["guard", "judge", "--json", *words], input="".join(f"{one}\n" for one in lines))
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_standard_input_to_standard_output():
    told = judged(lines=[json.dumps(GOOD), json.dumps({**GOOD, "id": "b", "action": {"kind": "delete_all", "args": {}}})])
    assert [(one["id"], one["lane"]) for one in told] == [("a", "allowed"), ("b", "reviewed")]
    assert set(told[0]) == {"id", "lane", "rules", "policy"}
    assert set(told[0]["rules"][0]) == {"id", "reason", "actual", "limit"}


@pytest.mark.parametrize("bad", ["nope", "{}", '{"id": "x", "action": {"kind": "send", "args": {}}, "confidence": 5}'])
def test_a_bad_line_is_prohibited_and_ends_with_exit_code_1(bad):
    told = judged(lines=[bad, json.dumps(GOOD)], code=1)
    assert [one["lane"] for one in told] == ["prohibited", "allowed"]
    assert told[0]["rules"][0]["id"] == "bad-input"


def test_bytes_that_are_no_text_spoil_only_their_line():
    result = CliRunner().invoke(
        app, ["guard", "judge", "--json"], input=b'{"id": "\xff"}\n' + json.dumps(GOOD).encode() + b"\n"
    )
    assert result.exit_code == 1
    assert [json.loads(line)["lane"] for line in result.stdout.splitlines()] == ["prohibited", "allowed"]


def test_a_file_and_a_policy_of_ones_own(tmp_path):
    (tmp_path / "actions.jsonl").write_text(json.dumps(GOOD) + "\n", encoding="utf-8")
    (tmp_path / "own.yaml").write_text("name: own\nversion: 3\nowner: me\nactions:\n  send: {}\n", encoding="utf-8")
    told = judged(str(tmp_path / "actions.jsonl"), "--policy", str(tmp_path / "own.yaml"), lines=[])
    assert told[0]["lane"] == "prohibited"
    assert told[0]["policy"].startswith("own@3 sha256:")


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    result = CliRunner().invoke(app, ["guard", "judge", str(tmp_path / "absent.jsonl")])
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr


def test_for_people_it_says_the_lane_and_why():
    line = json.dumps({**GOOD, "action": {"kind": "get_page", "args": {"url": "www.evil.example"}}})
    result = CliRunner().invoke(app, ["guard", "judge"], input=line)
    assert result.stdout.startswith("reviewed    a\n    G-011: ")


def test_the_starter_policy_can_be_printed_and_used():
    result = CliRunner().invoke(app, ["guard", "policy"])
    assert parse_policy(result.stdout, origin="printed").ref == "starter@1"
    assert json.loads(CliRunner().invoke(app, ["guard", "policy", "--json"]).stdout)["name"] == "starter"
