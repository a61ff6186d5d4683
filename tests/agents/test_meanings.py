"""A language model's word is worth what people have found it to be worth, and nothing before that."""

from datetime import timedelta

import pytest

from shiftlead.agents.meanings import Meanings
from shiftlead.agents.sureness import Method, Sureness
from shiftlead.core import outcomes
from shiftlead.core.approval import DecisionKind
from shiftlead.core.outcomes import Judged, Stand
from shiftlead.core.store import Ledger
from shiftlead.guardrails.calibration import LEAST_OUTCOMES

STAND = Stand(worker="triage", kind="ticket.route", brain="openai:small~1")


@pytest.fixture
def ledger(tmp_path, clock):
    opened = Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}", clock=clock, durable=False)
    yield opened
    opened.close()


def decided(ledger, count, *, said, right, stand=STAND, first=0):
    with ledger.transaction() as tx:
        for number in range(first, first + count):
            judged = Judged(
                digest=f"{stand.slice}{number}", case_id=f"c{number}", action_id=f"a{number}", stand=stand, said=said, right=right(number),
                counts=False, decision=DecisionKind.APPROVE, decided_by="ana", at=tx.now + timedelta(seconds=number),
            )  # fmt: skip
            outcomes.add(tx, judged)


def sureness(value=0.9, **changes):
    return Sureness(
        value=value, method=Method.STATED, **({"worker": STAND.worker, "kind": STAND.kind, "brain": STAND.brain} | changes)
    )


def test_nobody_can_say_until_enough_was_decided(ledger):
    meaning = Meanings(ledger)
    decided(ledger, LEAST_OUTCOMES - 1, said=0.9, right=lambda _: True)
    assert meaning(sureness()) is None
    decided(ledger, 1, said=0.9, right=lambda _: True, first=LEAST_OUTCOMES)
    assert meaning(sureness()) > 0.95


def test_a_boaster_is_taken_for_what_people_found(ledger):
    decided(ledger, 200, said=0.99, right=lambda number: number % 2 == 0)
    assert Meanings(ledger)(sureness(0.99)) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("changes", [{"brain": "openai:small~2"}, {"kind": "ticket.reply"}, {"worker": "invoices"}])
def test_what_another_brain_kind_or_worker_earned_does_not_count(ledger, changes):
    decided(ledger, 200, said=0.9, right=lambda _: True)
    assert Meanings(ledger)(sureness(**changes)) is None
