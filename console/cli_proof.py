"""`shiftlead policy diff|prove|replay`: what a policy would let through, before anybody lets it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_errors import CHECK_FAILED
from .cli_named import FILE, folder_of, held_policy, named_policy
from .cli_output import money
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..guardrails.differences import Comparison, Difference
    from ..guardrails.policy import Policy
    from ..guardrails.replay import Move, Replay
    from ..guardrails.theorems import Proof


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "diff")(_diff)
    command(app, "prove")(_prove)
    command(app, "replay")(_replay)


def _diff(
    session: Session,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[OLD] [NEW]",
            help="Two policy files; one is compared with the policy in force, and none means the workspace's own file.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what a new policy loosens, each time with a case that proves it; exit code 1 where it loosens anything."""
    from ..core.errors import BadInput
    from ..guardrails.differences import compare

    given = files or []
    if len(given) > 2:
        raise BadInput(f"{len(given)} files were named.", hint="Name the old policy and the new one.")
    new = named_policy(session, given[-1] if given else None)
    old = named_policy(session, given[0]) if len(given) == 2 else held_policy(session)
    found = compare(old, new)
    if session.out.as_json:
        session.out.data({"loosens": found.loosens, **dict(found)})
    else:
        _compared(session, found)
    if found.loosens:
        raise typer.Exit(CHECK_FAILED)


def _compared(session: Session, found: "Comparison") -> None:
    for title, differences in (("loosens", found.loosenings), ("tightens", found.tightenings)):
        for one in differences:
            session.out.text(*_difference(title, one))
    names = f"{found.old} ({found.old_digest[:12]}) -> {found.new} ({found.new_digest[:12]})"
    counted = f"{len(found.loosenings)} loosened, {len(found.tightenings)} tightened"
    session.out.text(f"{names}: {counted if found.differences else 'the same lanes and the same people'}.")
    for line in found.left_out:
        session.out.say(line)


def _difference(title: str, one: "Difference") -> list[str]:
    lines = [f"{title}  {one.text}"]
    if one.example and one.loosens:
        lines += [f"    case  {one.example}", f"    old   {one.before}", f"    new   {one.after}"]
    elif one.example:
        lines.append(f"    case  {one.example}")
    return lines


def _prove(
    session: Session,
    file: FILE = None,
    theorems: Annotated[
        Path | None,
        typer.Option("--theorems", metavar="FILE", help="Other theorems than the policy's own.", show_default=False),
    ] = None,
) -> None:
    """Prove the theorems of a policy for every case, or show a case that refutes them; exit code 1 where one fails."""
    from ..guardrails.theorems import load_theorems, prove, theorems_of

    policy = named_policy(session, file)
    found = prove(policy, load_theorems(theorems, policy) if theorems else theorems_of(policy, folder_of(session, file)))
    failed = [one for one in found if not one.holds]
    if session.out.as_json:
        session.out.data({"ok": not failed, "policy": policy.ref, "digest": policy.digest(), "theorems": found})
    else:
        for one in found:
            session.out.text(*_proof(one))
        session.out.text(f"{policy.ref}: {len(found) - len(failed)} of {len(found)} theorems hold in every case.")
    if failed:
        raise typer.Exit(CHECK_FAILED)


def _proof(one: "Proof") -> list[str]:
    if one.holds:
        none = "" if one.kinds else " (the policy knows no such action, so it is prohibited)"
        return [f"holds    {one.theorem}  {one.claim}{none}"]
    lines = [f"REFUTED  {one.theorem}  {one.claim} [{one.source}; {one.owner}]"]
    return [*lines, *(f"    {word}  {text}" for word, text in (("case   ", one.example), ("verdict", one.verdict)) if text)]


def _replay(
    session: Session,
    file: FILE = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only what was proposed from this day on.", show_default=False)
    ] = None,
) -> None:
    """Judge everything the ledger holds under another policy, with the facts of that time; nothing is written."""
    from ..guardrails.replay import parse_since, remembered, replayed

    policy = named_policy(session, file)
    from_day = parse_since(since) if since else None
    held = held_policy(session)
    with session.ledger() as ledger, ledger.reading() as reading:
        memory = remembered(reading, (policy, held), since=from_day)
    found = replayed(memory, policy)
    if session.out.as_json:
        session.out.data({"error_rate": found.error_rate, **dict(found)})
    else:
        _replayed(session, policy, found)


def _replayed(session: Session, policy: "Policy", found: "Replay") -> None:
    for move in found.moves:
        session.out.text(*_move(move))
    changed = found.actions - found.same
    session.out.text(f"{policy.ref}: {changed} of {found.actions} past actions would be judged otherwise; nothing was changed.")
    decided = found.errors + found.confirmed
    told = f"{found.unattended} would run without asking"
    if decided:
        told += f"; people decided on {decided} of them, and had rejected or changed {found.errors} ({found.error_rate:.1%})"
    session.out.text(f"{told}.")
    if found.errors:
        session.out.text(f"Mistakes nobody would have stopped: {_amounts(found.error_money)}; {', '.join(found.error_cases)}.")
    if found.blocked_good:
        session.out.text(f"{found.blocked_good} that people had approved would never run.")


def _move(move: "Move") -> list[str]:
    said = ", ".join(f"{count} {word}" for word, count in move.said.items())
    amounts = _amounts(move.money)
    return [
        f"{'freer' if move.freer else 'stricter':8}  {move.before} -> {move.after}: {move.count}{f', {amounts}' if amounts else ''}",
        f"    people had said: {said}; for instance {', '.join(move.cases)}",
    ]


def _amounts(found: Mapping[str, Any]) -> str:
    return ", ".join(money(amount, code) for code, amount in found.items())
