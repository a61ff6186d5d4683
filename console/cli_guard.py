"""`shiftlead guard`: lanes for agents that are not ours, one line of JSON for each call."""

import json
import sys
from pathlib import Path
from typing import IO, Annotated

import typer

from .cli_errors import CHECK_FAILED
from .cli_session import Session, command, group

app = group("The gate for other agents: a line for each proposed action in, a line with its lane out.")


@command(app, "judge")
def judge(
    session: Session,
    file: Annotated[Path | None, typer.Argument(help="JSON lines; standard input if not given.", show_default=False)] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", metavar="FILE", help="The policy to judge by; the starter policy if not given.", show_default=False
        ),
    ] = None,
) -> None:
    """Judge proposed actions line by line as they come; exit code 1 at the end where a line could not be read."""
    from ..guardrails.gateway import BAD_INPUT, judged_lines, starter_policy
    from ..guardrails.policy import load_policy

    chosen = load_policy(policy) if policy else starter_policy()
    bad = 0
    with _opened(file) as lines:
        for verdict in judged_lines(chosen, lines, session.clock):
            bad += any(rule["id"] == BAD_INPUT for rule in verdict["rules"])
            if session.out.as_json:
                typer.echo(json.dumps(verdict, ensure_ascii=False))
                sys.stdout.flush()
            else:
                session.out.text(
                    f"{verdict['lane']:<10}  {verdict['id']}",
                    *(f"    {one['id']}: {one['reason']}" for one in verdict["rules"]),
                )
    if bad:
        session.out.say(f"{bad} line{'' if bad == 1 else 's'} could not be read; such an action must not run.")
        raise typer.Exit(CHECK_FAILED)


@command(app, "policy")
def policy_text(session: Session) -> None:
    """Print the starter policy, to begin one of your own with."""
    from importlib.resources import files

    from .. import guardrails
    from ..guardrails.gateway import starter_policy

    if session.out.as_json:
        session.out.data(starter_policy())
        return
    typer.echo(files(guardrails.__name__).joinpath("starter.yaml").read_text(encoding="utf-8"), nl=False)


def _opened(file: Path | None) -> IO[str]:
    from ..core.errors import BadInput

    if file is None:
        # A byte that is no UTF-8 makes its own line bad, not the stream.
        return typer.get_text_stream("stdin", encoding="utf-8", errors="surrogateescape")
    try:
        return file.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise BadInput(f"{str(file)!r} cannot be read: {error.strerror}.", hint="Check its path.") from error
