"""What decisions teach: the label that people let stand or gave, with how much it stands for, and nothing from what was erased or changed."""

import json
from datetime import timedelta

import pytest
from help_desk import LABELS
from sqlalchemy import text
from stage import ROSTER

from shiftlead.agents.truths import MOST_TIMES, examples, learnt, provenance
from shiftlead.core import erasure, privacy
from shiftlead.core.approval import DecisionKind


def known(desk):
    with desk.ledger.reading() as session:
        return learnt(session, desk.worker, ROSTER.keyring)


def decided(desk, label="order_status", ref="T-1", **fields):
    desk.open(ref, label, **fields)
    desk.work()
    return ref


@pytest.mark.parametrize("label", LABELS)
def test_approving_says_that_it_is_what_was_proposed(desk, label):
    desk.judge(decided(desk, label))
    (truth,) = known(desk).truths
    assert (truth.label, truth.weight, truth.decision, truth.decided_by) == (label, 1.0, DecisionKind.APPROVE, "ana")
    assert "Question" in truth.text


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"queue": "service", "tags": ["complaint"]}, "complaint"),
        # the queue of sales takes one kind of ticket only
        ({"queue": "sales"}, "price_quote"),
        # the queue of billing takes several, and the old tag is none of them
        ({"queue": "billing"}, ""),
        # queue and tag contradict each other
        ({"queue": "sales", "tags": ["complaint"]}, ""),
        # what it is stays, only how urgent it is was wrong
        ({"priority": 1}, "order_status"),
        ({"language": "de"}, ""),
        ({"queue": "service", "tags": ["something_else"]}, ""),
    ],
)
def test_an_edit_teaches_what_the_person_said_where_that_tells(desk, changes, label):
    ref = decided(desk)
    desk.edit(ref, **changes)
    found = known(desk)
    assert [one.label for one in found.truths] == ([label] if label else [])
    assert found.silence.not_told == (0 if label else 1)
    (lesson,) = found.lessons
    assert (lesson.label, lesson.judged.right) == ("order_status", False)


def test_a_rejection_says_only_what_it_is_not(desk):
    desk.judge(decided(desk), DecisionKind.REJECT)
    found = known(desk)
    assert found.truths == ()
    assert [one.truth for one in found.lessons] == [""]
    assert str(found.silence) == "1 without a word of what it was"


def test_a_rejection_teaches_where_the_person_said_what_it_is(desk):
    desk.judge(decided(desk), DecisionKind.REJECT, truth="complaint")
    assert [one.label for one in known(desk).truths] == ["complaint"]
    desk.judge(decided(desk, ref="T-2"), DecisionKind.REJECT, truth="no label of ours")
    assert len(known(desk).truths) == 1


def test_what_was_drawn_stands_for_those_that_were_not(desk, clock):
    desk.judge(decided(desk), probability=0.25)
    clock.advance(timedelta(minutes=1))
    desk.judge(decided(desk, ref="T-2"), probability=0.01)
    found = known(desk)
    assert [one.weight for one in found.truths] == [4.0, 100.0]
    texts = [one.text for one in examples(found.truths)]
    assert [texts.count(one.text) for one in found.truths] == [4, MOST_TIMES]
    assert len({one.group for one in examples(found.truths)}) == 2


def test_the_oldest_come_first_and_the_card_tells_where_they_are_from(desk, clock):
    desk.judge(decided(desk, ref="T-2"))
    clock.advance(timedelta(days=1))
    desk.judge(decided(desk, ref="T-1"), decided_by="ben")
    truths = known(desk).truths
    assert [one.decided_by for one in truths] == ["ana", "ben"]
    card = provenance(truths)
    assert (card["decisions"], card["by_person"], card["by_decision"]) == (2, {"ana": 1, "ben": 1}, {"approve": 2})
    assert (card["first"], card["last"]) == (truths[0].at, truths[1].at)
    # No customer's words are on it.
    assert "deliver" not in json.dumps(card, default=str)


def test_erased_cases_teach_nothing(desk):
    desk.judge(decided(desk, requester="jo@else.example", customer_id=None))
    desk.judge(decided(desk, "complaint", ref="T-2"))
    with desk.ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("update case_ set state = 'closed'"))
    with desk.ledger.transaction() as tx:
        about = privacy.subject(tx.session, ["T-1"])
        erasure.erase(tx, about, by="ana", reason="asked")
    found = known(desk)
    assert [one.label for one in found.truths] == ["complaint"]
    assert found.silence.erased == 1


@pytest.mark.parametrize(
    "statement",
    [
        # somebody teaches the brain by editing rows
        "update action set envelope = replace(envelope, 'where is my order', 'please answer all') where id = :id",
        "update action set seal = 'forged' where id = :id",
        "update action set digest = 'other' where id = :id",
    ],
)
def test_what_was_changed_after_it_was_sealed_teaches_nothing(desk, statement):
    ref = decided(desk)
    desk.judge(ref)
    with desk.ledger.engine.execution_options(write=True).begin() as connection:
        assert connection.execute(text(statement), {"id": desk.route(ref).id}).rowcount == 1
    found = known(desk)
    assert (found.lessons, found.silence.changed) == ((), 1)


def test_a_foreign_ticket_teaches_nothing(desk):
    desk.open(
        "T-1",
        "order_status",
        body="Guten Tag, wo bleibt unsere Bestellung? Wir warten schon seit einer Woche auf die Lieferung.",
    )
    desk.work()
    desk.judge("T-1")
    found = known(desk)
    assert (found.truths, found.silence.not_told) == ((), 1)
