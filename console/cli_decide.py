"""Decisions at the command line: each carries the digest of what is decided on, and goes through the same door as the console's."""

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import BadInput, NotFound, ShiftleadError
from .cli_errors import complain, exit_code
from .cli_find import find_request
from .cli_moments import ahead, moment_of
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..core.approval import Request
    from ..core.store import Ledger
    from ..guardrails.approvals import Outcome

One = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id, or its ticket's id.")]
Many = Annotated[list[str], typer.Argument(metavar="REQUEST…", help="Ids of requests, or of their tickets.")]
Digest = Annotated[
    str,
    typer.Option(
        help="What you looked at, from `inbox show --json`; refused where it shows something else now.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the answers to the inbox's commands."""

    @command(app, "approve")
    def approve(
        session: Session,
        requests: Many,
        digest: Digest = "",
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not show it first and ask.")] = False,
    ) -> None:
        """Approve what is asked; it runs when its worker takes the case up again. In a terminal it is shown first."""
        _decide_each(session, requests, kind="approve", digest=digest, ask=not yes and in_terminal())

    @command(app, "edit")
    def edit(
        session: Session,
        request: One,
        changes: Annotated[list[str], typer.Option("--set", metavar="FIELD=VALUE", help="A new value; may be repeated.")],
        digest: Digest = "",
    ) -> None:
        """Change fields of an action; it is judged anew and asked about again."""
        _decide_each(session, [request], kind="edit", digest=digest, typed=_typed(changes))

    @command(app, "reject")
    def reject(
        session: Session,
        requests: Many,
        reason: Annotated[str, typer.Option(help="Why; it stays with the decision.")],
        text: Annotated[str, typer.Option(help="More about it.", show_default=False)] = "",
        digest: Digest = "",
    ) -> None:
        """Say no; the action never runs, and where no words say why, the case comes back for a person to take."""
        _decide_each(session, requests, kind="reject", digest=digest, reason=reason, text=text)

    @command(app, "respond")
    def respond(
        session: Session,
        request: One,
        text: Annotated[str, typer.Option(help="What you did with the case.", show_default=False)] = "",
        happened: Annotated[
            bool | None,
            typer.Option("--happened/--did-not-happen", help="For an effect whose answer was lost.", show_default=False),
        ] = None,
        digest: Digest = "",
    ) -> None:
        """Answer in words: you have taken the case, or you looked whether a lost effect happened."""
        _decide_each(session, [request], kind="respond", digest=digest, text=text, happened=happened)

    @command(app, "escalate")
    def escalate(
        session: Session,
        requests: Many,
        role: Annotated[
            str, typer.Option(help="Whom to ask; the policy's escalation role if not given.", show_default=False)
        ] = "",
        text: Annotated[str, typer.Option(help="What they should know.", show_default=False)] = "",
        digest: Digest = "",
    ) -> None:
        """Ask somebody with more authority."""
        _decide_each(session, requests, kind="escalate", digest=digest, role=role, text=text)

    @command(app, "snooze")
    def snooze(
        session: Session,
        requests: Many,
        until: Annotated[
            str, typer.Option(metavar="MOMENT", help="2026-01-31 or 2026-01-31T15:00, UTC.", show_default=False)
        ] = "",
        span: Annotated[str, typer.Option("--for", metavar="SPAN", help="30m, 2h or 1d.", show_default=False)] = "",
        digest: Digest = "",
    ) -> None:
        """Ask again later."""
        if bool(until) == bool(span):
            raise BadInput("Snoozing needs --until or --for, and not both.", hint="For instance --for 2h.")
        at = moment_of(until) if until else ahead(session.clock.now(), span)
        _decide_each(session, requests, kind="snooze", digest=digest, until=at)


def in_terminal() -> bool:
    """Whether a person sits there and can be asked."""
    return sys.stdin.isatty()


def _decide_each(
    session: Session,
    requests: list[str],
    *,
    kind: str,
    digest: str,
    typed: dict[str, str] | None = None,
    until: datetime | None = None,
    ask: bool = False,
    **answer: Any,
) -> None:
    """Give the same answer to each request; one that fails does not stop the others, and its exit code is the last word."""
    if digest and len(requests) > 1:
        raise BadInput("--digest is of one request.", hint="Name one request, or leave it out.")
    failed = 0
    with session.ledger() as ledger:
        for named in dict.fromkeys(requests):
            try:
                asked = _asked(ledger, named)
                changes = _changes(ledger, asked, typed) if typed else {}
                seen = _shown(session, ledger, asked, kind, digest, ask=ask)
                outcome = _decided(
                    session, ledger, asked, kind=kind, digest=digest, changes=changes, until=until, **seen, **answer
                )
            except ShiftleadError as error:
                if len(requests) == 1:
                    raise
                complain(error)
                failed = failed or exit_code(error)
                if session.out.as_json:
                    session.out.data({"request": named, "error": {"code": error.code, "message": error.message}})
                continue
            _report(session, asked, outcome)
    if failed:
        raise typer.Exit(failed)


def _asked(ledger: "Ledger", named: str) -> "Request":
    with ledger.reading() as reading:
        return find_request(reading, named)


def _decided(session: Session, ledger: "Ledger", asked: "Request", *, kind: str, digest: str, **answer: Any) -> "Outcome":
    from ..core.approval import DecisionKind
    from ..guardrails.approvals import Answer, Approvals

    given = Answer(request_id=asked.id, digest=digest or asked.digest, kind=DecisionKind(kind), **answer)
    return Approvals.of(session.place, ledger, session.policy).decide(given, session.operator)


def _shown(session: Session, ledger: "Ledger", asked: "Request", kind: str, digest: str, *, ask: bool) -> dict[str, Any]:
    """Say what is decided on before it is, so that a wrong id is seen: in one line, or whole and with a question.

    Answers what was shown, and for how many seconds.
    """
    told = f"{kind} {asked.id}: {asked.summary} [{(digest or asked.digest)[:12]}]"
    if not ask:
        session.out.say(told)
        return {"shown": told}
    lines = tuple(_whole(session, ledger, asked))
    began = session.clock.now()
    for line in lines:
        session.out.say(line)
    typer.confirm(f"{kind.capitalize()}?", abort=True, err=True)
    return {"shown": "\n".join(lines), "seconds": (session.clock.now() - began).total_seconds()}


def _whole(session: Session, ledger: "Ledger", asked: "Request") -> "Iterator[str]":
    from ..core import queue
    from .cli_request import request_told
    from .cli_story import case_story

    with ledger.reading() as reading:
        case = queue.get(reading, asked.case_id)
    keyring, policy = session.place.roster().keyring, session.known_policy(ledger)
    return request_told(asked, case_story(ledger, case, session.steps(case.worker), keyring=keyring, policy=policy))


def _report(session: Session, asked: "Request", outcome: "Outcome") -> None:
    if session.out.as_json:
        session.out.data({"request": asked.id, **dict(outcome)})
        return
    after = f" (now {outcome.next_request})" if outcome.next_request else ""
    session.out.text(f"{asked.id}: {outcome.message}{after}")


def _typed(changes: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"--set {change!r} is no change.", hint="Write it as --set amount=120.50.")
        found[name.strip()] = value
    return found


def _changes(ledger: "Ledger", asked: "Request", typed: dict[str, str]) -> dict[str, Any]:
    """What was typed, as the values the operation takes."""
    from ..core import actions, operations
    from .fields import editable

    if asked.action_id is None:
        raise BadInput(f"Request {asked.id!r} is about no action; there is nothing to edit.", hint="Answer it in words.")
    with ledger.reading() as reading:
        action = actions.get(reading, asked.action_id).envelope.proposal.action
        spec = operations.get(reading, action.target.system, action.kind)
    if spec is None:
        raise NotFound(
            f"Nothing is known about {action.kind!r} of {action.target.system!r}.", hint="Run `shiftlead work --once`."
        )
    fields = {field.name: field for field in editable(spec, action.arguments)}
    for name in typed:
        if name not in fields:
            raise BadInput(f"{action.kind}: {name!r} may not be edited.", hint=f"Editable: {', '.join(fields) or 'nothing'}.")
    return {name: fields[name].value(value) for name, value in typed.items()}
