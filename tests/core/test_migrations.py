"""Migrations: a ledger of an earlier release becomes the same as a fresh one, and loses nothing."""

from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlmodel import SQLModel

from shiftlead.core import certificates, outcomes, queue
from shiftlead.core.case import TicketItem
from shiftlead.core.migrations import upgrade
from shiftlead.core.outcomes import Stand
from shiftlead.core.store import HEAD, Ledger

NEW = {"outcome", "certificate", "trial", "brain", "shadow"}
STAND = Stand(worker="triage", kind="ticket.route", brain="b")


def shape(engine):
    """Every table with its columns, its keys and its indexes, however they came to be."""
    found = inspect(engine)
    return {
        name: (
            [(one["name"], str(one["type"]), one["nullable"]) for one in found.get_columns(name)],
            found.get_pk_constraint(name)["constrained_columns"],
            sorted((str(one["name"]), one["column_names"], bool(one["unique"])) for one in found.get_indexes(name)),
        )
        for name in found.get_table_names()
    }


@pytest.fixture
def earlier(ledger_url):
    """The engine of a ledger at the last release's revision, with a case and its events in it."""
    engine = create_engine(ledger_url.replace("postgresql://", "postgresql+psycopg://"))
    upgrade(engine, "0002")
    with engine.begin() as connection:
        connection.execute(text("insert into chain values ('main', 0, :hash, '[]')"), {"hash": "0" * 64})
    yield engine
    engine.dispose()


def opened(ledger):
    item = TicketItem(
        source="desk.tickets", external_id="T-1", kind="ticket", subject="Größe", received_at=datetime(2026, 9, 15, tzinfo=UTC)
    )
    with ledger.transaction() as tx:
        return queue.open_case(tx, item, worker="triage")


def test_a_ledger_of_the_last_release_loses_nothing(earlier, ledger_url, clock):
    assert not NEW & set(inspect(earlier).get_table_names())
    before = Ledger(ledger_url, clock=clock)
    case, events = opened(before), before.events()
    assert before.revision() == "0002"
    before.close()
    ledger = Ledger.open(ledger_url, clock=clock)
    assert ledger.revision() == HEAD
    with ledger.reading() as session:
        assert queue.get(session, case.id) == case
        assert outcomes.of_worker(session, "triage") == []
    assert ledger.events() == events
    assert ledger.verify() == []
    with ledger.transaction() as tx:
        assert certificates.trial(tx, STAND) == ""
        certificates.keep_trial(tx, STAND, "1")
    ledger.close()


def test_afterwards_it_is_the_same_as_a_fresh_one(earlier, ledger_url, tmp_path, request):
    Ledger.open(ledger_url).close()
    migrated = shape(earlier)
    assert migrated.keys() >= NEW
    with earlier.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    if earlier.dialect.name == "sqlite":
        fresh = Ledger.create(f"sqlite:///{tmp_path / 'fresh.db'}")
    else:
        fresh = Ledger.open(f"{request.getfixturevalue('postgres_server')}/{request.getfixturevalue('postgres_blank')}")
    assert shape(fresh.engine) == migrated
    fresh.close()
