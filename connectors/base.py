"""The connector contract: what a plugin implements to bring one outside system in."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..core.action import Change, Reversibility, Target
from ..core.case import TicketItem
from ..core.clock import Clock
from ..core.errors import BadInput, NotFound
from ..core.noun import Noun
from ..core.receipt import Receipt
from .contracts import DataContract
from .records import Record


class Arguments(BaseModel):
    """Base of an operation's arguments: frozen, and it refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Operation(BaseModel):
    """One thing that can be asked of a connector: a read, or an effect."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    name: str
    """`invoice.post`, `customer.get`."""
    effect: bool
    """True where it changes the outside; only the executor may ask for it."""
    summary: str
    """One sentence for people and for language models."""
    arguments: type[Arguments]
    """The schema of what it takes."""
    target: str = ""
    """The kind of record an effect changes, or a read returns."""
    idempotent: bool = False
    """True where the system itself refuses the same key twice."""
    reversibility: Reversibility = Reversibility.IRREVERSIBLE
    authority: tuple[str, ...] = ()
    """Arguments that pick who gets money, mail or data; they must come from records."""
    editable: tuple[str, ...] = ()
    """Arguments that an operator may change before approving."""
    money: str = ""
    """The argument that holds the amount at stake, where there is one; the currency is in `currency`."""

    def checked(self, arguments: Mapping[str, Any]) -> Arguments:
        """`arguments` as the typed model; raises BadInput naming the first wrong field."""
        try:
            return self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise BadInput(f"{self.name}: {where}: {first['msg']}.", hint="See `shiftlead doctor --operations`.") from error


class Health(Noun):
    """Whether a connector can be used right now."""

    ok: bool
    detail: str = ""


class TicketSource(ABC):
    """One queue of an outside system."""

    name: ClassVar[str]
    """The queue's name inside its connector."""

    @abstractmethod
    def pull(self, *, limit: int | None = None) -> Iterator["Pulled"]:
        """Tickets that wait, oldest first, each parsed or with what is wrong with it.

        Pulling twice yields the same tickets; intake opens one case per (source, external id, revision).
        """


class Pulled(BaseModel):
    """One thing a queue yielded: a ticket, or a malformed row that must not get lost."""

    model_config = ConfigDict(frozen=True)

    external_id: str
    item: TicketItem | None = None
    records: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Records behind the ticket, as (kind, raw), to be checked against the data contracts."""
    raw: dict[str, Any] = Field(default_factory=dict)
    problem: str = ""
    """What was expected, found and to be done, where the row could not be parsed."""


class Connector(ABC):
    """One outside system: its queues, its reads and its effects."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Mapping[str, Any], clock: Clock) -> Self:
        """The connector as the workspace file sets it up.

        Raises SettingsError naming the setting that is missing, unknown or wrong.
        """

    @abstractmethod
    def operations(self) -> Mapping[str, Operation]:
        """Every operation by name."""

    @abstractmethod
    def read(self, operation: str, arguments: Mapping[str, Any]) -> Sequence[Record]:
        """Run a read. Raises NotFound, Unreachable or BadInput."""

    def execute(self, operation: str, arguments: Mapping[str, Any], *, key: str, target: Target) -> Receipt:
        """Run an effect once for `key`; called by the executor only.

        Raises StaleRecord where `target.version` is not the record's version any more, Refused where the system says no,
        Unreachable where nothing was sent, OutcomeUnknown where the answer was lost.
        """
        raise NotFound(f"{self.name} has no effect {operation!r}.")

    def lookup(self, key: str) -> Receipt | None:
        """What became of `key`: its receipt, or None where the system never saw it.

        Raises NotImplementedError where the system cannot be asked; then a person is.
        """
        raise NotImplementedError

    def version(self, target: Target) -> str | None:
        """The present version of a record; None where the system has no versions."""
        return None

    def preview(self, operation: str, arguments: Mapping[str, Any], target: Target) -> Sequence[Change]:
        """What the effect would change, field by field, without changing it."""
        return ()

    def sources(self) -> Mapping[str, TicketSource]:
        """The queues by name."""
        return {}

    def contracts(self) -> Sequence[DataContract]:
        """The data contracts of the records that come in."""
        return ()

    def health(self) -> Health:
        """Whether it can be used right now; never writes."""
        return Health(ok=True)

    def close(self) -> None:
        """Give back files and connections."""

    def operation(self, name: str) -> Operation:
        """The operation called `name`; raises NotFound with the nearest names."""
        found = self.operations().get(name)
        if found is None:
            from difflib import get_close_matches

            near = ", ".join(get_close_matches(name, self.operations())) or "none is near"
            raise NotFound(f"{self.name} has no operation {name!r}.", hint=f"Did you mean: {near}?")
        return found
