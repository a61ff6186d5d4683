"""`shiftlead grant`: approvals given beforehand, scoped, capped and with an end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import BadInput
from .cli_find import find_request
from .cli_moments import until as until_of
from .cli_output import moment
from .cli_session import Session, command, group
from .cli_switch import unused

if TYPE_CHECKING:
    from ..core.grants import Grant
    from ..core.store import Ledger
    from ..guardrails.granting import Granting

app = group("Standing grants: what may run without asking each time, for whom, how much, until when.")

Id = Annotated[str, typer.Argument(metavar="GRANT", help="The grant's id.")]


@command(app, "give")
def give(
    session: Session,
    kind: Annotated[str, typer.Argument(help="The kind of action: invoice.post.")],
    party: Annotated[str, typer.Option(help="The one customer or supplier it is about, by id.")],
    count: Annotated[int, typer.Option(min=1, help="How many actions at most.")],
    until: Annotated[str, typer.Option(metavar="MOMENT", help="2026-01-31 in UTC, or 30d.")],
    reason: Annotated[str, typer.Option(help="Why; it stays in the record.")],
    rules: Annotated[
        list[str] | None, typer.Option("--rule", help="A rule that it lifts; may be repeated.", show_default=False)
    ] = None,
    like: Annotated[
        str, typer.Option(metavar="REQUEST", help="Lift the rules that sent this request to a person.", show_default=False)
    ] = "",
    each: Annotated[str, typer.Option(help="The most that one action may move.", show_default=False)] = "",
    total: Annotated[str, typer.Option(help="The most that all of them may move.", show_default=False)] = "",
    currency: Annotated[str, typer.Option(help="In which currency.", show_default=False)] = "",
) -> None:
    """Approve beforehand what named rules would send to a person; where the policy asks four eyes, a second person signs it."""
    from ..guardrails.granting import Terms

    with _granting(session) as (ledger, granting):
        named = (*(rules or ()), *(_rules_of(ledger, granting, like) if like else ()))
        terms = Terms(
            kind=kind,
            party=party,
            rules=tuple(dict.fromkeys(named)),
            each=_amount(each),
            total=_amount(total),
            currency=currency or None,
            count=count,
            until=until_of(session.clock.now(), until),
            reason=reason,
        )
        grant = granting.give(terms, session.operator)
        unknown = unused(ledger, f"party:{party}")
    _told(session, grant)
    if unknown:
        session.out.say(unknown)


@command(app, "sign")
def sign(session: Session, grant: Id) -> None:
    """Sign a grant that waits for another person; with enough signatures it is in force."""
    with _granting(session) as (_, granting):
        signed = granting.sign(grant, session.operator)
    _told(session, signed)


@command(app, "revoke")
def revoke(
    session: Session,
    grant: Id,
    reason: Annotated[str, typer.Option(help="Why; it stays in the record.")],
) -> None:
    """End a grant now."""
    with _granting(session) as (_, granting):
        ended = granting.revoke(grant, session.operator, reason=reason)
    _told(session, ended)


@command(app, "list")
def list_grants(
    session: Session,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
) -> None:
    """List the standing grants with what is spent of them."""
    from ..core import grants

    with session.ledger() as ledger:
        now = ledger.clock.now()
        with ledger.reading() as reading:
            known = grants.listed(reading)
    live = [one for one in known if every or (one.state is not grants.GrantState.REVOKED and one.expires_at > now)]
    session.out.listed(
        ("grant", "state", "kind", "party", "lifts", ">each", ">spent", ">of", ">used", "until", "signed by", "reason"),
        live,
        lambda one: (
            one.id,
            state_of(one, now),
            one.kind,
            one.party,
            ", ".join(one.rules),
            _money(one.each, one.currency),
            _money(one.spent, None) if one.total is not None else "",
            _money(one.total, None),
            f"{one.used} of {one.count}",
            moment(one.expires_at),
            ", ".join(one.signatures),
            one.reason,
        ),
        empty="There is no standing grant.",
    )


def state_of(grant: "Grant", now: datetime) -> str:
    """The state as it is now: nobody sets it when time or number run out."""
    if grant.expires_at <= now:
        return "ended"
    return "used up" if grant.state.value == "active" and grant.used >= grant.count else grant.state.value


@contextmanager
def _granting(session: Session) -> "Iterator[tuple[Ledger, Granting]]":
    from ..guardrails.granting import Granting

    place = session.place
    with session.ledger() as ledger:
        yield ledger, Granting(ledger, session.policy, signer=place.keys.signer, roster=place.roster())


def _rules_of(ledger: "Ledger", granting: "Granting", named: str) -> tuple[str, ...]:
    with ledger.reading() as reading:
        return granting.rules_of(reading, find_request(reading, named))


def _amount(typed: str) -> Decimal | None:
    if not typed:
        return None
    try:
        amount = Decimal(typed)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise BadInput(f"{typed!r} is not an amount.", hint="Write it as 1234.50.")
    return amount


def _told(session: Session, grant: "Grant") -> None:
    if session.out.as_json:
        session.out.data(grant)
        return
    caps = f"{_money(grant.each, grant.currency)} each, {_money(grant.total, grant.currency)} in all, " if grant.each else ""
    session.out.text(
        f"{grant.id}, {grant.state.value}: {grant.kind} for {grant.party}, {caps}"
        f"{'once' if grant.count == 1 else f'{grant.count} times'}, until {moment(grant.expires_at)} UTC; lifts {', '.join(grant.rules)}.",
    )
    if grant.state.value == "proposed":
        session.out.say(f"It waits for another person: `shiftlead grant sign {grant.id}`.")


def _money(amount: Decimal | None, currency: str | None) -> str:
    return "" if amount is None else f"{amount:,.2f} {currency or ''}".rstrip()
