"""Checkpoints: whatever is done to the chain, somebody who kept one elsewhere notices."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import insert, text

from shiftlead.core.audit import GENESIS, link
from shiftlead.core.checkpoints import Notary, continues, extension, kept, read_checkpoints, verify
from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import BadInput, LedgerError
from shiftlead.core.keys import LEDGER_KEY, Keyring, Signer
from shiftlead.core.merkle import Frontier
from shiftlead.core.migrations import upgrade
from shiftlead.core.noun import canonical_json
from shiftlead.core.store import Ledger
from shiftlead.core.tables import AUDIT

OWN, EVE = Signer.fresh(LEDGER_KEY), Signer.fresh(LEDGER_KEY)
RING = Keyring.of([OWN])
AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere.jsonl"


@pytest.fixture
def notary(ledger: Ledger, elsewhere: Path) -> Notary:
    return Notary(ledger, OWN, [elsewhere], every_events=10, every=timedelta(minutes=15), policy_digest=lambda: "p1")


def tell(ledger: Ledger, count: int = 8) -> None:
    for number in range(count):
        with ledger.transaction() as tx:
            tx.audit("step.done", actor="ana", case_id=f"case_{number}", number=number)


def rewrite(ledger: Ledger, change) -> None:
    """What somebody does who owns the database: change the events, then make every hash, the head and the root fit again."""
    events = [one.model_dump() for one in ledger.events()]
    previous, frontier, rows = GENESIS, Frontier(), []
    for seq, one in enumerate(change(events), 1):
        values = {**one, "seq": seq, "data": canonical_json(one["data"])}
        values.pop("hash")
        previous = link(previous, **values)
        frontier.add(previous)
        rows.append({**values, "hash": previous, "at": one["at"].replace(tzinfo=None) if "sqlite" in ledger.url else one["at"]})
    with ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("delete from audit"))
        for row in rows:
            connection.execute(
                text(
                    "insert into audit (seq, at, kind, case_id, actor, data, hash) values (:seq, :at, :kind, :case_id, :actor, :data, :hash)"
                ),
                {**row, "at": str(row["at"])} if "sqlite" in ledger.url else row,
            )
        head = {"seq": frontier.size, "hash": previous, "frontier": json.dumps(frontier.roots)}
        connection.execute(text("update chain set seq = :seq, hash = :hash, frontier = :frontier"), head)


def _without(events, place):
    return [*events[:place], *events[place + 1 :]]


TAMPERINGS = {
    "edit": lambda events: [{**one, "actor": "eve"} if one["seq"] == 3 else one for one in events],
    "delete": lambda events: _without(events, 3),
    "insert": lambda events: [*events[:3], {**events[3], "actor": "eve"}, *events[3:]],
    "reorder": lambda events: [*events[:2], events[3], events[2], *events[4:]],
    "truncate": lambda events: events[:-2],
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_rewritten_chain_is_noticed_by_who_kept_a_checkpoint(ledger, notary, elsewhere, tampering):
    tell(ledger)
    notary.write()
    tell(ledger, 2)
    with ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("delete from checkpoint"))
    rewrite(ledger, lambda events: TAMPERINGS[tampering](events[:8]))
    assert ledger.verify() == [], "the chain by itself holds again: this is why checkpoints lie elsewhere"
    assert verify(ledger, read_checkpoints(elsewhere), RING)


def test_what_nobody_touched_holds(ledger, notary, elsewhere):
    for _ in range(3):
        tell(ledger, 5)
        notary.write()
    tell(ledger, 3)
    assert verify(ledger, read_checkpoints(elsewhere), RING) == []
    assert [one.size for one in read_checkpoints(elsewhere)] == [5, 10, 15]


def test_the_root_of_every_event_is_kept_up_to_date_and_damage_to_it_is_noticed(ledger, notary):
    tell(ledger, 5)
    with ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("update chain set frontier = :roots"), {"roots": json.dumps(["ab" * 32, "cd" * 32])})
    assert any("own record" in one.problem for one in ledger.verify())
    with ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("update chain set frontier = '[]'"))
    assert any("head of the chain" in one.problem for one in ledger.verify())
    with pytest.raises(LedgerError, match="head of the audit chain"):
        notary.write()


def test_a_checkpoint_that_somebody_else_signed_counts_for_nothing(ledger, notary, elsewhere):
    tell(ledger)
    Notary(ledger, EVE, [elsewhere]).write()
    assert any("not signed" in one.problem for one in verify(ledger, read_checkpoints(elsewhere), RING))


def test_a_checkpoint_of_another_tenant_is_refused(ledger, notary):
    tell(ledger)
    made = notary.write().model_copy(update={"tenant": "shop"})
    assert any("another tenant" in one.problem for one in verify(ledger, [made], RING))


def test_one_is_due_after_enough_events_or_enough_time_and_never_for_nothing(ledger, notary, clock: FrozenClock):
    assert not notary.due()
    tell(ledger, 1)
    assert notary.due()
    notary.write()
    assert not notary.due()
    clock.advance(timedelta(hours=1))
    assert not notary.due(), "nothing happened"
    tell(ledger, 1)
    assert notary.due()
    notary.write()
    tell(ledger, 10)
    assert notary.due()


def test_writing_twice_over_the_same_events_writes_once(ledger, notary, elsewhere):
    tell(ledger)
    assert notary.write() == notary.write()
    assert len(read_checkpoints(elsewhere)) == 1


def test_a_place_that_was_away_gets_what_it_missed(ledger, tmp_path):
    place = tmp_path / "mount" / "checkpoints.jsonl"
    notary = Notary(ledger, OWN, [place])
    for _ in range(2):
        tell(ledger, 3)
        with pytest.raises(LedgerError, match="cannot be written"):
            notary.write()
    place.parent.mkdir()
    notary.write()
    assert [one.size for one in read_checkpoints(place)] == [3, 6]
    with ledger.reading() as session:
        assert [one.size for one in kept(session)] == [3, 6]


def test_the_chain_is_proven_to_continue_from_an_older_checkpoint(ledger, notary):
    tell(ledger, 5)
    old = notary.write()
    tell(ledger, 6)
    new = notary.write()
    with ledger.reading() as session:
        path = extension(session, old, new)
    assert continues(old, new, path)
    assert not continues(old.model_copy(update={"root": "ab" * 32}), new, path)
    assert not continues(new, old, path)


def test_a_line_that_is_no_checkpoint_is_named(tmp_path):
    (tmp_path / "c.jsonl").write_text("{}\n")
    with pytest.raises(BadInput, match="line 1"):
        read_checkpoints(tmp_path / "c.jsonl")


def test_a_ledger_from_before_the_tree_gets_its_root_when_it_is_opened(ledger_url):
    old = Ledger(ledger_url)
    upgrade(old.engine, "0001")
    previous, fields = GENESIS, {"at": AT, "kind": "case.opened", "case_id": "case_1", "actor": "ana", "data": "{}"}
    with old.engine.execution_options(write=True).begin() as connection:
        for seq in range(1, 6):
            previous = link(previous, seq=seq, **fields)
            connection.execute(insert(AUDIT).values(seq=seq, hash=previous, **fields))
        head = {"seq": 5, "hash": previous}
        connection.execute(text("insert into chain (tenant, seq, hash) values ('main', :seq, :hash)"), head)
    old.close()
    with closing(Ledger.open(ledger_url)) as ledger:
        assert ledger.verify() == []
        tell(ledger, 3)
        assert ledger.verify() == []


def test_a_line_that_a_power_cut_tore_blocks_nothing(ledger, notary, elsewhere):
    tell(ledger, 3)
    notary.write()
    with elsewhere.open("a") as file:
        file.write('{"at":"2026-09-15T09:0')
    tell(ledger, 2)
    made = notary.write()
    assert [one.size for one in read_checkpoints(elsewhere)] == [3, made.size]
    assert verify(ledger, read_checkpoints(elsewhere), RING) == []


def test_what_a_power_cut_tore_is_no_checkpoint_and_the_rest_still_counts(ledger, notary, elsewhere):
    tell(ledger, 3)
    notary.write()
    whole = elsewhere.read_text()
    elsewhere.write_text(whole + whole[:40])
    assert [one.size for one in read_checkpoints(elsewhere)] == [3]
    elsewhere.write_text(whole.rstrip("\n"))
    tell(ledger, 2)
    notary.write()
    assert [one.size for one in read_checkpoints(elsewhere)] == [3, 5], "only its line end was lost"


def test_a_place_that_holds_something_else_is_left_alone_and_named(ledger, notary, elsewhere):
    elsewhere.write_text("somebody's notes\nmore of them\n")
    tell(ledger, 1)
    with pytest.raises(LedgerError, match="holds something else"):
        notary.write()
    assert elsewhere.read_text() == "somebody's notes\nmore of them\n"


def test_a_changed_copy_in_the_ledger_is_not_hidden_by_the_good_one_elsewhere(ledger, notary, elsewhere):
    tell(ledger, 3)
    notary.write()
    with ledger.engine.execution_options(write=True).begin() as connection:
        connection.execute(text("update checkpoint set body = replace(body, 'p1', 'p2')"))
    assert [one.problem for one in verify(ledger, read_checkpoints(elsewhere), RING)] != []


def test_two_roots_for_one_size_are_a_break_wherever_they_stand(ledger, notary, elsewhere):
    tell(ledger, 3)
    made = notary.write()
    other = made.model_copy(update={"root": "ab" * 32})
    other = other.model_copy(update={"signature": OWN.sign("checkpoint", other.statement())})
    for order in ([made, other], [other, made]):
        assert any("not those" in one.problem for one in verify(ledger, order, RING))


def test_a_key_that_is_none_trusts_nothing(ledger, notary):
    tell(ledger, 3)
    made = notary.write()
    assert not made.trusted(Keyring({LEDGER_KEY: "garbage"}))
    assert not made.trusted(Keyring({LEDGER_KEY: "AAAA"}))


def test_a_path_of_nonsense_proves_nothing(ledger, notary):
    tell(ledger, 3)
    old = notary.write()
    tell(ledger, 3)
    new = notary.write()
    assert not continues(old, new, ["nonsense"] * 2)
    assert not continues(old.model_copy(update={"root": "nonsense"}), new, ["ab" * 32])


def test_nothing_is_proven_from_a_checkpoint_over_nothing(ledger, notary):
    old = notary.write()
    tell(ledger, 3)
    new = notary.write()
    with ledger.reading() as session:
        assert extension(session, old, new) == ()
    assert not continues(old, new, ())


def test_two_notaries_at_once_sign_for_the_same_events_once(ledger, elsewhere):
    tell(ledger, 5)
    made = []
    threads = [Thread(target=lambda: made.append(Notary(ledger, OWN, [elsewhere]).write())) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({one.signature for one in made}) == 1
    assert [one.size for one in read_checkpoints(elsewhere)] == [5]
