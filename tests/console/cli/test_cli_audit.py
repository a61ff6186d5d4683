"""What an auditor does: keeps checkpoints, holds the chain against them, and checks a bundle without the ledger."""

import json
import sqlite3

import pytest
import yaml

from shiftlead.core.settings import FILE_NAME, PLACE


@pytest.fixture
def kept(place, run, tmp_path):
    """A checkpoint that somebody kept elsewhere."""
    path = tmp_path / "kept.jsonl"
    run("audit", "checkpoint", "--to", str(path))
    return path


def meddle(place, *statements):
    with sqlite3.connect(place / "ledger.db") as ledger:
        for one in statements:
            ledger.execute(one)


def test_the_chain_is_held_against_what_was_kept(place, run, told, kept):
    found = told("audit", "verify", "--checkpoint", str(kept))
    assert (found["ok"], found["checkpoints"]) == (True, 1)
    assert "who can write to the database" in run("audit", "verify").stderr
    assert "the last over" in run("audit", "verify", "--checkpoint", str(kept)).stderr


def test_a_tail_that_was_cut_off_with_its_head_is_noticed(place, run, told, kept):
    run("stop", "all")
    known = told("audit", "verify")["events"]
    # Back to the state before: the chain holds again by itself, but not for who kept the newer checkpoint.
    run("audit", "checkpoint", "--to", str(kept))
    meddle(place, f"delete from audit where seq = {known}", "delete from checkpoint")
    text = run("audit", "verify", "--checkpoint", str(kept), code=1).stdout
    assert f"has signed for {known} events, but only {known - 1} are left" in text


def test_a_checkpoint_that_is_not_the_ledgers_own_is_noticed(place, run, kept):
    one = json.loads(kept.read_text())
    kept.write_text(json.dumps({**one, "size": one["size"] - 1}) + "\n")
    assert "not signed" in run("audit", "verify", "--checkpoint", str(kept), code=1).stdout


def test_the_workspace_names_where_checkpoints_go_and_work_brings_them_there(place, run, told, tmp_path):
    settings = yaml.safe_load((place / FILE_NAME).read_text())
    elsewhere = tmp_path / "elsewhere.jsonl"
    (place / FILE_NAME).write_text(yaml.safe_dump({**settings, "checkpoints": {"to": [str(elsewhere)], "every_events": 1}}))
    assert next(one for one in told("doctor") if one["check"] == "checkpoints")["state"] == "look"
    run("stop", "all")
    run("work", "--once")
    assert elsewhere.exists()
    assert told("audit", "verify")["checkpoints"] == 1
    assert next(one for one in told("doctor") if one["check"] == "checkpoints")["state"] == "ok"
    forged = json.loads(elsewhere.read_text().splitlines()[0]) | {"size": 10**6}
    elsewhere.write_text(json.dumps(forged) + "\n")
    assert next(one for one in told("doctor") if one["check"] == "checkpoints")["found"].startswith("0 of ")


def test_a_place_that_is_not_there_is_named(place, run, told, tmp_path):
    settings = yaml.safe_load((place / FILE_NAME).read_text())
    elsewhere = tmp_path / "elsewhere.jsonl"
    (place / FILE_NAME).write_text(yaml.safe_dump({**settings, "checkpoints": {"to": [str(elsewhere)]}}))
    run("audit", "checkpoint")
    assert told("audit", "verify")["away"] == []
    elsewhere.unlink()
    assert told("audit", "verify")["away"] == [str(elsewhere)]
    assert "is not there" in run("audit", "verify").stderr


def test_a_place_that_is_away_stops_no_work(place, run):
    settings = yaml.safe_load((place / FILE_NAME).read_text())
    (place / FILE_NAME).write_text(yaml.safe_dump({**settings, "checkpoints": {"to": ["gone/c.jsonl"], "every_events": 1}}))
    assert "cannot be written to" in run("work", "--once").stderr
    assert "cannot be written to" in run("audit", "checkpoint", code=7).stderr


def test_the_chain_continues_from_what_was_kept_until_somebody_rewrites_it(place, run, told, kept):
    run("stop", "all")
    assert "1 came after them" in run("audit", "prove", "--since", str(kept)).stdout
    line = json.loads(kept.read_text())
    kept.write_text(json.dumps({**line, "root": "ab" * 32}) + "\n")
    assert told("audit", "prove", "--since", str(kept), code=1)["ok"] is False


def test_a_stranger_checks_a_bundle_with_the_ledgers_key_alone(place, run, told, tmp_path, monkeypatch):
    case = told("case", "list")[0]["id"]
    out, key = tmp_path / "b.json", place / "keys" / "@ledger.pub"
    run("audit", "bundle", case, "--out", str(out))
    monkeypatch.setenv(PLACE, str(tmp_path / "nowhere"))
    assert told("audit", "check", str(out), "--key", str(key))["ok"] is True
    assert told("audit", "check", str(out), "--key", key.read_text().split()[1])["ok"] is True
    assert told("audit", "check", str(out), "--key", key.read_text().strip())["ok"] is True
    renamed = tmp_path / "from the owner.txt"
    renamed.write_text(key.read_text())
    assert told("audit", "check", str(out), "--key", str(renamed))["ok"] is True
    renamed.write_bytes(b"\xff" * 40)
    assert "is no public key" in run("audit", "check", str(out), "--key", str(renamed), code=2).stderr
    assert "is no public key" in run("audit", "check", str(out), "--key", "none.pub", code=2).stderr
    assert "is no public key" in run("audit", "check", str(out), "--key", "A" * 400, code=2).stderr
    assert "Give --key" in run("audit", "check", str(out), code=3).stderr
    out.write_text(out.read_text().replace(case, "case_0000000000000000"))
    assert "not signed by the ledger" in run("audit", "check", str(out), "--key", str(key), code=1).stdout


def test_a_bundle_says_in_json_what_it_holds(place, told, tmp_path):
    case, out = told("case", "list")[0]["id"], tmp_path / "b.json"
    made = told("audit", "bundle", case, "--out", str(out))
    assert made == {"file": str(out), "case": case, "events": len(json.loads(out.read_text())["events"])}


def test_a_bundle_about_no_case_does_not_hold(place, run, told, tmp_path):
    out = tmp_path / "b.json"
    run("audit", "bundle", told("case", "list")[0]["id"], "--out", str(out))
    out.write_text(json.dumps(json.loads(out.read_text()) | {"case": {}}))
    assert "does not have the form" in run("audit", "check", str(out), code=1).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("audit", "check", "none.json"), "cannot be read"),
        (("audit", "prove", "--since", "none.jsonl"), "cannot be read"),
        (("audit", "verify", "--checkpoint", "none.jsonl"), "cannot be read"),
        (("audit", "bundle", "case_nobody", "--out", "b.json"), "case_nobody"),
        (("audit", "export", "--out", "/nowhere/chain.jsonl"), "'/nowhere/chain.jsonl' cannot be written"),
    ],
)
def test_what_is_missing_is_named(worked, run, words, message):
    result = run(*words, code=3 if "bundle" in words else 2)
    assert message in result.stderr


def test_a_workspace_without_its_own_key_says_how_to_get_one(place, run):
    for path in (place / ".keys").glob("*.key"):
        path.unlink()
    assert "from the machine that has it, or from a backup" in run("audit", "checkpoint", code=3).stderr


def test_a_workspace_that_lost_the_public_half_of_its_own_key_says_what_to_restore(place, run):
    (place / "keys" / "@ledger.pub").unlink()
    told = run("audit", "checkpoint", code=5).stderr
    assert "trusts no key of '@ledger'" in told
    assert "hint: Restore" in told


def test_doctor_looks_for_the_workspaces_own_key(place, run, told):
    def found(code=0):
        result = run("doctor", "--json", code=code)
        return next((one["state"], one["found"]) for one in json.loads(result.stdout) if one["check"] == "own key")

    assert found() == ("ok", "what workers propose is sealed with it")
    (place / ".keys" / "@ledger.key").unlink()
    assert found(code=1)[0] == "broken"
    (place / "keys" / "@ledger.pub").unlink()
    assert found() == ("look", "there is none, so nobody would notice an action that was written into the ledger")


def test_a_checkpoint_names_the_policy_that_is_in_force_by_then(place, run):
    """A running shift holds the policy with which its command began."""
    from shiftlead.console.cli_notary import notary
    from shiftlead.console.cli_session import Session
    from shiftlead.core import policies

    session = Session(workspace=place)
    before = session.policy.digest()
    text = (place / "policy.yaml").read_text()
    (place / "policy.yaml").write_text(text.replace("version: 1", "version: 2", 1))
    run("policy", "adopt", "--reason", "a new number")
    with session.ledger() as ledger:
        made = notary(session, ledger).write()
        with ledger.reading() as reading:
            assert made.policy_digest == policies.held(reading) != before
