"""The bundle of a case: a stranger finds every change in it."""

import json

import pytest
from stage import ANA, BEN, ROSTER, Stage, signer

from shiftlead.core.bundle import Bundle, bundle, problems, read_bundle
from shiftlead.core.checkpoints import Notary
from shiftlead.core.errors import BadInput
from shiftlead.core.keys import LEDGER_KEY, Keyring, Signer
from shiftlead.core.noun import canonical_json

OWN = signer(LEDGER_KEY)


@pytest.fixture
def stage(tmp_path):
    stage = Stage.create(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def made(stage):
    """The bundle of a case that two people had in their hands."""
    case_id = stage.open("I-1", "9000.00")
    stage.open("I-2", "120.00")
    stage.work()
    stage.approve(ANA)
    stage.work()
    people = ROSTER.keyring
    ring = Keyring({name: people.public(name) for name in people.names})
    signed_for = Notary(stage.ledger, OWN).write()
    with stage.ledger.reading() as session:
        found = bundle(session, case_id, checkpoint=signed_for, keyring=ring, signer=OWN, now=stage.clock.now())
    return read_bundle(canonical_json(found)), ring


def test_what_nobody_touched_holds(made):
    given, ring = made
    assert given.decisions
    assert given.effects
    assert problems(given, ring) == []


def changed(given: Bundle, **update) -> Bundle:
    """A changed bundle, signed again by the ledger: so that the inner checks must find the change."""
    plain = given.model_copy(update=update)
    return plain.model_copy(update={"signature": OWN.sign("bundle", plain.statement())})


def edited(rows, **update):
    return ({**rows[0], **update}, *rows[1:])


TAMPERINGS = {
    "an event says somebody else": lambda b: {
        "events": (
            b.events[0].model_copy(update={"event": b.events[0].event.model_copy(update={"actor": "eve"})}),
            *b.events[1:],
        )
    },
    "an event stands elsewhere": lambda b: {
        "events": (b.events[0].model_copy(update={"event": b.events[0].event.model_copy(update={"seq": 7})}), *b.events[1:])
    },
    "the envelope holds another amount": lambda b: {
        "actions": edited(b.actions, envelope=b.actions[0]["envelope"].replace("9000.00", "19000.00"))
    },
    "the decision is another person's": lambda b: {"decisions": edited(b.decisions, operator=BEN.name)},
    "the decision gives another reason": lambda b: {"decisions": edited(b.decisions, reason="because")},
    "the effect is another": lambda b: {"effects": edited(b.effects, key="ab" * 32)},
    "the receipt says another thing": lambda b: {
        "effects": edited(b.effects, receipt={**b.effects[0]["receipt"], "detail": "paid twice"})
    },
    "the seal is of other facts": lambda b: {
        "actions": edited(b.actions, sealed={**b.actions[0]["sealed"], "context": "ab" * 32})
    },
    "the lane was another": lambda b: {"actions": edited(b.actions, sealed={**b.actions[0]["sealed"], "lane": "allowed"})},
    "the words are others": lambda b: {"bodies": {**b.bodies, "ab" * 32: "words"}},
    "the root is another": lambda b: {"checkpoint": b.checkpoint.model_copy(update={"root": "ab" * 32})},
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_change_is_found_even_where_the_ledger_signed_for_it(made, tampering):
    given, ring = made
    assert problems(changed(given, **TAMPERINGS[tampering](given)), ring)


def test_a_bundle_that_the_ledger_did_not_sign_is_refused(made):
    given, ring = made
    assert "the bundle is not signed by the ledger" in problems(given.model_copy(update={"signature": ""}), ring)
    assert problems(given, Keyring.of([Signer.fresh(LEDGER_KEY)]))


def test_something_else_is_refused_in_words():
    with pytest.raises(BadInput, match="This is no bundle"):
        read_bundle(json.dumps({"format": "shiftlead-bundle-1"}))


MALFORMED = {
    "no case id": lambda b: {"case": {}},
    "an envelope that is no JSON": lambda b: {"actions": edited(b.actions, envelope="{")},
    "an envelope that is a list": lambda b: {"actions": edited(b.actions, envelope="[]")},
    "an action without a digest": lambda b: {"actions": ({"id": b.actions[0]["id"]},)},
    "a decision without a person": lambda b: {"decisions": ({},)},
    "a path of nonsense": lambda b: {"events": (b.events[0].model_copy(update={"path": ("nonsense",)}), *b.events[1:])},
    "a key that is none": lambda b: {"effects": edited(b.effects, digest=None)},
}


@pytest.mark.parametrize("form", MALFORMED)
def test_a_bundle_of_another_form_does_not_hold_and_breaks_nothing(made, form):
    given, ring = made
    assert problems(changed(given, **MALFORMED[form](given)), ring)
    assert problems(given, Keyring({LEDGER_KEY: "garbage"}))
