"""What a policy is made of: known actions, rules, limits, roles and examples."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from ..core.money import Money
from ..core.noun import Noun, digest
from ..core.verdict import Lane
from .conditions import AnyOf, Compare, Condition, Op
from .facts import FactType
from .limits import Gauge, Per, Within

BUILT_IN = ("CERT-", "QA-")
_TELLING_KIND = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z][a-z0-9]*)*")
"""Kinds that stay apart when their words are joined."""


def built_in(rule_id: str) -> bool:
    """Whether an id belongs to the rules that `max_error` adds; no rule by hand has one, and no grant lifts one."""
    return rule_id.startswith(BUILT_IN)


def _number(raw: Any) -> float:
    if type(raw) not in (int, float, Decimal):
        raise PydanticCustomError("number", "A number is expected, without quotes")
    try:
        return float(raw)
    except (OverflowError, ValueError) as error:
        raise PydanticCustomError("number", "The number is out of reach") from error


Share = Annotated[float, BeforeValidator(_number)]
"""A part of 1, written as a number: 0.03 for 3 %."""


class KnownAction(Noun):
    """One kind of action the policy knows; every other kind is prohibited."""

    kind: str
    min_confidence: float = Field(default=0.8, ge=0, le=1)
    """Below it, or where the brain cannot say, the action goes one lane up; 0 where only `max_error` is written."""
    max_error: Share | None = Field(default=None, gt=0, lt=1)
    """Which share of what runs alone may be wrong; without a valid certificate that says so a person decides. None where none is asked for."""
    quality_share: Share = Field(default=0.05, ge=0, le=1)
    """Which share of what would run alone a person looks at first, drawn at random; it counts only with `max_error`."""
    slices: tuple[str, ...] = ()
    """Facts by which certificates are split: each combination of their values needs one of its own."""
    approvals: StrictInt = Field(default=1, ge=1, le=5)
    """How many people must approve in the reviewed lane."""
    four_eyes: StrictBool = False
    """True where its maker may never approve it."""

    @model_validator(mode="before")
    @classmethod
    def _one_measure(cls, given: Any) -> Any:
        # A certificate has a floor of its own, which was measured; a guessed one beside it would only be in its way.
        if isinstance(given, Mapping) and given.get("max_error") is not None:
            return {"min_confidence": 0.0, **given}
        return given

    @property
    def looked_at(self) -> float:
        """The chance with which a case of an open lane is looked at, as far as one is: all of them, where none is drawn."""
        return self.quality_share or 1.0

    def rules(self, owner: str) -> "tuple[Rule, ...]":
        """What `max_error` asks for, as rules: a certificate, and a person for what is drawn for quality control."""
        if self.max_error is None:
            return ()
        shared = {"lane": Lane.REVIEWED, "actions": (self.kind,), "owner": owner, "source": f"max_error of {self.kind}"}
        name = _short(self.kind)
        missing = Compare(field="error_bound", type=FactType.RATIO, op=Op.MISSING, value=True)
        above = Compare(field="error_bound", type=FactType.RATIO, op=Op.ABOVE, value=self.max_error)
        said = f"No valid certificate says that at most {percent(self.max_error)} of such actions are wrong."
        certificate = Rule(id=f"CERT-{name}", when=AnyOf(some=(missing, above)), reason=said, **shared)
        if not self.quality_share:
            return (certificate,)
        drawn = Compare(field="quality_draw", type=FactType.FLAG, op=Op.IS, value=True)
        told = f"Drawn for quality control: a person looks first at {percent(self.quality_share)} of what would run alone."
        return certificate, Rule(id=f"QA-{name}", when=drawn, reason=told, **shared)


def percent(share: float) -> str:
    """`3 %`, `0.5 %`: a part of 1 for people, with all its digits."""
    return f"{(Decimal(str(share)) * 100).normalize():f} %"


def _short(kind: str) -> str:
    """`ticketRoute` for ticket.route; with a digest for a kind that another could come out alike with."""
    words = re.findall("[A-Za-z0-9]+", kind)
    joined = "".join(word if not number else word[0].upper() + word[1:] for number, word in enumerate(words))
    return joined if _TELLING_KIND.fullmatch(kind) else f"{joined}{digest(kind)[:8]}"


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
