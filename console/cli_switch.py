"""`shiftlead stop` and `shiftlead resume`: the kill switch."""

from typing import Annotated

import typer

from .cli_session import Session, command

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
        _told(session, scope, by=session.anybody.name, stopped=True)

    @command(app, "resume")
    def resume(
        session: Session,
        scope: Annotated[str, typer.Argument(help=f"What may run again: {_SCOPE}")],
        reason: Annotated[str, typer.Option(help="What was checked; the auditor reads it.")],
    ) -> None:
        """Let effects start again; only an operator may."""
        from ..guardrails import killswitch

        with session.ledger() as ledger:
            killswitch.resume(ledger, scope, operator=session.operator, reason=reason)
        _told(session, scope, by=session.operator.name, stopped=False)


def _told(session: Session, scope: str, *, by: str, stopped: bool) -> None:
    if session.out.as_json:
        session.out.data({"scope": scope, "stopped": stopped, "by": by})
    elif stopped:
        session.out.text(
            f"Stopped: {scope}. Nothing new starts; `shiftlead resume {scope} --reason …` lets it run again. Recorded: {by}."
        )
    else:
        session.out.text(f"Runs again: {scope}.")
