"""Policies: the versioned file that says which actions run alone, which a person decides, and which never run."""

from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, StrictInt

from ..core.errors import PolicyError
from ..core.money import Money
from ..core.noun import Noun, digest
from ..core.settings import Place
from .authoring import Author, unique_ids
from .document import nearest, read_document
from .facts import FACTS, Fact
from .factsheet import Factsheet
from .plans import Plan, plan
from .rules import KnownAction, Limit, Role, Rule


class Policy(Noun):
    """A checked policy; from a file it comes compiled."""

    name: str = Field(min_length=1)
    version: StrictInt = Field(ge=1)
    owner: str = Field(min_length=1)
    """Who answers for it."""
    facts: tuple[Fact, ...] = ()
    """Facts it declares beside the shipped ones, for plugins."""
    actions: tuple[KnownAction, ...]
    rules: tuple[Rule, ...] = ()
    limits: tuple[Limit, ...] = ()
    roles: tuple[Role, ...] = ()
    """Who may approve what, least authority first."""
    separation: Literal["four_eyes", "one_person"] = "four_eyes"
    """`one_person` says openly that one person may be maker and checker; it is recorded with each decision."""
    unsure: Literal["one_lane_up", "reviewed"] = "one_lane_up"
    """What becomes of an action whose brain is below its floor: one lane stricter, or at least reviewed."""
    expire_after_hours: StrictInt = Field(default=72, ge=1, le=8760)
    """After this an undecided request expires and escalates; it is never approved by time."""
    escalate_to: str = "lead"
    """The role that gets expired and escalated requests."""

    @property
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
        every = self.every_rule
        return {action.kind: plan(action, every) for action in self.actions}

    @cached_property
    def factsheet(self) -> Factsheet:
        """The checker of supplied facts."""
        return Factsheet(FACTS | {fact.name: fact for fact in self.facts})

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The rules, with the limits written as rules behind them."""
        return (*self.rules, *(rule for limit in self.limits for rule in limit.rules()))

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


def parse_policy(text: str, *, origin: str) -> Policy:
    """The policy in `text`; raises PolicyError naming `origin`, the line, the rule and what to do."""
    document = read_document(text, origin=origin)
    author = Author(document, origin=origin)
    author.only(document, _SECTIONS, "policy")
    own = author.declared()
    actions = author.actions()
    kinds = tuple(action.kind for action in actions)
    rules, limits = author.rules(kinds), author.limits(kinds)
    unique_ids(author, (*rules, *limits))
    _examples_known(author, rules, kinds)
    roles = author.roles(kinds)
    values = {
        key: value for key, value in document.items() if key not in ("samples", "facts", "actions", "rules", "limits", "roles")
    }
    policy = author.made(
        Policy, document, "policy", facts=own, actions=actions, rules=rules, limits=limits, roles=roles, **values
    )
    # A rule that cannot be compiled must stop the start, not every action later.
    _ = policy.plans
    if roles and policy.role(policy.escalate_to) is None:
        known = [role.name for role in roles]
        raise author.refuse(document, "escalate_to", f"{policy.escalate_to!r} is no role", nearest(policy.escalate_to, known))
    return policy


def _examples_known(author: Author, rules: tuple[Rule, ...], kinds: tuple[str, ...]) -> None:
    for rule in rules:
        for example in rule.examples:
            if example.action not in kinds:
                message = f"its example is about {example.action!r}, which is no action of this policy"
                raise author.refuse(None, f"rule {rule.id!r}", message, nearest(example.action, kinds))


def load_policy(path: Path) -> Policy:
    """The policy in a file; raises PolicyError where it is missing or must not be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PolicyError(f"The policy {str(path)!r} cannot be read: {problem}.", hint="Check its path.") from error
    return parse_policy(text, origin=str(path))


def shipped_policy() -> Policy:
    """The policy for the embedded company that ships with the product."""
    text = files(__package__).joinpath("house.yaml").read_text(encoding="utf-8")
    return parse_policy(text, origin="guardrails/house.yaml")


def workspace_policy(place: Place) -> Policy:
    """The policy that holds in a workspace; raises PolicyError where it must not be used."""
    named = place.workspace.policy
    return load_policy(place.path(named)) if named else shipped_policy()
