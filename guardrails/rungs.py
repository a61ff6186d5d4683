"""The rungs of a policy's ladder: at which part of a request's time what is done about it."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from pydantic import Field, model_validator

from ..core.noun import Noun


class Todo(StrEnum):
    """What is done about a request that nobody has answered."""

    REMIND = "remind"
    """Mark it in the inbox."""
    REASSIGN = "reassign"
    """Ask another person or role."""
    ESCALATE = "escalate"
    """Ask a role with more authority."""
    PARK = "park"
    """Run nothing, park the case, and ask the escalation role to take it."""


class Rung(Noun):
    """One step of the ladder."""

    at: Decimal = Field(gt=0, le=1)
    """Part of the time from its opening to its due time, or to its expiry where it has none: 0.5 is half of it."""
    do: Todo
    to: str = ""
    """For reassigning, an operator or a role; for escalating a role, the policy's escalation role where empty."""

    @model_validator(mode="after")
    def _named(self) -> "Rung":
        if bool(self.to) != (self.do is Todo.REASSIGN) and not (self.do is Todo.ESCALATE and self.to):
            raise ValueError("reassign needs `to`" if self.do is Todo.REASSIGN else f"{self.do.value} takes no `to`")
        return self


DEFAULT = (Rung(at=Decimal("0.5"), do=Todo.REMIND), Rung(at=Decimal("0.9"), do=Todo.REMIND))
"""The ladder of a policy that says nothing about it; at its end a request expires and the escalation role is asked."""


def out_of_order(rungs: Sequence[Rung]) -> bool:
    """Whether a rung comes before one that stands above it, or something follows the last: what is parked goes nowhere."""
    steps = [one.at for one in rungs]
    parks = [number for number, one in enumerate(rungs, 1) if one.do is Todo.PARK]
    return steps != sorted(steps) or any(number < len(rungs) for number in parks)
