"""Cases and decisions: lists, stories, and every answer a person can give."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shiftlead.console import cli_decide
from shiftlead.console.cli import app
from shiftlead.console.cli_find import find_case, find_request
from shiftlead.core import bodies, exchanges, queue
from shiftlead.core.case import CaseState
from shiftlead.core.clock import SystemClock
from shiftlead.core.errors import BadInput, NotFound, Stopped
from shiftlead.core.exchanges import ModelExchange
from shiftlead.core.store import Ledger
from shiftlead.core.tables import CaseRow
from shiftlead.guardrails.approvals import Approvals


def asked(told, *words, **wanted):
    found = [one for one in told("inbox", "list", "--limit", "500", *words) if all(one[k] == v for k, v in wanted.items())]
    assert found, f"nothing like {wanted} waits in the demo"
    return found[0]


def easy(told):
    """A request that one operator may approve alone."""
    return next(
        one
        for one in told("inbox", "list", "--mine", "--as", "ben", "--limit", "500")
        if one["question"] == "approve" and one["approvals_needed"] == 1
    )


def test_cases_are_listed_and_filtered(worked, told, run):
    every = told("case", "list", "--limit", "500")
    waiting = told("case", "list", "--limit", "500", "--state", "waiting", "--worker", "invoices")
    assert {one["id"] for one in waiting} == {
        one["id"] for one in every if one["state"] == "waiting" and one["worker"] == "invoices"
    }
    assert len(told("case", "list", "--limit", "3")) == 3
    assert run("case", "list", "--limit", "3").stdout.count("\n") == 4
    assert run("case", "list", "--state", "parked").stderr == "No case matches.\n"


def test_a_case_is_found_by_id_beginning_and_ticket(worked, told):
    case = told("case", "list", "--state", "closed", "--limit", "1")[0]
    for name in (case["id"], case["id"][:12], case["external_id"]):
        assert told("case", "show", name)["case"]["id"] == case["id"]


def test_two_cases_of_one_ticket_must_be_told_apart(place, told, run):
    ledger = Ledger.open(f"sqlite:///{place}/ledger.db")
    with ledger.reading() as session:
        first = queue.listed(session, limit=1)[0]
        item = queue.item_of(session, first.id)
    with ledger.transaction() as tx:
        second = queue.open_case(tx, item.model_copy(update={"revision": "again"}), worker=first.worker)
    with ledger.reading() as session, pytest.raises(BadInput, match="2 cases are about"):
        find_case(session, first.external_id)
    ledger.close()
    result = run("case", "show", first.external_id, code=2)
    assert first.id in result.stderr
    assert second.id in result.stderr


def test_the_whole_story(worked, told, run):
    request = easy(told)
    story = told("case", "explain", request["case_id"])
    assert {"case", "ticket", "actions", "requests", "decisions", "effects", "trail", "steps"} <= set(story)
    text = run("case", "explain", request["case_id"]).stdout
    sealed = story["actions"][0]
    for piece in (
        story["ticket"]["subject"][:30],
        sealed["envelope"]["evidence"][0]["source"],
        f"[{sealed['envelope']['evidence'][0]['trust']}]",
        story["steps"][str(sealed["envelope"]["proposal"]["steps"][0])][:40],
        f"Verdict: {sealed['verdict']['lane']}",
        sealed["verdict"]["hits"][0]["rule"],
        request["id"],
        "AUDIT TRAIL",
        "action.judged",
    ):
        assert piece in text


def test_the_story_of_an_effect_has_its_receipt(worked, told, run):
    case = next(one for one in told("case", "list", "--state", "closed", "--limit", "500") if one["outcome"] == "done")
    [effect, *_] = told("case", "explain", case["id"])["effects"]
    text = run("case", "explain", case["id"]).stdout
    assert effect["key"] in text
    assert effect["receipt"]["detail"][:40] in text


def test_the_story_has_what_a_model_was_asked_and_answered(place, told, run):
    case = told("case", "list", "--limit", "1")[0]
    ledger = Ledger.open(f"sqlite:///{place / 'ledger.db'}")
    asked = {"brain": "openai:m", "attempt": 1, "prompt": "What now?", "answer": "Dear sir", "problem": "It holds no JSON."}
    with ledger.transaction() as tx:
        exchanges.put(tx, ModelExchange(case_id=case["id"], at=tx.now, **asked))
    ledger.close()
    text = run("case", "explain", case["id"]).stdout
    for piece in ("MODEL openai:m, question 1", "What now?", "Dear sir", "It holds no JSON."):
        assert piece in text
    (kept,) = told("case", "explain", case["id"])["exchanges"]
    assert asked.items() <= kept.items()


def test_the_inbox_is_listed_in_every_order(worked, told, run):
    by = {order: told("inbox", "list", "--order", order, "--limit", "500") for order in ("due", "amount", "age")}
    assert {one["id"] for one in by["due"]} == {one["id"] for one in by["amount"]} == {one["id"] for one in by["age"]}
    amounts = [float(one["amount"]) for one in by["amount"] if one["amount"] is not None]
    assert amounts == sorted(amounts, reverse=True)
    assert "shown" in run("inbox", "list", "--limit", "1").stderr


def test_mine_is_what_i_may_settle(worked, told):
    ben, ana = (told("inbox", "list", "--mine", "--as", name, "--limit", "500") for name in ("ben", "ana"))
    assert {one["role"] for one in ben} <= {"operator"}
    assert {one["id"] for one in ben} <= {one["id"] for one in ana}


def test_show_prints_the_digest(worked, told, run):
    request = easy(told)
    shown = told("inbox", "show", request["id"])
    assert shown["digest"] == request["digest"]
    assert shown["action"]["envelope"]["evidence"]
    assert request["digest"] in run("inbox", "show", request["id"]).stdout
    assert told("inbox", "show", "next", "--as", "ana")["request"]["state"] == "pending"


def test_approve_tells_what_it_approves(place, told, run):
    request = easy(told)
    result = run("inbox", "approve", request["id"], "--as", "ben")
    assert f"approve {request['id']}: {request['summary']} [{request['digest'][:12]}]" in result.stderr
    assert result.stdout == f"{request['id']}: approved; it runs next\n"
    again = run("inbox", "approve", request["id"], "--as", "ana", code=4)
    assert "settled already: ben (approve" in again.stderr


def test_approve_with_the_digest_that_was_seen(place, told, run):
    request = easy(told)
    assert "another version" in run("inbox", "approve", request["id"], "--digest", "0" * 64, code=4).stderr
    assert told("inbox", "approve", request["id"], "--digest", request["digest"])["state"] == "approved"


def test_approving_by_the_tickets_own_id(place, told):
    request = easy(told)
    case = told("case", "show", request["case_id"])["case"]
    assert told("inbox", "approve", case["external_id"])["request"] == request["id"]


def test_a_request_for_more_authority_is_refused(place, told, run):
    request = easy(told)
    run("inbox", "escalate", request["id"], "--as", "ben")
    assert "may not approve" in run("inbox", "approve", request["id"], "--as", "ben", code=5).stderr


def test_one_of_several_that_fails_stops_no_other(place, told, run):
    request = easy(told)
    result = run("inbox", "approve", "req_nobody", request["id"], "--as", "ana", "--json", code=3)
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first["error"]["code"] == "SL200"
    assert second["state"] == "approved"


def test_reject_needs_a_reason(place, told, run):
    request = easy(told)
    run("inbox", "reject", request["id"], code=2)
    assert "needs a reason" in run("inbox", "reject", request["id"], "--reason", " ", code=2).stderr
    assert told("inbox", "reject", request["id"], "--reason", "wrong_data")["state"] == "rejected"
    assert (
        "Nothing waits" in run("inbox", "show", told("case", "show", request["case_id"])["case"]["external_id"], code=3).stderr
    )


def test_an_edit_is_judged_anew_and_asked_again(place, told, run):
    request = asked(told, question="approve", action_kind="invoice.short_pay")
    result = told("inbox", "edit", request["id"], "--set", "amount=1.50", "--as", "ana")
    assert (result["state"], result["decision"]["changes"]) == ("superseded", {"amount": "1.50"})
    fresh = told("inbox", "show", result["next_request"])
    assert fresh["request"]["amount"] == "1.50"
    assert fresh["digest"] != request["digest"]


@pytest.mark.parametrize(
    ("change", "says"), [("amount=lots", "amount: expected"), ("iban=DE00", "may not be edited"), ("reason=", "reason")]
)
def test_a_bad_edit_names_the_field(change, says, place, told, run):
    request = asked(told, question="approve", action_kind="invoice.short_pay")
    assert says in run("inbox", "edit", request["id"], "--set", change, code=2).stderr
    assert told("inbox", "show", request["id"])["request"]["state"] == "pending"


def test_respond_takes_the_case(place, told, run):
    request = easy(told)
    assert "needs words" in run("inbox", "respond", request["id"], code=2).stderr
    assert told("inbox", "respond", request["id"], "--text", "Called them.")["decision"]["text"] == "Called them."


@pytest.mark.parametrize(("flag", "happened"), [("--happened", True), ("--did-not-happen", False)])
def test_a_lost_effect_is_settled_by_who_looked(flag, happened, place, told, run, monkeypatch):
    given = []
    monkeypatch.setattr(Approvals, "decide", lambda _, answer, operator: given.append((answer, operator)) or stop())
    request = easy(told)
    run("inbox", "respond", request["id"], flag, "--as", "ana", code=5)
    [(answer, operator)] = given
    assert (answer.happened, answer.digest, operator.name) == (happened, request["digest"], "ana")


def stop():
    raise Stopped("Enough.")


def test_escalate_and_snooze(place, told, run):
    request = easy(told)
    assert "has no role" in run("inbox", "escalate", request["id"], "--role", "king", code=2).stderr
    run("inbox", "escalate", request["id"], "--role", "lead", "--as", "ben")
    assert told("inbox", "show", request["id"])["request"]["role"] == "lead"
    run("inbox", "snooze", request["id"], "--for", "2h", "--as", "ana")
    assert request["id"] not in {one["id"] for one in told("inbox", "list", "--limit", "500")}
    assert request["id"] in {one["id"] for one in told("inbox", "list", "--limit", "500", "--snoozed")}
    assert "lies ahead" in run("inbox", "snooze", request["id"], "--until", "2020-01-01", code=2).stderr


def test_policy_explains_a_case_an_action_and_a_rule(worked, told, run):
    request = easy(told)
    [verdict, *_] = told("policy", "explain", request["case_id"])
    assert verdict["text"][0].startswith(verdict["verdict"]["lane"].capitalize())
    assert told("policy", "explain", verdict["action"])[0]["action"] == verdict["action"]
    assert [one["rule"] for one in told("policy", "explain", "R-002")] == ["R-002"]
    assert len(told("policy", "explain")) > 20


def test_a_policy_that_breaks_its_own_examples_fails_the_check(worked, tmp_path, told, run):
    text = (worked / "policy.yaml").read_text().replace("lane: allowed", "lane: reviewed", 1)
    (tmp_path / "policy.yaml").write_text(text)
    assert told("policy", "check")["ok"] is True
    found = told("policy", "check", str(tmp_path / "policy.yaml"), code=1)
    assert any(one["serious"] for one in found["remarks"])
    assert "not fit to be used" in run("policy", "check", str(tmp_path / "policy.yaml"), code=1).stdout


def parked(place: Path) -> str:
    ledger = Ledger.open(f"sqlite:///{place}/ledger.db", clock=SystemClock())
    with ledger.transaction() as tx:
        row = tx.session.get(CaseRow, queue.listed(tx.session, states=(CaseState.WAITING,), limit=1)[0].id)
        row.state, row.error = CaseState.PARKED, "KeyError: 'lines'"
        tx.session.add(row)
    ledger.close()
    return row.id


def test_a_parked_case_is_tried_again(place, told, run):
    case = parked(place)
    assert "KeyError" in run("case", "show", case).stdout
    assert "KeyError" in run("case", "retry", case).stdout
    story = told("case", "explain", case)
    assert story["case"]["state"] == "ready"
    assert not [one for one in story["requests"] if one["state"] == "pending"]
    assert "case.retried" in {one["kind"] for one in story["trail"]}
    assert "not parked" in run("case", "retry", case, code=4).stderr


def test_nothing_waits_on_a_closed_case(worked, told):
    case = told("case", "list", "--state", "closed", "--limit", "1")[0]
    ledger = Ledger.open(f"sqlite:///{worked}/ledger.db")
    with ledger.reading() as session, pytest.raises(NotFound, match="Nothing waits"):
        find_request(session, case["id"])
    ledger.close()


def shown(place: Path, decision: dict[str, str]) -> str:
    ledger = Ledger.open(f"sqlite:///{place}/ledger.db")
    with ledger.reading() as session:
        text = bodies.read(session, decision["case_id"], decision["shown"])
    ledger.close()
    assert text is not None
    return text


def test_in_a_terminal_it_is_shown_and_asked_first(place, told, run, monkeypatch):
    monkeypatch.setattr(cli_decide, "in_terminal", lambda: True)
    request = next(one["id"] for one in told("inbox", "list") if one["question"] == "approve")
    refused = CliRunner().invoke(app, ["inbox", "approve", request], input="n\n")
    assert refused.exit_code == 1
    assert "APPROVE?" in refused.output
    assert told("inbox", "show", request)["decisions"] == []
    assert CliRunner().invoke(app, ["inbox", "approve", request], input="y\n").exit_code == 0
    (decision,) = told("inbox", "show", request)["decisions"]
    assert "ANSWERS" in shown(place, decision), "the whole request"
    assert decision["seconds"] >= 0


def test_without_a_terminal_the_line_it_prints_is_what_was_shown(place, told, run):
    request = next(one for one in told("inbox", "list") if one["question"] == "approve")
    decision = told("inbox", "approve", request["id"])["decision"]
    assert shown(place, decision) == f"approve {request['id']}: {request['summary']} [{request['digest'][:12]}]"
