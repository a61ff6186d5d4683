"""`shiftlead policy adopt|sign|list`: which policy is in force, and who put it there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_output import moment
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..core.policies import PolicyVersion
    from ..guardrails.enactment import Outcome


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "adopt")(_adopt)
    command(app, "sign")(_sign)
    command(app, "list")(_list)


def _adopt(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(help="A policy file; the workspace's own file if not given.", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option(help="What changed, and who asked for it.", show_default=False)] = "",
) -> None:
    """Put a policy in force; one that loosens anything waits for the signature of a second person."""
    from ..guardrails.drafts import draft, draft_of
    from ..guardrails.enactment import adopt

    found = draft(file) if file else draft_of(session.place)
    keys = session.place.keys
    with session.ledger() as ledger:
        made = adopt(
            ledger, session.place, found, operator=session.operator, reason=reason, signing=keys.signer, keyring=keys.ring()
        )
    if session.out.as_json:
        session.out.data(_told(made.version))
        return
    _adopted(session, made, file)


def _adopted(session: Session, made: "Outcome", file: Path | None) -> None:
    version = made.version
    for line in version.loosenings:
        session.out.text(f"loosens  {line}")
    if version.in_force_at is None:
        session.out.text(f"{version.ref} ({version.digest[:12]}) loosens something, so it waits for a second person.")
        session.out.say(_next(session, version))
        return
    session.out.text(f"{version.ref} ({version.digest[:12]}) is in force.")
    if version.loosenings:
        session.out.text("One person was enough, since the policy says so; that is recorded with it.")
    session.out.say("Workers take it up when they next look at the queues; a console, when it is opened again.")
    if file is not None and file.resolve() != _own_file(session):
        session.out.say("The workspace's own policy file is another one; copy this one there, or each start will say so.")


def _next(session: Session, version: "PolicyVersion") -> str:
    from ..guardrails.requests import rank

    policy, author = session.policy, version.signatures[0].by
    least = rank(policy, policy.escalate_to)
    may = [
        name
        for name, role in session.place.workspace.operators.items()
        if name != author and policy.role(role) is not None and rank(policy, role) >= least
    ]
    if not may:
        return f"Nobody else here may sign it: add somebody with `shiftlead operator add NAME --role {policy.escalate_to}`."
    return f"Next: `shiftlead policy sign {version.digest[:12]}`, by {' or '.join(may)}."


def _own_file(session: Session) -> Path | None:
    named = session.place.workspace.policy
    return session.place.path(named) if named else None


def _sign(
    session: Session,
    digest: Annotated[str, typer.Argument(help="The beginning of its digest; the one that waits if not given.")] = "",
) -> None:
    """Agree to a policy that loosens something, as the second person, and so put it in force."""
    from ..core import policies
    from ..guardrails.enactment import newest, second

    keys = session.place.keys
    with session.ledger() as ledger:
        if not digest:
            with ledger.reading() as reading:
                digest = newest(policies.history(reading)).digest
        made = second(ledger, session.place, digest, operator=session.operator, signing=keys.signer, keyring=keys.ring())
    if session.out.as_json:
        session.out.data(_told(made))
        return
    for line in made.loosenings:
        session.out.text(f"loosens  {line}")
    session.out.text(f"{made.ref} ({made.digest[:12]}) is in force, signed by {_signers(made)}.")
    session.out.say("Workers take it up when they next look at the queues; a console, when it is opened again.")


def _list(session: Session) -> None:
    """List the policies that were in force, the one that is, and the one that waits."""
    from ..core import policies

    _ = session.policy
    with session.ledger() as ledger, ledger.reading() as reading:
        known = policies.history(reading)
    session.out.listed(
        ("digest", "policy", "state", "since", "loosens", "signed by", "reason"),
        [_told(one) for one in known],
        lambda one: (
            one["digest"][:12],
            one["policy"],
            one["state"].replace("_", " "),
            moment(one["in_force_at"]),
            len(one["loosenings"]),
            one["signed_by"],
            one["reason"],
        ),
    )


def _told(version: "PolicyVersion") -> dict[str, Any]:
    return {
        "digest": version.digest,
        "policy": version.ref,
        "state": version.state.value,
        "loosenings": version.loosenings,
        "in_force_at": version.in_force_at,
        "proposed_at": version.proposed_at,
        "signed_by": _signers(version),
        "signatures": version.signatures,
        "reason": version.reason,
        "replaces": version.replaces,
    }


def _signers(version: "PolicyVersion") -> str:
    return " and ".join(f"{one.by}{f' ({one.role})' if one.role else ''}" for one in version.signed_by)
