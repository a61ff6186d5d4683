"""Brains: one works, at most one answers beside it, and only what somebody signed for is put to work, once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from shiftlead.core import brains
from shiftlead.core.brains import PURPOSE, BrainVersion, Role, Shadow, SignOff
from shiftlead.core.errors import BadInput, Conflict, LedgerError, NotFound
from shiftlead.core.keys import LEDGER_KEY, Keyring, Signer
from shiftlead.core.outcomes import LONGEST_LABEL
from shiftlead.core.store import Ledger

ANA, BEN, LEDGER = Signer.fresh("ana"), Signer.fresh("ben"), Signer.fresh(LEDGER_KEY)
RING = Keyring.of([ANA, BEN, LEDGER])
EVIDENCE = {"comparison": {"better": 31, "worse": 12}, "certificate": "cer_1"}


def folder(number):
    return bytes(range(256)) * 50 + f"brain {number}".encode()


def version(number, *, at, worker="triage", **fields):
    digest = hashlib.sha256(f"{worker} {number}".encode()).hexdigest()
    given = {
        "digest": digest, "worker": worker, "task": "intent", "name": f"{worker}-{digest[:12]}", "made_at": at, "made_by": "ana",
        "content": hashlib.sha256(folder(number)).hexdigest(), "card": {"labels": ["refund", "Größe"], "scores": {"f1": 1 / 3}},
    }  # fmt: skip
    return BrainVersion(**(given | fields))


def add(ledger, number, **fields):
    made = version(number, at=ledger.clock.now(), **fields)
    with ledger.transaction() as tx:
        brains.add(tx, made, folder(number))
    return made


def signed(made, *, at, replaces="", signer=ANA, reason="it is better"):
    """`made` with one more signature under it, and the ledger's own beside."""
    unsigned = SignOff(by=signer.name, role="lead", at=at, reason=reason, replaces=replaces, evidence=EVIDENCE)
    said = made.statement(unsigned)
    sign_off = unsigned.model_copy(update={"signature": signer.sign(PURPOSE, said), "entered": LEDGER.sign(PURPOSE, said)})
    return made.model_copy(update={"signed": (*made.signed, sign_off)})


def promote(ledger, made, *, replaces="", word="promoted", **how):
    ready = signed(made, at=ledger.clock.now(), replaces=replaces, **how)
    with ledger.transaction() as tx:
        brains.promote(tx, ready, word=word)
    return find(ledger, made.digest)


def challenge(ledger, made):
    with ledger.transaction() as tx:
        brains.challenge(tx, made, by="ana")


def retire(ledger, made, by="ben"):
    with ledger.transaction() as tx:
        brains.retire(tx, made, by=by, reason="drift")


def find(ledger, beginning, **how):
    with ledger.reading() as session:
        return brains.find(session, beginning, **how)


def history(ledger, **how):
    with ledger.reading() as session:
        return brains.history(session, **how)


def roles(ledger):
    """The roles, which both ways to ask agree about."""
    with ledger.reading() as session:
        found = brains.roles(session)
        for worker in ("triage", "returns"):
            for role, one in ((Role.CHAMPION, brains.champion), (Role.CHALLENGER, brains.challenger)):
                kept = one(session, worker)
                assert found.get((worker, role)) == (kept.digest if kept else None)
    return found


def packed(ledger, made):
    with ledger.reading() as session:
        return brains.packed(session, made.digest)


def edited(ledger, statement, **values):
    with ledger.engine.begin() as connection:
        connection.execute(text(statement), values)


# The store


def test_a_version_comes_back_as_it_was_made_and_does_nothing(ledger):
    made = add(ledger, 1)
    assert find(ledger, made.digest) == made
    assert packed(ledger, made) == folder(1)
    assert made.role is Role.CANDIDATE
    assert roles(ledger) == {}
    (event,) = ledger.events()
    assert (event.kind, event.actor, event.data["brain"], event.data["worker"]) == ("brain.added", "ana", made.digest, "triage")


def test_a_version_is_found_by_the_beginning_of_its_digest_or_name(ledger):
    made = add(ledger, 1)
    add(ledger, 2, worker="returns")
    assert find(ledger, made.digest[:8]) == find(ledger, made.name) == find(ledger, "triage-") == made
    for nobody in ("", "zzz"):
        with pytest.raises(NotFound):
            find(ledger, nobody)
    with pytest.raises(NotFound):
        find(ledger, made.digest, worker="returns")
    add(ledger, 3)
    with pytest.raises(NotFound, match="is the only one that begins so"):
        find(ledger, "triage-")


def test_versions_are_listed_by_worker_the_newest_first(ledger, clock):
    first = add(ledger, 1)
    clock.advance(timedelta(hours=1))
    second, other = add(ledger, 2), add(ledger, 3, worker="returns")
    assert history(ledger, worker="triage") == [second, first]
    assert {one.digest for one in history(ledger)} == {first.digest, second.digest, other.digest}
    assert history(ledger, worker="nobody") == []


@pytest.mark.parametrize("worker", ["triage", "returns"])
def test_a_version_is_known_once(ledger, worker):
    made = add(ledger, 1)
    with pytest.raises(Conflict, match="triage has it as candidate"), ledger.transaction() as tx:
        brains.add(tx, made.model_copy(update={"worker": worker}), folder(1))
    assert history(ledger) == [made]
    assert len(ledger.events()) == 1


def test_a_folder_that_is_not_the_versions_is_refused(ledger, clock):
    with pytest.raises(BadInput, match="not that of"), ledger.transaction() as tx:
        brains.add(tx, version(1, at=clock.now()), folder(2))
    assert history(ledger) == []


@pytest.mark.parametrize("role", [Role.CHALLENGER, Role.CHAMPION, Role.RETIRED])
def test_nothing_begins_at_work(ledger, clock, role):
    with pytest.raises(BadInput, match="cannot begin"), ledger.transaction() as tx:
        brains.add(tx, version(1, at=clock.now(), role=role), folder(1))
    assert history(ledger) == []


def test_nothing_begins_with_a_signature(ledger, clock):
    with pytest.raises(BadInput, match="cannot begin"), ledger.transaction() as tx:
        brains.add(tx, signed(version(1, at=clock.now()), at=clock.now()), folder(1))
    assert history(ledger) == []


def test_a_damaged_folder_is_not_handed_out(ledger):
    made, whole = add(ledger, 1), add(ledger, 2)
    edited(ledger, "update brain set packed = :packed where digest = :digest", packed=folder(1)[:-1], digest=made.digest)
    with pytest.raises(Conflict, match="is damaged"):
        packed(ledger, made)
    assert packed(ledger, whole) == folder(2)


def test_a_folder_of_nobody_is_named(ledger):
    with ledger.reading() as session, pytest.raises(NotFound, match="ffffffffffff"):
        brains.packed(session, "f" * 64)


@pytest.mark.parametrize("column", ["card", "signed", "role"])
def test_a_damaged_row_is_told_of(ledger, column):
    made = add(ledger, 1)
    edited(ledger, f"update brain set {column} = 'no JSON'")
    with pytest.raises(LedgerError, match=f"{made.digest[:12]} in the ledger is damaged"):
        history(ledger)


# Who works, and who answers beside


def test_a_signed_version_works_until_another_takes_its_place(ledger, clock):
    first, second = add(ledger, 1), add(ledger, 2)
    first = promote(ledger, first)
    assert (first.role, first.signed[-1].by, first.signed[-1].evidence) == (Role.CHAMPION, "ana", EVIDENCE)
    assert roles(ledger) == {("triage", Role.CHAMPION): first.digest}
    clock.advance(timedelta(days=1))
    second = promote(ledger, second, replaces=first.digest, signer=BEN)
    assert roles(ledger) == {("triage", Role.CHAMPION): second.digest}
    assert find(ledger, first.digest).role is Role.RETIRED
    event = ledger.events()[-1]
    assert (event.kind, event.actor, event.data["replaces"]) == ("brain.promoted", "ben", first.digest)
    assert (event.data["signature"], event.data["evidence"]) == (second.signed[-1].signature, EVIDENCE)


def test_rolling_back_is_putting_to_work_again_and_keeps_every_signature(ledger, clock):
    first, second = add(ledger, 1), add(ledger, 2)
    first = promote(ledger, first)
    second = promote(ledger, second, replaces=first.digest)
    clock.advance(timedelta(hours=1))
    first = promote(ledger, find(ledger, first.digest), replaces=second.digest, word="rolled_back", signer=BEN, reason="drift")
    assert roles(ledger) == {("triage", Role.CHAMPION): first.digest}
    assert [(one.by, one.replaces) for one in first.signed] == [("ana", ""), ("ben", second.digest)]
    assert first.rightful(RING)
    assert ledger.events()[-1].kind == "brain.rolled_back"


def test_the_shipped_brain_works_again_where_the_last_is_retired(ledger):
    made = promote(ledger, add(ledger, 1))
    retire(ledger, made)
    assert roles(ledger) == {}
    assert find(ledger, made.digest).role is Role.RETIRED
    event = ledger.events()[-1]
    assert (event.kind, event.actor, event.data["brain"], event.data["replaces"]) == (
        "brain.rolled_back",
        "ben",
        "",
        made.digest,
    )
    with pytest.raises(Conflict, match="not at work any more"):
        retire(ledger, made)


def test_one_version_answers_beside_the_one_at_work(ledger):
    first, second, third = (add(ledger, number) for number in (1, 2, 3))
    promote(ledger, first)
    challenge(ledger, second)
    assert roles(ledger) == {("triage", Role.CHAMPION): first.digest, ("triage", Role.CHALLENGER): second.digest}
    challenge(ledger, third)
    assert roles(ledger)["triage", Role.CHALLENGER] == third.digest
    assert find(ledger, second.digest).role is Role.CANDIDATE
    promote(ledger, find(ledger, third.digest), replaces=first.digest)
    assert roles(ledger) == {("triage", Role.CHAMPION): third.digest}


def test_workers_have_their_brains_apart(ledger):
    triage, returns = add(ledger, 1), add(ledger, 2, worker="returns")
    promote(ledger, triage)
    promote(ledger, returns)
    challenge(ledger, add(ledger, 3))
    assert set(roles(ledger)) == {("triage", Role.CHAMPION), ("returns", Role.CHAMPION), ("triage", Role.CHALLENGER)}
    retire(ledger, returns)
    assert set(roles(ledger)) == {("triage", Role.CHAMPION), ("triage", Role.CHALLENGER)}


def refused(ledger, error, match, work):
    """`work` is refused, and leaves nothing."""
    before, told = history(ledger), len(ledger.events())
    with pytest.raises(error, match=match):
        work()
    assert (history(ledger), len(ledger.events())) == (before, told)


def test_what_nobody_signed_is_not_put_to_work(ledger):
    made = add(ledger, 1)

    def unsigned():
        with ledger.transaction() as tx:
            brains.promote(tx, made)

    refused(ledger, BadInput, "Nobody has signed", unsigned)


def test_what_works_is_neither_put_to_work_again_nor_beside_itself(ledger):
    made = promote(ledger, add(ledger, 1))
    refused(ledger, Conflict, "at work already", lambda: promote(ledger, made, replaces=made.digest))
    refused(ledger, Conflict, "at work itself", lambda: challenge(ledger, made))


@pytest.mark.parametrize("replaces", ["", "f" * 64])
def test_who_signed_against_another_brain_than_the_one_at_work_signs_again(ledger, replaces):
    promote(ledger, add(ledger, 1))
    second = add(ledger, 2)
    refused(ledger, Conflict, "put to work meanwhile", lambda: promote(ledger, second, replaces=replaces))


def test_no_signature_is_lost_to_somebody_who_read_before_it_was_given(ledger):
    stale, other = add(ledger, 1), add(ledger, 2)
    promote(ledger, stale)
    promote(ledger, other, replaces=stale.digest)
    refused(ledger, Conflict, "signed by somebody else", lambda: promote(ledger, stale, replaces=other.digest))


def test_letting_a_version_answer_beside_keeps_what_was_signed(ledger):
    stale = add(ledger, 1)
    retire(ledger, promote(ledger, stale))
    challenge(ledger, stale)
    assert [one.by for one in find(ledger, stale.digest).signed] == ["ana"]


def test_only_the_one_at_work_is_taken_from_it(ledger):
    first, second = add(ledger, 1), add(ledger, 2)
    promote(ledger, first)
    promote(ledger, second, replaces=first.digest)
    refused(ledger, Conflict, "not at work any more", lambda: retire(ledger, first))


@pytest.mark.parametrize("work", [promote, challenge, retire])
def test_a_version_that_is_not_this_workers_is_refused(ledger, work):
    at_work = promote(ledger, add(ledger, 1))
    unknown = version(9, at=ledger.clock.now())
    refused(ledger, NotFound, "triage has no brain", lambda: work(ledger, unknown))
    borrowed = add(ledger, 2, worker="returns").model_copy(update={"worker": "triage"})
    refused(ledger, NotFound, "triage has no brain", lambda: work(ledger, borrowed))
    assert roles(ledger) == {("triage", Role.CHAMPION): at_work.digest}


# Who answers for it


@pytest.mark.parametrize("field", sorted(SignOff.model_fields))
def test_a_changed_signature_answers_for_nothing(ledger, clock, field):
    made = promote(ledger, add(ledger, 1))
    assert made.rightful(RING)
    other = {
        "by": "ben", "role": "clerk", "at": clock.now() + timedelta(seconds=1), "reason": "no reason", "replaces": "f" * 64,
        "evidence": {}, "signature": "", "entered": "",
    }  # fmt: skip
    last = made.signed[-1].model_copy(update={field: other[field]})
    assert not made.model_copy(update={"signed": (last,)}).rightful(RING)


@pytest.mark.parametrize("field", ["digest", "worker", "task", "content"])
def test_a_signature_is_for_this_brain_and_this_worker_only(ledger, field):
    made = promote(ledger, add(ledger, 1))
    assert not made.model_copy(update={field: "another"}).rightful(RING)


def test_whoever_is_not_trusted_answers_for_nothing(ledger):
    made = promote(ledger, add(ledger, 1), signer=Signer.fresh("eve"))
    assert not made.rightful(RING)
    assert not made.model_copy(update={"signed": ()}).rightful(RING)
    assert made.rightful(None), "an installation without signatures asks for none"


def test_nobody_puts_a_brain_to_work_past_the_ledger(ledger):
    """Their own signature is theirs to give; that they may is what the ledger's says."""
    made = promote(ledger, add(ledger, 1))
    (last,) = made.signed
    by_themselves = last.model_copy(update={"entered": last.signature})
    assert not made.model_copy(update={"signed": (by_themselves,)}).rightful(RING)
    unsigned = last.model_copy(update={"signature": last.entered})
    assert not made.model_copy(update={"signed": (unsigned,)}).rightful(RING)
    alone = last.model_copy(update={"entered": ""})
    assert made.model_copy(update={"signed": (alone,)}).rightful(Keyring.of([ANA])), "where the ledger has no key of its own"


def test_an_edited_row_is_not_rightful(ledger):
    made = add(ledger, 1)
    edited(ledger, "update brain set role = 'champion'")
    assert not find(ledger, made.digest).rightful(RING)
    edited(ledger, "update brain set role = 'candidate'")
    promote(ledger, made)
    content = hashlib.sha256(folder(2)).hexdigest()
    edited(ledger, "update brain set packed = :packed, content = :content", packed=folder(2), content=content)
    assert packed(ledger, made) == folder(2), "the folder is whole, but it is another one"
    assert not find(ledger, made.digest).rightful(RING)


# Many at once


def at_once(each, work):
    """What `work` answers or raises for each, in threads that start at one moment."""
    start = Barrier(len(each))

    def run(one):
        start.wait()
        try:
            return work(one)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(len(each)) as pool:
        return list(pool.map(run, each))


@pytest.fixture
def many(ledger_url, clock):
    """A ledger per process, as it were: each has its own connections."""
    opened = [Ledger.create(ledger_url, clock=clock) for _ in range(4)]
    yield opened
    for one in opened:
        one.close()


def test_of_several_who_put_one_to_work_at_once_one_does(many):
    made = [add(many[0], number) for number in range(4)]
    found = at_once(range(4), lambda number: promote(many[number], made[number]))
    (winner,) = [number for number, one in enumerate(found) if not isinstance(one, Conflict)]
    assert roles(many[0]) == {("triage", Role.CHAMPION): made[winner].digest}
    assert [one.kind for one in many[0].events()].count("brain.promoted") == 1
    assert sorted(one.role for one in history(many[0])) == [Role.CANDIDATE] * 3 + [Role.CHAMPION]


def test_of_several_who_put_the_same_to_work_at_once_one_signs_for_it(many):
    made = add(many[0], 1)
    found = at_once(many, lambda ledger: promote(ledger, made))
    assert [type(one) for one in found].count(Conflict) == 3
    assert len(find(many[0], made.digest).signed) == 1


def test_who_rolls_back_while_another_is_put_to_work_never_takes_that_one_from_it(many):
    first, second = add(many[0], 1), add(many[0], 2)
    first = promote(many[0], first)

    def work(number):
        if number:
            return promote(many[1], second, replaces=first.digest)
        return retire(many[0], first)

    taken, put = at_once([0, 1], work)
    expected = {} if taken is None else {("triage", Role.CHAMPION): second.digest}
    assert isinstance(taken, Conflict) != isinstance(put, Conflict), "one of them was first, and the other is told"
    assert roles(many[0]) == expected
    assert many[0].verify() == []


def test_however_many_are_named_at_once_one_answers_beside(many):
    made = [add(many[0], number) for number in range(4)]
    assert at_once(range(4), lambda number: challenge(many[number], made[number])) == [None] * 4
    assert sorted(one.role for one in history(many[0])) == [Role.CANDIDATE] * 3 + [Role.CHALLENGER]
    last = many[0].events()[-1].data["brain"]
    assert roles(many[0]) == {("triage", Role.CHALLENGER): last}


def test_of_several_who_add_the_same_at_once_one_does(many):
    found = at_once(many, lambda ledger: add(ledger, 1))
    assert [type(one) for one in found].count(Conflict) == 3
    assert len(history(many[0])) == 1


# What a challenger would have said


def shadow(number, *, at, brain="f" * 64, **fields):
    given = {"case_id": f"case_{number}", "brain": brain, "label": "refund", "confidence": 1 / 3, "at": at}
    return Shadow(**(given | fields))


def keep(ledger, *given):
    with ledger.transaction() as tx:
        for one in given:
            brains.keep_shadow(tx, one)


def shadows(ledger, brain="f" * 64):
    with ledger.reading() as session:
        return brains.shadows(session, brain)


def test_what_a_challenger_said_comes_back_the_oldest_first(ledger, clock):
    now = clock.now()
    late, early, same = shadow(1, at=now), shadow(3, at=now - timedelta(days=1)), shadow(2, at=now, label="")
    other = shadow(1, at=now, brain="e" * 64)
    keep(ledger, late, early, same, other)
    assert shadows(ledger) == [early, late, same]
    assert shadows(ledger, "e" * 64) == [other]


def test_the_first_word_about_a_case_counts(ledger, clock):
    first = shadow(1, at=clock.now())
    keep(ledger, first, shadow(1, at=clock.now() + timedelta(hours=1), label="damage", confidence=1.0))
    assert shadows(ledger) == [first]


@pytest.mark.parametrize(
    "wrong",
    [{"confidence": 1.1}, {"confidence": -0.1}, {"confidence": float("nan")}, {"label": "x" * (LONGEST_LABEL + 1)}],
    ids=lambda one: str(one)[:40],
)
def test_what_cannot_be_said_is_refused(clock, wrong):
    with pytest.raises(ValidationError):
        shadow(1, at=clock.now(), **wrong)
