"""The challenger: it answers beside the brain at work, nobody acts on it, and nothing that happens to it disturbs a case."""

import pytest
from help_desk import LABELS, SECOND, brain
from sqlalchemy import text

from shiftlead.agents import brain_versions
from shiftlead.agents.promotion import challenge
from shiftlead.agents.text_brain import TextBrain
from shiftlead.core import brains
from shiftlead.core.brains import Role
from shiftlead.core.errors import Conflict, Forbidden
from shiftlead.core.settings import Operator


def challenged(desk, made):
    version = brain_versions.add(desk.ledger, desk.worker, made, by="ana")
    return challenge(desk.bench, version, SECOND)


def shadows(desk, version):
    with desk.ledger.reading() as session:
        return {one.case_id: one for one in brains.shadows(session, version.digest)}


def test_it_answers_beside_and_nothing_follows_from_it(desk):
    version = challenged(desk, brain(turned=True))
    for number, label in enumerate(LABELS):
        desk.open(f"T-{number}", label)
    desk.work()
    said = shadows(desk, version)
    after = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
    for number, label in enumerate(LABELS):
        route = desk.route(f"T-{number}")
        # What is proposed is what the brain at work says, and the challenger's word is kept apart.
        assert route.envelope.proposal.labels == (label,)
        assert said[route.case_id].label == after[label]
        assert version.name not in route.envelope.sealed()


def test_it_says_what_it_would_have_proposed(desk):
    """Label and confidence are those of the envelope that it would have made, had it been at work."""
    same = challenged(desk, brain(1))
    desk.open("T-1", "order_status")
    desk.work()
    route = desk.route("T-1")
    would = desk.worker.with_brain(brain(1))
    text_of_it = next(one.value for one in route.envelope.evidence if one.name == would.text)
    shadow = shadows(desk, same)[route.case_id]
    assert (shadow.label, shadow.confidence) == (would.opinion(text_of_it).label, would.opinion(text_of_it).confidence)
    mine = desk.worker.opinion(text_of_it)
    assert (mine.label, mine.confidence) == (route.envelope.proposal.labels[0], route.envelope.proposal.confidence)


class Broken(TextBrain):
    """Fails on every text."""

    def predict(self, text):
        raise RuntimeError(f"cannot read {text}")


def test_one_that_fails_does_not_disturb_the_case_and_the_audit_chain_says_so(desk):
    version = challenged(desk, brain(1))
    cast = desk.crew.champions.cast(desk.worker)
    cast.beside.model.__class__ = Broken
    desk.open("T-1", "order_status")
    assert desk.work().failed == 0
    assert desk.route("T-1").envelope.proposal.labels == ("order_status",)
    assert shadows(desk, version) == {}
    (event,) = [one for one in desk.ledger.events() if one.kind == "brain.challenger_failed"]
    assert event.data == {"brain": version.digest, "error": "RuntimeError"}


def test_one_that_is_damaged_does_not_disturb_the_case(desk):
    version = challenged(desk, brain(1))
    with desk.ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("update brain set packed = x'00'"))
    desk.open("T-1", "order_status")
    assert desk.work().failed == 0
    assert [one.data["error"] for one in desk.ledger.events() if one.kind == "brain.challenger_failed"] == ["LedgerError"]
    assert shadows(desk, version) == {}


def test_another_challenger_takes_its_place(desk):
    first, second = challenged(desk, brain(1)), challenged(desk, brain(2))
    with desk.ledger.reading() as session:
        assert brains.challenger(session, "triage").digest == second.digest
        assert brains.find(session, first.digest).role is Role.CANDIDATE
    desk.open("T-1", "order_status")
    desk.work()
    assert (len(shadows(desk, first)), len(shadows(desk, second))) == (0, 1)


def test_who_may_let_one_challenge(desk):
    version = brain_versions.add(desk.ledger, desk.worker, brain(1), by="ana")
    with pytest.raises(Forbidden, match="no role 'guest'"):
        challenge(desk.bench, version, Operator(name="eve", role="guest"))
    with pytest.raises(Conflict, match="known already"):
        brain_versions.add(desk.ledger, desk.worker, brain(1), by="ana")
