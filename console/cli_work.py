"""`shiftlead work`: takes tickets in and lets the workers work on them, once, until idle, or until told to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import BadInput, ConnectorError, ShiftleadError
from .cli_errors import complain
from .cli_named import held_policy
from .cli_notary import sign_if_due
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..agents.cassette import Cassette
    from ..agents.crew import Crew
    from ..agents.runner import Runner, Shift
    from ..connectors.intake import Taken

THREADS = 4
"""How many threads work by default: they share commits, so a few of them are faster than one."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "work")
    def work(
        session: Session,
        once: Annotated[bool, typer.Option("--once", help="Work on one batch of cases, then stop.")] = False,
        until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when no case is ready.")] = False,
        concurrency: Annotated[int, typer.Option(min=1, max=64, help="How many threads work.")] = THREADS,
        pull: Annotated[bool, typer.Option("--pull/--no-pull", help="Take new tickets in first.")] = True,
        brain: Annotated[str, typer.Option(help="embedded, or provider:model.", show_default=False)] = "",
        cassette: Annotated[Path | None, typer.Option(help="A file of recorded model answers.", show_default=False)] = None,
        mode: Annotated[
            str, typer.Option(help="With a cassette: live, record, replay or replay-strict.", show_default="replay")
        ] = "",
        max_age_days: Annotated[int | None, typer.Option(min=0, help="How old a recording may be.", show_default=False)] = None,
        interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at the queues.")] = 5.0,
    ) -> None:
        """Work on cases; without --once or --until-idle until it is told to stop (Ctrl-C or SIGTERM)."""
        if once and until_idle:
            raise BadInput("--once and --until-idle do not go together.", hint="Give one of them.")
        tape = _tape(session, cassette, mode, brain, max_age_days)
        # With several threads the recordings of one case would not stand together.
        threads = 1 if tape and tape.mode == "record" else concurrency
        with tape.sealed(_ledger_hosts(session)) if tape else nullcontext():
            _work(session, brain, tape, once=once, until_idle=until_idle, concurrency=threads, pull=pull, interval=interval)
        for note in tape.finish() if tape else ():
            session.out.say(note)


def _work(
    session: Session,
    brain: str,
    tape: "Cassette | None",
    *,
    once: bool,
    until_idle: bool,
    concurrency: int,
    pull: bool,
    interval: float,
) -> None:
    from ..agents.crew import open_crew
    from ..agents.runner import Runner

    crew = open_crew(session.place, clock=session.clock, brain=brain, policy=session.policy, cassette=tape)
    try:
        runner = Runner(crew)
        if once or until_idle:
            _one_run(
                session, runner, pull=pull, turn=runner.once if once else lambda: runner.until_idle(concurrency=concurrency)
            )
        else:
            while _shift(session, runner, pull=pull, interval=interval, concurrency=concurrency):
                crew.close()
                crew = open_crew(session.place, clock=session.clock, brain=brain, policy=held_policy(session), cassette=tape)
                runner = Runner(crew)
    finally:
        crew.close()


def _tape(session: Session, file: Path | None, mode: str, brain: str, max_age_days: int | None) -> "Cassette | None":
    """The cassette that was asked for; raises BadInput where the options do not go together."""
    if file is None:
        if mode not in ("", "live") or max_age_days is not None:
            raise BadInput("There is no cassette to record to or replay from.", hint="Name its file with --cassette.")
        return None
    from ..agents.brain import EMBEDDED

    if (brain or session.place.workspace.brain) == EMBEDDED:
        raise BadInput("The embedded brain asks no model, so there is nothing to record.", hint="Name a model with --brain.")
    from ..agents.cassette import open_cassette
    from ..guardrails.presidio import open_recognisers

    recognisers = open_recognisers(session.place.workspace.recognisers)
    return open_cassette(file, mode or "replay", clock=session.clock, max_age_days=max_age_days, recognisers=recognisers)


def _ledger_hosts(session: Session) -> tuple[str, ...]:
    """The hosts that the ledger's own library looks up, which it does in Python before it connects."""
    from sqlalchemy import make_url

    url = make_url(session.place.ledger_url())
    named = url.query.get("host") or ()
    return tuple(one for one in (url.host, *((named,) if isinstance(named, str) else named)) if one)


def pull_all(crew: "Crew", on_trouble: Callable[[ConnectorError], None]) -> "Taken":
    """Take in what waits in every queue; a connector that fails is told of, and the others go on."""
    from ..connectors.intake import Taken

    total = Taken()
    for connector in crew.connectors.values():
        try:
            for taken in crew.intake.pull(connector):
                total += taken
        except ConnectorError as error:
            on_trouble(error)
    return total


def _one_run(session: Session, runner: "Runner", *, pull: bool, turn: Callable[[], "Shift"]) -> None:
    from ..connectors.intake import Taken

    troubles: list[ConnectorError] = []
    with _signals(runner.halt):
        taken = pull_all(runner.crew, troubles.append) if pull else Taken()
        shift = turn()
        sign_if_due(session, runner.crew.ledger)
    left = _left(runner.crew)
    if session.out.as_json:
        session.out.data({"taken": taken, "shift": shift, **left})
    else:
        session.out.text(*_told(taken, shift), _left_told(left, session.clock.now()))
        if left["stopped"]:
            session.out.text(f"Stopped, so nothing of it ran: {', '.join(left['stopped'])}.")
    for error in troubles[1:]:
        complain(error)
    if troubles:
        raise troubles[0]


def _left(crew: "Crew") -> dict[str, Any]:
    """What is still there when nothing is ready: cases that rest, requests that wait for a person, and what is stopped."""
    from ..core import inbox, queue, switches

    with crew.ledger.reading() as reading:
        now = crew.ledger.clock.now()
        count, first = queue.resting(reading, now=now)
        stopped = [one.scope for one in switches.thrown(reading)]
        return {"resting": count, "resting_until": first, "waiting": inbox.count_waiting(reading, now=now), "stopped": stopped}


def _left_told(left: dict[str, Any], now: datetime) -> str:
    first = left["resting_until"]
    asked, rest = left["waiting"], left["resting"]
    told = f"In all {asked} request{'' if asked == 1 else 's'} wait{'s' if asked == 1 else ''} for a person"
    if first is None:
        return f"{told}; no case rests."
    until = f"{first:%H:%M}" if first.date() == now.date() else f"{first:%Y-%m-%d %H:%M}"
    return f"{told}; {f'{rest} cases rest, the first' if rest > 1 else 'one case rests,'} until {until} UTC."


def _shift(session: Session, runner: "Runner", *, pull: bool, interval: float, concurrency: int) -> bool:
    """Pull, work and rest in turn, until a signal comes; cases in hand are finished first.

    True where it ended because another policy came into force, or other people or keys count.
    """
    from sqlalchemy.exc import DBAPIError

    stop = threading.Event()

    def halt() -> None:
        stop.set()
        runner.halt()

    with _signals(halt):
        session.out.say("Working; Ctrl-C finishes the cases in hand and stops.")
        while not stop.is_set():
            try:
                taken = pull_all(runner.crew, complain) if pull else None
                shift = runner.until_idle(concurrency=concurrency)
                sign_if_due(session, runner.crew.ledger)
                changed = _changed(session, runner)
            except DBAPIError as error:
                # A database server may be restarted; what was in hand is taken up again when it answers.
                session.out.say(f"The ledger does not answer ({str(error.orig).splitlines()[0]}); trying again.")
                stop.wait(interval)
                continue
            if shift.worked or (taken and (taken.opened or taken.quarantined)):
                if session.out.as_json:
                    session.out.data({"taken": taken, "shift": shift})
                else:
                    session.out.text(*_told(taken, shift))
            if changed and not stop.is_set():
                session.out.say(f"{changed}; the work goes on so.")
                return True
            stop.wait(interval)
    session.out.say("Stopped; nothing is left half done.")
    return False


def _changed(session: Session, runner: "Runner") -> str:
    """What is different from when the crew was put together; empty where nothing is, or the workspace cannot be read now."""
    from ..core import policies

    # Also for a new policy, which somebody may have signed who was made an operator after we began.
    session.look_again()
    if policies.held_in(runner.crew.ledger) != runner.crew.under:
        return "Another policy came into force"
    try:
        same = session.place.roster().fingerprint() == runner.crew.roster.fingerprint()
    except ShiftleadError as error:
        complain(error)
        return ""
    return "" if same else "The operators or their keys have changed"


@contextmanager
def _signals(halt: Callable[[], None]) -> Iterator[None]:
    """Call `halt` at the first SIGINT or SIGTERM; the second one interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    def heard(number: int, _: object) -> None:
        signal.signal(number, signal.default_int_handler)
        halt()

    for one in before:
        signal.signal(one, heard)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _told(taken: "Taken | None", shift: "Shift") -> list[str]:
    lines = []
    if taken is not None:
        lines.append(f"Taken in: {taken.opened} new, {taken.known} known, {taken.quarantined} to quarantine.")
    return [*lines, f"Worked on {shift.worked}: {shift.waiting} wait for a person, {shift.failed} failed and are tried again."]
