"""The numbers and words of the collections playbook, typed: ladder, contact limits, thresholds, confidences."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from ..core.money import Exact
from ..core.noun import Noun
from ..core.settings import House
from .playbook import PlaybookSettings


class Rung(Noun):
    """One step of the dunning ladder."""

    level: int = Field(ge=1, le=4)
    from_days: int = Field(ge=1)
    """Days past due of the oldest receivable from which the step is due."""
    template: str


class Hours(Noun):
    """When a customer may be contacted, in their own time."""

    from_: int = Field(alias="from", ge=0, le=23)
    until: int = Field(ge=1, le=24)


class WriteOffRule(Noun):
    """The rare remainder that is proposed for write-off."""

    from_days: int = Field(ge=30)
    up_to: Exact


class AgencyRule(Noun):
    """The rare account that is proposed for a collection agency."""

    from_days: int = Field(ge=60)
    from_amount: Exact
    name: str = Field(min_length=1)


class CollectionsSettings(PlaybookSettings):
    """What the playbook `collections.yaml` says under `settings`; amounts there are quoted so that they stay exact."""

    house: House
    ladder: tuple[Rung, ...] = Field(min_length=1)
    wait_for_reliable_days: int = Field(ge=0)
    """Customers that hardly ever pay late get so many days more before the first reminder."""
    reliable_below: float = Field(ge=0, le=1)
    """P(late) below which a customer counts as reliable."""
    pay_within_days: int = Field(ge=1)
    """The day to pay by that a message names, counted from today."""
    hours: Hours
    weekdays_only: bool
    """True where nobody is contacted on weekends and quiet days."""
    quiet_days: tuple[Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")], ...] = ()
    """Public holidays with a fixed date, month and day: `12-25`."""
    quiet_around_easter: tuple[int, ...] = ()
    """Public holidays by their distance from Easter Sunday in days: -2 is Good Friday."""
    time_barred_days: int = Field(default=1095, ge=1)
    """Days past due from which a debt may be time-barred somewhere."""
    contacts_per_7_days: int = Field(ge=1)
    """Contacts in seven days over all channels, the new one included."""
    days_between_contacts: int = Field(ge=0)
    days_between_calls: int = Field(ge=0)
    """Days after a call in which nobody calls again."""
    promise_grace_days: int = Field(ge=0)
    promise_horizon_days: int = Field(ge=1)
    """A promise for later than this is a person's to accept."""
    dispute_hold_days: int = Field(ge=1)
    unallocated_days: int = Field(ge=0)
    """Payments without an invoice number count as unallocated for so long."""
    unallocated_hold_days: int = Field(ge=1)
    call_from: Exact
    """Expected loss from which a person calls after the first reminder."""
    plan_from: Exact
    """Overdue amount from which instalments are worth offering."""
    plan_instalments: int = Field(ge=2, le=24)
    escalate_from_days: int = Field(ge=1)
    escalation_rest_days: int = Field(ge=0)
    """After an escalation the worker leaves the account alone for so long."""
    write_off: WriteOffRule
    agency: AgencyRule
    counsel_roles: tuple[str, ...]
    billing_roles: tuple[str, ...]
    stop_flags: tuple[str, ...]
    """Marks in a customer's `extra` that stop all contact."""
    provision: dict[str, float]
    """Chance by age bucket that a receivable is never paid."""
    confidence: dict[str, float]
    """How often a person is expected to choose the same step."""

    @model_validator(mode="after")
    def _ladder_climbs(self) -> Self:
        rungs = [(rung.level, rung.from_days) for rung in self.ladder]
        if [level for level, _ in rungs] != list(range(1, len(rungs) + 1)) or rungs != sorted(rungs, key=lambda r: r[1]):
            raise ValueError("ladder: levels must run 1, 2, 3, … with later days on each")
        return self

    def sure(self, step: str) -> float:
        """The confidence of a step; low where the playbook gives none."""
        return self.confidence.get(step, 0.5)
