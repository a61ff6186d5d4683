"""The ledger: one SQL database that is the truth, with one transaction per state change and its audit events."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Executable,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from . import chain
from .audit import GENESIS, AuditEvent, Break, Witness
from .clock import Clock, SystemClock
from .convoy import Convoy
from .errors import LedgerError
from .noun import canonical_json
from .tables import BODY, CHAIN, AuditRow, ChainRow
from .words import kept_apart

HEAD = "0003"
"""The newest migration; a ledger at another revision is migrated or refused."""


class Transaction:
    """One unit of work on the ledger: the state changes and the audit events that tell of them."""

    def __init__(self, session: Session, clock: Clock, tenant: str, *, alone: bool) -> None:
        """`alone` says that nobody else can write from its beginning to its end, as on SQLite."""
        self.session = session
        self.now: datetime = clock.now()
        self.tenant = tenant
        self._alone = alone
        self._head: chain.Stored | None = None
        self._events: list[dict[str, Any]] = []
        self._words: dict[tuple[str, str], dict[str, Any]] = {}

    def audit(self, kind: str, /, *, actor: str, case_id: str | None = None, **data: Any) -> None:
        """Record that something happened; it is written when the transaction commits, or not at all.

        Free words in it are kept apart as bodies that can be erased; the chain knows their digests.
        """
        told, apart = kept_apart(data)
        for found, (name, words) in apart.items():
            body = {"digest": found, "case_id": case_id or "", "kind": name, "text": words, "at": self.now}
            self._words[found, case_id or ""] = body
        self._events.append({"at": self.now, "kind": kind, "case_id": case_id, "actor": actor, "data": canonical_json(told)})

    @cached_property
    def connection(self) -> Connection:
        """The connection of this transaction."""
        return self.session.connection()

    def run(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        """Run one statement with its parameters."""
        return self.connection.execute(statement, values)

    def change(self, statement: Executable, values: Any = None) -> int:
        """Run an update and answer how many rows it changed; 0 where its conditions did not hold any more."""
        return self.run(statement, values).rowcount

    def add_new(self, table: Table, rows: list[dict[str, Any]]) -> int:
        """Insert the rows whose key is not there yet, also where another process inserts the same at this moment.

        Answers how many were new, for a single row; for several the count is the driver's and may be unknown.
        """
        # A list of one would be sent as many, and then no driver tells the count.
        return self.run(_insert_new(self.connection.dialect.name, table), rows if len(rows) > 1 else rows[0]).rowcount

    def in_turn(self) -> bool:
        """Wait until every transaction that is before this one in the chain has committed; what is read next includes them.

        False where nobody could write since this one began, so that what it has read already still holds.
        """
        if not self._alone and self._head is None:
            self._head = chain.lock_head(self.connection, self.tenant)
        return not self._alone

    def seal_events(self) -> None:
        """Append the collected events to the chain; called once, before the commit."""
        if not self._events:
            return
        chain.append(self.connection, self.tenant, self._events, head=self._head)
        self._events = []
        if self._words:
            # After the head of the chain is locked, so that two who say the same never wait for each other in a circle.
            self.add_new(BODY, list(self._words.values()))
            self._words = {}


@cache
def _insert_new(dialect: str, table: Table) -> Executable:
    # A dialect takes time to load, and a process needs only its own.
    own = import_module(f"sqlalchemy.dialects.{dialect}")
    statement: Executable = own.insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return statement


class Ledger:
    """The record of every case, decision, effect and event.

    `url` is `sqlite:///path/ledger.db` or `postgresql+psycopg://…`; the same code runs on both.
    """

    def __init__(self, url: str, *, clock: Clock | None = None, tenant: str = "main", durable: bool = True) -> None:
        self.url = normalised(url)
        self.clock: Clock = clock or SystemClock()
        self.tenant = tenant
        self.engine = _engine(self.url, durable=durable)
        self._writing = self.engine.execution_options(write=True)
        self._convoy = Convoy(self._writing) if self.engine.dialect.name == "sqlite" else None

    @classmethod
    def create(cls, url: str, *, clock: Clock | None = None, tenant: str = "main", durable: bool = True) -> "Ledger":
        """Open the ledger, creating or migrating its tables first."""
        from .migrations import upgrade

        ledger = cls(url, clock=clock, tenant=tenant, durable=durable)
        try:
            upgrade(ledger.engine)
            if not ledger.is_begun():
                with ledger.engine.begin() as connection:
                    connection.execute(insert(ChainRow).values(tenant=tenant, seq=0, hash=GENESIS))
        except BaseException as error:
            ledger.close()
            if isinstance(error, DBAPIError | sqlite3.Error):
                raise _unusable(ledger.url, error) from error
            raise
        return ledger

    @classmethod
    def open(cls, url: str, *, clock: Clock | None = None, tenant: str = "main", durable: bool = True) -> "Ledger":
        """Open an existing ledger.

        Raises LedgerError where it is missing, broken, another tenant's or newer than this release.
        """
        path = sqlite_path(url)
        if path is not None and not path.exists():
            raise LedgerError(f"There is no ledger at {path}.", hint="Run `shiftlead init` first.")
        ledger = cls(url, clock=clock, tenant=tenant, durable=durable)
        try:
            ledger.check_revision()
            if ledger.revision() == HEAD and ledger.is_begun():
                return ledger
        except BaseException:
            ledger.close()
            raise
        ledger.close()
        return cls.create(url, clock=clock, tenant=tenant, durable=durable)

    def check_revision(self) -> None:
        """Raise LedgerError where there is no ledger, or one that this release does not understand."""
        try:
            revision = self.revision()
        except (DBAPIError, sqlite3.Error) as error:
            raise _unusable(self.url, error) from error
        if revision is None:
            raise LedgerError(f"{_shown(self.url)} holds no ledger.", hint="Run `shiftlead init` first.")
        if revision > HEAD:
            raise LedgerError(f"The ledger is at revision {revision}, newer than this shiftlead.", hint="Upgrade shiftlead.")

    def is_begun(self) -> bool:
        """Whether the audit chain has its head; raises LedgerError where that is another tenant's, since a ledger has one chain."""
        with self.engine.connect() as connection:
            owner = connection.execute(select(CHAIN.c.tenant)).scalars().first()
        if owner not in (None, self.tenant):
            told = f"The ledger at {_shown(self.url)} is that of the tenant {owner!r}, not of {self.tenant!r}."
            raise LedgerError(told, hint="Name that one as `tenant`, or use a ledger of its own.")
        return owner is not None

    def revision(self) -> str | None:
        """The migration the ledger is at; None where there is no ledger."""
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("select version_num from alembic_version")).scalar_one_or_none()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write transaction: everything in it, its audit events too, is committed at its end or not at all."""
        with self._session() as session:
            work = Transaction(session, self.clock, self.tenant, alone=self._convoy is not None)
            try:
                yield work
                session.flush()
                work.seal_events()
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def _session(self) -> AbstractContextManager[Session]:
        """A session to write with: behind a shared commit on SQLite, with a connection of its own on a server."""
        return self._convoy.session() if self._convoy else Session(self._writing, expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def events(self, *, case_id: str | None = None, after: int = 0, limit: int | None = None) -> list[AuditEvent]:
        """Audit events in order, of one case or of all."""
        query = select(AuditRow).where(col(AuditRow.seq) > after).order_by(col(AuditRow.seq))
        if case_id is not None:
            query = query.where(col(AuditRow.case_id) == case_id)
        with self.reading() as session:
            return [chain.told(row) for row in session.scalars(query.limit(limit))]

    def verify(self, witnesses: Iterable[Witness] = ()) -> list[Break]:
        """Walk the whole audit chain; the list is empty where it holds and every witness saw the same."""
        with self.reading() as session:
            if self._convoy is None:
                # A server shows each statement what was committed meanwhile; head and events must be of one moment.
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return chain.walk(session, self.tenant, witnesses)

    def ticks(self) -> int:
        """A number that grows with every audited change; cheap enough to ask four times a second."""
        with self.reading() as session:
            seq: int = session.execute(select(col(ChainRow.seq)).where(col(ChainRow.tenant) == self.tenant)).scalar_one()
            return seq

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite ledger; None for a server."""
    parsed = make_url(normalised(url))
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def normalised(url: str) -> str:
    """`url` with the driver we ship with: `postgresql://` becomes `postgresql+psycopg://`."""
    if url.startswith(("postgresql://", "postgres://")):
        return "postgresql+psycopg://" + url.split("://", 1)[1]
    return url


def _engine(url: str, *, durable: bool) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        try:
            return create_engine(url, pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise LedgerError("The PostgreSQL driver is not installed.", hint="pip install 'shiftlead[postgres]'") from error
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA busy_timeout=30000")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # Taking the write lock at once turns a lost race into a short wait instead of an SQLITE_BUSY halfway.
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _unusable(url: str, error: Exception) -> LedgerError:
    cause = str(getattr(error, "orig", None) or error).splitlines()[0]
    return LedgerError(
        f"The ledger at {_shown(url)} cannot be used: {cause}.", hint="Check the address, or restore it from a backup."
    )
