"""The embedded company's own SQLite file: its tables, and how values are kept in them."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import SettingsError
from ..core.noun import plain

Row = dict[str, Any]
"""One row by column."""

SCHEMA = "1"
"""The layout's number, kept in the file."""

COLUMNS: dict[str, str] = {
    "customer": """id TEXT PRIMARY KEY, version INTEGER, updated_at TEXT, name TEXT, email TEXT, phone TEXT, language TEXT,
        country TEXT, timezone TEXT, terms_days INTEGER, credit_limit TEXT, currency TEXT, segment TEXT, key_account INTEGER,
        do_not_contact INTEGER, insolvent INTEGER, vulnerable INTEGER, facts TEXT, last_payment_on TEXT, owner_role TEXT""",
    "contact": "id TEXT PRIMARY KEY, version INTEGER, party_id TEXT, name TEXT, email TEXT, phone TEXT, role TEXT",
    "ticket": """id TEXT PRIMARY KEY, version INTEGER, updated_at TEXT, subject TEXT, body TEXT, requester TEXT,
        customer_id TEXT, queue TEXT, status TEXT, priority INTEGER, language TEXT, tags TEXT, duplicate_of TEXT,
        created_at TEXT""",
    "supplier": """id TEXT PRIMARY KEY, version INTEGER, updated_at TEXT, name TEXT, aliases TEXT, tax_id TEXT, iban TEXT,
        country TEXT, email TEXT, phone TEXT, terms_days INTEGER, created TEXT, bank_changed_on TEXT, blocked INTEGER""",
    "purchase_order": """id TEXT PRIMARY KEY, version INTEGER, supplier_id TEXT, date TEXT, currency TEXT, match TEXT,
        lines TEXT, status TEXT, match_variant TEXT""",
    "goods_receipt": "id TEXT PRIMARY KEY, version INTEGER, order_id TEXT, date TEXT, lines TEXT",
    "invoice": """id TEXT PRIMARY KEY, version INTEGER, updated_at TEXT, number TEXT, direction TEXT, status TEXT,
        party_id TEXT, party_name TEXT, party_tax_id TEXT, order_id TEXT, issue_date TEXT, due_date TEXT, received_on TEXT,
        currency TEXT, lines TEXT, net TEXT, tax TEXT, gross TEXT, payable TEXT, paid TEXT, iban TEXT, note TEXT,
        corrects TEXT, hold_reason TEXT, hold_until TEXT, holds INTEGER, duplicate_of TEXT""",
    "quote": """id TEXT PRIMARY KEY, version INTEGER, customer_id TEXT, date TEXT, valid_until TEXT, currency TEXT,
        lines TEXT, terms_days INTEGER, discount_percent TEXT, approved_by TEXT""",
    "sales_order": """id TEXT PRIMARY KEY, version INTEGER, customer_id TEXT, quote_id TEXT, date TEXT, currency TEXT,
        lines TEXT, terms_days INTEGER, discount_percent TEXT""",
    "payment": """id TEXT PRIMARY KEY, version INTEGER, party_id TEXT, invoice_id TEXT, date TEXT, amount TEXT,
        currency TEXT, due_date TEXT""",
    "receivable": """id TEXT PRIMARY KEY, version INTEGER, updated_at TEXT, customer_id TEXT, invoice_number TEXT,
        issue_date TEXT, due_date TEXT, amount TEXT, open_amount TEXT, currency TEXT, reminder_level INTEGER,
        disputed INTEGER, dispute_reason TEXT, promised_on TEXT, promised_amount TEXT, on_hold INTEGER, hold_until TEXT,
        status TEXT, last_reminded_on TEXT""",
    "activity": """id TEXT PRIMARY KEY, version INTEGER, party_id TEXT, type TEXT, at TEXT, subject TEXT, body TEXT,
        about TEXT""",
    "payment_run": """id TEXT PRIMARY KEY, version INTEGER, invoice_id TEXT, party_id TEXT, iban TEXT, amount TEXT,
        currency TEXT, at TEXT, key TEXT""",
    "mail": """id TEXT PRIMARY KEY, version INTEGER, recipient TEXT, subject TEXT, body TEXT, about TEXT, at TEXT,
        key TEXT""",
    "effects": "key TEXT PRIMARY KEY, operation TEXT, arguments TEXT, receipt TEXT, at TEXT",
    "meta": "key TEXT PRIMARY KEY, value TEXT",
}
"""Every table with its columns; a column named like a canonical field holds that field."""

_INDEXES = (
    ("contact", "party_id"), ("contact", "email"), ("customer", "email"), ("ticket", "requester"), ("ticket", "customer_id"),
    ("ticket", "status"), ("goods_receipt", "order_id"), ("purchase_order", "supplier_id"), ("invoice", "party_id"), ("invoice", "order_id"),
    ("invoice", "number"), ("invoice", "status"), ("payment", "party_id"), ("receivable", "customer_id"),
    ("receivable", "status"), ("receivable", "invoice_number"), ("activity", "party_id"),
)  # fmt: skip


def connected(path: Path) -> sqlite3.Connection:
    """A connection to an existing file; raises SettingsError where it holds no company."""
    if not path.is_file():
        raise SettingsError(f"There is no company at {str(path)!r}.", hint="Run `shiftlead init`, or mend `path`.")
    connection = _opened(path)
    try:
        found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise SettingsError(
            f"{str(path)!r} is no company file: {error}.", hint="Mend `path`, or make a new company."
        ) from error
    if found is None or found[0] != SCHEMA:
        connection.close()
        raise SettingsError(f"{str(path)!r} is of another layout.", hint="Make a new company with `shiftlead init`.")
    return connection


def created(path: Path, rows: Mapping[str, Iterable[Row]]) -> None:
    """Write a new file with all tables and `rows`, in one transaction."""
    connection = _opened(path)
    try:
        connection.execute("BEGIN")
        for table, columns in COLUMNS.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
        for table, column in _INDEXES:
            connection.execute(f"CREATE INDEX ix_{table}_{column} ON {table} ({column})")
        for table in rows:
            for row in rows[table]:
                insert(connection, table, row)
        insert(connection, "meta", {"key": "schema", "value": SCHEMA})
        connection.execute("COMMIT")
    finally:
        connection.close()


def insert(connection: sqlite3.Connection, table: str, row: Row) -> None:
    """Add one row."""
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [stored(value) for value in row.values()])  # noqa: S608


def update(connection: sqlite3.Connection, table: str, record_id: str, values: Row) -> None:
    """Change a row and count its version up."""
    names = "".join(f"{name} = ?, " for name in values)
    connection.execute(
        f"UPDATE {table} SET {names}version = version + 1 WHERE id = ?",  # noqa: S608
        [*(stored(value) for value in values.values()), record_id],
    )


def open_item(document: Row, *, updated: object) -> Row:
    """An open item for an issued invoice, without its id."""
    same = {name: document[name] for name in ("issue_date", "due_date", "currency")}
    return {
        "updated_at": updated,
        "customer_id": document["party_id"],
        "invoice_number": document["number"],
        **same,
        "amount": document["payable"],
        "open_amount": document["payable"],
        "reminder_level": 0,
        "disputed": False,
        "dispute_reason": "",
        "promised_on": None,
        "promised_amount": None,
        "on_hold": False,
        "hold_until": None,
        "status": "open",
        "last_reminded_on": None,
    }


def stored(value: Any) -> Any:
    """`value` as SQLite keeps it: exact decimals and dates as text, structures as JSON."""
    if value is None or isinstance(value, str | int):
        return int(value) if isinstance(value, bool) else value
    as_json = plain(value)
    return json.dumps(as_json, ensure_ascii=False, sort_keys=True) if isinstance(as_json, list | dict) else as_json


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError:
        # A file that is no database fails here first; `connected` names it when it reads the layout.
        return connection
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection
