"""`shiftlead inbox`: what waits for a person, as a list or one request with all that a decision needs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import BadInput, NotFound
from .cli_find import NEXT, find_request
from .cli_output import moment, money
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..core.approval import Request
    from ..core.store import Ledger

app = group("The inbox: what waits for a person, and the answers.")

_WINDOW = 500


@command(app, "list")
def list_requests(
    session: Session,
    mine: Annotated[bool, typer.Option("--mine", help="Only what you may settle.")] = False,
    role: Annotated[str, typer.Option(help="Only what is asked of this role.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    order: Annotated[str, typer.Option(help="due, amount or age.")] = "due",
    snoozed: Annotated[bool, typer.Option("--snoozed", help="Also those that were put off.")] = False,
) -> None:
    """List what waits, the most pressing first."""
    from ..core import inbox, waiting

    orders = [one.value for one in inbox.Order]
    if order not in orders:
        raise BadInput(f"{order!r} is no order.", hint=f"Use {', '.join(orders)}.")
    with session.ledger() as ledger:
        found = _waiting(session, ledger, inbox.Order(order), snoozed=snoozed, mine=mine, role=role, limit=limit)
        with ledger.reading() as reading:
            total = inbox.count_waiting(reading, now=ledger.clock.now())
            tickets = {row.id: row.ref for row in waiting.window(reading, [one.id for one in found])}
    if session.out.as_json:
        session.out.data([{"ticket": tickets.get(one.id, ""), **dict(one)} for one in found])
        return
    session.out.table(
        ("request", "ticket", "due", "question", "asked", ">amount", ">sure", "what"),
        [
            (one.id, tickets.get(one.id, ""), moment(one.due_at), one.question.value, asked_of(one), money(one.amount, one.currency),
             "" if one.confidence is None else f"{one.confidence:.2f}", f"{one.summary} | {one.reason}")
            for one in found
        ],
        empty="Nothing waits for you." if mine else "Nothing waits.",
    )  # fmt: skip
    if found and total > len(found):
        session.out.say(f"{len(found)} shown; {total} wait in all.")


@command(app, "show")
def show(
    session: Session,
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id, its ticket's id, or `next`.")],
) -> None:
    """Show one request: what is asked, why, what would change or was done already, on what evidence, and what each answer does."""
    from ..core import queue
    from .cli_request import request_told
    from .cli_story import case_story

    with session.ledger() as ledger:
        with ledger.reading() as reading:
            asked = _next(session, ledger) if request == NEXT else find_request(reading, request)
            case = queue.get(reading, asked.case_id)
        steps = {} if session.out.as_json else session.steps(case.worker)
        keyring, policy = session.place.roster().keyring, session.known_policy(ledger)
        story = case_story(ledger, case, steps, keyring=keyring, policy=policy)
    if session.out.as_json:
        session.out.data(
            {
                "digest": asked.digest, "request": asked, "case": case, "ticket": story.ticket,
                "action": next((one for one in story.actions if one.id == asked.action_id), None),
                "decisions": [one for one in story.decisions if one.request_id == asked.id],
                "actions": story.actions, "effects": story.effects, "grounds": story.grounds,
            }
        )  # fmt: skip
        return
    session.out.text(*request_told(asked, story))
    session.out.say(f"The whole story: shiftlead case explain {case.id}")


def asked_of(request: "Request") -> str:
    """Whom a request is asked of, and a mark where its time goes by."""
    who = f"{request.assigned_to} ({request.role})" if request.assigned_to else request.role
    return f"{who} !" if request.ladder else who


def _waiting(
    session: Session, ledger: "Ledger", order: str, *, snoozed: bool, mine: bool, role: str, limit: int
) -> "list[Request]":
    from ..core import inbox

    hindrance = _hindrance(session, ledger) if mine else None
    found: list[Request] = []
    with ledger.reading() as reading:
        ids = inbox.waiting_ids(reading, now=ledger.clock.now(), order=inbox.Order(order), snoozed=snoozed)
        for start in range(0, len(ids), _WINDOW):
            for one in inbox.many(reading, ids[start : start + _WINDOW]):
                if (role and one.role != role) or (hindrance and hindrance(one)):
                    continue
                found.append(one)
                if len(found) == limit:
                    return found
    return found


def _hindrance(session: Session, ledger: "Ledger") -> "Callable[[Request], str]":
    from ..guardrails.approvals import Approvals

    approvals, operator = Approvals.of(session.place, ledger, session.policy), session.operator
    capacities = approvals.capacities(operator)
    return lambda request: approvals.hindrance(request, operator, capacities)


def _next(session: Session, ledger: "Ledger") -> "Request":
    from ..core import inbox

    found = _waiting(session, ledger, inbox.Order.DUE, snoozed=False, mine=True, role="", limit=1)
    if not found:
        raise NotFound("Nothing waits for you.", hint="`shiftlead inbox list` shows what waits for others.")
    return found[0]
