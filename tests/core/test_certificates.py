"""Certificates: only what its issuer signed, for exactly this stand, within its time and not revoked, opens anything."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text

from shiftlead.core import certificates
from shiftlead.core.certificates import PURPOSE, SEAL, Certificate, Method, tightest
from shiftlead.core.errors import Conflict, LedgerError, NotFound
from shiftlead.core.keys import LEDGER_KEY, Keyring, Signer
from shiftlead.core.outcomes import Stand
from shiftlead.core.store import Ledger

STAND = Stand(worker="triage", kind="ticket.route", slice="language=en", brain="embedded@1+triage-0f3a")
OTHERS = [{"worker": "returns"}, {"kind": "ticket.reply"}, {"slice": ""}, {"brain": "embedded@1+triage-ffff"}]
LEDGER, ANA = Signer.fresh(LEDGER_KEY), Signer.fresh("ana")
RING = Keyring.of([LEDGER, ANA])
INSTANT = timedelta(microseconds=1)
MONTH = timedelta(days=30)


def certificate(number=1, *, at, signer=LEDGER, **fields):
    given = {
        "id": f"cer_{number}", "stand": STAND, "floor": 0.9, "target": 0.02, "bound": 0.1 * 0.15, "n": 400, "wrong": 1,
        "method": Method.BETTING, "scope": "cases like those of August", "out_of_scope_share": 0.01, "share": 0.4,
        "issued_at": at,
        "expires_at": at + MONTH, "issued_by": signer.name,
    }  # fmt: skip
    made = Certificate(**(given | fields))
    said = made.statement()
    return made.model_copy(update={"signature": signer.sign(PURPOSE, said), "seal": LEDGER.sign(SEAL, said)})


def put(ledger, *given):
    with ledger.transaction() as tx:
        for one in given:
            certificates.put(tx, one)


def revoke(ledger, certificate_id="cer_1", by="ana", why="drift"):
    with ledger.transaction() as tx:
        certificates.revoke(tx, certificate_id, by=by, why=why)


def valid(ledger, at, stand=STAND):
    with ledger.reading() as session:
        return certificates.valid(session, stand, at=at)


def listed(ledger, **how):
    with ledger.reading() as session:
        return certificates.listed(session, **how)


def get(ledger, certificate_id="cer_1"):
    with ledger.reading() as session:
        return certificates.get(session, certificate_id)


def at_once(number, work):
    """What `work` answers or raises in threads that start at one moment."""
    start = Barrier(number)

    def run(one):
        start.wait()
        try:
            return work(one)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


# The store


@pytest.mark.parametrize("method", Method)
def test_a_certificate_comes_back_as_it_was_issued(ledger, clock, method):
    given = certificate(at=clock.now(), method=method, floor=1 / 3)
    put(ledger, given)
    assert get(ledger) == given
    assert valid(ledger, clock.now()) == listed(ledger) == (given,)
    assert get(ledger).genuine(RING)


def test_the_audit_chain_tells_all_that_was_promised_and_why_it_ended(ledger, clock):
    given = certificate(at=clock.now())
    put(ledger, given)
    revoke(ledger)
    issued, revoked = ledger.events()
    assert (issued.kind, issued.actor, issued.data["certificate"]) == ("certificate.issued", LEDGER_KEY, "cer_1")
    said = json.loads(issued.data["statement"])
    assert (said["bound"], said["floor"], said["stand"]["brain"]) == (given.bound, given.floor, STAND.brain)
    assert (revoked.kind, revoked.actor, revoked.data) == (
        "certificate.revoked",
        "ana",
        {"certificate": "cer_1", "reason": "drift"},
    )
    assert ledger.verify() == []


def test_an_id_is_taken_once(ledger, clock):
    first = certificate(at=clock.now())
    put(ledger, first)
    with pytest.raises(Conflict, match="cer_1"):
        put(ledger, certificate(at=clock.now(), bound=0.001))
    assert get(ledger) == first
    assert len(ledger.events()) == 1


def test_an_unknown_id_is_named(ledger):
    with pytest.raises(NotFound, match="cer_9"):
        get(ledger, "cer_9")


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_certificate_is_about_one_stand_only(ledger, clock, other):
    put(ledger, certificate(at=clock.now()))
    assert valid(ledger, clock.now(), STAND.model_copy(update=other)) == ()


def test_the_tightest_comes_first_and_among_equals_the_one_that_reaches_lowest(ledger, clock):
    now = clock.now()
    loose, tight = certificate(1, at=now, bound=0.05), certificate(2, at=now, bound=0.01)
    low, high = certificate(3, at=now, bound=0.02, floor=0.7), certificate(4, at=now, bound=0.02, floor=0.8)
    put(ledger, loose, high, tight, low)
    assert valid(ledger, now) == (tight, low, high, loose)


def test_lists_are_by_worker_and_kind_newest_first(ledger, clock):
    now = clock.now()
    old, new = certificate(1, at=now), certificate(2, at=now + INSTANT)
    other = certificate(3, at=now, stand=STAND.model_copy(update={"worker": "returns"}))
    reply = certificate(4, at=now, stand=STAND.model_copy(update={"kind": "ticket.reply"}))
    put(ledger, old, new, other, reply)
    revoke(ledger, "cer_1")
    assert [one.id for one in listed(ledger)] == ["cer_2", "cer_1", "cer_3", "cer_4"]
    assert [one.id for one in listed(ledger, worker="triage", kind="ticket.route")] == ["cer_2", "cer_1"]
    assert [one.id for one in listed(ledger, worker="triage", ended=False)] == ["cer_2", "cer_4"]
    assert listed(ledger, worker="nobody") == ()


# Its time


@pytest.mark.parametrize(
    ("after", "counts"),
    [(-INSTANT, False), (0 * INSTANT, True), (MONTH - INSTANT, True), (MONTH, False), (timedelta(days=4000), False)],
    ids=["before it begins", "from its first moment", "until its last", "not at its end", "not ever after"],
)
def test_it_counts_from_its_beginning_until_before_its_end(ledger, clock, after, counts):
    given = certificate(at=clock.now())
    put(ledger, given)
    moment = clock.now() + after
    assert given.valid_at(moment) is counts
    assert valid(ledger, moment) == ((given,) if counts else ())


def test_what_is_revoked_counts_no_more_and_says_why(ledger, clock):
    put(ledger, certificate(1, at=clock.now()), certificate(2, at=clock.now()))
    clock.advance(timedelta(days=1))
    revoke(ledger, why="a new reorganisation of the queues")
    assert [one.id for one in valid(ledger, clock.now())] == ["cer_2"]
    ended = get(ledger)
    assert (ended.revoked_at, ended.revoked_by, ended.why) == (clock.now(), "ana", "a new reorganisation of the queues")
    assert not ended.valid_at(clock.now())
    assert ended.genuine(RING), "it was really issued, and really ended"


@pytest.mark.parametrize("which", ["cer_1", "cer_9"], ids=["twice", "never issued"])
def test_what_does_not_count_cannot_be_revoked(ledger, clock, which):
    put(ledger, certificate(at=clock.now()))
    revoke(ledger)
    clock.advance(timedelta(hours=1))
    told = len(ledger.events())
    with pytest.raises(Conflict, match=which):
        revoke(ledger, which, by="ben", why="me too")
    assert get(ledger).revoked_by == "ana"
    assert len(ledger.events()) == told


def test_of_many_who_revoke_at_once_one_does(ledger_url, clock):
    ledger = Ledger.create(ledger_url, clock=clock)
    put(ledger, certificate(at=clock.now()))
    found = at_once(5, lambda one: revoke(ledger, by=f"op{one}"))
    assert [type(one) for one in found if one is not None] == [Conflict] * 4
    (event,) = [one for one in ledger.events() if one.kind == "certificate.revoked"]
    assert get(ledger).revoked_by == event.actor == f"op{found.index(None)}"
    ledger.close()


# Genuineness

TAMPERED = {
    "id": "cer_2", "stand": STAND.model_copy(update={"slice": ""}), "floor": 0.5, "target": 0.5, "bound": 0.001, "confidence": 0.99,
    "n": 4000, "wrong": 0, "method": Method.BATCH, "scope": "all cases", "out_of_scope_share": 0.0, "share": 0.9,
    "issued_by": LEDGER_KEY, "system": "company", "rules": "of another policy", "seal": "",
}  # fmt: skip


@pytest.mark.parametrize("field", sorted(Certificate.model_fields))
def test_what_its_issuer_did_not_sign_is_not_genuine(clock, field):
    given = certificate(at=clock.now(), signer=ANA)
    moved = {"issued_at": given.issued_at - MONTH, "expires_at": given.expires_at + MONTH, "signature": ""}
    ended = {"revoked_at": clock.now(), "revoked_by": "ana", "why": "drift"}
    other = given.model_copy(update={field: (TAMPERED | moved | ended)[field]})
    assert other != given
    assert other.genuine(RING) is (field in ended), "the end that came before its time is not part of what was signed"


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_certificate_of_another_stand_cannot_be_borrowed(clock, other):
    given = certificate(at=clock.now())
    assert not given.model_copy(update={"stand": STAND.model_copy(update=other)}).genuine(RING)


def test_a_signature_counts_for_its_purpose_its_signer_and_a_ring_that_trusts_them(clock):
    given = certificate(at=clock.now(), signer=ANA)
    assert given.genuine(RING)
    assert not given.genuine(Keyring.of([LEDGER]))
    assert not given.genuine(Keyring())
    for_something_else = given.model_copy(update={"signature": ANA.sign("decision", given.statement())})
    assert not for_something_else.genuine(RING)
    by_another = given.model_copy(update={"signature": LEDGER.sign(PURPOSE, given.statement())})
    assert not by_another.genuine(RING)


def test_where_the_installation_uses_no_signatures_none_is_asked_for(clock):
    assert certificate(at=clock.now()).model_copy(update={"signature": ""}).genuine(None)


@pytest.mark.parametrize(
    "edit",
    [
        "update certificate set terms = replace(terms, '0.02', '0.9')",
        "update certificate set terms = replace(terms, '0.9,', '0.1,')",
        "update certificate set issued_by = 'ana'",
        "update certificate set brain = 'mine'",
        "update certificate set slice = ''",
    ],
)
def test_an_edited_row_opens_nothing(ledger, clock, edit):
    put(ledger, certificate(at=clock.now()))
    with ledger.engine.begin() as connection:
        connection.execute(text(edit))
    (row,) = listed(ledger)
    found = valid(ledger, clock.now(), row.stand)
    assert found == (row,)
    assert tightest(found, 0.99, RING) is None


@pytest.mark.parametrize("terms", ["", "no JSON", "[]", "{}", '{"floor": NaN}', '{"id": "cer_2"}'])
def test_a_damaged_row_counts_as_none_and_is_told_of(ledger, clock, terms):
    whole = certificate(2, at=clock.now())
    put(ledger, certificate(at=clock.now()), whole)
    with ledger.engine.begin() as connection:
        connection.execute(text("update certificate set terms = :terms where id = 'cer_1'"), {"terms": terms})
    assert valid(ledger, clock.now()) == (whole,)
    for read in (get, listed):
        with pytest.raises(LedgerError, match="'cer_1' in the ledger is damaged"):
            read(ledger)


def test_a_number_that_is_none_counts_as_damage(ledger, clock):
    put(ledger, certificate(at=clock.now()))
    with ledger.engine.begin() as connection:
        connection.execute(text("update certificate set terms = replace(terms, '0.9,', 'NaN,')"))
    assert valid(ledger, clock.now()) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            {name: bad}
            for name in ("floor", "bound", "out_of_scope_share", "target", "confidence")
            for bad in (-0.1, float("nan"))
        ),
        *({name: bad} for name in ("target", "confidence", "bound", "out_of_scope_share") for bad in (1.0, float("inf"))),
        {"floor": 1.1},
        {"target": 0.0},
        {"confidence": 0.0},
        {"n": -1},
        {"wrong": -1},
        {"wrong": 401},
        {"method": "guess"},
        {"expires_at": "2026-09-15T09:00:00Z"},
        {"expires_at": "2026-09-14T09:00:00Z"},
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_cannot_be_promised_is_refused(clock, wrong):
    with pytest.raises(ValidationError):
        certificate(at=clock.now(), **wrong)


# Which one covers an action


def test_the_tightest_that_covers_an_action_is_the_one_it_stands_on(clock):
    low = certificate(1, at=clock.now(), floor=0.7, bound=0.05)
    high = certificate(2, at=clock.now(), floor=0.9, bound=0.01)
    forged = certificate(3, at=clock.now(), floor=0.0, bound=0.0, signer=Signer.fresh("eve"))
    known = [forged, low, high]
    assert tightest(known, 0.95, RING) == high
    assert tightest(known, 0.9, RING) == high, "the floor itself is covered"
    assert tightest(known, 0.8999999, RING) == low
    assert tightest(known, 0.6999999, RING) is None
    assert tightest(known, 0.5, None) == forged, "without signatures nothing is forged"
    assert tightest([], 1.0, RING) is None


@pytest.mark.parametrize("confidence", [None, float("nan")])
def test_who_does_not_say_how_sure_they_are_is_covered_by_nothing(clock, confidence):
    assert tightest([certificate(at=clock.now(), floor=0.0)], confidence, None) is None


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1, exclude_max=True)), max_size=6),
    st.floats(0, 1),
)
def test_no_other_that_covers_it_is_tighter(terms, confidence):
    at = datetime(2026, 9, 15, tzinfo=UTC)
    known = [_unsigned(number, at, floor, bound) for number, (floor, bound) in enumerate(terms)]
    covering = [one for one in known if one.floor <= confidence]
    found = tightest(known, confidence, None)
    assert (found is None) == (not covering)
    if found is not None:
        assert found in covering
        assert found.bound == min(one.bound for one in covering)


def _unsigned(number, at, floor, bound):
    return Certificate(
        id=f"cer_{number}", stand=STAND, floor=floor, target=0.02, bound=bound, n=1, wrong=0, method=Method.BATCH, issued_at=at,
        expires_at=at + MONTH, issued_by="ana",
    )  # fmt: skip


# Running tests


def trial(ledger, stand=STAND):
    with ledger.transaction() as tx:
        return certificates.trial(tx, stand)


def keep_trial(ledger, state, stand=STAND):
    with ledger.transaction() as tx:
        certificates.keep_trial(tx, stand, state)


def trials(ledger, **how):
    with ledger.reading() as session:
        return certificates.trials(session, **how)


def test_a_test_goes_on_where_it_was_left(ledger):
    assert trial(ledger) == ""
    long = json.dumps({"wealth": [1 / 3] * 200, "words": "Größe"}, ensure_ascii=False)
    assert len(long) > 4000
    for state in ('{"n":1}', long, '{"n":2}'):
        keep_trial(ledger, state)
        assert trial(ledger) == state
    assert trials(ledger) == ((STAND, '{"n":2}'),)


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_each_stand_has_a_test_of_its_own(ledger, other):
    elsewhere = STAND.model_copy(update=other)
    keep_trial(ledger, "ours")
    assert trial(ledger, elsewhere) == ""
    keep_trial(ledger, "theirs", elsewhere)
    assert (trial(ledger), trial(ledger, elsewhere)) == ("ours", "theirs")
    assert dict(trials(ledger)) == {STAND: "ours", elsewhere: "theirs"}
    assert dict(trials(ledger, worker="triage")) == {one: state for one, state in trials(ledger) if one.worker == "triage"}


def test_a_test_that_failed_halfway_stays_where_it_was(ledger):
    keep_trial(ledger, "1")

    def accident():
        with ledger.transaction() as tx:
            certificates.keep_trial(tx, STAND, "2")
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        accident()
    assert trial(ledger) == "1"


def test_no_step_of_a_test_is_lost_however_many_take_one_at_once(ledger_url, clock):
    """Also the first: a row that is not there yet must not be begun twice."""
    ledger = Ledger.create(ledger_url, clock=clock)

    def step(_):
        with ledger.transaction() as tx:
            certificates.keep_trial(tx, STAND, str(int(certificates.trial(tx, STAND) or 0) + 1))

    assert at_once(8, step) == [None] * 8
    assert trial(ledger) == "8"
    ledger.close()


def test_who_revokes_and_who_takes_a_step_never_wait_for_each_other_in_a_circle(ledger_url, clock):
    """A decision revokes what its own test refutes, while a person revokes the same certificate by hand."""
    ledger = Ledger.create(ledger_url, clock=clock)
    put(ledger, *(certificate(number, at=clock.now()) for number in range(6)))

    def work(number):
        for place in range(6):
            with ledger.transaction() as tx:
                if number % 2:
                    certificates.keep_trial(tx, STAND, certificates.trial(tx, STAND) + "x")
                if (place + number) % 3 == 0 and certificates.get(tx.session, f"cer_{place}").revoked_at is None:
                    certificates.revoke(tx, f"cer_{place}", by=f"op{number}", why="drift")
                tx.audit("step", actor=f"op{number}")

    found = at_once(4, work)
    assert all(one is None or isinstance(one, Conflict) for one in found)
    revoked = [one.data["certificate"] for one in ledger.events() if one.kind == "certificate.revoked"]
    assert len(revoked) == len(set(revoked))
    assert ledger.verify() == []
    ledger.close()
