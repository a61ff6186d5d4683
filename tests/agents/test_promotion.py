"""Who takes over: at least as good on the same cases, certified, signed by somebody with authority; and back again in one step."""

from datetime import timedelta

import pytest
from help_desk import LEAD, POLICY, SECOND, HelpDesk, brain
from stage import ANA, ROSTER

from shiftlead.agents import brain_versions
from shiftlead.agents.certifying import proofs
from shiftlead.agents.pairs import LEAST
from shiftlead.agents.promotion import challenge, promote, roll_back, trialled
from shiftlead.agents.text_worker import envelope_name
from shiftlead.agents.truths import learnt
from shiftlead.core import brains, certificates
from shiftlead.core.approval import DecisionKind
from shiftlead.core.brains import Role, Shadow
from shiftlead.core.errors import BadInput, Conflict, Forbidden
from shiftlead.core.outcomes import Stand

MANY = 130


def challenged(desk, made, worker=None):
    version = brain_versions.add(desk.ledger, worker or desk.worker, made, by="ana")
    return challenge(desk.bench, version, SECOND)


def busy(desk, version, *, count=MANY, **given):
    desk.busy(version, cases=count, **given)


def test_one_that_is_as_good_and_certified_takes_over_with_its_certificate(desk):
    version = challenged(desk, brain(1))
    busy(desk, version)
    made = promote(desk.bench, desk.worker, version, LEAD, reason="as good")
    assert made.comparison.n == MANY
    assert made.uncertified == ()
    (issued,) = made.certificates
    assert issued.stand == Stand(worker="triage", kind="ticket.route", brain=envelope_name(version.name))
    assert (issued.target, issued.issued_by, issued.method, issued.share) == (0.05, "lea", "betting", 1.0)
    assert issued.bound <= 0.05
    assert issued.floor <= 0.97
    assert issued.expires_at - issued.issued_at == timedelta(days=desk.policy.certificate_days)
    with desk.ledger.reading() as session:
        (kept,) = certificates.valid(session, issued.stand, at=desk.ledger.clock.now())
        at_work = brains.champion(session, "triage")
    assert kept.genuine(ROSTER.keyring)
    assert at_work.rightful(ROSTER.keyring)
    assert (at_work.digest, at_work.signed[-1].by, at_work.signed[-1].reason) == (version.digest, "lea", "as good")
    assert at_work.signed[-1].evidence["comparison"]["n"] == MANY
    assert desk.crew.champions.cast(desk.worker).worker.model.digest == version.digest
    (event,) = [one for one in desk.ledger.events() if one.kind == "brain.promoted"]
    assert (event.actor, event.data["replaces"]) == ("lea", "")


@pytest.mark.parametrize(
    ("operator", "reason", "error", "says"),
    [
        (ANA, "as good", Forbidden, "by the role 'lead' or a higher one"),
        (LEAD.model_copy(update={"role": "guest"}), "as good", Forbidden, "no role 'guest'"),
        (LEAD, "  ", BadInput, "with a reason"),
    ],
)
def test_who_may_and_why(desk, operator, reason, error, says):
    version = challenged(desk, brain(1))
    busy(desk, version)
    with pytest.raises(error, match=says):
        promote(desk.bench, desk.worker, version, operator, reason=reason)
    assert desk.crew.champions.cast(desk.worker).worker.model is brain()


def test_too_few_cases_are_refused_with_their_number(desk):
    version = challenged(desk, brain(1))
    busy(desk, version, count=40)
    with pytest.raises(Conflict, match=f"40 decided cases .* too few: {LEAST - 40} more"):
        promote(desk.bench, desk.worker, version, LEAD, reason="now", uncertified=True)


def test_a_worse_one_is_refused(desk):
    version = challenged(desk, brain(1))
    busy(desk, version, wrong=range(12))
    with pytest.raises(Conflict, match=r"was right in 90.8% of 130 cases, the brain at work in 100.0%"):
        promote(desk.bench, desk.worker, version, LEAD, reason="now", uncertified=True)


def test_what_cannot_be_certified_works_only_where_somebody_says_so_and_all_is_reviewed(desk):
    version = challenged(desk, brain(1))
    # Sent to a person by other rules too: no fair sample of what would run alone.
    busy(desk, version, counts=False)
    with pytest.raises(Conflict, match="cannot be certified: 0 countable cases") as caught:
        promote(desk.bench, desk.worker, version, LEAD, reason="now")
    assert "--without-certificate" in caught.value.hint
    made = promote(desk.bench, desk.worker, version, LEAD, reason="now", uncertified=True)
    assert made.certificates == ()
    assert [one.partition(",")[0] for one in made.uncertified] == ["0 countable cases"]
    with desk.ledger.reading() as session:
        assert certificates.listed(session) == ()
        assert brains.champion(session, "triage").signed[-1].evidence["uncertified"] == list(made.uncertified)


def test_where_the_policy_asks_for_no_certificate_that_is_said(desk):
    version = challenged(desk, brain(1))
    busy(desk, version, counts=False)
    plain = HelpDesk(desk.ledger, POLICY.replace("max_error: 0.05", "min_confidence: 0.5"))
    with pytest.raises(Conflict, match="the policy asks for no certificate of its actions"):
        promote(plain.bench, desk.worker, version, LEAD, reason="now")
    made = promote(plain.bench, desk.worker, version, LEAD, reason="now", uncertified=True)
    assert (made.certificates, len(made.uncertified)) == ((), 1)


def test_how_many_cases_are_missing_is_said(desk):
    version = challenged(desk, brain(1))
    busy(desk, version, count=LEAST)
    strict = HelpDesk(desk.ledger, POLICY.replace("max_error: 0.05", "max_error: 0.005"))
    with pytest.raises(
        Conflict, match=r"100 countable cases, 0 of them wrong .* more without a mistake are missing for at most 0.5% wrong"
    ):
        promote(strict.bench, desk.worker, version, LEAD, reason="now")


def test_another_brain_that_was_put_to_work_meanwhile_is_no_longer_compared_with(desk):
    first = challenged(desk, brain(1))
    busy(desk, first)
    promote(desk.bench, desk.worker, first, LEAD, reason="as good")
    second = challenged(desk, brain(2), desk.crew.champions.cast(desk.worker).worker)
    with desk.ledger.reading() as session:
        judged = learnt(session, desk.worker, ROSTER.keyring).lessons
    with desk.ledger.transaction() as tx:
        for one in judged:
            shadow = Shadow(case_id=one.judged.case_id, brain=second.digest, label=one.label, confidence=0.9, at=tx.now)
            brains.keep_shadow(tx, shadow)
    # Those cases were decided about what the brain before proposed.
    assert trialled(desk.bench, desk.crew.champions.cast(desk.worker).worker, second).comparison.n == 0
    # The worker as it was before the first promotion.
    with pytest.raises(Conflict, match="put to work meanwhile"):
        promote(desk.bench, desk.worker, second, LEAD, reason="as good")


def test_nobody_signs_for_another_content_than_was_tried(desk):
    version = challenged(desk, brain(1))
    busy(desk, version)
    other = brain_versions.add(desk.ledger, desk.worker, brain(2), by="ana")
    swapped = (
        "update brain set (packed, content) = (select packed, content from brain where digest = :other) where digest = :mine"
    )
    desk.sql(swapped, other=other.digest, mine=version.digest)
    with desk.ledger.reading() as session:
        version = brains.find(session, version.digest)
    with pytest.raises(Conflict, match="is another brain"):
        promote(desk.bench, desk.worker, version, LEAD, reason="as good")


def test_where_the_challenger_says_the_same_it_is_as_wrong_as_the_brain_at_work(desk):
    version = challenged(desk, brain(1))
    busy(desk, version, decision=DecisionKind.REJECT, count=10)
    found = trialled(desk.bench, desk.worker, version)
    assert (found.comparison.neither, found.comparison.champion, found.comparison.challenger) == (10, 0, 0)
    (proof,) = found.proofs
    assert (len(proof.scores), proof.floor) == (10, None)


def test_what_was_drawn_by_lot_is_thinned_so_that_each_case_weighs_the_same(desk):
    version = challenged(desk, brain(1))
    busy(desk, version, count=200)
    with desk.ledger.reading() as session:
        lessons = learnt(session, desk.worker, ROSTER.keyring).lessons
        shadows = {one.case_id: one for one in brains.shadows(session, version.digest)}
    (known,) = [one for one in desk.policy.actions if one.kind == "ticket.route"]
    drawn = [
        one._replace(judged=one.judged.model_copy(update={"probability": 0.1 if number < 20 else 1.0}))
        for number, one in enumerate(lessons)
    ]
    (all_of_them,) = proofs(desk.worker, "b", known, lessons, shadows, target=0.05)
    (thinned,) = proofs(desk.worker, "b", known, drawn, shadows, target=0.05)
    assert len(all_of_them.scores) == 200
    # All that were drawn stay, and about a tenth of the others.
    assert 20 + 5 <= len(thinned.scores) <= 20 + 35


def test_a_certificate_is_for_the_slice_in_which_the_challenger_would_propose(desk):
    split = POLICY.replace("{max_error: 0.05}", "{max_error: 0.05, slices: [queue]}")
    sliced = HelpDesk(desk.ledger, split)
    version = challenged(sliced, brain(1))
    busy(sliced, version, count=8, wrong=[0])
    found = trialled(sliced.bench, sliced.worker, version).proofs
    # The first was an order that the challenger would have sent to sales.
    assert {one.stand.slice: len(one.scores) for one in found} == {"queue=orders": 1, "queue=sales": 3, "queue=service": 4}


def test_back_and_further_back_and_never_in_a_circle(desk, clock):
    names = {}
    for number in (1, 2):
        at_work = desk.crew.champions.cast(desk.worker).worker
        version = brain_versions.add(desk.ledger, at_work, brain(number), by="ana")
        desk.put_to_work(version)
        names[version.digest] = number
        clock.advance(timedelta(hours=1))

    def at_work():
        with desk.ledger.reading() as session:
            found = brains.champion(session, "triage")
        return names[found.digest] if found else 0

    assert at_work() == 2
    back = roll_back(desk.bench, "triage", SECOND, reason="worse on Monday")
    assert at_work() == 1
    assert back.rightful(ROSTER.keyring)
    assert (back.signed[-1].by, back.signed[-1].reason) == ("cyd", "worse on Monday")
    assert desk.crew.champions.cast(desk.worker).worker.model.digest == brain(1).digest
    clock.advance(timedelta(hours=1))
    assert roll_back(desk.bench, "triage", ANA, reason="worse still") is None
    assert at_work() == 0
    assert desk.crew.champions.cast(desk.worker).worker.model is brain()
    with pytest.raises(Conflict, match="works with the brain that ships"):
        roll_back(desk.bench, "triage", SECOND, reason="again")
    assert [one.actor for one in desk.ledger.events() if one.kind == "brain.rolled_back"] == ["cyd", "ana"]


def test_a_rollback_puts_nothing_back_that_is_not_as_it_was_signed(desk, clock):
    for number in (1, 2):
        version = brain_versions.add(desk.ledger, desk.worker, brain(number), by="ana")
        desk.put_to_work(version)
        clock.advance(timedelta(hours=1))
    desk.sql("update brain set packed = x'00' where digest = :digest", digest=brain(1).digest)
    with pytest.raises(Conflict) as caught:
        roll_back(desk.bench, "triage", LEAD, reason="worse")
    assert "--shipped" in caught.value.hint
    assert roll_back(desk.bench, "triage", LEAD, reason="worse", shipped=True) is None
    assert desk.crew.champions.cast(desk.worker).worker.model is brain()


@pytest.mark.parametrize(
    ("operator", "reason", "error"),
    [(LEAD, " ", BadInput), (LEAD.model_copy(update={"role": "guest"}), "worse", Forbidden)],
)
def test_a_rollback_has_a_name_and_a_reason(desk, operator, reason, error):
    version = brain_versions.add(desk.ledger, desk.worker, brain(1), by="ana")
    desk.put_to_work(version)
    with pytest.raises(error):
        roll_back(desk.bench, "triage", operator, reason=reason)
    with desk.ledger.reading() as session:
        assert brains.find(session, version.digest).role is Role.CHAMPION


def test_one_at_work_neither_challenges_nor_is_promoted_again(desk):
    version = desk.put_to_work(brain_versions.add(desk.ledger, desk.worker, brain(1), by="ana"))
    for act in (challenge, lambda *given: promote(given[0], desk.worker, *given[1:], reason="again")):
        with pytest.raises(Conflict, match="at work already"):
            act(desk.bench, version, LEAD)
