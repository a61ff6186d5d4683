"""The brain at work: looked up for each case in every process, verified before it is used, and never replaced by another in silence."""

import tempfile
from datetime import timedelta

import pytest
from help_desk import LEAD, brain
from sqlalchemy import event

from shiftlead.agents import brain_versions
from shiftlead.agents.promotion import roll_back
from shiftlead.agents.text_worker import envelope_name
from shiftlead.core import brains
from shiftlead.core.brains import Role
from shiftlead.core.case import CaseState
from shiftlead.core.errors import LedgerError, SettingsError

OTHER = 1
"""Makes another brain of other examples."""


def put_to_work(desk, made, **given):
    return desk.put_to_work(brain_versions.add(desk.ledger, desk.worker, made, by="ana"), **given)


def test_the_shipped_brain_works_until_another_one_is_put_to_work(desk):
    assert desk.crew.champions.cast(desk.worker).worker.model is brain()
    version = put_to_work(desk, brain(OTHER))
    playing = desk.crew.champions.cast(desk.worker)
    assert playing.worker.model.digest == version.digest == brain(OTHER).digest
    assert playing.beside is None
    # It is loaded once.
    assert desk.crew.champions.cast(desk.worker).worker is playing.worker


def test_a_case_costs_one_look(desk):
    put_to_work(desk, brain(OTHER))
    desk.open("T-0", "order_status")
    desk.work()
    asked = []
    event.listen(desk.ledger.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for number in range(1, 6):
        desk.open(f"T-{number}", "order_status")
    desk.work()
    assert sum("FROM brain" in " ".join(one.split()) for one in asked) == 5


def test_a_promotion_and_a_rollback_hold_for_the_next_case_in_every_process(desk):
    crews = [desk.crew, desk.new_crew()]
    seen = []
    changes = (
        lambda: None,
        lambda: put_to_work(desk, brain(OTHER)),
        lambda: roll_back(desk.bench, "triage", LEAD, reason="worse"),
    )
    for number, change in enumerate(changes):
        change()
        for at, crew in enumerate(crews):
            ref = f"T-{number}{at}"
            desk.open(ref, "order_status")
            desk.work(crew)
            (intent,) = [one for one in desk.route(ref).envelope.evidence if one.name == "intent"]
            seen.append(intent.note.rpartition(" ")[2])
    first, second = brain().name, brain(OTHER).name
    assert seen == [first, first, second, second, first, first]


def test_which_brain_proposed_stands_in_the_envelope(desk):
    put_to_work(desk, brain(OTHER))
    desk.open("T-1", "order_status")
    desk.work()
    assert desk.route("T-1").envelope.brain == envelope_name(brain(OTHER).name)


def test_where_only_the_lower_tier_can_run_it_works_under_its_own_name_and_says_so(desk, monkeypatch):
    version = put_to_work(desk, brain(OTHER))
    challenger = brain_versions.add(desk.ledger, desk.worker, brain(2), by="ana")
    with desk.ledger.transaction() as tx:
        brains.challenge(tx, challenger, by="ana")

    def missing():
        raise SettingsError("onnxruntime is not installed.")

    monkeypatch.setattr("shiftlead.agents.text_brain.encoder", missing)
    desk.open("T-1", "order_status")
    desk.work()
    envelope = desk.route("T-1").envelope
    lower = brain(OTHER).in_tier("ngrams")
    assert envelope.brain == envelope_name(lower.name) != envelope_name(version.name)
    (intent,) = [one for one in envelope.evidence if one.name == "intent"]
    assert "onnxruntime is not installed" in intent.note
    # What a lower tier says is no word of the challenger that was chosen.
    with desk.ledger.reading() as session:
        assert brains.shadows(session, challenger.digest) == []


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("update brain set packed = x'00' where digest = :digest", "damaged"),
        ("update brain set packed = x'00', content = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d' where digest = :digest", "damaged"),
        ("update brain set signed = '[]' where digest = :digest", "whose signature holds"),
        ("update brain set content = 'f' where digest = :digest", "damaged"),
        ("update brain set signed = replace(signed, 'tried', 'asked') where digest = :digest", "whose signature holds"),
    ],
)  # fmt: skip
def test_what_is_damaged_or_not_signed_is_never_used_and_no_other_steps_in(desk, statement, why, clock):
    version = put_to_work(desk, brain(OTHER))
    desk.sql(statement, digest=version.digest)
    with pytest.raises(LedgerError, match=why) as caught:
        desk.crew.champions.cast(desk.worker)
    assert "rollback --worker triage" in caught.value.hint
    desk.open("T-1", "order_status")
    assert desk.work().failed == 1
    case = desk.case("T-1")
    assert (case.state, case.error.partition(":")[0]) == (CaseState.READY, "LedgerError")
    # Once it is put right, the case goes on where it was.
    roll_back(desk.bench, "triage", LEAD, reason="damaged")
    clock.advance(timedelta(minutes=1))
    assert desk.work().failed == 0
    assert desk.route("T-1").envelope.proposal.labels == ("order_status",)


def test_a_person_gets_the_case_when_the_brain_stays_damaged(desk, clock):
    version = put_to_work(desk, brain(OTHER))
    desk.sql("update brain set packed = x'00' where digest = :digest", digest=version.digest)
    desk.open("T-1", "order_status")
    for _ in range(5):
        desk.work()
        clock.advance(timedelta(hours=1))
    assert desk.case("T-1").state is CaseState.PARKED


def test_nobody_puts_a_brain_to_work_by_their_own_signature_alone(desk):
    put_to_work(desk, brain(OTHER), by="ana", seal=False)
    with pytest.raises(LedgerError, match="whose signature holds"):
        desk.crew.champions.cast(desk.worker)


def test_a_host_that_cannot_even_unpack_the_challenger_goes_on_without_it(desk, monkeypatch, tmp_path):
    version = brain_versions.add(desk.ledger, desk.worker, brain(OTHER), by="ana")
    with desk.ledger.transaction() as tx:
        brains.challenge(tx, version, by="ana")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    cast = desk.new_crew().champions.cast(desk.worker)
    assert (cast.worker.model, cast.beside, cast.problem) == (brain(), None, "FileNotFoundError")


def test_a_challenger_that_cannot_be_used_leaves_the_brain_at_work_alone(desk):
    version = brain_versions.add(desk.ledger, desk.worker, brain(OTHER), by="ana")
    with desk.ledger.transaction() as tx:
        brains.challenge(tx, version, by="ana")
    assert desk.new_crew().champions.cast(desk.worker).beside.model.digest == version.digest
    desk.sql("update brain set packed = x'00' where digest = :digest", digest=version.digest)
    cast = desk.new_crew().champions.cast(desk.worker)
    assert (cast.worker.model, cast.beside, cast.challenger) == (brain(), None, version.digest)
    assert cast.problem
    with desk.ledger.reading() as session:
        assert brains.roles(session) == {("triage", Role.CHALLENGER): version.digest}
