"""The command line: `shiftlead NOUN VERB`, data on standard output, narration on standard error, no tracebacks."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from . import (
    cli_audit,
    cli_brain,
    cli_case,
    cli_collections,
    cli_connector,
    cli_console,
    cli_decide,
    cli_demo,
    cli_doctor,
    cli_einvoice,
    cli_eval,
    cli_grant,
    cli_guard,
    cli_inbox,
    cli_incident,
    cli_init,
    cli_invoices,
    cli_kpi,
    cli_operator,
    cli_policy,
    cli_privacy,
    cli_quarantine,
    cli_switch,
    cli_work,
)
from .cli_errors import BUG, CHECK_FAILED, CODES, is_control_flow, told
from .cli_session import Folder, Url, Who

_MEANINGS = {0: "ok", CHECK_FAILED: "a check failed"} | {code: meaning for _, code, meaning in CODES}
_MEANINGS[BUG] = "unexpected; a bug"

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>2}  {meaning}" for code, meaning in sorted(_MEANINGS.items()))


class Guarded(TyperGroup):
    """The whole command line; what goes wrong below is said in one message, with an exit code of its own."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if is_control_flow(error):
                raise
            raise typer.Exit(told(error, debug=bool(ctx.params.get("debug")))) from error


app = typer.Typer(
    name="shiftlead",
    cls=Guarded,
    help="AI workers for operations teams, with a person in charge.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shiftlead {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    workspace: Folder = None,
    who: Who = None,
    url: Url = None,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    """AI workers for operations teams, with a person in charge."""
    del debug, version
    ctx.obj = {"workspace": workspace, "who": who, "url": url}


for _module in (cli_init, cli_demo, cli_work, cli_console, cli_kpi, cli_doctor, cli_switch):
    _module.register(app)

for _name, _group in (
    ("case", cli_case.app),
    ("inbox", cli_inbox.app),
    ("policy", cli_policy.app),
    ("audit", cli_audit.app),
    ("incident", cli_incident.app),
    ("privacy", cli_privacy.app),
    ("quarantine", cli_quarantine.app),
    ("connector", cli_connector.app),
    ("invoices", cli_invoices.app),
    ("collections", cli_collections.app),
    ("einvoice", cli_einvoice.app),
    ("brain", cli_brain.app),
    ("eval", cli_eval.app),
    ("guard", cli_guard.app),
    ("operator", cli_operator.app),
    ("grant", cli_grant.app),
):
    app.add_typer(_group, name=_name)

cli_decide.register(cli_inbox.app)


def main() -> None:
    """Run the command line; never returns."""
    for stream in (sys.stdout, sys.stderr):
        # Half a surrogate in somebody's ticket must not stop the list it is in.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app()
