"""The convoy: transactions of several threads behind one commit, since SQLite pays a disk write for each commit.

Each thread's transaction stands or falls by itself, in a savepoint of its own. Whoever finishes while another thread already waits
for its turn leaves the commit to that one, and returns only once it is on disk.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Connection, Engine
from sqlmodel import Session

LARGEST = 32
"""Transactions behind one commit at most, so that the first does not wait for long."""


class _Batch:
    """The transactions that share one commit."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.members = 0
        self.done = threading.Event()
        self.error: BaseException | None = None


class Convoy:
    """Lets the threads of one process write one after the other, and commits for as many as wait."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._batch: _Batch | None = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session for one transaction; it is on disk when the block is left, or undone where the block raises."""
        self._take_turn()
        try:
            batch = self._batch or self._begin()
            joined: Literal["create_savepoint", "rollback_only"] = "create_savepoint" if batch.members else "rollback_only"
            with Session(batch.connection, expire_on_commit=False, join_transaction_mode=joined) as session:
                yield session
            batch.members += 1
        except BaseException:
            self._leave()
            raise
        if not self._leave():
            batch.done.wait()
        if batch.error is not None:
            raise batch.error

    def _take_turn(self) -> None:
        with self._count:
            self._waiting += 1
        try:
            self._turn.acquire()
        except BaseException:
            # Interrupted while it waited; others may have left their commit to it.
            self._turn.acquire()
            self._waits_no_more()
            self._leave()
            raise
        self._waits_no_more()

    def _waits_no_more(self) -> None:
        with self._count:
            self._waiting -= 1

    def _begin(self) -> _Batch:
        connection = self._engine.connect()
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        self._batch = _Batch(connection)
        return self._batch

    def _leave(self) -> bool:
        """Commit, or leave it to the thread that waits; whether the batch is settled. Gives the turn back."""
        try:
            batch = self._batch
            if batch is None:
                return True
            with self._count:
                others = self._waiting > 0
            if batch.members and others and batch.members < LARGEST:
                return False
            self._batch = None
            self._settle(batch)
            return True
        finally:
            self._turn.release()

    def _settle(self, batch: _Batch) -> None:
        transaction = batch.connection.get_transaction()
        try:
            if batch.members and transaction is not None:
                transaction.commit()
            elif transaction is not None:
                transaction.rollback()
        except BaseException as error:  # noqa: BLE001 - every member has to hear of it, each in its own thread
            batch.error = error
            batch.connection.invalidate()
        finally:
            batch.connection.close()
            batch.done.set()
