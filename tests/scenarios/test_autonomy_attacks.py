"""Attacks on autonomy: rows, races, clocks and policies that would open a lane, keep it open, or cost a person their decision."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from stage import ANA, AT, CYD, Stage, signer
from test_autonomy import CERTIFIED, ENOUGH, SAMPLED, STAND, certificate, decided, give, lane, valid

from shiftlead.core import actions, certificates, outcomes
from shiftlead.core.approval import DecisionKind, RequestState
from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import Conflict
from shiftlead.core.verdict import Lane, RuleHit, Verdict
from shiftlead.guardrails import judgements
from shiftlead.guardrails.autonomy import Autonomy
from shiftlead.guardrails.betting import LaneTrial
from shiftlead.guardrails.rules import KnownAction
from shiftlead.guardrails.standing import Standings

ALARMING = 16
"""Wrong decisions in a row after which a watch over 40 % alarms for certain."""
SLICED = CERTIFIED.replace("quality_share: 0", "quality_share: 0, slices: [language]")


@pytest.fixture
def careful(make_stage):
    return make_stage(policy=CERTIFIED)


@pytest.fixture
def sampled(make_stage):
    """Every case of an open lane is looked at."""
    return make_stage(policy=SAMPLED)


def judged(stage):
    with stage.ledger.reading() as session:
        return outcomes.of_worker(session, "poster")


def closed(told):
    return [one for one in told if "from now on a person decides" in one]


class TestALaneThatMustClose:
    def test_a_certificate_that_comes_while_a_test_runs_is_watched_from_the_beginning(self, sampled):
        decided(sampled, 3)
        give(sampled, certificate())
        told = decided(sampled, ALARMING, DecisionKind.REJECT, first=10)
        assert len(closed(told)) == 1
        assert valid(sampled) == ()

    def test_a_wider_certificate_is_watched_where_it_is_wider(self, sampled):
        give(sampled, certificate(id="crt_narrow", floor=0.995))
        decided(sampled, 2)
        give(sampled, certificate(id="crt_wide", floor=0.9))
        assert closed(decided(sampled, ALARMING, DecisionKind.REJECT, first=10))
        assert valid(sampled) == ()

    def test_an_alarm_also_ends_what_begins_by_another_machines_clock_a_minute_from_now(self, sampled):
        give(sampled, certificate())
        give(sampled, certificate(id="crt_ahead", issued_at=AT + timedelta(minutes=1)))
        decided(sampled, ALARMING, DecisionKind.REJECT)
        sampled.clock.advance(timedelta(hours=1))
        assert valid(sampled) == ()

    def test_a_watch_that_somebody_deletes_sees_again_what_was_decided(self, sampled):
        give(sampled, certificate())
        decided(sampled, ALARMING // 2, DecisionKind.REJECT)
        assert valid(sampled)
        assert sampled.sql("delete from trial") == 1
        assert closed(decided(sampled, ALARMING // 2, DecisionKind.REJECT, first=20))

    def test_a_policy_that_asks_for_less_and_then_again_for_more_forgets_no_errors(self, make_stage):
        strict = SAMPLED.replace("max_error: 0.4", "max_error: 0.01")
        before = make_stage(policy=SAMPLED)
        give(before, certificate())
        decided(before, 1)
        between = make_stage(policy=strict)
        decided(between, ALARMING, DecisionKind.REJECT, first=10)
        after = make_stage(policy=SAMPLED)
        assert lane(after, "I-1") is Lane.REVIEWED
        told = after.decide(DecisionKind.REJECT, ANA, after.pending(), reason="it is not ours").message
        assert closed([told])
        assert valid(after) == ()

    def test_what_proved_too_weak_in_the_end_renews_nothing(self, sampled, monkeypatch):
        give(sampled, certificate())
        decided(sampled, 2)
        monkeypatch.setattr(LaneTrial, "bound", property(lambda _: 0.41))
        monkeypatch.setattr(LaneTrial, "opened", property(lambda one: one.floors[-1] if len(one.floors) == 1 else 0.9))
        sampled.clock.advance(timedelta(days=25))
        decided(sampled, 1, first=10)
        assert [one.id for one in valid(sampled)] == ["crt_1"]


class TestARowOpensNothing:
    def test_a_verdict_that_somebody_made_fair_is_no_evidence(self, careful):
        careful.open("I-1", "9000.00")
        careful.work()
        (action,) = careful.actions()
        fair = action.verdict.model_copy(update={"hits": tuple(one for one in action.verdict.hits if one.rule != "S-2")})
        allowed = fair.hits[0].model_copy(update={"rule": "S-1", "lane": Lane.ALLOWED})
        fair = fair.model_copy(update={"hits": (*(one for one in fair.hits if one.rule.startswith("CERT-")), allowed)})
        assert judgements.counts(fair)
        with careful.ledger.transaction() as tx:
            actions.replace(tx, action.model_copy(update={"verdict": fair}))
        careful.approve(request=careful.pending())
        assert [one.counts for one in judged(careful)] == [False]

    @pytest.mark.parametrize(
        ("column", "old", "new"),
        [("envelope", '"confidence":0.99', '"confidence":0.999'), ("makers", "worker:poster", "worker:another"),
         ("facts", '"worker":"poster"', '"worker":"other"')],
    )  # fmt: skip
    def test_an_action_that_somebody_rewrote_says_nothing(self, careful, column, old, new):
        careful.open()
        careful.work()
        assert careful.sql(f"update action set {column} = replace({column}, :old, :new)", old=old, new=new) == 1
        careful.decide(DecisionKind.REJECT, ANA, careful.pending(), reason="it is not ours")
        assert careful.rows("select * from outcome") == []

    def test_an_action_that_nobody_made_says_nothing(self, careful):
        careful.open()
        careful.work()
        (action,) = careful.actions()
        with careful.ledger.transaction() as tx:
            actions.replace(tx, action.model_copy(update={"makers": ()}).signed(signer, action.sealed_by))
        careful.approve(request=careful.pending())
        assert judged(careful) == []


class TestADecisionIsNeverLost:
    @pytest.mark.parametrize("method", ["_kept", "open_by", "_since", "_sealed_state", "_issued"])
    def test_where_it_cannot_be_learned_from_it_stands_and_the_lane_closes(self, sampled, monkeypatch, method):
        give(sampled, certificate())

        def broken(*_, **__):
            raise ZeroDivisionError

        monkeypatch.setattr(Standings if method == "open_by" else Autonomy, method, broken)
        if method == "_issued":
            monkeypatch.setattr(LaneTrial, "opened", property(lambda _: 0.5))
        case_id = sampled.open()
        sampled.work()
        told = sampled.approve(request=sampled.pending(case_id)).message
        assert [one.state for one in sampled.requests(case_id)] == [RequestState.APPROVED]
        assert "ZeroDivisionError" in closed([told])[0]
        assert valid(sampled) == ()
        assert [event.data["owner"] for event in sampled.events("lane.closed")] == ["tests"]
        assert len(judged(sampled)) == 1
        sampled.work()
        assert sampled.journal() == ["invoice.post"]

    @pytest.mark.parametrize("state", ["", "{}", "[]", "null", '{"trial":"","corrections":"","seal":"x"}', "\x00"])
    def test_a_test_that_cannot_be_read_costs_nobody_a_decision(self, careful, state):
        decided(careful, 1)
        assert careful.sql("update trial set state = :state", state=state) == 1
        assert decided(careful, 1, first=5)
        assert valid(careful) == ()

    @pytest.mark.parametrize("column", ["expires_at", "issued_at", "terms"])
    def test_a_certificate_whose_row_is_damaged_counts_as_none_and_stops_nobody(self, careful, column):
        give(careful, certificate())
        damaged = {"expires_at": "zzzz", "issued_at": "1", "terms": "[1]"}[column]
        assert careful.sql(f"update certificate set {column} = :damaged", damaged=damaged) == 1
        assert lane(careful, "I-1") is Lane.REVIEWED
        assert careful.approve(request=careful.pending()).state is RequestState.APPROVED

    def test_a_label_that_is_too_long_is_left_out(self, careful, monkeypatch):
        poster = careful.crew.workers["poster"]
        proposal = poster._proposal
        long = {"labels": ("x" * 300,)}
        monkeypatch.setattr(poster, "_proposal", lambda *given: proposal(*given).model_copy(update=long))
        decided(careful, 1)
        assert [one.label for one in judged(careful)] == [""]


class TestWhatIsNoFairSample:
    def test_what_is_handed_up_and_then_decided_counts_once(self, careful):
        careful.open()
        careful.work()
        careful.decide(DecisionKind.ESCALATE, ANA, careful.pending())
        assert judged(careful) == []
        careful.approve(CYD, careful.pending())
        assert [(one.right, one.counts, one.decided_by) for one in judged(careful)] == [(True, True, "cyd")]

    def test_what_nobody_answered_is_no_outcome(self, careful):
        careful.open()
        careful.work()
        careful.clock.advance(timedelta(hours=careful.policy.expire_after_hours + 1))
        with pytest.raises(Conflict, match="expired"):
            careful.approve(request=careful.pending())
        assert judged(careful) == []

    def test_a_policy_that_asks_more_since_leaves_out_what_waited(self, make_stage):
        stage = make_stage(policy=CERTIFIED)
        stage.open()
        stage.work()
        stricter = make_stage(
            policy=CERTIFIED.replace("{above: {EUR: 5000}}}, reason: large", "{above: {EUR: 100}}}, reason: large")
        )
        stricter.approve(request=stricter.pending())
        assert [one.counts for one in judged(stricter)] == [False]

    def test_a_draw_is_a_draw_though_a_rule_of_the_house_reads_the_bound(self):
        known = KnownAction(kind="invoice.post", max_error=0.4, quality_share=0.05)
        drawn = RuleHit(rule="QA-invoicePost", lane=Lane.REVIEWED, reason="drawn", field="quality_draw")
        own = RuleHit(rule="S-9", lane=Lane.ALLOWED, reason="certified", field="error_bound")
        verdict = Verdict(lane=Lane.REVIEWED, hits=(drawn, own), policy="stage@1", policy_digest="", judged_at=AT)
        assert judgements.chance(known, verdict) == 0.05


class TestOtherRules:
    """What was proven of the cases that one set of rules let run says nothing of those that another lets run."""

    WIDER = CERTIFIED.replace("EUR: 5000", "EUR: 20000")

    def test_a_wider_rule_opens_nothing_on_an_old_proof(self, make_stage):
        stage = make_stage(policy=CERTIFIED)
        decided(stage, ENOUGH)
        assert lane(stage, "I-1") is Lane.ALLOWED
        wider = make_stage(policy=self.WIDER)
        assert lane(wider, "I-2") is Lane.REVIEWED
        wider.approve(request=wider.pending(wider.case("I-2").id))
        assert lane(wider, "I-3") is Lane.REVIEWED
        assert lane(stage, "I-4") is Lane.ALLOWED

    def test_other_words_for_the_same_rules_close_nothing(self, make_stage):
        stage = make_stage(policy=CERTIFIED)
        decided(stage, ENOUGH)
        worded = CERTIFIED.replace("reason: small", "reason: it is small").replace("version: 1", "version: 2")
        assert lane(make_stage(policy=worded), "I-1") is Lane.ALLOWED

    def test_nobody_takes_the_rules_off_a_certificate(self, careful):
        give(careful, certificate(rules="of another policy"))
        assert lane(careful, "I-1") is Lane.REVIEWED
        careful.sql("update certificate set terms = replace(terms, 'of another policy', '')")
        assert lane(careful, "I-2") is Lane.REVIEWED


def test_facts_that_are_read_again_may_put_an_action_into_a_slice_that_is_closed(make_stage):
    stage = make_stage(policy=SLICED)
    guard, stand = stage.crew.guard, STAND.model_copy(update={"slice": "language=en"})
    give(stage, certificate(stand=stand))
    stage.open()
    stage.work()
    (action,) = stage.actions()
    english = action.model_copy(update={"context": {**action.context, "language": "en"}})
    with stage.ledger.transaction() as tx:
        free = english.model_copy(update={"verdict": guard.judge(tx.session, english.envelope.proposal, english.context)})
        assert free.lane is Lane.ALLOWED
        assert guard.admit(tx, free, {}).lane is Lane.ALLOWED
        assert guard.admit(tx, free, {"language": "de"}).lane is Lane.REVIEWED
        assert guard.admit(tx, free, {"language": "de", "brain": "embedded@1", "error_bound": 0.0}).lane is Lane.REVIEWED


def test_the_person_is_told_which_lane_and_a_floor_that_is_the_true_one(make_stage):
    stage = make_stage(policy=SLICED)
    (told,) = [one for one in decided(stage, ENOUGH) if "runs alone" in one]
    (issued,) = certificates_of(stage)
    assert "invoice.post (language=?)" in told
    assert f"{issued.floor:.6g} sure" in told


def certificates_of(stage):
    with stage.ledger.reading() as session:
        return certificates.listed(session, ended=False)[:1]


class TestTwoAtOnce:
    def test_of_many_who_decide_at_once_every_decision_is_learned_from(self, shared_stage, tmp_path):
        stage = Stage(tmp_path, url=shared_stage.ledger.url, clock=FrozenClock(AT), policy=CERTIFIED)
        asked = []
        for number in range(12):
            case_id = stage.open(f"N-{number}", "20.00")
            stage.work()
            asked.append(stage.pending(case_id))
        with ThreadPoolExecutor(max_workers=6) as pool:
            list(pool.map(lambda one: stage.approve(request=one), asked))
        with stage.ledger.transaction() as tx:
            text = certificates.trial(tx, STAND)
        stage.close()
        assert len(json.loads(json.loads(text)["trial"])["scouts"]) == 12


def test_a_certificate_that_ends_while_the_right_to_send_is_taken_stops_the_action(shared_stage, tmp_path):
    stage = Stage(tmp_path, url=shared_stage.ledger.url, clock=FrozenClock(AT), policy=CERTIFIED)
    if stage.ledger.engine.dialect.name == "sqlite":
        stage.close()
        pytest.skip("on SQLite nobody else can write while the right to send is taken")
    give(stage, certificate())
    admit, done = stage.crew.guard.admit, []

    def revoked_meanwhile(*given):
        verdict = admit(*given)
        if not done:
            done.append(1)
            with stage.ledger.transaction() as tx:
                certificates.revoke(tx, "crt_1", by="ana", why="a test")
        return verdict

    stage.crew.guard.admit = revoked_meanwhile
    try:
        stage.open()
        stage.work()
        assert stage.journal() == []
        stage.clock.advance(timedelta(hours=1))
        stage.work()
        assert stage.journal() == []
        assert stage.pending().action_kind == "invoice.post"
    finally:
        stage.close()
