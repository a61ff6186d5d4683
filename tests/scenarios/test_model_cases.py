"""A case before a language model: what it says is on the envelope and on record, and who concluded is named truly."""

from datetime import timedelta

import pytest
from stage import IBAN, Stage

from shiftlead.agents.allowance import spent_on
from shiftlead.agents.llm import LlmBrain
from shiftlead.agents.scripted import Line, ScriptedFailure, ScriptedModel
from shiftlead.agents.workspace_brain import recorder
from shiftlead.core import actions, exchanges, queue
from shiftlead.core.actions import ActionState
from shiftlead.core.model_settings import ModelSettings

POST = {
    "action": "invoice.post", "target_id": "I-1", "confidence": 0.97, "rationale": "It agrees.", "steps": [1], "question": "",
    "arguments": {"invoice_id": "I-1", "amount": "100.00", "currency": "EUR", "iban": IBAN},
}  # fmt: skip


@pytest.fixture
def stage(tmp_path, clock):
    opened = Stage.create(tmp_path, clock=clock)
    yield opened
    opened.close()


def ask(stage, clock, *script, **models):
    """Let a scripted model work on the case of `I-1`, and give what was sealed and what is on record."""
    ledger = stage.crew.ledger

    def before(item):
        with ledger.transaction() as tx:
            case_id = queue.id_of_ticket(tx, item.source, item.external_id, item.revision)
            return spent_on(exchanges.of_case(tx.session, case_id))

    stage.crew.brain = LlmBrain(
        ScriptedModel(script=list(script), clock=clock),
        "scripted:one",
        record=recorder(ledger),
        models=ModelSettings(**models),
        before=before,
        wait=lambda seconds: clock.advance(timedelta(seconds=seconds)),
    )
    stage.open("I-1", "100.00")
    stage.work()
    with ledger.reading() as session:
        case = stage.case("I-1")
        return actions.of_case(session, case.id), exchanges.of_case(session, case.id)


def test_what_a_model_says_of_itself_is_sealed_and_opens_no_lane(stage, clock):
    (sealed,), (kept,) = ask(stage, clock, POST)
    assert (sealed.envelope.proposal.said, sealed.envelope.proposal.confidence) == (0.97, None)
    assert sealed.envelope.brain == f"{stage.crew.brain.name}+stated"
    assert sealed.envelope.brain.startswith(kept.brain)
    assert sealed.state is ActionState.WAITING
    assert stage.journal() == []


def test_where_the_provider_is_away_the_embedded_brain_answers_for_what_it_does(stage, clock):
    (sealed,), (kept,) = ask(stage, clock, *[ScriptedFailure(503)] * 4)
    assert sealed.envelope.brain == "embedded@1"
    assert sealed.state is ActionState.DONE
    assert len(stage.journal()) == 1
    assert "embedded@1 stepped in" in kept.problem


def test_a_case_over_budget_waits_for_a_person(stage, clock):
    sealed, (kept,) = ask(stage, clock, Line(POST, tokens=(2500, 600)), budget={"tokens": 3000})
    assert sealed == []
    assert "budget of 3,000 tokens" in kept.problem
    assert stage.journal() == []
