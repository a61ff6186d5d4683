"""The ledger: one transaction per change, one chain of events, the same on both databases."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text
from sqlmodel import SQLModel

from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import LedgerError
from shiftlead.core.store import HEAD, Ledger


def _tell(ledger: Ledger, *kinds: str) -> None:
    with ledger.transaction() as tx:
        for kind in kinds:
            tx.audit(kind, actor="ana", case_id="case_1", amount="12.50 EUR")


def test_events_form_a_chain_that_verifies(ledger: Ledger) -> None:
    _tell(ledger, "case.opened", "case.closed")
    _tell(ledger, "switch.stopped")
    assert [event.kind for event in ledger.events()] == ["case.opened", "case.closed", "switch.stopped"]
    assert ledger.verify() == []
    assert ledger.ticks() == 3


def test_a_failed_transaction_leaves_neither_change_nor_event(ledger: Ledger) -> None:
    def accident() -> None:
        with ledger.transaction() as tx:
            tx.audit("case.opened", actor="ana")
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        accident()
    assert ledger.events() == []
    assert ledger.verify() == []


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        # somebody edits what was done
        ("update audit set data = '{}' where seq = 2", "changed after it was written"),
        # somebody removes an event from the middle
        ("delete from audit where seq = 2", "event 2 is missing"),
        # somebody cuts the tail off; the head remembers
        ("delete from audit where seq = 3", "its head says 3"),
        # somebody swaps who did it
        ("update audit set actor = 'ben' where seq = 1", "changed after it was written"),
        ("update audit set data = 'no JSON' where seq = 2", "changed after it was written"),
        ("update audit set data = '[]' where seq = 2", "changed after it was written"),
    ],
)
def test_tampering_is_noticed(ledger: Ledger, tamper: str, problem: str) -> None:
    _tell(ledger, "case.opened", "decision.approve", "effect.done")
    with ledger.engine.begin() as connection:
        connection.execute(text(tamper))
    assert any(problem in found.problem for found in ledger.verify())


def test_the_chain_holds_for_who_looks_while_others_write(ledger: Ledger) -> None:
    _tell(ledger, "case.opened")
    meanwhile = iter([lambda: _tell(ledger, "case.closed")])

    @event.listens_for(ledger.engine, "after_cursor_execute")
    def write(_: object, __: object, statement: str, *___: object) -> None:
        if statement.lstrip().startswith("SELECT chain") and (tell := next(meanwhile, None)):
            tell()

    assert ledger.verify() == []
    assert ledger.ticks() == 2
    assert ledger.verify() == []


def test_whoever_waits_for_its_turn_reads_the_head_once_and_learns_whether_others_may_have_written(ledger: Ledger) -> None:
    heads: list[str] = []

    @event.listens_for(ledger.engine, "after_cursor_execute")
    def count(_: object, __: object, statement: str, *___: object) -> None:
        if statement.lstrip().startswith("SELECT chain"):
            heads.append(statement)

    with ledger.transaction() as tx:
        turns = [tx.in_turn(), tx.in_turn()]
        tx.audit("case.opened", actor="ana")
    served = ledger.engine.dialect.name != "sqlite"
    assert turns == [served, served], "on SQLite nobody else writes while a transaction is open"
    assert len(heads) == 1
    assert ledger.verify() == []


def test_an_event_keeps_its_place_when_transactions_interleave(ledger: Ledger) -> None:
    for number in range(20):
        _tell(ledger, f"step.{number}")
    assert [event.seq for event in ledger.events()] == list(range(1, 21))


def test_the_migrations_make_exactly_the_tables_of_the_code(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, SQLModel.metadata) == []
    assert ledger.revision() == HEAD


def test_opening_without_init_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="shiftlead init"):
        Ledger.open(f"sqlite:///{tmp_path / 'none.db'}")


def test_opening_something_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("this is a shopping list")
    with pytest.raises(LedgerError, match="cannot be used"):
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_opening_an_empty_database_is_refused(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "ledger.db").close()
    with pytest.raises(LedgerError, match="holds no ledger"):
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_a_ledger_of_a_newer_release_is_left_alone(ledger: Ledger, ledger_url: str) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(LedgerError, match="newer than this shiftlead"):
        Ledger.open(ledger_url)


def test_a_ledger_is_one_tenants(ledger: Ledger, ledger_url: str) -> None:
    _tell(ledger, "case.opened")
    for another in (Ledger.open, Ledger.create):
        with pytest.raises(LedgerError, match="is that of the tenant 'main', not of 'shop'"):
            another(ledger_url, tenant="shop")
    assert ledger.verify() == []


def test_times_come_back_in_utc(ledger: Ledger, clock: FrozenClock) -> None:
    _tell(ledger, "case.opened")
    (event,) = ledger.events()
    assert event.at == clock.now()
    assert event.at.utcoffset() is not None
