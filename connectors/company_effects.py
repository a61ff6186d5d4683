"""Every effect the embedded company can do, by operation, and the one transaction that carries a plan out."""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from ..core.action import Target
from ..core.errors import NotFound, Refused, StaleRecord
from ..core.noun import digest
from ..core.receipt import Outcome, Receipt
from . import company_collecting as collecting
from . import company_invoicing as invoicing
from . import company_ticketing as ticketing
from .base import Arguments, Operation
from .company_books import Books
from .company_plan import Plan
from .company_schema import COLUMNS, insert, update

PLANS: dict[str, Callable[[Books, Any], Plan]] = {
    "ticket.route": ticketing.route,
    "ticket.reply": ticketing.reply,
    "ticket.merge": ticketing.merge,
    "invoice.post": invoicing.post,
    "invoice.issue": invoicing.issue,
    "invoice.hold": invoicing.hold,
    "invoice.reject": invoicing.reject,
    "invoice.block": invoicing.block,
    "invoice.request_correction": invoicing.request_correction,
    "invoice.short_pay": invoicing.short_pay,
    "invoice.credit_memo": invoicing.credit_memo,
    "reminder.send": collecting.remind,
    "task.call": collecting.call,
    "plan.offer": collecting.offer_plan,
    "dunning.hold": collecting.hold,
    "promise.log": collecting.promise,
    "account.escalate": collecting.escalate,
    "receivable.write_off": collecting.write_off,
    "receivable.agency": collecting.agency,
}
"""What each effect would do; a plan raises Refused where the company says no."""

_SYSTEM = "company"


def planned(books: Books, operation: Operation, given: Arguments, target: Target) -> Plan:
    """What the effect would do; raises Refused, also where it names a record that there is not."""
    _aimed(operation, given, target)
    try:
        return PLANS[operation.name](books, given)
    except NotFound as error:
        raise Refused(error.message, hint="Read the record again.") from error


def carried_out(books: Books, operation: Operation, given: Arguments, *, key: str, target: Target) -> Receipt:
    """Carry an effect out within the caller's transaction, or answer what the same key was answered before."""
    asked = digest({"operation": operation.name, "arguments": given, "target": [target.system, target.kind, target.id]})
    known = books.connection.execute("SELECT arguments, receipt FROM effects WHERE key = ?", [key]).fetchone()
    if known is not None:
        if known["arguments"] != asked:
            raise Refused(f"The key {key!r} was used for something else.", hint="Use a new key for a new effect.")
        return Receipt.model_validate_json(known["receipt"])
    _fresh(books, target)
    plan = planned(books, operation, given, target)
    receipt = _written(books, plan, key, target)
    row = {"key": key, "operation": operation.name, "arguments": asked, "receipt": receipt.model_dump_json(), "at": receipt.at}
    insert(books.connection, "effects", row)
    return receipt


def record_version(books: Books, target: Target) -> str:
    """The present version of a record; raises NotFound."""
    if target.kind not in COLUMNS and target.kind != "credit_note":
        raise NotFound(f"The company has no records of kind {target.kind!r}.")
    return str(books.row(target.kind, target.id)["version"])


def _aimed(operation: Operation, given: Arguments, target: Target) -> None:
    """Refuse an effect whose target is not the record that its arguments name."""
    named: Mapping[str, Any] = given.model_dump()
    if target.system != _SYSTEM or target.kind != operation.target or named[f"{operation.target}_id"] != target.id:
        raise Refused(f"{operation.name} on {target} names another record in its arguments.", hint="Propose it anew.")


def _fresh(books: Books, target: Target) -> None:
    try:
        present = record_version(books, target)
    except NotFound as error:
        raise Refused(error.message, hint="Read the record again.") from error
    if target.version is not None and target.version != present:
        raise StaleRecord(f"{target} is at version {present}, not {target.version}.", hint="Read it again and propose anew.")


def _written(books: Books, plan: Plan, key: str, target: Target) -> Receipt:
    now = books.clock.now()
    for table, record_id, values in plan.updates:
        stamp = {"updated_at": now} if "updated_at" in COLUMNS[table] else {}
        update(books.connection, table, record_id, values | stamp)
    ids = [_added(books, table, prefix, row, key, place) for place, (table, prefix, row) in enumerate(plan.inserts)]
    return Receipt(
        key=key,
        outcome=Outcome.DONE,
        external_id=ids[0] if ids else target.id,
        version=record_version(books, target),
        detail=plan.detail,
        at=now,
    )


def _added(books: Books, table: str, prefix: str, row: Mapping[str, Any], key: str, place: int) -> str:
    """Insert a row whose id follows from the effect's key, so that it is the same on every machine."""
    record_id = prefix + sha256(json.dumps([key, place]).encode()).hexdigest()[:12]
    stamps = {"at": books.clock.now(), "key": key}
    columns = {word.split()[0] for word in COLUMNS[table].split(",")}
    given = {name: value for name, value in stamps.items() if name in columns}
    insert(books.connection, table, {"id": record_id, "version": 1, **row, **given})
    return record_id
