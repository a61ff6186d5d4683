"""`shiftlead quarantine`: records that broke their data contract, with who mends them."""

from typing import Annotated

import typer

from .cli_output import moment
from .cli_session import Session, command, group

app = group("The quarantine: records that did not become cases.")


@command(app, "list")
def list_quarantined(
    session: Session,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
) -> None:
    """List what is in quarantine, newest first; `--json` prints the records whole."""
    from ..core import quarantine

    with session.ledger() as ledger, ledger.reading() as reading:
        found, total = quarantine.listed(reading, limit=limit), quarantine.count(reading)
    session.out.listed(
        ("since", "source", "record", "owner", "problem"),
        found,
        lambda one: (moment(one.at), one.source, one.external_id, one.owner, one.problem),
        empty="The quarantine is empty.",
    )
    if total > len(found):
        session.out.say(f"{len(found)} of {total}.")
