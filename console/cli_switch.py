"""`shiftlead stop` and `shiftlead resume`: the kill switch."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_session import Session, command

if TYPE_CHECKING:
    from ..core.store import Ledger

_SCOPE = "all, worker:NAME, action:KIND or party:ID."


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @command(app, "stop")
    def stop(
        session: Session,
        scope: Annotated[str, typer.Argument(help=f"What to stop: {_SCOPE}")] = "all",
        reason: Annotated[str, typer.Option(help="Why; may be left out.", show_default=False)] = "",
    ) -> None:
        """Let no new effect start, in any process, from now on; anybody who can open the workspace may."""
        from ..guardrails import killswitch

        with session.ledger() as ledger:
            killswitch.stop(ledger, scope, operator=session.anybody, reason=reason)
            unknown = unused(ledger, scope)
        _told(session, scope, by=session.anybody.name, stopped=True)
        if unknown:
            session.out.say(unknown)

    @command(app, "resume")
    def resume(
        session: Session,
        scope: Annotated[str, typer.Argument(help=f"What may run again: {_SCOPE}")],
        reason: Annotated[
            str, typer.Option(help="What was checked; the second person may leave it out.", show_default=False)
        ] = "",
    ) -> None:
        """Ask that effects may start again, or agree to it as the second person; only operators may."""
        from ..guardrails import killswitch
        from ..guardrails.killswitch import Resumed

        operator = session.operator
        with session.ledger() as ledger:
            led_to = killswitch.resume(
                ledger, scope, operator=operator, policy=session.policy, signer=session.place.keys.signer, reason=reason
            )
        if led_to is Resumed.RUNS:
            _told(session, scope, by=operator.name, stopped=False)
        elif session.out.as_json:
            session.out.data({"scope": scope, "stopped": True, "by": operator.name, "asked": True})
        else:
            session.out.text(
                f"Still stopped: {scope}. {operator.name} asked to let it run; `shiftlead resume {quote(scope)}` of a second person does."
            )


def unused(ledger: "Ledger", scope: str) -> str:
    """What a person is told where nothing in the ledger is called as a scope says; empty where something is."""
    from ..core import switches

    name = scope.partition(":")[2]
    with ledger.reading() as reading:
        if switches.in_use(reading, scope):
            return ""
        ids = switches.party_ids(reading, name)
    if ids:
        return f"warning: {name!r} is a name; actions name the party by its id: {', '.join(ids)}."
    return f"warning: Nothing in the ledger is called {name!r} so far; look at the spelling."


def _told(session: Session, scope: str, *, by: str, stopped: bool) -> None:
    if session.out.as_json:
        session.out.data({"scope": scope, "stopped": stopped, "by": by})
    elif stopped:
        session.out.text(
            f"Stopped: {scope}. Nothing new starts; `shiftlead resume {quote(scope)} --reason …` lets it run again. Recorded: {by}."
        )
    else:
        session.out.text(f"Runs again: {scope}.")
