"""A lane opens on proof alone, closes by itself, and neither a row in the ledger nor another brain can open it."""

import json
from datetime import timedelta

import pytest
from stage import ANA, AT, POLICY, ROSTER, Stage, signer

from shiftlead.core import certificates, outcomes
from shiftlead.core.approval import DecisionKind, RequestState
from shiftlead.core.certificates import Certificate, Method
from shiftlead.core.clock import FrozenClock
from shiftlead.core.keys import LEDGER_KEY
from shiftlead.core.outcomes import Stand
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.betting import LaneTrial

CERTIFIED = POLICY.replace("invoice.post: {min_confidence: 0.5}", "invoice.post: {max_error: 0.4, quality_share: 0}")
SAMPLED = POLICY.replace("invoice.post: {min_confidence: 0.5}", "invoice.post: {max_error: 0.4, quality_share: 1}")
STAND = Stand(worker="poster", kind="invoice.post", brain="embedded@1")
ENOUGH = 90
"""More clean decisions than a trial of 40 % needs."""


@pytest.fixture
def careful(make_stage):
    return make_stage(policy=CERTIFIED)


def certificate(**changes):
    terms = {
        "id": "crt_1", "stand": STAND, "floor": 0.9, "target": 0.4, "bound": 0.05, "n": 300, "wrong": 1, "method": Method.BATCH,
        "issued_at": AT - timedelta(days=1), "expires_at": AT + timedelta(days=30), "issued_by": "lea",
    }  # fmt: skip
    made = Certificate(**(terms | changes))
    signed, sealed = signer(made.issued_by), signer(LEDGER_KEY)
    return made.model_copy(
        update={
            "signature": signed.sign(certificates.PURPOSE, made.statement()),
            "seal": sealed.sign(certificates.SEAL, made.statement()),
        }
    )


def give(stage: Stage, one: Certificate) -> None:
    with stage.ledger.transaction() as tx:
        certificates.put(tx, one)


def lane(stage: Stage, ref: str) -> Lane:
    """The lane that a new case comes into."""
    case_id = stage.open(ref)
    stage.work()
    return stage.actions(case_id)[0].lane


def decided(stage: Stage, count: int, kind: DecisionKind = DecisionKind.APPROVE, *, first: int = 0) -> list[str]:
    """Open so many cases, decide each that waits, and answer what the people who decided were told."""
    told = []
    for number in range(first, first + count):
        case_id = stage.open(f"N-{number}", "20.00")
        stage.work()
        for request in stage.requests(case_id, RequestState.PENDING):
            reason = {} if kind is DecisionKind.APPROVE else {"reason": "it is not ours"}
            told.append(stage.decide(kind, ANA, request, **reason).message)
    stage.work()
    return told


def valid(stage: Stage) -> tuple[Certificate, ...]:
    with stage.ledger.reading() as session:
        return certificates.valid(session, STAND, at=stage.clock.now())


def test_what_nobody_proved_a_person_decides(careful):
    assert lane(careful, "I-1") is Lane.REVIEWED
    (hit,) = [one for one in careful.actions()[0].verdict.hits if one.lane is Lane.REVIEWED]
    assert hit.rule == "CERT-invoicePost"
    assert "40 %" in hit.reason


def test_enough_right_decisions_open_the_lane_and_the_person_is_told(careful):
    told = decided(careful, ENOUGH)
    assert sum("runs alone from now on" in one for one in told) >= 1
    assert len(told) < ENOUGH
    assert lane(careful, "I-1") is Lane.ALLOWED
    (newest, *_) = valid(careful)
    assert (newest.method, newest.issued_by, newest.stand) == (Method.BETTING, LEDGER_KEY, STAND)
    assert newest.bound <= 0.4
    assert newest.genuine(ROSTER.keyring)
    assert careful.events("certificate.issued")


def test_a_brain_that_is_wrong_too_often_never_opens_it(careful):
    for number in range(0, ENOUGH, 2):
        decided(careful, 1, DecisionKind.REJECT, first=2 * number)
        decided(careful, 1, first=2 * number + 1)
    assert valid(careful) == ()
    assert lane(careful, "I-1") is Lane.REVIEWED


def test_a_certificate_covers_what_it_says_and_nothing_else(careful):
    give(careful, certificate())
    assert lane(careful, "I-1") is Lane.ALLOWED


@pytest.mark.parametrize(
    "changes",
    [
        {"floor": 0.995},
        {"bound": 0.41},
        {"expires_at": AT},
        {"issued_at": AT + timedelta(hours=1)},
        {"stand": STAND.model_copy(update={"brain": "embedded@2"})},
        {"stand": STAND.model_copy(update={"worker": "another"})},
        {"stand": STAND.model_copy(update={"kind": "invoice.hold"})},
        {"stand": STAND.model_copy(update={"slice": "language=en"})},
        {"system": "company"},
    ],
    ids=lambda one: next(iter(one)) + str(len(str(one))),
)
def test_a_certificate_about_something_else_is_as_good_as_none(careful, changes):
    give(careful, certificate(**changes))
    assert lane(careful, "I-1") is Lane.REVIEWED


@pytest.mark.parametrize(
    "statement",
    [
        "update certificate set terms = replace(terms, '0.05', '0.01')",
        "update certificate set signature = ''",
        'update certificate set terms = replace(terms, \'"seal":"\', \'"seal":"A\')',
        "update certificate set expires_at = '2099-01-01 00:00:00.000000'",
        "update certificate set issued_by = 'ana'",
    ],
    ids=["bound", "signature", "seal", "time", "issuer"],
)
def test_a_row_that_somebody_changed_opens_nothing(careful, statement):
    give(careful, certificate())
    assert careful.sql(statement) == 1
    assert lane(careful, "I-1") is Lane.REVIEWED


def test_a_certificate_that_is_revoked_after_judging_stops_the_action_before_it_is_sent(make_stage):
    stage = None

    def revoke(boundary: str) -> None:
        if boundary == "judge.committed" and valid(stage):
            with stage.ledger.transaction() as tx:
                certificates.revoke(tx, "crt_1", by="ana", why="a test")

    stage = make_stage(policy=CERTIFIED, observer=revoke)
    give(stage, certificate())
    stage.open()
    stage.work()
    assert stage.journal() == []
    assert stage.pending().action_kind == "invoice.post"


def test_an_alarm_closes_the_lane_revokes_every_certificate_and_tells_the_person(make_stage):
    stage = make_stage(policy=SAMPLED)
    give(stage, certificate())
    told = decided(stage, ENOUGH, DecisionKind.REJECT)
    assert any("from now on a person decides" in one for one in told)
    assert valid(stage) == ()
    assert [event.data["owner"] for event in stage.events("lane.closed")] == ["tests"]
    with stage.ledger.reading() as session:
        assert certificates.get(session, "crt_1").why


def test_what_is_drawn_for_quality_control_waits_though_it_is_certified(make_stage):
    stage = make_stage(policy=SAMPLED)
    give(stage, certificate())
    assert lane(stage, "I-1") is Lane.REVIEWED
    assert [one.rule for one in stage.actions()[0].verdict.hits if one.lane is Lane.REVIEWED] == ["QA-invoicePost"]


def test_a_certificate_ages_and_the_evidence_with_it(careful):
    decided(careful, ENOUGH)
    assert lane(careful, "I-1") is Lane.ALLOWED
    careful.clock.advance(timedelta(days=careful.policy.certificate_days))
    assert lane(careful, "I-2") is Lane.REVIEWED
    careful.approve(request=careful.pending(careful.case("I-2").id))
    assert lane(careful, "I-3") is Lane.REVIEWED


def test_a_lane_that_is_looked_at_is_proven_again_before_its_certificate_ends(make_stage):
    stage = make_stage(policy=SAMPLED)
    give(stage, certificate())
    decided(stage, ENOUGH)
    assert len(valid(stage)) == 1
    stage.clock.advance(timedelta(days=25))
    decided(stage, 1, first=100)
    assert len(valid(stage)) == 2
    stage.clock.advance(timedelta(days=10))
    assert [one.method for one in valid(stage)] == [Method.BETTING]


def test_a_trial_that_somebody_wrote_counts_for_nothing(careful):
    decided(careful, 3)
    (before,) = careful.rows("select state from trial")
    forged = before.state.replace('"seal":"', '"seal":"x')
    careful.sql("update trial set state = :state", state=forged)
    decided(careful, 1, first=50)
    with careful.ledger.transaction() as tx:
        text = certificates.trial(tx, STAND)
    fresh = LaneTrial(target=0.4, quality_share=1.0)
    fresh.learn(0.99, right=True)
    assert json.loads(text)["trial"] == fresh.to_json()


def test_every_decision_on_what_a_worker_made_is_an_outcome_once(careful):
    careful.open(plan="invoice.short_pay", amount="900.00")
    careful.work()
    careful.decide(DecisionKind.EDIT, ANA, changes={"amount": "850.00"})
    (edited,) = careful.requests("", RequestState.PENDING)
    careful.decide(DecisionKind.REJECT, ANA, edited, reason="no")
    with careful.ledger.reading() as session:
        (judged,) = outcomes.of_worker(session, "poster")
    assert (judged.right, judged.counts, judged.decision) == (False, False, DecisionKind.EDIT)
    assert judged.stand.kind == "invoice.short_pay"


def test_without_the_ledgers_key_no_lane_opens(make_stage):
    stage = make_stage(policy=CERTIFIED)
    stage.approvals.autonomy._sealing = signer("ana")
    decided(stage, ENOUGH)
    assert valid(stage) == ()
    assert lane(stage, "I-1") is Lane.REVIEWED


def test_the_same_holds_on_either_database(shared_stage, tmp_path):
    other = Stage(tmp_path, url=shared_stage.ledger.url, clock=FrozenClock(AT), policy=CERTIFIED)
    try:
        decided(other, ENOUGH)
        assert lane(other, "I-1") is Lane.ALLOWED
    finally:
        other.close()
