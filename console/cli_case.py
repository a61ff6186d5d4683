"""`shiftlead case`: the cases, one by one or all that match, and a parked one back into the queue."""

from collections.abc import Iterable
from typing import Annotated

import typer

from ..core.errors import BadInput, Conflict
from .cli_find import find_case
from .cli_output import moment, money, pairs
from .cli_session import Session, command, group

app = group("Cases: list them, look at one, read its whole story, try a parked one again.")

Named = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, its beginning, or the ticket's own id.")]


@command(app, "list")
def list_cases(
    session: Session,
    state: Annotated[list[str] | None, typer.Option(help="ready, claimed, waiting, parked or closed; may be repeated.")] = None,
    worker: Annotated[str, typer.Option(help="Only this worker's.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
) -> None:
    """List cases, newest first."""
    from ..core import queue
    from ..core.case import CaseState

    known = [one.value for one in CaseState]
    if wrong := next((one for one in state or () if one not in known), None):
        raise BadInput(f"{wrong!r} is no state of a case.", hint=f"Use {', '.join(known)}.")
    with session.ledger() as ledger, ledger.reading() as reading:
        found = queue.listed(reading, states=[CaseState(one) for one in state or ()], worker=worker, limit=limit)
    session.out.listed(
        ("case", "ticket", "worker", "state", "outcome", ">amount", "due", "subject"),
        found,
        lambda one: (
            one.id, one.external_id, one.worker, one.state.value, one.outcome, money(one.amount, one.currency),
            moment(one.due_at), one.subject,
        ),
        empty="No case matches.",
    )  # fmt: skip


@command(app, "show")
def show(session: Session, case: Named) -> None:
    """Show how one case stands."""
    from ..core import actions, inbox
    from .cli_story import grounds_of, headline

    with session.ledger() as ledger:
        policy = session.known_policy(ledger)
        with ledger.reading() as reading:
            found = find_case(reading, case)
            sealed, asked = actions.of_case(reading, found.id), inbox.of_case(reading, found.id)
            keyring, at = session.place.roster().keyring, ledger.clock.now()
            known = grounds_of(reading, policy, keyring, sealed, at=at) if policy else {}
    if session.out.as_json:
        acts = [
            {
                "id": a.id, "kind": a.kind, "state": a.state, "lane": a.lane, "summary": a.summary(),
                "confidence": a.envelope.proposal.confidence, "grounds": known.get(a.id),
            }
            for a in sealed
        ]  # fmt: skip
        session.out.data({"case": found, "actions": acts, "requests": asked})
        return
    session.out.text(*headline(found))
    rows = {f"action {a.seq}": f"{a.summary()}: {a.state.value} ({a.lane.value}: {a.verdict.because()})" for a in sealed}
    rows |= {f"confidence {a.seq}": _sure(a.envelope.proposal.confidence, known[a.id].lines) for a in sealed if a.id in known}
    rows |= {f"request {one.id}": f"{one.question.value}: {one.state.value}, asked of {one.role}" for one in asked}
    session.out.text(*(f"  {line}" for line in pairs(rows)))


def _sure(confidence: float | None, lines: Iterable[str]) -> str:
    return "; ".join(["the brain cannot say" if confidence is None else f"{confidence:.2f}", *lines])


@command(app, "explain")
def explain(session: Session, case: Named) -> None:
    """Tell the whole story of a case: ticket, evidence, proposal, verdict, decisions, receipt, audit trail."""
    from .cli_story import case_story, told

    with session.ledger() as ledger:
        with ledger.reading() as reading:
            found = find_case(reading, case)
        keyring, policy = session.place.roster().keyring, session.known_policy(ledger)
        story = case_story(ledger, found, session.steps(found.worker), keyring=keyring, policy=policy)
    if session.out.as_json:
        session.out.data(story)
    else:
        session.out.text(*told(story))


@command(app, "retry")
def retry(session: Session, case: Named) -> None:
    """Put a parked case back into the queue; the request that asks a person to take it is withdrawn."""
    from ..core import inbox, queue
    from ..core.case import CaseState

    operator = session.operator
    with session.ledger() as ledger:
        with ledger.reading() as reading:
            found = find_case(reading, case)
        with ledger.transaction() as tx:
            now = queue.get(tx.session, found.id)
            if now.state is not CaseState.PARKED:
                raise Conflict(f"Case {now.id!r} is {now.state.value}, not parked.", hint="Only parked cases are tried again.")
            inbox.supersede(tx, now.id, actor=operator.name, why="tried again")
            queue.wake(tx, now.id)
            tx.audit("case.retried", actor=operator.name, case_id=now.id, error=now.error.partition(":")[0])
    if session.out.as_json:
        session.out.data({"case": found.id, "state": "ready"})
    else:
        session.out.text(f"{found.id} is ready again; it had failed with: {found.error}")
