"""A connector in one file: expense claims in a SQLite database, with one queue, one read and one effect.

Register it in the plugin's pyproject.toml and name it in shiftlead.yaml; docs/connectors.md shows both.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

from shiftlead.connectors.base import Arguments, Connector, Health, Operation, Pulled, TicketSource
from shiftlead.connectors.records import Record
from shiftlead.core.action import Change, Target
from shiftlead.core.case import TicketItem
from shiftlead.core.clock import Clock
from shiftlead.core.errors import NotFound, Refused, SettingsError, StaleRecord
from shiftlead.core.money import Currency, Exact
from shiftlead.core.receipt import Outcome, Receipt

SCHEMA = """
CREATE TABLE IF NOT EXISTS claim (id TEXT PRIMARY KEY, version INTEGER DEFAULT 1, employee TEXT, iban TEXT, purpose TEXT,
  amount TEXT, currency TEXT, has_receipt INTEGER, status TEXT DEFAULT 'open', handed_in TEXT);
CREATE TABLE IF NOT EXISTS payment (key TEXT PRIMARY KEY, claim_id TEXT, version INTEGER, at TEXT);
"""


class ExpenseClaim(Record):
    """What an employee paid for us; a record of its own kind."""

    kind: ClassVar[str] = "expense_claim"
    employee: str
    iban: str
    """From the payroll master, never from the claim's text."""
    purpose: str
    amount: Exact
    currency: Currency
    has_receipt: bool
    status: str
    handed_in: datetime


class ClaimId(Arguments):
    """Which claim."""

    id: str


class PayExpense(Arguments):
    """What a payment takes."""

    claim_id: str
    amount: Exact
    currency: Currency
    iban: str


OPERATIONS = {
    "expense.get": Operation(
        name="expense.get", effect=False, summary="One expense claim.", arguments=ClaimId, target="expense_claim"
    ),
    "expense.pay": Operation(
        name="expense.pay",
        effect=True,
        summary="Pay an expense claim to the employee's account.",
        arguments=PayExpense,
        target="expense_claim",
        idempotent=True,
        authority=("iban", "amount"),
        money="amount",
    ),
}


class OpenClaims(TicketSource):
    """The claims that nobody has paid."""

    name: ClassVar[str] = "claims"

    def __init__(self, expenses: "Expenses") -> None:
        self._expenses = expenses

    def pull(self, *, limit: int | None = None) -> Iterator[Pulled]:
        """Open claims, oldest first."""
        for claim in self._expenses.claims("status = 'open' ORDER BY handed_in, id LIMIT ?", -1 if limit is None else limit):
            item = TicketItem(
                source=f"{self._expenses.name}.{self.name}",
                external_id=claim.id,
                revision=claim.version or "1",
                kind="expense_claim",
                subject=f"{claim.employee}: {claim.purpose}",
                party=claim.employee,
                amount=claim.amount,
                currency=claim.currency,
                received_at=claim.handed_in,
                payload={"ref": claim.id},
            )
            yield Pulled(external_id=claim.id, item=item)


class Expenses(Connector):
    """The database of expense claims."""

    name: ClassVar[str] = "expenses"

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        with closing(self._open()) as database:
            database.executescript(SCHEMA)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], clock: Clock) -> Self:
        """A connector over the file at `path`; raises SettingsError."""
        if set(settings) != {"path"}:
            raise SettingsError(f"The expenses connector takes one setting, not {sorted(settings)}.", hint="Give `path`.")
        return cls(Path(settings["path"]), clock)

    def operations(self) -> Mapping[str, Operation]:
        """One read and one effect."""
        return OPERATIONS

    def read(self, operation: str, arguments: Mapping[str, Any]) -> Sequence[Record]:
        """One claim; raises NotFound."""
        self.operation(operation).checked(arguments)
        return [self._claim(arguments["id"])]

    def execute(self, operation: str, arguments: Mapping[str, Any], *, key: str, target: Target) -> Receipt:
        """Pay once for `key`: the same key gets its first receipt again."""
        self.operation(operation).checked(arguments)
        with closing(self._open()) as database:
            database.execute("BEGIN IMMEDIATE")
            known = self._receipt(database, key)
            if known is None:
                claim = self._claim(target.id, database)
                if target.version not in (None, claim.version):
                    raise StaleRecord(f"{target} is at version {claim.version}, read at {target.version}.")
                if claim.status != "open":
                    raise Refused(f"Claim {claim.id!r} is {claim.status!r} already.")
                now = self._clock.now().isoformat()
                database.execute("UPDATE claim SET status = 'paid', version = version + 1 WHERE id = ?", (claim.id,))
                database.execute("INSERT INTO payment SELECT ?, id, version, ? FROM claim WHERE id = ?", (key, now, claim.id))
                known = self._receipt(database, key)
            database.execute("COMMIT")
        assert known is not None
        return known

    def lookup(self, key: str) -> Receipt | None:
        """What became of `key`; this is what makes a lost answer harmless."""
        with closing(self._open()) as database:
            return self._receipt(database, key)

    def version(self, target: Target) -> str | None:
        """The claim's version now; raises NotFound."""
        return self._claim(target.id).version

    def preview(self, operation: str, arguments: Mapping[str, Any], target: Target) -> Sequence[Change]:
        """What the approver sees as the change."""
        to = f"{arguments['amount']} {arguments['currency']} to {arguments['iban']}"
        return (
            Change(record=f"claim {target.id}", field="status", before="open", after="paid"),
            Change(record="payment run", field="pay", before="", after=to),
        )

    def sources(self) -> Mapping[str, TicketSource]:
        """One queue."""
        return {"claims": OpenClaims(self)}

    def health(self) -> Health:
        """How many claims are open."""
        return Health(ok=True, detail=f"{len(self.claims('status = ?', 'open'))} open claims")

    def add(self, **claim: Any) -> None:
        """Hand in a claim, as the employees' own app would."""
        names = ", ".join(claim)
        with closing(self._open()) as database:
            marks = ", ".join("?" * len(claim))
            database.execute(f"INSERT INTO claim ({names}) VALUES ({marks})", tuple(claim.values()))  # noqa: S608 - our own names

    def claims(self, where: str, *values: Any, database: sqlite3.Connection | None = None) -> list[ExpenseClaim]:
        """The claims for which `where` holds."""
        with closing(self._open()) as own:
            rows = (database or own).execute(f"SELECT * FROM claim WHERE {where}", values).fetchall()  # noqa: S608
        return [ExpenseClaim.model_validate({**dict(row), "version": str(row["version"])}) for row in rows]

    def _claim(self, claim_id: str, database: sqlite3.Connection | None = None) -> ExpenseClaim:
        found = self.claims("id = ?", claim_id, database=database)
        if not found:
            raise NotFound(f"There is no expense claim {claim_id!r}.")
        return found[0]

    def _receipt(self, database: sqlite3.Connection, key: str) -> Receipt | None:
        row = database.execute("SELECT * FROM payment WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        at = datetime.fromisoformat(row["at"]).astimezone(UTC)
        return Receipt(key=key, outcome=Outcome.DONE, external_id=row["claim_id"], version=str(row["version"]), at=at)

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        database.row_factory = sqlite3.Row
        return database
