"""The desk of one case: reads become evidence here, and conclusions become proposals; nothing is sent."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..connectors.base import Connector, Operation
from ..connectors.records import Record
from ..core.action import Action, Change, Proposal, Target
from ..core.case import TicketItem
from ..core.clock import Clock
from ..core.errors import BadInput, Forbidden, NotFound
from ..core.evidence import Evidence, Trust
from ..core.money import Money
from ..core.noun import plain

R = TypeVar("R", bound=Record)


class Desk:
    """What a worker has in front of it while it thinks about one case.

    Only operations that the playbook lists may be read or proposed. The system that the ticket came from is asked first; what it
    does not offer is asked of the others.
    """

    def __init__(
        self,
        item: TicketItem,
        connector: Connector,
        *,
        operations: frozenset[str],
        clock: Clock,
        others: Sequence[Connector] = (),
    ) -> None:
        self.item = item
        self.connectors = (connector, *others)
        self.clock = clock
        self.evidence: list[Evidence] = []
        self.records: dict[tuple[str, str], Record] = {}
        """Every record that was read, by kind and id, in the order and state it was last read."""
        self._homes: dict[tuple[str, str], Connector] = {}
        self._operations = operations

    def clear(self) -> None:
        """Take everything off the desk, to look again."""
        self.evidence.clear()
        self.records.clear()
        self._homes.clear()

    def operation(self, name: str) -> Operation:
        """The operation called `name`; raises Forbidden where the playbook does not list it."""
        if name not in self._operations:
            raise Forbidden(f"The playbook does not list {name!r}.", hint="Add it to the playbook's operations.")
        return self._offering(name).operation(name)

    def read(self, operation: str, returns: type[R], /, **arguments: Any) -> list[R]:
        """Records of one kind; empty where there are none. Raises ConnectorError where the system cannot be read."""
        spec = self.operation(operation)
        if spec.effect:
            raise Forbidden(f"{operation!r} is an effect; a worker can only propose it.")
        spec.checked(arguments)
        try:
            system = self._offering(operation)
            found = system.read(operation, arguments)
        except NotFound:
            return []
        self.records.update(((record.kind, record.id), record) for record in found)
        self._homes.update(((record.kind, record.id), system) for record in found)
        return [record for record in found if isinstance(record, returns)]

    def one(self, operation: str, returns: type[R], /, **arguments: Any) -> R | None:
        """The first record, or None where there is none."""
        return next(iter(self.read(operation, returns, **arguments)), None)

    def cite(self, name: str, value: Any, *, of: Record, trust: Trust = Trust.RECORD, note: str = "") -> None:
        """Lay a value of a record on the desk as evidence."""
        source = f"{self._home(of).name}:{of.kind}/{of.id}"
        self._lay(name, value, source, trust, note)

    def quote(self, name: str, text: str, note: str = "") -> None:
        """Lay somebody else's words on the desk; they never pick who gets money, mail or data."""
        self._lay(name, text[:400], f"{self.item.source}/{self.item.external_id}", Trust.UNTRUSTED, note)

    def conclude(self, name: str, value: Any, note: str = "") -> None:
        """Lay a value that was computed from the other evidence on the desk."""
        self._lay(name, value, "computed", Trust.RECORD, note)

    def propose(
        self,
        operation: str,
        on: Record,
        arguments: Mapping[str, Any],
        *,
        confidence: float | None,
        rationale: str,
        labels: Sequence[str] = (),
        steps: Sequence[int] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> Proposal:
        """A proposal for one effect on the record `on`, its arguments validated and its changes previewed."""
        spec = self.operation(operation)
        if not spec.effect:
            raise BadInput(f"{operation!r} is a read; there is nothing to propose.")
        checked = spec.checked(arguments)
        system = self._offering(operation)
        target = Target(system=system.name, kind=on.kind, id=on.id, version=on.version)
        amount = None
        if spec.money:
            amount = Money.of(getattr(checked, spec.money), checked.currency)  # type: ignore[attr-defined]
        given: dict[str, Any] = plain(checked)
        changes: tuple[Change, ...] = tuple(system.preview(operation, given, target))
        return Proposal(
            action=Action(
                kind=operation,
                target=target,
                party=_party(on),
                arguments=given,
                amount=amount,
                reversibility=spec.reversibility,
            ),
            confidence=confidence,
            rationale=rationale,
            labels=tuple(labels),
            steps=tuple(steps),
            changes=changes,
            facts=dict(facts or {}),
        )

    def _offering(self, operation: str) -> Connector:
        """The first system that offers `operation`; the first of all where none does, so that its error names what is near."""
        return next((one for one in self.connectors if operation in one.operations()), self.connectors[0])

    def _home(self, record: Record) -> Connector:
        return self._homes.get((record.kind, record.id), self.connectors[0])

    def _lay(self, name: str, value: Any, source: str, trust: Trust, note: str) -> None:
        self.evidence.append(
            Evidence(name=name, value=plain(value), source=source, trust=trust, read_at=self.clock.now(), note=note)
        )


def _party(record: Record) -> str:
    if record.kind in ("customer", "supplier"):
        return record.id
    named = (getattr(record, name, None) for name in ("party_id", "customer_id", "supplier_id"))
    return next((str(found) for found in named if found), "")
