"""Effects on the embedded company's help desk."""

import json

from .company_books import Books
from .company_plan import Plan, refuse
from .company_schema import Row
from .operations import MergeTicket, ReplyTicket, RouteTicket


def route(books: Books, given: RouteTicket) -> Plan:
    """Queue, priority, language and tags."""
    row, plan = _open(books, given.ticket_id), Plan(detail=f"Ticket {given.ticket_id} is in queue {given.queue!r}.")
    if not given.queue.strip():
        refuse(f"Ticket {given.ticket_id!r} needs a queue.")
    before = row | {"tags": json.loads(row["tags"] or "[]")}
    values = {"queue": given.queue, "priority": given.priority, "language": given.language, "tags": list(given.tags)}
    plan.change(
        "ticket", before, f"ticket {given.ticket_id}", **values, status="open" if row["status"] == "new" else row["status"]
    )
    return plan


def reply(books: Books, given: ReplyTicket) -> Plan:
    """A mail to the requester, and nobody else."""
    row, plan = _open(books, given.ticket_id), Plan(detail=f"Replied to {given.to}.")
    if given.to.lower() != row["requester"].lower():
        refuse(f"{given.to!r} is not the requester of ticket {given.ticket_id!r}.", f"It came from {row['requester']}.")
    plan.change("ticket", row, f"ticket {given.ticket_id}", status="waiting")
    plan.mail(given.to, given.subject, given.body, f"ticket/{given.ticket_id}")
    return plan


def merge(books: Books, given: MergeTicket) -> Plan:
    """Close a ticket as a repeat of another."""
    row = _open(books, given.ticket_id)
    if given.duplicate_of == given.ticket_id:
        refuse(f"Ticket {given.ticket_id!r} cannot repeat itself.")
    original = books.row("ticket", given.duplicate_of)
    if original["duplicate_of"] == given.ticket_id:
        refuse(f"Ticket {given.duplicate_of!r} is itself merged into {given.ticket_id!r}.")
    plan = Plan(detail=f"Merged into {given.duplicate_of}.")
    plan.change("ticket", row, f"ticket {given.ticket_id}", status="closed", duplicate_of=given.duplicate_of)
    return plan


def _open(books: Books, ticket_id: str) -> Row:
    row = books.row("ticket", ticket_id)
    if row["status"] in {"closed", "solved"}:
        refuse(f"Ticket {ticket_id!r} is {row['status']}.", "Reopen it in the help desk first.")
    return row
