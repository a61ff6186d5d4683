"""Intake: tickets from a queue become cases, once each; what breaks its data contract goes to quarantine, whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from ..core import quarantine, queue
from ..core.case import TicketItem
from ..core.noun import Noun, canonical_json, plain
from ..core.store import Ledger, Transaction
from .base import Connector, Pulled
from .contracts import DataContract, breach

BATCH = 50
"""Tickets per transaction: one commit for many, and little is repeated where it fails."""

Due = Callable[[str, TicketItem], datetime | None]
"""When a case is due, given its worker and its ticket."""


class Taken(Noun):
    """What one pull brought."""

    opened: int = 0
    known: int = 0
    """Tickets that are cases already."""
    quarantined: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            opened=self.opened + other.opened,
            known=self.known + other.known,
            quarantined=self.quarantined + other.quarantined,
        )


class Intake:
    """Pulls tickets from connectors and opens cases for the workers that take them."""

    def __init__(self, ledger: Ledger, routes: Mapping[str, str], due: Due) -> None:
        self.ledger = ledger
        self.routes = routes
        """Worker by kind of ticket."""
        self.due = due

    def pull(self, connector: Connector, *, limit: int | None = None) -> Iterator[Taken]:
        """Take everything that waits in the connector's queues, a batch at a time."""
        contracts = {contract.record: contract for contract in connector.contracts()}
        for source in connector.sources().values():
            rows = iter(source.pull(limit=limit))
            while batch := list(islice(rows, BATCH)):
                yield self.take(f"{connector.name}.{source.name}", batch, contracts)

    def take(self, source: str, rows: Iterable[Pulled], contracts: Mapping[str, DataContract]) -> Taken:
        """Open a case for each good row and quarantine each bad one, in one transaction."""
        taken = Taken()
        with self.ledger.transaction() as tx:
            for row in rows:
                taken += self._one(tx, source, row, contracts)
        return taken

    def _one(self, tx: Transaction, source: str, row: Pulled, contracts: Mapping[str, DataContract]) -> Taken:
        problem, owner = self._problem(row, contracts, tx.now)
        if problem or row.item is None:
            raw = row.raw or dict(row.records) or plain(row.item or {})
            fresh = quarantine.put(tx, source=source, external_id=row.external_id, problem=problem, owner=owner, raw=raw)
            return Taken(quarantined=1) if fresh else Taken(known=1)
        worker = self.routes[row.item.kind]
        opened = queue.open_case(tx, row.item, worker=worker, due_at=self.due(worker, row.item))
        if opened:
            quarantine.mended(tx, source=source, external_id=row.external_id)
        return Taken(opened=1) if opened else Taken(known=1)

    def _problem(self, row: Pulled, contracts: Mapping[str, DataContract], now: datetime) -> tuple[str, str]:
        """What is wrong with a row, and who mends it; an empty problem where nothing is."""
        owner = next((contract.whom for kind, _ in row.records if (contract := contracts.get(kind))), "connector owner")
        if row.problem or row.item is None:
            return row.problem or "the row holds no ticket", owner
        if odd := unstorable(row.item):
            return odd, owner
        if row.item.kind not in self.routes:
            known = ", ".join(sorted(self.routes))
            return f"no worker takes tickets of kind {row.item.kind!r}; known: {known}", "workspace owner"
        for kind, raw in row.records:
            contract = contracts.get(kind)
            if contract and (found := breach(contract, raw, now=now)):
                return found, contract.whom
        return "", owner


def unstorable(item: TicketItem) -> str:
    """What no database can keep of a ticket's text; empty where all of it can be kept."""
    for name in ("source", "external_id", "revision", "kind", "subject", "party"):
        if "\x00" in getattr(item, name):
            return f"{name}: holds a zero byte"
    try:
        canonical_json(item).encode()
    except UnicodeEncodeError as error:
        return f"the ticket holds half a character ({error.object[error.start]!r}); it must be text in Unicode"
    return ""
