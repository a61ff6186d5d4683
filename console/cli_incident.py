"""`shiftlead incident`: stop, find what is affected, put it right, show that it is right, and change the rule that let it happen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import BadInput
from .cli_errors import CHECK_FAILED
from .cli_output import moment
from .cli_session import Session, command, group
from .cli_switch import unused

if TYPE_CHECKING:
    from ..core.incidents import Item
    from ..core.receipt import Receipt
    from ..core.store import Ledger
    from ..guardrails.incident import Incidents
    from ..guardrails.lessons import Lesson
    from ..guardrails.reconciling import Outside, Reconciliation

app = group("Incidents: open, contain, correct, reconcile, review, close.")

Id = Annotated[str, typer.Argument(metavar="INCIDENT", help="An incident; the beginning of its id is enough.")]
_MOST = 20
_NEXT = {
    "open": "contain {id} --rule R-… --since …",
    "contained": "correct {id}",
    "corrected": "reconcile {id}",
    "reconciled": "review {id} --policy FILE",
    "reviewed": "close {id} --reason …",
}
"""What comes after each state."""


@command(app, "open")
def open_(
    session: Session,
    title: Annotated[str, typer.Argument(help="What went wrong, in a few words.")],
    stop: Annotated[
        list[str] | None,
        typer.Option("--stop", help="all, worker:NAME, action:KIND or party:ID; all if not given.", metavar="SCOPE"),
    ] = None,
) -> None:
    """Stop what goes wrong and open an incident about it; anybody who can open the workspace may."""
    with session.ledger() as ledger:
        made = _handling(session, ledger).open(title, stop or ["all"], operator=session.anybody)
        unknown = [told for scope in made.scopes if (told := unused(ledger, scope))]
    _say(session, made, f"{made.id}: stopped {', '.join(made.scopes)}. Nothing new starts there.")
    for told in unknown:
        session.out.say(told)
    session.out.say(f"Next: `shiftlead incident contain {made.id} --rule R-… --since …` finds what is affected.")


@command(app, "contain")
def contain(
    session: Session,
    incident: Id,
    kind: Annotated[str, typer.Option(help="A kind of action.", show_default=False)] = "",
    worker: Annotated[str, typer.Option(help="A worker.", show_default=False)] = "",
    party: Annotated[str, typer.Option(help="A customer or supplier, by id.", show_default=False)] = "",
    rule: Annotated[str, typer.Option(help="A rule that matched.", show_default=False)] = "",
    policy: Annotated[str, typer.Option(help="A policy: NAME@VERSION or a digest.", show_default=False)] = "",
    brain: Annotated[str, typer.Option(help="A brain, with its version.", show_default=False)] = "",
    playbook: Annotated[str, typer.Option(help="A playbook: NAME@VERSION.", show_default=False)] = "",
    template: Annotated[str, typer.Option(help="An approved text.", show_default=False)] = "",
    since: Annotated[datetime | None, typer.Option(help="From when on, in UTC.", show_default=False)] = None,
    until: Annotated[datetime | None, typer.Option(help="Until when, in UTC.", show_default=False)] = None,
) -> None:
    """Find and freeze the affected actions; those that were not sent go back to a person."""
    from ..core.clock import as_utc
    from ..core.incidents import Selector

    times = {name: as_utc(at) for name, at in (("since", since), ("until", until)) if at}
    named = {"kind": kind, "worker": worker, "party": party, "rule": rule, "policy": policy}
    selector = Selector(**named, brain=brain, playbook=playbook, template=template, **times)
    with session.ledger() as ledger:
        found = _handling(session, ledger).contain(incident, selector, operator=session.operator)
    if session.out.as_json:
        session.out.data(found)
    else:
        session.out.text(
            f"{found.affected} actions are affected ({found.new} new): {found.ran} ran, {found.held} held for a person.",
            f"Frozen as evidence {found.evidence[:16]}.",
        )
    if not found.matched:
        session.out.say("Nothing in the ledger has all of what was named; look at the spelling, and at the time (it is UTC).")
    session.out.say(f"Next: `shiftlead incident correct {found.incident.id}` asks a person about every case in which one ran.")


@command(app, "correct")
def correct(
    session: Session,
    incident: Id,
    remedy: Annotated[
        str, typer.Option("--with", help="Propose this action in each case.", metavar="KIND", show_default=False)
    ] = "",
    argument: Annotated[
        list[str] | None, typer.Option("--arg", help="An argument of it; others are kept.", metavar="NAME=VALUE")
    ] = None,
) -> None:
    """Ask a person about every case in which an affected action ran: one request for each case."""
    from ..guardrails.remedy import Remedy

    if argument and not remedy:
        raise BadInput("--arg belongs to an action.", hint="Name it with --with KIND.")
    wanted = Remedy(kind=remedy, arguments=_arguments(argument or ())) if remedy else None
    with session.ledger() as ledger:
        asked = _handling(session, ledger).correct(incident, operator=session.operator, remedy=wanted)
    _say(session, asked, f"{len(asked)} cases wait for a person.")
    session.out.say(f"Once all are decided and run: `shiftlead incident reconcile {incident}`.")


@command(app, "excuse")
def excuse(
    session: Session,
    incident: Id,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="An affected action.")],
    reason: Annotated[str, typer.Option(help="Why nothing follows, or why the two sides differ.")],
) -> None:
    """Note why an affected action needs no follow-up, or why ledger and outside differ about it."""
    with session.ledger() as ledger:
        _handling(session, ledger).excuse(incident, action, reason, operator=session.operator)
    _say(session, {"action": action, "note": reason}, f"Noted on {action}.")


@command(app, "reconcile")
def reconcile(session: Session, incident: Id) -> None:
    """Ask the outside systems about every effect; exit code 1 until both sides agree to 0.00 or each difference is explained."""
    from ..guardrails import reconciling

    with session.ledger() as ledger, _outside(session) as ask:
        found = reconciling.reconcile(_handling(session, ledger), incident, ask, operator=session.operator)
    if session.out.as_json:
        session.out.data({"ok": found.ok, **dict(found), "unexplained": [one.action for one in found.unexplained]})
    else:
        session.out.text(*_both_sides(found))
    if not found.ok:
        raise typer.Exit(CHECK_FAILED)


@command(app, "review")
def review(
    session: Session,
    incident: Id,
    policy: Annotated[Path | None, typer.Option(help="The changed policy.", metavar="FILE", show_default=False)] = None,
    unchanged: Annotated[str, typer.Option(help="Why no rule has to change.", metavar="REASON", show_default=False)] = "",
) -> None:
    """Judge what ran under a changed policy and show what it changes; exit code 1 while any of it would still run alone."""
    from ..guardrails import lessons
    from ..guardrails.policy import load_policy

    if (policy is None) == (not unchanged.strip()):
        told = "A review needs a changed policy, or a reason why none is needed."
        raise BadInput(told, hint="Give --policy FILE or --unchanged REASON.")
    with session.ledger() as ledger:
        handling = _handling(session, ledger)
        if policy is None:
            lessons.unchanged(handling, incident, unchanged, operator=session.operator)
            _say(session, {"ok": True, "unchanged": unchanged}, "Reviewed; no rule changes.")
            return
        found = lessons.review(handling, incident, load_policy(policy), operator=session.operator)
    if session.out.as_json:
        session.out.data({"ok": not found.still_alone, **dict(found)})
    else:
        session.out.text(*_learned(found))
    if found.still_alone:
        raise typer.Exit(CHECK_FAILED)
    session.out.say(f"Next: `shiftlead policy adopt {policy}`, then `shiftlead incident close {incident} --reason …`.")


@command(app, "close")
def close(
    session: Session, incident: Id, reason: Annotated[str, typer.Option(help="What was learned; the auditor reads it.")]
) -> None:
    """Close a reviewed incident; another person than the one who opened it."""
    with session.ledger() as ledger:
        made = _handling(session, ledger).close(incident, reason, operator=session.operator)
    _say(session, made, f"{made.id} is closed.")
    for scope in made.scopes:
        session.out.say(f"Still stopped: {scope}. `shiftlead resume {quote(scope)} --reason …` lets it run again.")


@command(app, "list")
def list_(session: Session) -> None:
    """Every incident, newest first."""
    from ..core import incidents

    with session.ledger() as ledger, ledger.reading() as reading:
        found = incidents.listed(reading)
    session.out.listed(
        ("incident", "state", "opened", "by", "stopped", "title"),
        found,
        lambda one: (one.id, one.state.value, moment(one.opened_at), one.opened_by, ", ".join(one.scopes), one.title),
        empty="There was no incident.",
    )


@command(app, "show")
def show(session: Session, incident: Id) -> None:
    """One incident with every affected action and what became of it."""
    from ..core import incidents

    with session.ledger() as ledger, ledger.reading() as reading:
        known = incidents.get(reading, incident)
        found = incidents.items(reading, known.id)
    if session.out.as_json:
        session.out.data({"incident": known, "actions": found})
        return
    session.out.text(
        f"{known.id}  {known.title}", f"{known.state.value}; opened by {known.opened_by} {moment(known.opened_at)} UTC"
    )
    session.out.table(("action", "case", "what", ">amount", "ran", "follow-up", "note"), [_row(one) for one in found])
    if step := _NEXT.get(known.state.value):
        session.out.say(f"Next: `shiftlead incident {step.format(id=known.id)}`.")


def _say(session: Session, data: object, text: str) -> None:
    if session.out.as_json:
        session.out.data(data)
    else:
        session.out.text(text)


def _both_sides(found: "Reconciliation") -> Iterator[str]:
    for one in found.totals:
        sides = f"ledger {one.ledger:,.2f}, outside {one.outside:,.2f}, difference {one.difference:,.2f}"
        yield f"{one.currency}: {sides}; corrected {one.corrected:,.2f}"
    for line in found.unexplained[:_MOST]:
        yield f"{line.action}  {line.what}: the ledger says {line.ledger}, outside {line.outside}"
    if found.undecided:
        yield f"{len(found.undecided)} follow-ups are not settled: {', '.join(found.undecided[:_MOST])}"
    yield "Both sides agree." if found.ok else "Not reconciled."


def _learned(found: "Lesson") -> Iterator[str]:
    for change in found.changes.differences:
        yield f"{'loosens' if change.loosens else 'tightens'}  {change.text}"
        if change.example:
            yield f"    {change.example}"
    for one in found.judged[:_MOST]:
        yield f"{one.action}  {one.what}: {one.before} -> {one.after} ({one.because})"
    stopped = len(found.judged) - len(found.still_alone)
    yield f"{stopped} of {len(found.judged)} come out stopped under {found.changes.new}."


def _row(one: "Item") -> tuple[str, ...]:
    amount = f"{one.amount} {one.currency}" if one.amount else ""
    return one.action_id, one.case_id, f"{one.kind} {one.target}", amount, "yes" if one.ran else "no", one.follow_up, one.note


def _handling(session: Session, ledger: "Ledger") -> "Incidents":
    from ..guardrails.incident import Incidents

    return Incidents(ledger, session.policy, signing=session.place.keys.signer)


def _arguments(given: "list[str] | tuple[()]") -> dict[str, str]:
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise BadInput(f"{one!r} is no argument.", hint="Write NAME=VALUE.")
        found[name] = value
    return found


@contextmanager
def _outside(session: Session) -> "Iterator[Outside]":
    """The look-up of every connector of the workspace."""
    from ..agents.crew import open_connectors
    from ..core.errors import NotFound

    connectors = open_connectors(session.place, session.clock)

    def ask(system: str, key: str) -> "Receipt | None":
        if system not in connectors:
            raise NotFound(f"The connector {system!r} is not in this workspace.")
        return connectors[system].lookup(key)

    try:
        yield ask
    finally:
        for connector in connectors.values():
            connector.close()
