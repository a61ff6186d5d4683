"""The embedded company's books: rows of its file as canonical records, and the reads that find them."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from ..core.clock import Clock, today
from ..core.errors import BadInput, ContractBreach, NotFound
from .company_schema import Row
from .records import RECORDS, CreditNote, Record

_TABLES = {"credit_note": "invoice"}
_JSON = frozenset({"lines", "aliases", "facts", "tags"})
_NEWEST_FIRST = {"activity": "at DESC, id", "payment": "date DESC, id", "invoice": "issue_date, id"}


class Books:
    """Read access to the company's rows."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    @property
    def today(self) -> date:
        """The present day."""
        return today(self.clock)

    def row(self, kind: str, record_id: str) -> Row:
        """One row; raises NotFound."""
        found = self.rows(kind, id=record_id)
        if not found:
            raise NotFound(f"The company has no {kind.replace('_', ' ')} {record_id!r}.")
        return found[0]

    def rows(self, kind: str, **equal: Any) -> list[Row]:
        """Rows whose columns equal the given values, in a fixed order."""
        table = _TABLES.get(kind, kind)
        where = " AND ".join(f"{name} = ?" for name in equal) or "1"
        order = _NEWEST_FIRST.get(table, "id")
        query = f"SELECT * FROM {table} WHERE {where} ORDER BY {order}"  # noqa: S608
        return [dict(row) for row in self.connection.execute(query, list(equal.values()))]

    def raw(self, kind: str, row: Row) -> Row:
        """A row as the canonical record's fields; what they cannot hold goes to `extra`."""
        fields = RECORDS[kind].model_fields
        opened = {
            name: json.loads(value) if name in _JSON and value else value for name, value in self._computed(kind, row).items()
        }
        raw = {name: value for name, value in opened.items() if name in fields}
        raw["extra"] = {name: value for name, value in opened.items() if name not in fields and value not in (None, "", 0)}
        raw["version"] = str(row["version"])
        raw["native"] = row.get("status") or ""
        return raw

    def record(self, kind: str, row: Row) -> Record:
        """A row as a canonical record; raises ContractBreach where it is none."""
        kind = CreditNote.kind if kind == "invoice" and row["corrects"] else kind
        try:
            return RECORDS[kind].model_validate(self.raw(kind, row))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ContractBreach(f"{kind} {row['id']!r}: {where}: {first['msg']}.", hint="Its owner must mend it.") from error

    def readable(self, kind: str, rows: Sequence[Row]) -> list[Record]:
        """Those of `rows` that hold together; a broken one waits in quarantine and must not stop the others."""
        found = []
        for row in rows:
            try:
                found.append(self.record(kind, row))
            except ContractBreach:
                continue
        return found

    def addresses(self, party_id: str) -> set[str]:
        """Every e-mail address on file for a customer or supplier, in lower case."""
        return self._on_file(party_id, "email")

    def phones(self, party_id: str) -> set[str]:
        """Every phone number on file for a customer or supplier."""
        return self._on_file(party_id, "phone")

    def on_hold(self, receivable: Row) -> bool:
        """Whether dunning is stopped for a receivable today."""
        until = receivable["hold_until"]
        return bool(receivable["on_hold"]) and (until is None or date.fromisoformat(until) >= self.today)

    def _on_file(self, party_id: str, column: str) -> set[str]:
        rows = [
            *self.rows("customer", id=party_id),
            *self.rows("supplier", id=party_id),
            *self.rows("contact", party_id=party_id),
        ]
        return {row[column].lower() for row in rows if row[column]}

    def _computed(self, kind: str, row: Row) -> Row:
        if kind == "receivable":
            return row | {"on_hold": self.on_hold(row)}
        if kind == "customer":
            facts = json.loads(row["facts"] or "{}")
            last = row["last_payment_on"]
            facts["days_since_last_payment"] = (self.today - date.fromisoformat(last)).days if last else None
            return {name: value for name, value in row.items() if name != "last_payment_on"} | {"facts": json.dumps(facts)}
        return row


def read(books: Books, operation: str, arguments: Mapping[str, Any]) -> list[Record]:
    """The records that `operation` asks for; raises NotFound, BadInput or ContractBreach."""
    kind, _, verb = operation.partition(".")
    if verb == "get":
        return [books.record(kind, books.row(kind, arguments["id"]))]
    return books.readable(kind, _found(books, operation, arguments))


def _found(books: Books, operation: str, given: Mapping[str, Any]) -> list[Row]:
    wanted = {name: value for name, value in given.items() if value}
    match operation:
        case "customer.find":
            return _customers(books, given)
        case "supplier.list":
            return _suppliers(books, given)
        case "invoice.list" | "ticket.list":
            kind = operation.partition(".")[0]
            _one_given(operation, wanted)
            return books.rows(kind, **wanted)
        case "purchase_order.list":
            return books.rows("purchase_order", supplier_id=given["party_id"])
        case "receivable.list":
            return [row for row in books.rows("receivable", **wanted) if row["status"] == "open"]
    return books.rows(operation.partition(".")[0], **wanted)


def _customers(books: Books, given: Mapping[str, Any]) -> list[Row]:
    _one_given("customer.find", {name: value for name, value in given.items() if value})
    email, name = given["email"].lower(), given["name"].casefold()
    found = _at_address(books, email) if email else books.rows("customer")
    return [row for row in found if not name or name in row["name"].casefold()]


def _at_address(books: Books, email: str) -> list[Row]:
    """Customers with this address, their own or that of somebody there; each once."""
    ids = [row["id"] for row in books.rows("customer", email=email)]
    ids += [row["party_id"] for row in books.rows("contact", email=email)]
    return [row for customer_id in dict.fromkeys(ids) for row in books.rows("customer", id=customer_id)]


def _suppliers(books: Books, given: Mapping[str, Any]) -> list[Row]:
    name, tax_id = given["name"].casefold(), given["tax_id"]
    found = books.rows("supplier", **({"tax_id": tax_id} if tax_id else {}))
    return [row for row in found if not name or name in (row["name"] + "\n" + row["aliases"]).casefold()]


def _one_given(operation: str, wanted: Mapping[str, Any]) -> None:
    if not wanted:
        raise BadInput(f"{operation} needs something to look for.", hint="Give one of its arguments.")
