"""`shiftlead collections`: which overdue accounts to take first, read from the workspace's connectors."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_output import money
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..agents.account import Account
    from ..connectors.base import Connector

app = group("Collections: the overdue accounts, those first where most may be lost.")

_KIND = "overdue_account"


@command(app, "rank")
def rank(
    session: Session,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
) -> None:
    """Rank overdue accounts by expected loss, with the next step for each; nothing is changed.

    The expected loss covers everything that is open, also what is not due yet: P(late or unpaid) x open amount.
    """
    from ..agents.ageing import rank as ranked
    from ..agents.collections_settings import CollectionsSettings

    settings = CollectionsSettings.of(session.playbook("collections"))
    found = ranked(_every_account(session), session.clock.now(), settings=settings)
    session.out.listed(
        ("customer", "name", ">overdue", ">all open", ">days", ">p(late)", ">expected loss of all open", "next step"),
        found[:limit],
        lambda one: (
            one.customer_id, one.name, _worth(one.overdue_amount), _worth(one.open_amount), one.oldest_days, f"{one.late_probability:.2f}",
            _worth(one.expected_loss), f"{one.next_step}: {one.reason}",
        ),
        empty="No account is overdue.",
    )  # fmt: skip
    if len(found) > limit:
        session.out.say(f"{limit} of {len(found)}.")


@command(app, "ageing")
def ageing(session: Session) -> None:
    """Show what the overdue customers owe, by age and currency; nothing is changed."""
    from ..agents.account import Bucket
    from ..agents.ageing import ageing as aged
    from ..core.clock import today

    session.out.listed(
        ("currency", *(f">{bucket.value.replace('_', ' ')}" for bucket in Bucket), ">overdue", ">all open", ">receivables", ">oldest days"),
        aged(_every_account(session), today(session.clock)),
        lambda one: (
            one.currency, *(_worth(one.buckets[bucket]) for bucket in Bucket), _worth(one.overdue_amount), _worth(one.open_amount),
            one.receivables, one.oldest_days,
        ),
        empty="No account is overdue.",
    )  # fmt: skip


def _every_account(session: Session) -> "list[Account]":
    from ..agents.crew import open_connectors

    connectors = open_connectors(session.place, session.clock)
    try:
        return [one for connector in connectors.values() for one in _accounts(session, connector)]
    finally:
        for connector in connectors.values():
            connector.close()


def _accounts(session: Session, connector: "Connector") -> "Iterator[Account]":
    """The accounts behind the connector's queue of overdue accounts, once each."""
    from ..agents.account import read_account, reader

    read, seen = reader(connector), set()
    for source in connector.sources().values():
        for pulled in source.pull():
            if pulled.item is None or pulled.item.kind != _KIND:
                if pulled.problem and source.name == "receivables":
                    session.out.say(f"{pulled.external_id}: {pulled.problem}")
                continue
            customer = str(pulled.item.payload.get("ref") or pulled.external_id)
            if customer not in seen and (account := read_account(read, customer)):
                seen.add(customer)
                yield account


def _worth(amount: object) -> str:
    return money(getattr(amount, "amount", None), getattr(amount, "currency", None))
