"""The embedded company: an ERP, a CRM, a help desk and a mail outbox in one SQLite file of its own."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar, Self, TypeVar

from ..core.action import Change, Target
from ..core.clock import Clock
from ..core.errors import BadInput, NotFound, Refused, SettingsError, Unreachable
from ..core.noun import Noun
from ..core.receipt import Receipt
from . import company_books as books_of
from .base import Connector, Health, Operation, TicketSource
from .company_books import Books
from .company_contracts import CONTRACTS
from .company_effects import carried_out, planned, record_version
from .company_queues import Billing, Payables, Receivables, Tickets
from .company_schema import connected
from .company_spec import CompanySize, CompanySpec
from .contracts import DataContract
from .operations import CANONICAL
from .records import Record

T = TypeVar("T")


class Mail(Noun):
    """A mail that the company sent."""

    id: str
    to: str
    subject: str
    body: str
    about: str
    """The record it is about: `ticket/T-104`."""
    at: datetime
    key: str
    """The effect's idempotency key."""


class Company(Connector):
    """The embedded company; it enforces what a real ERP would.

    Records have versions, each key has one effect, and what makes no sense in the books is refused.
    """

    name: ClassVar[str] = "company"

    def __init__(self, path: Path, connection: sqlite3.Connection, clock: Clock) -> None:
        self.path = path
        self._books = Books(connection, clock)
        self._lock = RLock()

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        seed: int = 7,
        size: int | CompanySize | None = None,
        today: date,
        clock: Clock,
        enrichment: float | None = None,
    ) -> Self:
        """A new company at `path`, with its hidden truth in a file beside it.

        `size` is how many cases wait in all, or a CompanySize. Raises BadInput where there is something already.
        """
        if path.exists():
            raise BadInput(f"There is something at {str(path)!r} already.", hint="Choose another path, or remove it.")
        # Generating is heavy to import and only needed once in a company's life.
        from .company_generator import generate, write

        counts = CompanySize.of(size) if isinstance(size, int) else size or CompanySize()
        more = {} if enrichment is None else {"enrichment": enrichment}
        write(generate(CompanySpec(seed=seed, size=counts, today=today, **more)), path)
        return cls.connect(path, clock)

    @classmethod
    def connect(cls, path: Path, clock: Clock) -> Self:
        """The company at `path`; raises SettingsError where there is none."""
        return cls(path, connected(path), clock)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], clock: Clock) -> Self:
        """The company at the setting `path`."""
        unknown = sorted(set(settings) - {"path"})
        if unknown:
            raise SettingsError(f"The company has no setting {unknown[0]!r}.", hint="It takes `path` only.")
        path = settings.get("path")
        if not isinstance(path, str | Path) or not str(path):
            raise SettingsError("The company needs the setting `path`.", hint="Give the company's file.")
        return cls.connect(Path(path), clock)

    def operations(self) -> Mapping[str, Operation]:
        """Every canonical operation."""
        return CANONICAL

    def read(self, operation: str, arguments: Mapping[str, Any]) -> Sequence[Record]:
        """Run a read; raises NotFound, BadInput or Unreachable."""
        spec = self.operation(operation)
        if spec.effect:
            raise BadInput(f"{operation!r} is an effect, not a read.")
        given = spec.checked(arguments).model_dump()
        return self._asked(lambda books: books_of.read(books, operation, given))

    def execute(self, operation: str, arguments: Mapping[str, Any], *, key: str, target: Target) -> Receipt:
        """Run an effect once for `key`; the same key with the same arguments answers the first receipt."""
        spec = self._effect(operation)
        given = spec.checked(arguments)
        with self._writing() as books:
            return carried_out(books, spec, given, key=key, target=target)

    def lookup(self, key: str) -> Receipt | None:
        """What became of `key`; None where the company never saw it."""
        query = "SELECT receipt FROM effects WHERE key = ?"
        row = self._asked(lambda books: books.connection.execute(query, [key]).fetchone())
        return Receipt.model_validate_json(row["receipt"]) if row else None

    def version(self, target: Target) -> str | None:
        """The present version of a record; raises NotFound."""
        return self._asked(lambda books: record_version(books, target))

    def preview(self, operation: str, arguments: Mapping[str, Any], target: Target) -> Sequence[Change]:
        """What the effect would change; where the company would refuse it, one row that says why."""
        spec = self._effect(operation)
        given = spec.checked(arguments)
        try:
            return self._asked(lambda books: planned(books, spec, given, target).changes)
        except Refused as error:
            return [Change(record=f"{target.kind} {target.id}", field="would be refused", before="", after=error.message)]

    def sources(self) -> Mapping[str, TicketSource]:
        """The queues: `tickets`, `payables`, `billing`, `receivables`."""
        return {queue.name: queue(self._asked) for queue in (Tickets, Payables, Billing, Receivables)}

    def contracts(self) -> Sequence[DataContract]:
        """What is promised about records that come in."""
        return CONTRACTS

    def health(self) -> Health:
        """Whether the file can be read."""
        try:
            count = self._asked(lambda books: books.connection.execute("SELECT count(*) FROM customer").fetchone()[0])
        except Unreachable as error:
            return Health(ok=False, detail=error.message)
        return Health(ok=True, detail=f"{count} customers in {self.path.name}")

    def outbox(self) -> list[Mail]:
        """Every mail that was sent, oldest first."""
        query = 'SELECT id, recipient AS "to", subject, body, about, at, key FROM mail ORDER BY rowid'
        return self._asked(lambda books: [Mail.model_validate(dict(row)) for row in books.connection.execute(query)])

    def receipts(self) -> list[Receipt]:
        """The receipt of every effect, in the order they happened."""
        query = "SELECT receipt FROM effects ORDER BY rowid"
        return self._asked(lambda books: [Receipt.model_validate_json(row[0]) for row in books.connection.execute(query)])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._books.connection.close()

    def _effect(self, name: str) -> Operation:
        spec = self.operation(name)
        if not spec.effect:
            raise NotFound(f"The company has no effect {name!r}; it is a read.")
        return spec

    def _asked(self, question: Callable[[Books], T]) -> T:
        with self._lock:
            try:
                return question(self._books)
            except sqlite3.Error as error:
                raise Unreachable(f"The company's file cannot be read: {error}.", hint=f"Check {str(self.path)!r}.") from error

    @contextmanager
    def _writing(self) -> Iterator[Books]:
        connection = self._books.connection
        with self._lock:
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._books
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise Unreachable(
                    f"The company's file cannot be written: {error}.", hint=f"Check {str(self.path)!r}."
                ) from error
