"""A candidate from people's decisions: the same each time, judged on what came after everything it learnt, and refused where too little is known."""

from datetime import timedelta

import pytest
from help_desk import AT, LABELS, TEXTS, Clerk, brain, corpus

from shiftlead.agents import brain_versions, retraining
from shiftlead.agents.retraining import LEAST, retrain
from shiftlead.agents.text_training import train
from shiftlead.agents.truths import Learnt, Lesson, Silence
from shiftlead.core import brains
from shiftlead.core.approval import DecisionKind
from shiftlead.core.errors import BadInput, Conflict
from shiftlead.core.outcomes import Judged, Stand

STAND = Stand(worker="triage", kind="ticket.route", brain="embedded@1+triage-000000000000")


def lesson(number, label, *, text="", probability=1.0):
    judged = Judged(
        digest=f"{number:064}", case_id=f"case_{number}", action_id=f"act_{number}", stand=STAND, right=True, counts=True,
        probability=probability, decision=DecisionKind.APPROVE, decided_by="ana", at=AT + timedelta(minutes=number),
    )  # fmt: skip
    return Lesson(judged, None, text or TEXTS[label].format(number), label, label)


def known(count, **given):
    return Learnt(tuple(lesson(number, LABELS[number % 4], **given) for number in range(count)), Silence())


@pytest.fixture(scope="module")
def clerk():
    return Clerk()


def test_the_same_decisions_give_the_same_brain(clerk):
    first, second = retrain(clerk, known(LEAST)), retrain(clerk, known(LEAST))
    assert first.brain.digest == second.brain.digest != clerk.model.digest
    assert first.learnt == second.learnt


def test_the_newest_fifth_is_held_out_and_judges_both_brains(clerk):
    found = retrain(clerk, known(50)).learnt
    assert (found["from"]["decisions"], found["held_out"]["decisions"]) == (40, 10)
    assert found["from"]["last"] < found["held_out"]["first"]
    assert found["held_out"]["right"] == found["held_out"]["at_work_right"] == 10
    assert found["at_work"] == clerk.model.digest


def test_it_learns_what_people_say(clerk):
    """A wording of the house that the shipped brain takes for something else."""
    said = "Blue parrot {0}: kindly proceed"
    assert clerk.opinion(said.format(1)).label != "price_quote"
    lessons = [lesson(number, "price_quote", text=said.format(number)) for number in range(LEAST)]
    found = retrain(clerk, Learnt(tuple(lessons), Silence()))
    assert clerk.with_brain(found.brain).opinion(said.format(1)).label == "price_quote"
    assert found.learnt["held_out"]["right"] == 8
    assert found.learnt["held_out"]["at_work_right"] == 0


def test_what_was_drawn_weighs_more(clerk):
    plain, drawn = retrain(clerk, known(LEAST)), retrain(clerk, known(LEAST, probability=0.5))
    assert drawn.brain.meta.examples == plain.brain.meta.examples + 32
    assert drawn.learnt["from"]["standing_for"] == 2 * 32


def test_too_few_are_refused_with_their_number(clerk):
    with pytest.raises(BadInput, match=f"31 decided texts .* needs {LEAST}, so 9 more"):
        retrain(clerk, known(31))
    silent = Learnt((), Silence(erased=3, not_told=2))
    with pytest.raises(BadInput, match=r"0 decided texts say what they are \(3 erased, 2 without a word"):
        retrain(clerk, silent)


def test_a_label_that_would_be_forgotten_is_named(clerk):
    base = [one for one in clerk.corpus() if one.label != "out_of_scope"]
    only = Learnt(tuple(lesson(number, "order_status") for number in range(LEAST)), Silence())
    with pytest.raises(BadInput, match="would not know out_of_scope"):
        retrain(clerk, only, base=base)


def test_many_decisions_calibrate_it(clerk, monkeypatch):
    given = []

    def trained(fit, *, validation, **more):
        given.append(validation)
        return brain(1)

    monkeypatch.setattr("shiftlead.agents.text_training.train", trained)
    retrain(clerk, known(LEAST))
    monkeypatch.setattr(retraining, "ENOUGH_TO_CALIBRATE", 8)
    retrain(clerk, known(LEAST))
    assert given[0] is None
    assert [one.text for one in given[1]] == [one.text for one in known(LEAST).lessons[-8:]]


def test_it_is_kept_as_a_candidate_with_where_it_comes_from(desk):
    found = retrain(desk.worker, known(LEAST))
    version = brain_versions.add(desk.ledger, desk.worker, found.brain, by="ana", learnt=found.learnt)
    with desk.ledger.reading() as session:
        kept = brains.find(session, version.name, worker="triage")
        again = brain_versions.opened(brains.packed(session, kept.digest))
    assert kept.role == "candidate"
    assert kept.card["learnt"]["from"]["decisions"] == 32
    assert again.digest == found.brain.digest == kept.digest


@pytest.mark.parametrize(
    ("task", "labels", "says"),
    [
        ("reply", LABELS, "is trained for 'reply'"),
        ("triage", ("order_status", "weather"), "does not: weather"),
    ],
)
def test_a_brain_that_does_not_fit_its_worker_is_refused(desk, task, labels, says):
    rows = [
        one.model_copy(update={"label": name})
        for name, label in zip(labels, LABELS, strict=False)
        for one in corpus()[label][:6]
    ]
    with pytest.raises(BadInput, match=says):
        brain_versions.add(desk.ledger, desk.worker, train(rows, task=task), by="ana")


def test_the_brain_that_works_already_is_no_candidate(desk):
    with pytest.raises(BadInput, match="has already"):
        brain_versions.add(desk.ledger, desk.worker, brain(), by="ana")
    brain_versions.add(desk.ledger, desk.worker, brain(1), by="ana")
    with pytest.raises(Conflict, match="known already"):
        brain_versions.add(desk.ledger, desk.worker, brain(1), by="ana")
