"""What a policy is made of: known actions, rules, limits, roles and examples."""

from decimal import Decimal
from typing import Any

from pydantic import Field, StrictBool, StrictInt

from ..core.money import Money
from ..core.noun import Noun
from ..core.verdict import Lane
from .conditions import Compare, Condition, Op
from .limits import Gauge, Per, Within


class KnownAction(Noun):
    """One kind of action the policy knows; every other kind is prohibited."""

    kind: str
    min_confidence: float = Field(default=0.8, ge=0, le=1)
    """Below it, or where the brain cannot say, the action goes one lane up."""
    approvals: StrictInt = Field(default=1, ge=1, le=5)
    """How many people must approve in the reviewed lane."""
    four_eyes: StrictBool = False
    """True where its maker may never approve it."""


class Example(Noun):
    """Facts and the lane they must lead to; `policy check` tries it."""

    action: str
    facts: dict[str, Any]
    lane: Lane


class Rule(Noun):
    """One rule: for which actions, when, and which lane it asks for."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9]*-[A-Za-z0-9]+$")
    lane: Lane
    actions: tuple[str, ...] = Field(min_length=1)
    """Kinds, `invoice.*`, or `*`."""
    when: Condition | None = None
    """None where it always matches."""
    reason: str = Field(min_length=1)
    """Why it exists, for the approver."""
    owner: str = Field(min_length=1)
    """Who answers for it."""
    source: str = Field(min_length=1)
    """Where it comes from: a law, a contract, an SOP."""
    approvals: StrictInt = Field(default=1, ge=1, le=5)
    four_eyes: StrictBool = False
    examples: tuple[Example, ...] = ()

    def covers(self, kind: str) -> bool:
        """Whether the rule is about actions of `kind`."""
        return any(matches(pattern, kind) for pattern in self.actions)


class Limit(Noun):
    """How much may be committed in one scope within one window before a person is asked."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9]*-[A-Za-z0-9]+$")
    actions: tuple[str, ...] = Field(min_length=1)
    per: Per
    """Whose actions are added up: those for one `party`, by one `worker`, to one `account`, through one `connector`, of one kind
    (`action`), or `all`."""
    within: Within = Within.DAY
    """How far back it looks from now: `1m`, `10m`, `1h`, `8h` or `24h`."""
    amount: dict[str, Decimal] | None = None
    """By currency; a currency without a limit is reviewed."""
    count: StrictInt | None = Field(default=None, ge=0)
    lane: Lane = Lane.REVIEWED
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    source: str = Field(min_length=1)

    def gauges(self) -> tuple[Gauge, ...]:
        """What it looks at: money, the number of actions, or both."""
        wanted = ((True, self.amount), (False, self.count))
        return tuple(Gauge(per=self.per, within=self.within, money=money) for money, value in wanted if value is not None)

    def rules(self) -> tuple[Rule, ...]:
        """The limit as rules on the facts of its gauges: one for money, one for the count."""
        return tuple(self._rule(gauge) for gauge in self.gauges())

    def _rule(self, gauge: Gauge) -> Rule:
        value: Any = self.amount if gauge.money else self.count
        when = Compare(field=gauge.fact.name, type=gauge.fact.type, op=Op.ABOVE, value=value)
        second = self.amount is not None and not gauge.money
        shared = self.model_dump(include={"lane", "actions", "reason", "owner", "source"})
        return Rule(id=f"{self.id}n" if second else self.id, when=when, **shared)


class Role(Noun):
    """What somebody with this role may approve."""

    name: str
    actions: tuple[str, ...] = ("*",)
    up_to: dict[str, Decimal] | None = None
    """By currency; None where there is no upper limit, and a currency that is not listed may not be approved."""

    def covers(self, kind: str) -> bool:
        """Whether the role approves actions of `kind`."""
        return any(matches(pattern, kind) for pattern in self.actions)

    def refusal(self, kind: str, amount: Money | None) -> str:
        """Why this role may not approve such an action; empty where it may."""
        if not self.covers(kind):
            return f"the role {self.name!r} does not approve {kind}"
        if self.up_to is None or amount is None:
            return ""
        limit = self.up_to.get(amount.currency)
        if limit is None:
            return f"the role {self.name!r} has no limit in {amount.currency}"
        return f"{amount} is above the {limit:,} {amount.currency} of the role {self.name!r}" if amount.amount > limit else ""


def matches(pattern: str, kind: str) -> bool:
    """Whether `invoice.*`, `*` or a kind itself covers `kind`."""
    return pattern in ("*", kind) or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))
