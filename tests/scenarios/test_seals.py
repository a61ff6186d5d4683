"""What a worker proposed runs as it was sealed: whoever writes to the database changes nothing that then runs."""

import json

import pytest
from sqlalchemy import text
from stage import ANA, IBAN, Stage, signer

from shiftlead.core import actions
from shiftlead.core.action import Envelope
from shiftlead.core.actions import ActionState, SealedAction
from shiftlead.core.keys import LEDGER_KEY
from shiftlead.core.noun import canonical_json
from shiftlead.core.verdict import Lane

EVE = "GB33BUKB20201555555555"


class Dies:
    """Lets every case fail before its action is sent, so that what was sealed lies in the ledger."""

    def __init__(self):
        self.on = True

    def __call__(self, boundary):
        if self.on and boundary == "execute.before_claim":
            raise RuntimeError("the machine is overloaded")


@pytest.fixture
def dies():
    return Dies()


@pytest.fixture
def stage(tmp_path, dies):
    stage = Stage.create(tmp_path, observer=dies)
    yield stage
    stage.close()


def sealed(stage, ref="I-1"):
    (action,) = stage.actions(stage.case(ref).id)
    return action


def written(stage, action: SealedAction, **changes) -> None:
    """Write an action as somebody does who owns the database, with a digest that fits."""
    made = action.model_copy(update=changes)
    made = made.model_copy(update={"digest": made.envelope.digest()})
    stage.sql(
        "update action set envelope = :envelope, digest = :digest, facts = :facts, verdict = :verdict, lane = :lane,"
        " makers = :makers, state = :state, sealed_by = :sealed_by, seal = :seal where id = :id",
        envelope=made.envelope.sealed(),
        digest=made.digest,
        facts=canonical_json(made.context),
        verdict=canonical_json(made.verdict),
        lane=str(made.lane),
        makers=canonical_json(made.makers),
        state=str(made.state),
        sealed_by=made.sealed_by,
        seal=made.seal,
        id=made.id,
    )


def to_eve(action: SealedAction) -> Envelope:
    return Envelope.model_validate_json(action.envelope.sealed().replace(IBAN, EVE))


def freed(action: SealedAction):
    return action.verdict.model_copy(update={"lane": Lane.ALLOWED, "approvals": 1, "four_eyes": False})


MEDDLING = {
    "another account": lambda a, _: {"envelope": to_eve(a)},
    "other facts": lambda a, _: {"context": {**a.context, "worker": "somebody"}},
    "another maker": lambda a, _: {"makers": ("worker:nobody",)},
    "no seal": lambda a, _: {"envelope": to_eve(a), "sealed_by": "", "seal": ""},
    "the seal of another action": lambda a, other: {"envelope": to_eve(a), "seal": other.seal},
    "a seal of one's own": lambda a, _: {"envelope": to_eve(a), "sealed_by": "eve", "seal": a.seal},
}


@pytest.mark.parametrize("how", MEDDLING)
def test_an_edited_row_does_not_run(stage, dies, how):
    for ref in ("I-1", "I-2"):
        stage.open(ref, "120.00")
    stage.work()
    action, other = sealed(stage, "I-1"), sealed(stage, "I-2")
    assert (action.state, action.sealed_by) == (ActionState.PROPOSED, LEDGER_KEY)
    written(stage, action, **MEDDLING[how](action, other))
    dies.on = False
    stage.clock.advance(stage.lease * 20)
    stage.work()
    assert [one.target.id for one in stage.connector.journal] == ["I-2"]
    assert "is not what was sealed" in stage.case("I-1").error


def test_what_nobody_touched_runs(stage, dies):
    stage.open("I-1", "120.00")
    stage.work()
    dies.on = False
    stage.clock.advance(stage.lease * 20)
    stage.work()
    assert stage.journal() == ["invoice.post"]


def test_a_reviewed_action_does_not_run_alone_because_its_row_says_allowed(stage, dies):
    dies.on = False
    case_id = stage.open("I-1", "9000.00")
    stage.work()
    action = sealed(stage)
    written(stage, action, verdict=freed(action), state=ActionState.PROPOSED)
    stage.sql("update case_ set state = 'ready' where id = :id", id=case_id)
    stage.work()
    assert stage.journal() == []


def test_an_operator_with_the_database_cannot_let_their_own_proposal_run_alone(stage, dies):
    stage.open("I-1", "120.00")
    stage.work()
    action = sealed(stage)
    forged = action.model_copy(update={"envelope": to_eve(action), "verdict": freed(action)})
    forged = forged.model_copy(update={"digest": forged.envelope.digest()}).signed(signer, ANA.name)
    written(stage, forged)
    dies.on = False
    stage.clock.advance(stage.lease * 20)
    stage.work()
    assert stage.journal() == []
    assert stage.pending().question.value == "approve", "a person is asked"


def test_the_seal_holds_after_it_was_stored_and_read(stage, dies):
    stage.open("I-1", "120.00")
    stage.work()
    action = sealed(stage)
    with stage.ledger.reading() as session:
        row = session.execute(text("select facts from action where id = :id"), {"id": action.id}).scalar_one()
    assert json.loads(row) == json.loads(canonical_json(action.context))
    assert action.genuine(stage.crew.roster.keyring)
    with stage.ledger.reading() as session:
        assert actions.get(session, action.id).genuine(stage.crew.roster.keyring)
