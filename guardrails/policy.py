"""Policies: the versioned file that says which actions run alone, which a person decides, and which never run."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, StrictInt

from ..core.errors import PolicyError
from ..core.money import Money
from ..core.noun import Noun, digest
from .adopted_packs import AdoptedPack, packs_of
from .authoring import Author, slices_known, unique_ids
from .conditions import leaves
from .document import nearest, read_document
from .facts import FACTS, Fact
from .factsheet import Factsheet
from .limits import GAUGES, Gauge
from .plans import Plan, plans
from .rules import KnownAction, Limit, Role, Rule
from .rungs import DEFAULT, Rung, Todo, out_of_order

if TYPE_CHECKING:
    from ..core.settings import Place


class Policy(Noun):
    """A checked policy; from a file it comes compiled."""

    name: str = Field(min_length=1)
    version: StrictInt = Field(ge=1)
    owner: str = Field(min_length=1)
    """Who answers for it."""
    facts: tuple[Fact, ...] = ()
    """Facts it declares beside the shipped ones, for plugins."""
    actions: tuple[KnownAction, ...]
    packs: tuple[AdoptedPack, ...] = ()
    """The packs it has adopted; their rules stand before its own."""
    rules: tuple[Rule, ...] = ()
    limits: tuple[Limit, ...] = ()
    rates: dict[str, Decimal] = {}
    """Amounts that are worth the same, by currency, fixed on purpose; limits add up several currencies by them."""
    rates_checked_on: date | None = None
    """When somebody last looked whether the rates still hold."""
    roles: tuple[Role, ...] = ()
    """Who may approve what, least authority first."""
    separation: Literal["four_eyes", "one_person"] = "four_eyes"
    """`one_person` says openly that one person may be maker and checker; it is recorded with each decision."""
    unsure: Literal["one_lane_up", "reviewed"] = "one_lane_up"
    """What becomes of an action whose brain is below its floor: one lane stricter, or at least reviewed."""
    expire_after_hours: StrictInt = Field(default=72, ge=1, le=8760)
    """After this an undecided request expires and escalates; it is never approved by time."""
    approval_valid_hours: StrictInt = Field(default=24, ge=1, le=8760)
    """An approval that is older is asked for again before anything runs."""
    certificate_days: StrictInt = Field(default=90, ge=1, le=366)
    """How many days a certificate is valid, by which actions with a `max_error` run alone."""
    ladder: tuple[Rung, ...] = DEFAULT
    """What happens to a request that nobody answers, at which part of its time; never an approval."""
    escalate_to: str = "lead"
    """The role that gets expired and escalated requests."""
    theorems: str = ""
    """A file beside the policy with claims that must be proved of it; those of the house where the policy is called `house`."""

    @cached_property
    def ref(self) -> str:
        """Name and version, as a verdict carries them: `house@7`."""
        return f"{self.name}@{self.version}"

    def digest(self) -> str:
        """SHA-256 of the policy's canonical form."""
        return self.fingerprint

    @cached_property
    def fingerprint(self) -> str:
        """What `digest` returns, computed once."""
        return digest(self)

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        """The compiled rules by kind of action."""
        return plans(self.actions, self.every_rule, self.factsheet)

    @cached_property
    def factsheet(self) -> Factsheet:
        """The checker of supplied facts."""
        return Factsheet(self.known_facts)

    @property
    def known_facts(self) -> dict[str, Fact]:
        """Every fact that its rules may look at, by name."""
        return FACTS | {fact.name: fact for fact in self.facts}

    @cached_property
    def gauges(self) -> tuple[Gauge, ...]:
        """What its limits and rules look at, of all that is counted."""
        fields = {leaf.field for rule in self.every_rule if rule.when is not None for leaf in leaves(rule.when)}
        return tuple(gauge for gauge in GAUGES if gauge.fact.name in fields)

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The rules, with the limits written as rules behind them, and last what each `max_error` asks for."""
        limits = (rule for limit in self.limits for rule in limit.rules())
        return (*self.rules, *limits, *(rule for action in self.actions for rule in action.rules(self.owner)))

    @property
    def retention_years(self) -> int:
        """How many years its packs ask to keep records of contacts; 0 where none does."""
        return max((pack.retention_years or 0 for pack in self.packs), default=0)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule or limit with this id."""
        return next((rule for rule in self.every_rule if rule.id == rule_id), None)

    def role(self, name: str) -> Role | None:
        """The role called `name`."""
        return next((role for role in self.roles if role.name == name), None)

    def role_for(self, kind: str, amount: Money | None) -> str:
        """The least role that may approve such an action; the escalation role where none may."""
        return next((role.name for role in self.roles if not role.refusal(kind, amount)), self.escalate_to)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy through the constructor, because a plain copy would keep the old digest and the old compiled rules."""
        del deep
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **(update or {})})


_SECTIONS = (*Policy.model_fields, "samples")
_READ_ABOVE = ("samples", "facts", "actions", "packs", "rules", "limits", "rates", "roles")
"""Sections that are read one by one."""


def parse_policy(text: str, *, origin: str, folder: Path | None = None) -> Policy:
    """The policy in `text`; raises PolicyError naming `origin`, the line, the rule and what to do.

    `folder` is where packs that it names by a file lie.
    """
    document = read_document(text, origin=origin)
    author = Author(document, origin=origin)
    author.only(document, _SECTIONS, "policy")
    own = author.declared()
    actions = author.actions()
    kinds = tuple(action.kind for action in actions)
    limits = author.limits(kinds)
    adopted = packs_of(author, kinds, folder)
    rules = (*adopted.rules, *author.rules(kinds))
    unique_ids(author, (*rules, *limits))
    _examples_known(author, rules, kinds)
    slices_known(author, actions)
    roles = author.roles(kinds)
    values = {key: value for key, value in document.items() if key not in _READ_ABOVE}
    policy = author.made(
        Policy, document, "policy", facts=(*own, *adopted.facts), actions=actions, packs=adopted.packs, rules=rules,
        limits=limits, rates=author.rates(), roles=roles, **values,
    )  # fmt: skip
    # A rule that cannot be compiled must stop the start, not every action later.
    _ = policy.plans
    if roles and policy.role(policy.escalate_to) is None:
        known = [role.name for role in roles]
        raise author.refuse(document, "escalate_to", f"{policy.escalate_to!r} is no role", nearest(policy.escalate_to, known))
    _ladder_stands(author, policy)
    return policy


def _ladder_stands(author: Author, policy: Policy) -> None:
    if out_of_order(policy.ladder):
        order = "Write them in the order of `at`, with `park` last."
        raise author.refuse(author.document, "ladder", "its steps are not in order", order)
    for rung in policy.ladder:
        if rung.do is Todo.ESCALATE and rung.to and policy.role(rung.to) is None:
            known = [role.name for role in policy.roles]
            raise author.refuse(author.document, "ladder", f"{rung.to!r} is no role", nearest(rung.to, known))


def _examples_known(author: Author, rules: tuple[Rule, ...], kinds: tuple[str, ...]) -> None:
    for rule in rules:
        for example in rule.examples:
            if example.action not in kinds:
                message = f"its example is about {example.action!r}, which is no action of this policy"
                raise author.refuse(None, f"rule {rule.id!r}", message, nearest(example.action, kinds))


def load_policy(path: Path) -> Policy:
    """The policy in a file; raises PolicyError where it is missing or must not be used."""
    return parse_policy(policy_text(path), origin=str(path), folder=path.parent)


def policy_text(path: Path | None) -> str:
    """The text of a policy file, or of the shipped policy; raises PolicyError where it cannot be read."""
    if path is None:
        return files(__package__).joinpath("house.yaml").read_text(encoding="utf-8")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PolicyError(f"The policy {str(path)!r} cannot be read: {problem}.", hint="Check its path.") from error


def shipped_policy() -> Policy:
    """The policy for the embedded company that ships with the product."""
    return parse_policy(policy_text(None), origin="guardrails/house.yaml")


def workspace_policy(place: "Place") -> Policy:
    """The policy that holds in a workspace; raises PolicyError where it must not be used."""
    named = place.workspace.policy
    return load_policy(place.path(named)) if named else shipped_policy()
