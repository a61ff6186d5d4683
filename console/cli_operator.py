"""`shiftlead operator`: who may decide, with which key, and what authority is lent to whom."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import BadInput, NotFound
from .cli_moments import until as until_of
from .cli_output import moment
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..core.delegations import Delegation
    from ..core.keys import Keyring

app = group("The operators: their roles, their keys, and lent authority.")


@command(app, "list")
def list_operators(session: Session) -> None:
    """List the operators with their roles, whether their key is trusted, and what is lent to whom until when."""
    from ..core import delegations

    place = session.place
    ring = place.keys.ring()
    with session.ledger() as ledger, ledger.reading() as reading:
        lent = delegations.listed(reading, now=ledger.clock.now())
    people = [
        {"operator": name, "role": role, "key": ring.public(name), "yours": place.keys.holds(name)}
        for name, role in place.workspace.operators.items()
    ]
    if session.out.as_json:
        session.out.data({"operators": people, "delegations": [_lent(one, ring) for one in lent]})
        return
    session.out.table(
        ("operator", "role", "key", "secret key"),
        [(one["operator"], one["role"], str(one["key"])[:12] or "none", "here" if one["yours"] else "") for one in people],
        empty="Nobody may decide; `shiftlead operator add NAME --role ROLE` adds somebody.",
    )
    if lent:
        session.out.text("")
        session.out.table(
            ("delegation", "from", "to", "role", "until", "signed", "reason"),
            [(one.id, one.giver, one.receiver, one.role, moment(one.ends_at), one.genuine(ring), one.reason) for one in lent],
        )


@command(app, "add")
def add(
    session: Session,
    name: Annotated[str, typer.Argument(help="The person's name.")],
    role: Annotated[str, typer.Option(help="A role of the policy.")],
) -> None:
    """Add somebody to the workspace file; they then make their own key with `operator key`."""
    from ..core.settings import FILE_NAME, add_operator
    from ..guardrails.document import nearest

    roles = [one.name for one in session.policy.roles]
    if role not in roles:
        raise BadInput(f"The policy has no role {role!r}.", hint=nearest(role, roles))
    place = session.place
    add_operator(place.folder / FILE_NAME, name, role)
    if session.out.as_json:
        session.out.data({"operator": name, "role": role})
    else:
        session.out.text(f"{name} is {_a(role)} now.")
        session.out.say(f"Next, {name} runs `shiftlead operator key {name}`.")


@command(app, "key")
def key(
    session: Session,
    name: Annotated[str, typer.Argument(help="Whose key; your own if not given.")] = "",
) -> None:
    """Make the key that your decisions are signed with, and have the workspace trust it."""
    place = session.place
    who = name or session.operator.name
    if who not in place.workspace.operators:
        raise NotFound(
            f"{who!r} is not an operator of this workspace.", hint=f"`shiftlead operator add {who} --role ROLE` first."
        )
    signer = place.keys.make(who)
    if session.out.as_json:
        session.out.data({"operator": who, "key": signer.public, "secrets": str(place.keys.secrets)})
    else:
        session.out.text(f"The workspace trusts the key {signer.public[:12]}… of {who}.")
        session.out.say(f"The secret key stays in {_home(place.keys.secrets)}; nobody else may have it.")


@command(app, "delegate")
def delegate(
    session: Session,
    to: Annotated[str, typer.Option(help="Who gets it.")],
    until: Annotated[str, typer.Option(metavar="MOMENT", help="2026-01-31T15:00 in UTC, or 8h, 3d.")],
    reason: Annotated[str, typer.Option(help="Why; it stays in the record.")],
) -> None:
    """Lend your role to somebody for a time; they decide in your place, and cannot pass it on."""
    from ..guardrails.delegation import lend

    place = session.place
    with session.ledger() as ledger:
        lent = lend(
            ledger,
            session.policy,
            giver=session.operator,
            receiver=to,
            until=until_of(session.clock.now(), until),
            reason=reason,
            signer=place.keys.signer,
            roster=place.roster(),
        )
    if session.out.as_json:
        session.out.data(lent)
    else:
        session.out.text(f"{lent.id}: {to} acts for {lent.giver} ({lent.role}) until {moment(lent.ends_at)} UTC.")


@command(app, "revoke")
def revoke(
    session: Session,
    delegation: Annotated[str, typer.Argument(help="The delegation's id.")],
) -> None:
    """End a delegation now; what was decided with it before still counts."""
    from ..guardrails.delegation import take_back

    with session.ledger() as ledger:
        ended = take_back(ledger, session.policy, delegation, operator=session.operator)
    if session.out.as_json:
        session.out.data(ended)
    else:
        session.out.text(f"{ended.id}: {ended.receiver} acts for {ended.giver} no longer.")


def _lent(one: "Delegation", ring: "Keyring") -> dict[str, Any]:
    return {**dict(one), "signed": one.genuine(ring)}


def _a(role: str) -> str:
    return f"an {role}" if role[:1] in "aeiou" else f"a {role}"


def _home(path: Path) -> str:
    home = str(Path.home())
    return str(path).replace(home, "~", 1) if str(path).startswith(home) else str(path)
