"""Fakes for tests, demos and docs: a whole outside system in memory or in one file, with faults on demand.

`MemoryConnector` speaks every canonical operation and keeps what a real system would keep: record versions, idempotency
keys and a journal of what really happened. Given a file instead of memory, several processes share it and it survives
any of them being killed.
"""

import os
import sqlite3
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from ..core.action import Target
from ..core.case import TicketItem
from ..core.clock import Clock, SystemClock
from ..core.errors import (
    BadInput,
    NotFound,
    OutcomeUnknown,
    Refused,
    SettingsError,
    ShiftleadError,
    StaleRecord,
    Unreachable,
)
from ..core.noun import Noun, canonical_json
from ..core.receipt import Outcome, Receipt
from .base import Connector, Operation, Pulled, TicketSource
from .contracts import DataContract
from .faults import LOOKUP, Fault, FaultKind, Faults, parse_faults
from .operations import CANONICAL
from .records import RECORDS, Record

FAULTS_VARIABLE = "SHIFTLEAD_FAULTS"
"""The environment variable with faults for a connector made from settings: `lost_answer:invoice.post:1 no_lookup`."""

R = TypeVar("R", bound=Record)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (kind TEXT, id TEXT, version TEXT, data TEXT, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, entry TEXT);
CREATE INDEX IF NOT EXISTS journal_key ON journal (key);
"""
_STORE = """
INSERT INTO record VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, data = excluded.data
"""


class JournalEntry(Noun):
    """One effect that was really applied."""

    key: str
    operation: str
    arguments: dict[str, Any]
    target: Target
    receipt: Receipt


class MemoryQueue(TicketSource):
    """A queue that holds what it is given."""

    name: ClassVar[str] = "tickets"

    def __init__(self, items: Iterable[TicketItem] = ()) -> None:
        self._waiting = [Pulled(external_id=item.external_id, item=item) for item in items]

    def put(self, item: TicketItem, *records: Record) -> None:
        """Add a ticket, with the records behind it that intake checks against the data contracts."""
        raws = tuple((record.kind, record.model_dump(mode="json")) for record in records)
        self.put_pulled(Pulled(external_id=item.external_id, item=item, records=raws))

    def put_pulled(self, pulled: Pulled) -> None:
        """Add anything a queue can yield: a row with a `problem`, or raw records that break a contract."""
        self._waiting.append(pulled)

    def pull(self, *, limit: int | None = None) -> Iterator[Pulled]:
        """What waits, in the order it was put, the same each time."""
        yield from self._waiting[:limit]


class MemoryConnector(Connector):
    """An outside system for tests: any canonical records, every canonical operation, faults on demand.

    An effect raises the version of its target and goes into `journal`; it changes nothing else. A key that was seen before
    gets its first receipt again.
    """

    name: ClassVar[str] = "memory"

    def __init__(
        self,
        records: Iterable[Record] = (),
        *,
        path: str | Path = ":memory:",
        queues: Mapping[str, TicketSource] | None = None,
        contracts: Sequence[DataContract] = (),
        faults: Iterable[Fault] = (),
        clock: Clock | None = None,
    ) -> None:
        self.faults = Faults(faults)
        self._clock = clock or SystemClock()
        self._queues = dict(queues or {})
        self._contracts = tuple(contracts)
        self._lock = threading.RLock()
        self._database = _opened(path)
        self._finalizer = weakref.finalize(self, self._database.close)
        self.put(*records)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], clock: Clock) -> Self:
        """The fake over `path`, with `faults` and those of the environment; raises SettingsError."""
        if unknown := sorted(set(settings) - {"path", "faults"}):
            raise SettingsError(f"{cls.name}: there is no setting {unknown[0]!r}.", hint="Known: path, faults.")
        named = f"{settings.get('faults', '')} {os.environ.get(FAULTS_VARIABLE, '')}"
        return cls(path=settings.get("path", ":memory:"), faults=parse_faults(named), clock=clock)

    def put(self, *records: Record) -> None:
        """Store records as they are; one without a version gets `1`, or the version after the stored one."""
        with self._transaction() as database:
            for record in records:
                known = _select(database, record.kind, {"id": record.id})
                _store(database, record, record.version or _next(known[0].version if known else None))

    def edit(self, kind: str, id_: str, **changes: Any) -> Record:
        """Change a record as somebody else in that system would; its version moves. Raises NotFound, BadInput."""
        with self._transaction() as database:
            record = _load(database, kind, id_)
            raw = {**record.model_dump(), **changes, "version": _next(record.version)}
            try:
                changed = type(record).model_validate(raw)
            except ValueError as error:
                raise BadInput(f"{kind}/{id_}: these changes do not fit: {error}.") from error
            _store(database, changed, changed.version or "1")
        return changed

    def get(self, kind: type[R], id_: str) -> R:
        """One record as it is now; raises NotFound."""
        with self._transaction() as database:
            record = _load(database, kind.kind, id_)
        assert isinstance(record, kind)
        return record

    @property
    def journal(self) -> tuple[JournalEntry, ...]:
        """Every effect that was applied, in order, by whatever process."""
        with self._transaction() as database:
            rows = database.execute("SELECT entry FROM journal ORDER BY seq").fetchall()
        return tuple(JournalEntry.model_validate_json(entry) for (entry,) in rows)

    def duplicates(self) -> dict[str, int]:
        """How often each key was applied, for the keys applied more than once."""
        counted = Counter(entry.key for entry in self.journal)
        return {key: count for key, count in counted.items() if count > 1}

    def operations(self) -> Mapping[str, Operation]:
        """Every canonical operation; without idempotent effects under the fault `not_idempotent`."""
        if not self.faults.holds(FaultKind.NOT_IDEMPOTENT):
            return CANONICAL
        return {name: one.model_copy(update={"idempotent": not one.effect}) for name, one in CANONICAL.items()}

    def read(self, operation: str, arguments: Mapping[str, Any]) -> Sequence[Record]:
        """One record by id, or those whose fields equal the given arguments, whatever the case of the letters."""
        spec = self.operation(operation)
        if spec.effect:
            raise BadInput(f"{operation!r} is an effect, not a read.")
        given = {name: value for name, value in spec.checked(arguments).model_dump(mode="json").items() if value}
        self._meet(operation, FaultKind.UNREACHABLE, FaultKind.REFUSE)
        with self._transaction() as database:
            found = _select(database, spec.target, given)
        if operation.endswith(".get") and not found:
            raise NotFound(f"{self.name} has no {spec.target} {given['id']!r}.")
        return sorted(found, key=lambda one: one.at, reverse=True) if operation == "activity.list" else found  # type: ignore[attr-defined]

    def execute(self, operation: str, arguments: Mapping[str, Any], *, key: str, target: Target) -> Receipt:
        """Apply an effect once for `key`, or fail as the scripted faults say."""
        try:
            given = self.operation(operation).checked(arguments)
        except ShiftleadError as error:
            raise Refused(str(error)) from error
        self._meet(operation, FaultKind.UNREACHABLE, FaultKind.REFUSE, FaultKind.LOST_REQUEST)
        self._meet(operation, FaultKind.HOLD, FaultKind.CALL_BEFORE, FaultKind.KILL_BEFORE)
        receipt = self._apply(operation, given.model_dump(mode="json"), key, target)
        self._meet(operation, FaultKind.CALL_AFTER, FaultKind.KILL_AFTER, FaultKind.LOST_ANSWER)
        return receipt

    def lookup(self, key: str) -> Receipt | None:
        """The first receipt of `key`; raises NotImplementedError under the fault `no_lookup`."""
        if self.faults.holds(FaultKind.NO_LOOKUP):
            raise NotImplementedError
        self._meet(LOOKUP, FaultKind.UNREACHABLE)
        with self._transaction() as database:
            return _receipt(database, key)

    def version(self, target: Target) -> str | None:
        """The version of a record now; raises NotFound."""
        with self._transaction() as database:
            return _load(database, target.kind, target.id).version

    def sources(self) -> Mapping[str, TicketSource]:
        """The queues it was made with."""
        return self._queues

    def contracts(self) -> Sequence[DataContract]:
        """The data contracts it was made with."""
        return self._contracts

    def close(self) -> None:
        """Close the database; what was in memory is gone."""
        self._finalizer()

    def _meet(self, operation: str, *kinds: FaultKind) -> None:
        effect = operation != LOOKUP and self.operation(operation).effect
        for fault in self.faults.take(operation, kinds, effect=effect):
            match fault.kind:
                case FaultKind.UNREACHABLE:
                    raise Unreachable(f"{self.name} was not reached for {operation!r}.")
                case FaultKind.REFUSE:
                    raise Refused(f"{self.name} refuses {operation!r}.")
                case FaultKind.LOST_REQUEST | FaultKind.LOST_ANSWER:
                    raise OutcomeUnknown(f"{self.name} did not answer {operation!r}.")
                case _:
                    fault.act()

    def _apply(self, operation: str, arguments: dict[str, Any], key: str, target: Target) -> Receipt:
        with self._transaction() as database:
            known = _receipt(database, key)
            if known is not None and not self.faults.holds(FaultKind.NOT_IDEMPOTENT):
                return known
            try:
                record = _load(database, target.kind, target.id)
            except NotFound as error:
                raise Refused(str(error)) from error
            # A system that does not know its keys would do a repeated request again, so no version stands in its way here.
            if known is None and target.version not in (None, record.version):
                raise StaleRecord(f"{target} is at version {record.version!r}; the request was made at {target.version!r}.")
            version = _next(record.version)
            _store(database, record, version)
            receipt = Receipt(key=key, outcome=Outcome.DONE, external_id=str(target), version=version, at=self._clock.now())
            entry = JournalEntry(key=key, operation=operation, arguments=arguments, target=target, receipt=receipt)
            database.execute("INSERT INTO journal (key, entry) VALUES (?, ?)", (key, canonical_json(entry)))
        return receipt

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def _opened(path: str | Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(_SCHEMA)
    except sqlite3.Error as error:
        raise SettingsError(
            f"The file {str(path)!r} cannot be used: {error}.", hint="Name a file in a folder that exists."
        ) from error
    return database


def _next(version: str | None) -> str:
    return str(int(version) + 1) if version and version.isdecimal() else f"{version}.1" if version else "1"


def _store(database: sqlite3.Connection, record: Record, version: str) -> None:
    data = record.model_copy(update={"version": version}).model_dump_json()
    database.execute(_STORE, (record.kind, record.id, version, data))


def _load(database: sqlite3.Connection, kind: str, id_: str) -> Record:
    found = _select(database, kind, {"id": id_})
    if not found:
        raise NotFound(f"There is no {kind} {id_!r}.")
    return found[0]


def _select(database: sqlite3.Connection, kind: str, fields: Mapping[str, Any]) -> list[Record]:
    # The names come from an operation's argument model, never from a caller.
    where = "".join(f" AND json_extract(data, '$.{name}') = ? COLLATE NOCASE" for name in fields if name != "id")
    query = f"SELECT data FROM record WHERE kind = ?{' AND id = ?' * ('id' in fields)}{where} ORDER BY rowid"  # noqa: S608
    values = [value for _, value in sorted(fields.items(), key=lambda pair: pair[0] != "id")]
    return [RECORDS[kind].model_validate_json(data) for (data,) in database.execute(query, (kind, *values))]


def _receipt(database: sqlite3.Connection, key: str) -> Receipt | None:
    row = database.execute("SELECT entry FROM journal WHERE key = ? ORDER BY seq", (key,)).fetchone()
    return None if row is None else JournalEntry.model_validate_json(row[0]).receipt
