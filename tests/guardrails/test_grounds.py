"""What the person who decides is told about a confidence: what it was worth, and what is certified, never more than is true."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import AT, POLICY, ROSTER, Stage, signer

from shiftlead.core import certificates, outcomes
from shiftlead.core.approval import DecisionKind
from shiftlead.core.certificates import Certificate, Method
from shiftlead.core.keys import LEDGER_KEY
from shiftlead.core.outcomes import Judged, Stand
from shiftlead.guardrails.grounds import Grounds, from_on, grounds, promise

STAND = Stand(worker="poster", kind="invoice.post", brain="embedded@1")
NUMBERS = itertools.count()
ASKS = POLICY.replace("invoice.post: {min_confidence: 0.5}", "invoice.post: {max_error: 0.05}")


@pytest.fixture
def make_stage(tmp_path, clock):
    opened = []

    def make(policy):
        opened.append(Stage.create(tmp_path, clock=clock, policy=policy))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def certificate(**changes):
    terms = {
        "id": f"crt_{next(NUMBERS)}", "stand": STAND, "floor": 0.83, "target": 0.05, "bound": 0.0234, "n": 300, "wrong": 1,
        "method": Method.BATCH, "issued_at": AT, "expires_at": AT + timedelta(days=30), "issued_by": LEDGER_KEY,
    }  # fmt: skip
    made = Certificate(**(terms | changes))
    return made.model_copy(update={"seal": signer(LEDGER_KEY).sign(certificates.SEAL, made.statement())})


def told(stage, *issued, right=0, wrong=0, stand=STAND):
    """What a person is told about an invoice whose worker is .99 sure, after so many decisions."""
    with stage.ledger.transaction() as tx:
        for one in issued:
            certificates.put(tx, one)
        for number in range(right + wrong):
            outcomes.add(
                tx,
                Judged(
                    digest=f"{number:064x}", case_id="case", action_id=f"act_{number}", stand=stand, confidence=0.985,
                    right=number < right, counts=True, decision=DecisionKind.APPROVE, decided_by="ana", at=tx.now,
                ),
            )  # fmt: skip
    case_id = stage.open(amount="9000.00")
    stage.work()
    with stage.ledger.reading() as session:
        return grounds(session, stage.policy, ROSTER.keyring, stage.actions(case_id)[0], at=stage.clock.now())


def test_a_kind_without_a_record_or_a_certificate_says_nothing(make_stage):
    assert told(make_stage(policy=POLICY)) == Grounds()


def test_what_such_a_confidence_was_worth(make_stage):
    found = told(make_stage(policy=POLICY), right=380, wrong=20)
    assert found.lines == ("says .98–1.00 → right 95 %, n = 400",)


def test_a_handful_of_decisions_is_not_quoted(make_stage):
    assert told(make_stage(policy=POLICY), right=19).worth == ""


def test_another_brains_record_is_not_this_ones(make_stage):
    other = STAND.model_copy(update={"brain": "openai:gpt"})
    assert told(make_stage(policy=POLICY), right=100, stand=other).worth == ""


def test_a_certificate_that_covers_it(make_stage):
    found = told(make_stage(policy=ASKS), certificate())
    assert found.covered
    assert found.lines == ("certified: at most 2.4 % wrong from .83 on, until 15 October 2026",)


@pytest.mark.parametrize(
    ("issued", "said"),
    [
        ((), "not certified: every such action is reviewed"),
        ((certificate(bound=0.06),), "not certified: every such action is reviewed"),
        ((certificate(expires_at=AT + timedelta(seconds=1), issued_at=AT - timedelta(days=1)),), None),
        (
            (certificate(stand=STAND.model_copy(update={"brain": "embedded@2"})),),
            "not certified: every such action is reviewed",
        ),
        ((certificate().model_copy(update={"seal": "x"}),), "not certified: every such action is reviewed"),
        ((certificate(rules="0" * 64),), "not certified: every such action is reviewed"),
        ((certificate(floor=0.995),), "certified only from .995 on: every action below it is reviewed"),
    ],
    ids=["none", "too loose", "in time by a second", "another brain", "unsealed", "other rules", "higher floor"],
)
def test_what_does_not_cover_it_is_not_told_as_if_it_did(make_stage, issued, said):
    found = told(make_stage(policy=ASKS), *issued)
    assert found.covered is (said is None)
    assert said is None or found.certificate == said


@pytest.mark.parametrize(
    ("floor", "shown"), [(0, "0"), (0.5, ".5"), (0.83, ".83"), (0.8301, ".84"), (0.98, ".98"), (0.99999, ".99999"), (1, "1")]
)
def test_floors_are_short(floor, shown):
    assert from_on(floor) == shown


@given(st.floats(0, 1))
def test_no_floor_is_told_below_the_true_one(floor):
    assert floor - 1e-8 <= float(from_on(floor)) <= min(1, floor + 0.01 + 1e-8)


@given(st.floats(0, 0.999))
def test_no_bound_is_told_below_the_true_one(bound):
    shown = float(promise(certificate(bound=bound)).removeprefix("at most ").partition(" %")[0]) / 100
    assert bound - 1e-8 <= shown <= bound + 0.001 + 1e-8
