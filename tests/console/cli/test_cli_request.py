"""`inbox show`: everything that a person needs who takes a case, or says whether an effect happened."""

import sqlite3

import pytest

from shiftlead.agents.turns import Ask, hand_over
from shiftlead.console.cli_request import request_told
from shiftlead.console.cli_story import CaseStory, case_story
from shiftlead.core import outbox, queue
from shiftlead.core.actions import ActionState
from shiftlead.core.approval import Question, Request, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.store import Ledger


@pytest.fixture
def handed(place) -> tuple[Request, CaseStory]:
    """A request to take a case in which the worker has done something already."""
    ledger = Ledger.open(f"sqlite:///{place}/ledger.db")
    with ledger.transaction() as tx:
        done = queue.listed(tx.session, states=(CaseState.CLOSED,), worker="invoices", limit=500)
        case = next(one for one in done if outbox.of_case(tx.session, one.id))
        asked = hand_over(tx, case, "The supplier has called.", ask=Ask())
    story = case_story(ledger, case, {}, keyring=None)
    ledger.close()
    return asked, story


def shown(asked: Request, story: CaseStory) -> str:
    return "\n".join(request_told(asked, story))


def test_who_takes_a_case_sees_what_was_done_in_it(handed, run):
    asked, story = handed
    text = run("inbox", "show", asked.id).stdout
    sealed, effect = story.actions[0], story.effects[0]
    for piece in (
        f"ACTION {sealed.seq}  {sealed.summary()}",
        f"state          {sealed.state.value}",
        f"Verdict: {sealed.verdict.lane.value}",
        sealed.verdict.hits[0].rule,
        sealed.envelope.evidence[0].source,
        effect.key,
        effect.receipt.detail[:40],
        "TICKET  from outside",
        f'"{story.ticket.subject}"',
        "say what you did: the case is yours and closes",
    ):
        assert piece in text


def test_json_holds_the_actions_and_effects_too(handed, told):
    asked, story = handed
    found = told("inbox", "show", asked.id)
    assert [one["id"] for one in found["actions"]] == [one.id for one in story.actions]
    assert [one["key"] for one in found["effects"]] == [one.key for one in story.effects]
    assert found["action"] is None


def test_a_long_ticket_is_quoted_whole(handed):
    asked, story = handed
    ticket = story.ticket.model_copy(update={"payload": {"body": "please " * 200}})
    assert f'"{("please " * 200).strip()}"' in shown(asked, story.model_copy(update={"ticket": ticket}))


def test_a_case_without_any_proposal_says_so(handed):
    asked, story = handed
    assert "proposed nothing" in shown(asked, story.model_copy(update={"actions": (), "effects": ()}))


@pytest.mark.parametrize(
    ("state", "about", "says"),
    [
        (CaseState.WAITING, False, "the case stays open for invoice"),
        (CaseState.PARKED, False, "will not be sent"),
        (CaseState.WAITING, True, "will not be sent"),
    ],
)
def test_what_answering_does_to_an_action_that_is_still_open(state, about, says, handed):
    asked, story = handed
    open_ = story.actions[-1].model_copy(update={"id": "act_open", "state": ActionState.WAITING})
    case = story.case.model_copy(update={"state": state})
    if about:
        asked = asked.model_copy(update={"action_id": story.actions[0].id})
    assert says in shown(asked, story.model_copy(update={"case": case, "actions": (*story.actions, open_)}))


def test_a_lost_effect_asks_whether_it_happened(handed):
    asked, story = handed
    text = shown(asked.model_copy(update={"question": Question.RECONCILE, "action_id": story.actions[0].id}), story)
    assert "respond --happened        it counts as done" in text
    assert "respond --did-not-happen  it counts as refused" in text
    assert story.effects[0].key in text


def test_evidence_of_two_actions_is_told_once(handed):
    asked, story = handed
    twin = story.actions[0].model_copy(update={"id": "act_twin", "seq": 9})
    text = shown(asked, story.model_copy(update={"actions": (story.actions[0], twin)}))
    assert text.count("  Evidence\n") == 1
    assert f"Evidence: that of action {story.actions[0].seq}" in text


def test_a_decided_request_tells_who_decided(handed, run):
    asked, _ = handed
    run("inbox", "respond", asked.id, "--text", "Called them.", "--as", "ana")
    text = run("inbox", "show", asked.id).stdout
    assert "ana: respond; Called them." in text
    assert "ANSWERS" not in text


def test_an_approval_that_needs_two_says_so(handed):
    asked, story = handed
    asked = asked.model_copy(update={"question": Question.APPROVE, "approvals_needed": 2, "state": RequestState.PENDING})
    assert "one of 2 approvals that it still needs" in shown(asked, story)


def test_an_approval_that_nobody_signed_is_told_as_one(place, run, told):
    request = next(one for one in told("inbox", "list") if one["question"] == "approve")
    row = {
        "id": "dec_0000000000000000", "request_id": request["id"], "case_id": request["case_id"], "kind": "approve", "operator": "ana",
        "digest": request["digest"], "mode": "four_eyes", "decided_at": "2026-09-15 09:00:00", "text": "", "changes": "{}",
        "reason": "", "policy_digest": "", "shown": "", "acting_for": "", "signature": "",
    }  # fmt: skip
    with sqlite3.connect(place / "ledger.db") as ledger:
        ledger.execute(f"insert into decision ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))
    assert (
        "ana: approve; its signature does not hold, so it counts for nothing"
        in run("case", "explain", request["case_id"]).stdout
    )
