"""What came lately, beside what came before: a new kind of ticket warns, the same traffic does not, and nothing but texts is looked at."""

from datetime import timedelta
from random import Random

import pytest
from help_desk import LABELS, POLICY, brain, corpus
from sqlalchemy import text
from stage import ROSTER

from shiftlead.agents.drifting import LEAST, NumberShift, drifts
from shiftlead.agents.triage_corpus import shipped
from shiftlead.core import actions, certificates, erasure, privacy
from shiftlead.core.certificates import Certificate, Method
from shiftlead.core.errors import BadInput
from shiftlead.core.keys import LEDGER_KEY
from shiftlead.core.outcomes import Stand
from shiftlead.guardrails.policy import parse_policy

STAND = Stand(worker="triage", kind="ticket.route", brain=f"embedded@1+{brain().name}")


def usual(seed, count):
    """Tickets of the kinds that the desk knows, in no order, each once."""
    known = [one.text for label in LABELS[:3] for one in corpus()[label]]
    return Random(seed).sample(known, count)


def unusual(seed, count):
    """Tickets of a kind that the desk never saw."""
    return Random(seed).sample([one.text for one in shipped() if one.label == "data_protection_request"], count)


def shuffled(seed, *parts):
    found = [one for part in parts for one in part]
    Random(seed).shuffle(found)
    return found


@pytest.fixture
def arrive(desk, clock):
    """Seals a route for each text, one a minute, as the worker would; answers the ids of the cases."""
    desk.open("T-1", "order_status")
    desk.work()
    first = desk.route("T-1")
    with desk.ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("delete from action"))

    def run(texts, *, language="en", seal=True):
        cases = []
        for body in texts:
            clock.advance(timedelta(minutes=1))
            number = next(desk._copies)
            ids = {"case_id": f"case_{number:04}", "action_id": f"act_{number:04}"}
            old = first.envelope
            evidence = tuple(
                one.model_copy(update={"value": body}) if one.name == desk.worker.text else one for one in old.evidence
            )
            action = old.proposal.action
            action = action.model_copy(update={"arguments": {**action.arguments, "language": language}})
            proposal = old.proposal.model_copy(update={"action": action, "facts": {**old.proposal.facts, "language": language}})
            envelope = old.model_copy(update={**ids, "evidence": evidence, "proposal": proposal})
            given = {"id": ids["action_id"], "case_id": ids["case_id"], "envelope": envelope, "digest": envelope.digest()}
            sealed = first.model_copy(update=given)
            with desk.ledger.transaction() as tx:
                actions.add(tx, sealed.signed(desk.own, LEDGER_KEY) if seal else sealed.model_copy(update={"seal": "forged"}))
            cases.append(ids["case_id"])
        return cases

    return run


def found(desk, **given):
    with desk.ledger.reading() as session:
        at = given.pop("at", desk.ledger.clock.now())
        return drifts(session, desk.worker, given.pop("policy", desk.policy), ROSTER.keyring, at=at, **given)


def certified(desk, **given):
    now = desk.ledger.clock.now()
    one = Certificate(
        id=given.pop("id", "crt_1"), stand=STAND, floor=0.5, target=0.05, bound=0.04, n=100, wrong=1, method=Method.BETTING,
        issued_at=now, expires_at=now + timedelta(days=30), issued_by=LEDGER_KEY,
    )  # fmt: skip
    one = one.model_copy(update={"seal": desk.own.sign(certificates.SEAL, one.statement()), **given})
    with desk.ledger.transaction() as tx:
        certificates.put(tx, one)


def test_a_ledger_with_nothing_has_nothing_to_say(desk):
    assert found(desk) == ()


def test_a_new_kind_of_ticket_warns_and_says_where_to_look(desk, arrive):
    """Three in ten of the newest, as many as are enough to be sure."""
    before = arrive(usual(1, 160))
    newest = arrive(shuffled(1, usual(2, 56), unusual(1, 24)))
    (report,) = found(desk, newest=80, before=160)
    assert (report.stand, report.language, report.newest, report.before, report.missing) == (STAND, "en", 80, 160, 0)
    assert report.warns
    assert report.p < 0.001
    assert report.since == desk.ledger.clock.now() - timedelta(minutes=79)
    strange = [one.case_id for one in report.strange]
    assert len(set(strange)) == 5
    assert set(strange) <= set(newest) - set(before)
    assert {one.label for one in report.strange} == {"order_status"}


def test_those_farthest_from_everything_before_are_of_the_new_kind(desk, arrive):
    arrive(usual(1, 60))
    old = arrive(usual(1, 60)[:30])
    new = arrive(unusual(1, 4))
    (report,) = found(desk, newest=34, before=60)
    assert {one.case_id for one in report.strange[:4]} == set(new)
    assert report.strange[4].case_id in old


def test_the_same_traffic_is_calm(desk, arrive):
    arrive(usual(3, 120))
    (report,) = found(desk, newest=40, before=80)
    assert not report.warns
    assert [one.name for one in report.numbers] == ["confidence", "words", "novelty"]
    assert {one.meaning for one in report.numbers} == {"as before"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_the_same_traffic_stays_calm(desk, arrive, seed):
    arrive(usual(100 + seed, 2 * LEAST))
    (report,) = found(desk)
    assert (report.newest, report.before, report.warns) == (LEAST, LEAST, False)


def test_the_same_ledger_gives_the_same_reports(desk, arrive):
    arrive(usual(4, 2 * LEAST))
    first = found(desk)
    assert first[0].p is not None
    assert found(desk) == first


def test_longer_texts_change_a_number(desk, arrive):
    texts = usual(5, 2 * LEAST)
    arrive([*texts[:LEAST], *(" ".join([one] * 3) for one in texts[LEAST:])])
    (report,) = found(desk)
    number = next(one for one in report.numbers if one.name == "words")
    assert number.newest > 2 * number.before
    assert number.meaning == "very different"


@pytest.mark.parametrize(
    ("p", "psi", "meaning"),
    [(0.01, 9.0, "as before"), (0.009, 0.25, "different"), (0.009, 0.26, "very different"), (1.0, 0.0, "as before")],
)
def test_a_number_in_plain_words(p, psi, meaning):
    assert NumberShift(name="words", before=1, newest=2, psi=psi, distance=0.5, p=p).meaning == meaning


def test_too_few_say_how_many_are_missing(desk, arrive):
    arrive(usual(6, 2 * LEAST - 1))
    (report,) = found(desk)
    assert (report.newest, report.before, report.missing) == (LEAST - 1, LEAST, 1)
    assert (report.p, report.distance, report.numbers, report.strange, report.warns) == (None, None, (), (), False)


def test_comparing_next_to_nothing_is_refused(desk):
    with pytest.raises(BadInput, match="29 texts against 400"):
        found(desk, newest=29)


def test_what_came_since_the_certificate_is_held_against_what_it_rests_on(desk, arrive, clock):
    arrive(usual(7, 40))
    certified(desk)
    since = clock.now()
    arrive(usual(8, 35))
    (report,) = found(desk)
    assert (report.certificate, report.before, report.newest) == ("crt_1", 40, 35)
    assert report.since == since + timedelta(minutes=1)
    (fewer,) = found(desk, newest=30, before=32)
    assert (fewer.certificate, fewer.before, fewer.newest) == ("crt_1", 32, 30)


@pytest.mark.parametrize("given", [{"seal": "forged"}, {"revoked_at": True}])
def test_a_certificate_that_does_not_count_is_no_yardstick(desk, arrive, clock, given):
    arrive(usual(7, 40))
    if "revoked_at" in given:
        certified(desk)
        with desk.ledger.transaction() as tx:
            certificates.revoke(tx, "crt_1", by="lea", why="tried")
    else:
        certified(desk, **given)
    arrive(usual(8, 35))
    (report,) = found(desk)
    assert (report.certificate, report.before, report.newest) == ("", 38, 37)


def test_the_older_half_stands_in_where_too_little_came_since_the_certificate(desk, arrive):
    arrive(usual(7, 50))
    certified(desk)
    arrive(usual(8, 12))
    (report,) = found(desk)
    assert (report.certificate, report.before, report.newest) == ("", 31, 31)


def test_foreign_tickets_are_a_group_of_their_own(desk, arrive):
    texts = usual(9, 2 * LEAST)
    arrive(texts)
    german = [f"Guten Tag, wo bleibt die Lieferung {number}? Wir warten schon seit einer Woche." for number in range(5)]
    arrive(german, language="de")
    de, en = found(desk)
    assert (de.language, de.newest + de.before, de.missing) == ("de", 5, 2 * LEAST - 5)
    assert (en.language, en.newest, en.before, en.missing) == ("en", LEAST, LEAST, 0)


def test_each_slice_of_the_policy_is_a_lane(desk, arrive):
    policy = parse_policy(POLICY.replace("max_error: 0.05", "max_error: 0.05, slices: [language]"), origin="sliced")
    arrive(usual(9, 2))
    arrive(usual(9, 2), language="de")
    assert [one.stand.slice for one in found(desk, policy=policy)] == ["language=de", "language=en"]


def test_what_was_not_sealed_as_it_stands_is_left_out(desk, arrive):
    arrive(usual(10, 2 * LEAST))
    arrive(unusual(10, 20), seal=False)
    with desk.ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("update action set digest = 'other' where id in (select min(id) from action)"))
    (report,) = found(desk)
    assert (report.newest + report.before, report.missing) == (2 * LEAST - 1, 1)


def test_erased_texts_are_left_out(desk):
    for number in range(3):
        desk.open(f"T-{number}", "order_status", requester=f"jo{number}@else.example", customer_id=None)
    desk.work()
    assert found(desk)[0].missing == 2 * LEAST - 3
    with desk.ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("update case_ set state = 'closed'"))
    with desk.ledger.transaction() as tx:
        erasure.erase(tx, privacy.subject(tx.session, ["T-1"]), by="ana", reason="asked")
    (report,) = found(desk)
    assert report.missing == 2 * LEAST - 2


def test_looking_changes_nothing(desk, arrive):
    arrive(usual(1, LEAST))
    certified(desk)
    arrive(unusual(1, LEAST))
    with desk.ledger.reading() as session:
        before = certificates.listed(session), certificates.trials(session)
    (report,) = found(desk)
    assert report.warns
    with desk.ledger.reading() as session:
        assert (certificates.listed(session), certificates.trials(session)) == before


def test_no_text_of_anybody_is_in_a_report(desk, arrive):
    arrive(usual(1, LEAST))
    new = arrive(unusual(1, LEAST))
    (report,) = found(desk)
    told = report.model_dump_json()
    assert new[-1][:5] in told
    assert not any(one[:25] in told for one in [*usual(1, LEAST), *unusual(1, LEAST)])


def test_without_the_encoder_meaning_is_not_compared_and_that_is_said(desk, arrive, monkeypatch):
    arrive(usual(1, LEAST))
    arrive(unusual(1, LEAST))
    desk.worker = desk.worker.with_brain(brain().in_tier("ngrams"))
    monkeypatch.setattr("shiftlead.agents.encoder._loaded", [])
    monkeypatch.setattr("shiftlead.agents.encoder.WEIGHTS_PACKAGE", "no_such_package")
    (report,) = found(desk)
    assert "weights are not installed" in report.skipped
    assert (report.p, report.warns, len(report.numbers)) == (None, False, 3)
