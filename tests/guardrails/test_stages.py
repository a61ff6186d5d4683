"""Where a lane stands is what the ledger's certificates, its running test and the decisions say, and nothing more."""

import itertools
from datetime import timedelta

import pytest
from blank_ledger import blank_ledger
from stage import POLICY, ROSTER, signer

from shiftlead.core import certificates, outcomes
from shiftlead.core.approval import DecisionKind
from shiftlead.core.certificates import Certificate, Method
from shiftlead.core.keys import LEDGER_KEY
from shiftlead.core.outcomes import Judged, Stand
from shiftlead.core.store import Ledger
from shiftlead.guardrails.autonomy import TRIAL, State
from shiftlead.guardrails.betting import LaneTrial
from shiftlead.guardrails.drift import Adwin
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.stages import ALARMS, LATELY, SOON, Stage, closings, standings
from shiftlead.guardrails.standing import Standings

STAND = Stand(worker="poster", kind="invoice.post", brain="embedded@1")
ASKS = "invoice.post: {max_error: 0.05, quality_share: 0.1}"
NUMBERS = itertools.count()


def policy(action=ASKS):
    return parse_policy(POLICY.replace("invoice.post: {min_confidence: 0.5}", action), origin="test policy")


RULES = Standings(policy(), None).rules(STAND.kind)


@pytest.fixture
def ledger(tmp_path, clock):
    opened = Ledger.open(blank_ledger(tmp_path / "ledger.db"), clock=clock, durable=False)
    yield opened
    opened.close()


def certify(ledger, **changes):
    at = ledger.clock.now()
    terms = {
        "id": f"crt_{next(NUMBERS)}", "stand": STAND, "floor": 0.9, "target": 0.05, "bound": 0.03, "n": 300, "wrong": 1,
        "method": Method.BATCH, "issued_at": at, "expires_at": at + timedelta(days=60), "issued_by": LEDGER_KEY,
    }  # fmt: skip
    made = Certificate(**(terms | changes))
    made = made.model_copy(update={"seal": signer(LEDGER_KEY).sign(certificates.SEAL, made.statement())})
    with ledger.transaction() as tx:
        certificates.put(tx, made)
    return made


def revoke(ledger, *made, by="system", why="too often wrong"):
    with ledger.transaction() as tx:
        for one in made:
            certificates.revoke(tx, one.id, by=by, why=why)


def decide(ledger, *rights, stand=STAND):
    with ledger.transaction() as tx:
        for right in rights:
            number = next(NUMBERS)
            outcomes.add(
                tx,
                Judged(
                    digest=f"{number:064x}", case_id="case", action_id=f"act_{number}", stand=stand, confidence=0.95, right=right,
                    counts=True, decision=DecisionKind.APPROVE, decided_by="ana", at=tx.now,
                ),
            )  # fmt: skip


def keep_trial(ledger, trial, *, by=LEDGER_KEY, rules=RULES):
    state = State(trial=trial.to_json(), corrections=Adwin().to_json(), rules=rules)
    sealed = state.model_copy(update={"seal": signer(by).sign(TRIAL, state.statement(STAND))})
    with ledger.transaction() as tx:
        certificates.keep_trial(tx, STAND, sealed.model_dump_json())


def lanes(ledger, asked=ASKS, **how):
    with ledger.reading() as session:
        return standings(session, policy(asked), ROSTER.keyring, at=ledger.clock.now(), **{"workers": ["poster"], **how})


def lane(ledger, *given, **how):
    (found,) = lanes(ledger, *given, **how)
    return found


def test_without_a_decision_there_is_no_lane(ledger):
    assert lanes(ledger) == ()


def test_what_nobody_proved_is_reviewed_and_says_what_is_missing(ledger):
    decide(ledger, True, True, False)
    found = lane(ledger)
    assert (found.stage, found.right, found.n) == (Stage.REVIEWED, 2, 3)
    assert found.progress.missing == LaneTrial(target=0.05, quality_share=0.1).missing


def test_decisions_in_the_running_test_bring_the_end_nearer(ledger):
    decide(ledger, True)
    trial = LaneTrial(target=0.05, quality_share=0.1)
    for _ in range(60):
        trial.learn(0.97, right=True)
    keep_trial(ledger, trial)
    found = lane(ledger).progress
    assert found.readable
    assert (found.missing, found.floor, found.n, found.wrong) == (trial.missing, trial.leading, trial.n, 0)
    assert 0 < found.missing < LaneTrial(target=0.05, quality_share=0.1).missing


def test_a_test_that_the_ledger_did_not_seal_is_told_as_unreadable_and_counts_for_nothing(ledger):
    decide(ledger, True)
    trial = LaneTrial(target=0.05, quality_share=0.1)
    for _ in range(60):
        trial.learn(0.97, right=True)
    keep_trial(ledger, trial, by="ana")
    found = lane(ledger).progress
    assert not found.readable
    assert found.missing == LaneTrial(target=0.05, quality_share=0.1).missing


@pytest.mark.parametrize("text", ["", "nothing", "{}", '{"trial": "{}", "corrections": ""}'])
def test_a_damaged_test_is_told_and_breaks_nothing(ledger, text):
    decide(ledger, True)
    with ledger.transaction() as tx:
        certificates.keep_trial(tx, STAND, text)
    assert lane(ledger).progress.readable is (text == "")


def test_a_test_for_another_target_begins_anew(ledger):
    decide(ledger, True)
    trial = LaneTrial(target=0.5, quality_share=0.1)
    for _ in range(50):
        trial.learn(0.97, right=True)
    keep_trial(ledger, trial)
    assert lane(ledger).progress.missing == LaneTrial(target=0.05, quality_share=0.1).missing


def test_a_test_from_under_other_rules_begins_anew(ledger):
    decide(ledger, True)
    trial = LaneTrial(target=0.05, quality_share=0.1)
    for _ in range(60):
        trial.learn(0.97, right=True)
    keep_trial(ledger, trial, rules="0" * 64)
    assert lane(ledger).progress.missing == LaneTrial(target=0.05, quality_share=0.1).missing


@pytest.mark.parametrize(("rules", "stage"), [("", Stage.SAMPLED), (RULES, Stage.SAMPLED), ("0" * 64, Stage.REVIEWED)])
def test_a_certificate_from_under_other_rules_holds_nothing_open(ledger, rules, stage):
    certify(ledger, rules=rules)
    assert lane(ledger, every=True).stage is stage


@pytest.mark.parametrize(
    ("asked", "stage"),
    [
        ("invoice.post: {max_error: 0.05, quality_share: 0.1}", Stage.SAMPLED),
        ("invoice.post: {max_error: 0.05, quality_share: 0}", Stage.ALLOWED),
        ("invoice.post: {max_error: 0.02, quality_share: 0.1}", Stage.REVIEWED),
        ("invoice.post: {min_confidence: 0.5}", None),
    ],
)
def test_a_certificate_opens_the_lane_as_far_as_the_policy_asks(ledger, asked, stage):
    certify(ledger)
    found = lane(ledger, asked, every=True)
    assert found.stage is stage
    assert (found.certificate is not None) is (stage in (Stage.SAMPLED, Stage.ALLOWED))


def test_of_several_certificates_the_widest_is_shown_and_the_last_end(ledger):
    certify(ledger, floor=0.95, bound=0.01, expires_at=ledger.clock.now() + timedelta(days=60))
    widest = certify(ledger, floor=0.8, expires_at=ledger.clock.now() + timedelta(days=30))
    found = lane(ledger)
    assert found.certificate.id == widest.id
    assert found.until == ledger.clock.now() + timedelta(days=60)
    assert found.progress.missing == 0


@pytest.mark.parametrize(("days", "soon"), [(SOON.days, True), (SOON.days + 1, False)])
def test_a_lane_that_ends_soon_says_so(ledger, days, soon):
    certify(ledger, expires_at=ledger.clock.now() + timedelta(days=days))
    assert lane(ledger).ends_soon is soon


def test_a_row_that_nobody_sealed_holds_nothing_open(ledger):
    made = certify(ledger)
    with ledger.engine.execution_options(write=True).begin() as connection:
        connection.exec_driver_sql(f"update certificate set issued_by = 'ana' where id = '{made.id}'")
    assert lane(ledger, every=True).stage is Stage.REVIEWED


def test_a_challengers_lane_is_a_shadow_until_it_is_at_work(ledger):
    beside = STAND.model_copy(update={"brain": "embedded@2"})
    assert lane(ledger, beside=[beside]).stage is Stage.SHADOW


def test_what_is_old_and_holds_nothing_is_shown_only_where_all_is(ledger, clock):
    decide(ledger, True)
    clock.advance(LATELY)
    assert lanes(ledger) == ()
    assert (lane(ledger, every=True).n, lane(ledger, every=True).right) == (0, 0)


def test_lanes_of_other_workers_are_left_out(ledger):
    decide(ledger, True)
    assert lanes(ledger, workers=["another"]) == ()


def closed(ledger, **how):
    with ledger.reading() as session:
        return closings(certificates.listed(session), **how)


def test_certificates_that_an_alarm_revoked_together_are_one_closing(ledger):
    revoke(ledger, certify(ledger), certify(ledger, floor=0.95))
    (one,) = closed(ledger)
    assert (one.alarm, one.stand, one.why, one.at) == (True, STAND, "too often wrong", ledger.clock.now())
    assert lane(ledger, every=True).closed == one


def test_the_latest_closing_comes_first_and_a_persons_is_no_alarm(ledger, clock):
    revoke(ledger, certify(ledger))
    clock.advance(timedelta(hours=1))
    revoke(ledger, certify(ledger), by="lea", why="moved house")
    assert [(one.by, one.alarm) for one in closed(ledger)] == [("lea", False), ("system", True)]
    assert lane(ledger, every=True).closed.by == "lea"


def test_only_recent_closings_are_told(ledger, clock):
    revoke(ledger, certify(ledger))
    clock.advance(ALARMS)
    assert len(closed(ledger, since=clock.now() - ALARMS)) == 1
    clock.advance(timedelta(seconds=1))
    assert closed(ledger, since=clock.now() - ALARMS) == ()
