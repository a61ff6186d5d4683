"""Outcomes: what people decided stays as it was, once per envelope, in order, and adds up by how sure the brain was."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Barrier

import pytest
from blank_ledger import blank_ledger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shiftlead.core import outcomes
from shiftlead.core.approval import DecisionKind
from shiftlead.core.outcomes import BINS, LONGEST_LABEL, Judged, Stand, Tally
from shiftlead.core.store import Ledger

STAND = Stand(worker="triage", kind="ticket.route", slice="language=en;queue=billing", brain="embedded@1+triage-0f3a")
_FRESH = count()


def judged(number, *, at, stand=STAND, **fields):
    given = {
        "digest": f"{number:064x}", "case_id": f"case_{number}", "action_id": f"act_{number}", "stand": stand, "confidence": 0.93,
        "right": True, "counts": True, "decision": DecisionKind.APPROVE, "decided_by": "ana", "at": at,
    }  # fmt: skip
    return Judged(**(given | fields))


def keep(ledger, *given):
    with ledger.transaction() as tx:
        return [outcomes.add(tx, one) for one in given]


def of(ledger, stand=STAND, **how):
    with ledger.reading() as session:
        return outcomes.of(session, stand, **how)


def of_worker(ledger, worker="triage", **how):
    with ledger.reading() as session:
        return outcomes.of_worker(session, worker, **how)


def tally(ledger, brain=STAND.brain, **how):
    with ledger.reading() as session:
        return outcomes.tally(session, STAND.worker, STAND.kind, brain, **how)


def at_once(each, work):
    """What `work` answers for each, in threads that start at one moment."""
    start = Barrier(len(each))

    def run(one):
        start.wait()
        return work(one)

    with ThreadPoolExecutor(len(each)) as pool:
        return list(pool.map(run, each))


def test_an_outcome_comes_back_as_it_was_written(ledger, clock):
    whole = judged(
        1, at=clock.now(), confidence=0.1 + 0.2, said=1 / 3, right=False, counts=False, probability=0.05,
        decision=DecisionKind.EDIT, label="refund", truth="Rückgabe",
    )  # fmt: skip
    bare = judged(2, at=clock.now(), confidence=None)
    assert keep(ledger, whole, bare) == [True, True]
    assert of(ledger) == [whole, bare]


def test_the_oldest_comes_first_and_what_was_decided_at_one_moment_in_the_order_of_its_digest(ledger, clock):
    now = clock.now()
    late, third, second, early = (
        judged(1, at=now + timedelta(microseconds=1)),
        judged(4, at=now),
        judged(3, at=now),
        judged(9, at=now - timedelta(days=400)),
    )
    keep(ledger, late, third, second, early)
    assert of(ledger) == of_worker(ledger) == [early, second, third, late]


def test_one_envelope_has_one_outcome_and_the_first_word_counts(ledger, clock):
    first = judged(1, at=clock.now())
    again = judged(1, at=clock.now() + timedelta(hours=1), right=False, decided_by="ben")
    assert keep(ledger, first, again, judged(2, at=clock.now())) == [True, False, True]
    assert of(ledger)[0] == first


@pytest.mark.parametrize(
    "other", [{"worker": "returns"}, {"kind": "ticket.reply"}, {"slice": ""}, {"brain": "embedded@1+triage-ffff"}], ids=str
)
def test_outcomes_of_another_worker_kind_slice_or_brain_are_not_ours(ledger, clock, other):
    ours, theirs = judged(1, at=clock.now()), judged(2, at=clock.now(), stand=STAND.model_copy(update=other))
    keep(ledger, ours, theirs)
    assert of(ledger) == [ours]
    assert of(ledger, theirs.stand) == [theirs]


def test_only_what_is_a_fair_sample_is_counted_where_that_is_asked(ledger, clock):
    fair, asked_anyway = judged(1, at=clock.now()), judged(2, at=clock.now(), counts=False)
    keep(ledger, fair, asked_anyway)
    assert of(ledger, counting=True) == [fair]
    assert of(ledger) == [fair, asked_anyway]


def test_a_worker_is_looked_at_over_all_its_slices_and_brains_or_by_kind_of_action(ledger, clock):
    routed = judged(1, at=clock.now())
    replied = judged(2, at=clock.now(), stand=Stand(worker="triage", kind="ticket.reply", brain="openai:gpt"))
    other = judged(3, at=clock.now(), stand=Stand(worker="invoices", kind="ticket.route", brain="b"))
    keep(ledger, routed, replied, other)
    assert of_worker(ledger) == [routed, replied]
    assert of_worker(ledger, kinds=["ticket.reply"]) == [replied]
    assert of_worker(ledger, "nobody") == []


def test_what_a_brain_said_is_told_by_bins(ledger, clock):
    """An edge belongs to the bin that it opens; 1 belongs to the last."""
    said = [(0.0, True), (0.4999, False), (0.5, True), (0.95, True), (0.9799, False), (0.98, True), (1.0, True), (None, True)]
    keep(ledger, *(judged(number, at=clock.now(), confidence=one, right=right) for number, (one, right) in enumerate(said)))
    assert tally(ledger) == (
        Tally(low=0.0, high=0.5, right=1, n=2),
        Tally(low=0.5, high=0.6, right=1, n=1),
        Tally(low=0.95, high=0.98, right=1, n=2),
        Tally(low=0.98, high=1.0, right=2, n=2),
    )
    assert tally(ledger, bins=(0.9, 0.5)) == (Tally(low=0.5, high=0.9, right=1, n=1), Tally(low=0.9, high=1.0, right=3, n=4))
    assert tally(ledger, brain="another") == ()


def test_the_tally_is_over_all_slices(ledger, clock):
    elsewhere = STAND.model_copy(update={"slice": "language=de"})
    keep(ledger, judged(1, at=clock.now()), judged(2, at=clock.now(), stand=elsewhere, right=False))
    assert tally(ledger) == (Tally(low=0.9, high=0.95, right=1, n=2),)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.tuples(st.sampled_from(BINS) | st.floats(0, 1), st.booleans()), max_size=8))
def test_every_outcome_is_in_exactly_one_bin(blank, said):
    brain = next(_FRESH)
    stand = STAND.model_copy(update={"brain": f"b-{brain}"})
    given = [
        judged(place, at=blank.clock.now(), stand=stand, digest=f"{brain}-{place}", confidence=one, right=right)
        for place, (one, right) in enumerate(said)
    ]
    keep(blank, *given)
    found = tally(blank, stand.brain)
    assert [one.low for one in found] == sorted({max(edge for edge in BINS if edge <= one) for one, _ in said})
    for one in found:
        inside = [right for sure, right in said if one.low <= sure and (sure < one.high or one.high == 1.0)]
        assert (one.n, one.right) == (len(inside), sum(inside))


@pytest.fixture
def blank(tmp_path, clock):
    """One of SQLite alone: the arithmetic is the same, and many examples take their time."""
    opened = Ledger.open(blank_ledger(tmp_path / "bins.db"), clock=clock, durable=False)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": float("nan")},
        {"confidence": float("inf")},
        {"confidence": 1.01},
        {"said": -0.01},
        {"said": float("nan")},
        {"probability": 0.0},
        {"probability": float("nan")},
        {"probability": 1.5},
        {"label": "x" * (LONGEST_LABEL + 1)},
        {"truth": "x" * (LONGEST_LABEL + 1)},
        {"decision": "maybe"},
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_cannot_be_is_refused(clock, wrong):
    with pytest.raises(ValidationError):
        judged(1, at=clock.now(), **wrong)


@pytest.mark.parametrize("missing", ["worker", "kind", "brain"])
def test_a_stand_says_of_whom_and_of_what_it_is(missing):
    with pytest.raises(ValidationError):
        Stand(**(STAND.model_dump() | {missing: ""}))


def test_nothing_is_kept_of_a_decision_that_failed(ledger, clock):
    def accident():
        with ledger.transaction() as tx:
            outcomes.add(tx, judged(1, at=clock.now()))
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        accident()
    assert of(ledger) == []


def test_of_many_who_decide_one_envelope_at_once_one_is_kept(ledger_url, clock):
    ledger = Ledger.create(ledger_url, clock=clock)
    said = [judged(1, at=clock.now(), decided_by=f"op{number}") for number in range(6)]
    new = at_once(said, lambda one: keep(ledger, one))
    assert sorted(new) == [[False]] * 5 + [[True]]
    assert of(ledger) == [said[new.index([True])]]
    ledger.close()
