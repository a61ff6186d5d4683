"""`shiftlead demo`: the whole product at work on the embedded company, from tickets to waiting approvals."""

import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import BadInput
from .cli_errors import complain
from .cli_progress import Progress
from .cli_session import Session, command
from .cli_work import THREADS

if TYPE_CHECKING:
    from ..core.settings import Place
    from .cli_result import Result

MEANINGS = (
    "Waits: the money is what the actions would move once a person says yes, or what the cases are worth.",
    "Blocked: the money is what the cases are worth; nothing of it moves before a person has looked, so they are among what waits.",
)
"""What the money beside two words of the result is."""

MARK = ".shiftlead-demo"
"""Lies in a folder that a demo made, and that the next demo may therefore delete."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "demo")
    def demo(
        session: Session,
        headless: Annotated[bool, typer.Option("--headless", help="Do not open the console afterwards.")] = False,
        size: Annotated[int, typer.Option(min=4, help="How many cases wait in the company.")] = 340,
        seed: Annotated[int, typer.Option(help="Which company it is.")] = 7,
        folder: Annotated[Path, typer.Option("--dir", help="Where the workspace is made.", metavar="DIR")] = Path("demo"),
        keep: Annotated[bool, typer.Option("--keep", help="Go on with the workspace of the last demo.")] = False,
    ) -> None:
        """Let the workers work on a made-up company, then show what ran alone, what waits and what was blocked."""
        if session.url is not None:
            raise BadInput("The demo keeps its ledger in its own folder.", hint="Leave --ledger out, or use `shiftlead init`.")
        place = _workspace(session, session.workspace or folder, size=size, seed=seed, keep=keep)
        found = _worked(session, place)
        if session.out.as_json:
            session.out.data(found)
        else:
            session.out.text("", *found.lines(), "", *MEANINGS)
        if not (headless or session.out.as_json) and sys.stdin.isatty() and sys.stdout.isatty():
            from .cli_console import open_console

            open_console(Session(workspace=place.folder, who=session.who))
        start = f"shiftlead -w {shlex.quote(str(place.folder))}"
        session.out.say(f"Next: `{start} console` to decide what waits (without a terminal: `{start} inbox list`),")
        session.out.say(f"then `{start} work --until-idle` to run what you approved.")


def _workspace(session: Session, folder: Path, *, size: int, seed: int, keep: bool) -> "Place":
    from ..core.settings import FILE_NAME, locate, system_user
    from .cli_init import make_workspace

    if keep and (folder / FILE_NAME).exists():
        return locate(folder)
    _clear(folder)
    session.out.say(f"A company with {size} waiting cases is made in {folder.resolve()} …")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("The next `shiftlead demo` deletes this folder.\n", encoding="utf-8")
    who = session.who or system_user()
    return make_workspace(folder, clock=session.clock, who=who, size=size, seed=seed, say=session.out.say)


def _clear(folder: Path) -> None:
    """Delete the last demo, and nothing that a demo did not make."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MARK).is_file():
        raise BadInput(f"{str(folder)!r} is no demo; it is left alone.", hint="Give --dir with an empty or new folder.")
    shutil.rmtree(folder)


def _worked(session: Session, place: "Place") -> "Result":
    from ..agents.crew import open_crew
    from ..agents.runner import Runner
    from .cli_result import result
    from .cli_work import pull_all

    began = time.monotonic()
    crew = open_crew(place, clock=session.clock)
    try:
        taken = pull_all(crew, complain)
        session.out.say(f"{taken.opened} tickets taken in, {taken.quarantined} to quarantine.")
        bar = Progress("Working", taken.opened)
        Runner(crew, progress=bar.step).until_idle(concurrency=THREADS)
        bar.close()
        return result(crew.ledger, seconds=time.monotonic() - began)
    finally:
        crew.close()
