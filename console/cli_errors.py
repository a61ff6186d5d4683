"""What the command line says when something goes wrong, and the exit code that goes with it."""

import errno
import traceback

import typer

from ..core import errors
from ..core.errors import ShiftleadError

CHECK_FAILED = 1
"""The command did its work, and what it checked does not hold."""

BUG = 70
"""Something happened that nobody foresaw."""

CODES: tuple[tuple[type[ShiftleadError], int, str], ...] = (
    (errors.BadInput, 2, "bad input or usage"),
    (errors.NotFound, 3, "not found"),
    (errors.Conflict, 4, "somebody was first, or it moved"),
    (errors.Forbidden, 5, "forbidden or stopped"),
    (errors.ConnectorError, 6, "connector trouble"),
    (errors.PluginError, 7, "plugin or ledger trouble"),
    (errors.LedgerError, 7, "plugin or ledger trouble"),
    (errors.CassetteError, CHECK_FAILED, "a check failed"),
)
"""Exit code and meaning by kind of error."""


def exit_code(error: ShiftleadError) -> int:
    """The exit code for one of our errors."""
    return next((code for kind, code, _ in CODES if isinstance(error, kind)), BUG)


def complain(error: ShiftleadError) -> None:
    """Say on standard error what happened and what to do."""
    from .cli_output import line

    typer.echo(line(f"error {error.code}: {error.message}"), err=True)
    if error.hint:
        typer.echo(line(f"hint: {error.hint}"), err=True)


def told(error: Exception, *, debug: bool) -> int:
    """Say what happened, as briefly as it deserves; returns the exit code."""
    if debug:
        typer.echo("".join(traceback.format_exception(error)), err=True)
    known = error if isinstance(error, ShiftleadError) else _translated(error)
    if known is not None:
        complain(known)
        return exit_code(known)
    from .cli_output import line

    typer.echo(line(f"error SL000: {type(error).__name__}: {error}"), err=True)
    typer.echo(
        "hint: This is a bug in shiftlead or in a plugin. Run it again with `shiftlead --debug …` and report it.", err=True
    )
    return BUG


def is_control_flow(error: Exception) -> bool:
    """Whether the framework should handle it: an exit, an abort, wrong usage, or a reader that went away."""
    gone = isinstance(error, OSError) and error.errno == errno.EPIPE
    # Usage errors are of another class in each release of the framework; all of them can format themselves.
    return gone or isinstance(error, typer.Exit | typer.Abort) or hasattr(error, "format_message")


def _translated(error: Exception) -> ShiftleadError | None:
    """The error in our own words, where its cause lies outside the code."""
    if isinstance(error, OSError) and error.filename is not None:
        return errors.BadInput(f"{str(error.filename)!r}: {error.strerror}.", hint="Check the path and its rights.")
    if type(error).__module__.startswith("sqlalchemy."):
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        return errors.LedgerError(f"The ledger cannot be used: {cause}.", hint="`shiftlead doctor` looks at it.")
    return None
