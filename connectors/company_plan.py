"""What one effect would do to the embedded company: the same plan is shown to the approver and carried out."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn

from ..core.action import Change
from ..core.errors import Refused
from ..core.noun import plain
from .company_books import Books
from .company_schema import Row


@dataclass(kw_only=True)
class Plan:
    """Rows that change and rows that are added, each with what a person is shown of it."""

    updates: list[tuple[str, str, Row]] = field(default_factory=list)
    """Table, id and new values."""
    inserts: list[tuple[str, str, Row]] = field(default_factory=list)
    """Table, prefix of the new id, and values."""
    changes: list[Change] = field(default_factory=list)
    detail: str = ""
    """What was done, in words."""

    def change(self, table: str, row: Row, label: str, **values: Any) -> None:
        """Plan new values for a row; those that stay as they are, are left out."""
        moved = {name: plain(value) for name, value in values.items() if shown(row[name]) != shown(value)}
        self.updates.append((table, row["id"], moved))
        self.changes += [
            Change(record=label, field=name.replace("_", " "), before=shown(row[name]), after=shown(value))
            for name, value in moved.items()
        ]

    def add(self, table: str, prefix: str, row: Row) -> None:
        """Plan a new row."""
        self.inserts.append((table, prefix, row))

    def note(self, record: str, name: str, after: str) -> None:
        """Show something new."""
        self.changes.append(Change(record=record, field=name, before="", after=after))

    def mail(self, to: str, subject: str, body: str, about: str) -> None:
        """Plan a mail."""
        self.add("mail", "MAIL-", {"recipient": to, "subject": subject, "body": body, "about": about})
        for name, value in (("to", to), ("subject", subject), ("body", body)):
            self.note("mail", name, value)

    def log(self, party_id: str, kind: str, subject: str, body: str, about: str) -> None:
        """Plan an entry in the party's history."""
        row = {"party_id": party_id, "type": kind, "subject": subject, "body": body, "about": about}
        self.add("activity", "ACT-", row)
        self.note("history", kind.replace("_", " "), subject)


def shown(value: Any) -> str:
    """A value as an approver reads it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(plain(value))


def money(amount: Decimal, currency: str) -> str:
    """An amount as an approver reads it."""
    return f"{amount:,.2f} {currency}"


def masked(account: str) -> str:
    """An account by its first and last four characters."""
    return f"{account[:4]} … {account[-4:]}" if len(account) > 8 else account


def same_account(first: str, second: str) -> bool:
    """Whether two accounts are one, whatever their spaces and case."""
    return "".join(first.split()).upper() == "".join(second.split()).upper()


def refuse(message: str, hint: str = "") -> NoReturn:
    """Say no as the ERP would."""
    raise Refused(message, hint=hint)


def on_file(books: Books, party_id: str, address: str) -> None:
    """Refuse an address that the party has not on file."""
    if address.lower() not in books.addresses(party_id):
        refuse(f"{address!r} is not on file for {party_id!r}.", "Mail goes to addresses of the master data only.")


def ahead(books: Books, day: date, what: str) -> None:
    """Refuse a day that has passed."""
    if day < books.today:
        refuse(f"{what} {day.isoformat()} lies in the past.")
