"""The compiled form of a policy: for each kind of action, the rules that are about it, ready to be tested."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.action import Proposal
from ..core.verdict import RuleHit
from .factsheet import OWN, RUNTIME, Factsheet
from .rules import KnownAction, Rule
from .steps import Step, step
from .sweep import Doubt, Shape, Sweep, sweep

_WORTH = 3
"""How often the same set of facts must be seen before a function is written for it."""
_MOST = 64
"""How many such functions a plan keeps; a program that never supplies the same facts twice must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one combination of rules leads to, whatever the values were."""

    rank: int
    """0 where a rule allows and nothing stricter matches or is undecided."""
    approvals: int
    """How many people must approve, by the rules and the action itself."""
    four_eyes: bool
    unknown: tuple[Step, ...]
    """Rules that could not be decided, because a fact is missing."""
    looked_at: tuple[str, ...]
    """The facts that these look at."""
    passed: tuple[str, ...]
    """Ids of the rules that did not match."""
    open: bool
    """True where no rule says that a person is needed, but none allows it either."""
    unsure: bool
    negative: bool
    stopped: bool
    """The structural rules in `Doubt`."""
    plain: bool
    """True where the rules that matched are all there is to tell."""


@dataclass(slots=True)
class Plan:
    """What is tested for one kind of action."""

    action: KnownAction
    steps: tuple[Step, ...]
    """Strictest first."""
    factsheet: Factsheet
    floor: float
    """Below this confidence the action goes one lane up."""
    allowing: tuple[Step, ...]
    """The rules that let it run without a person."""
    allowed_by: tuple[str, ...]
    """The facts these look at."""
    _seen: dict[Shape, int] = field(default_factory=dict)
    _swept: dict[Shape, Sweep] = field(default_factory=dict)
    _usual: Sweep | None = None
    """The function that fitted last; most programs need no other."""
    _outcomes: dict[int, Outcome] = field(default_factory=dict)

    def outcome(self, proposal: Proposal, context: Mapping[str, Any], hits: list[RuleHit]) -> Outcome:
        """Every rule tested; the hits are added to `hits`, strictest first.

        Raises BadInput for an undeclared fact or one of the wrong type.
        """
        swept = self._usual
        matched = None if swept is None else swept(proposal.facts, context, proposal.action, proposal.confidence, hits)
        if matched is None:
            matched = self._carefully(proposal, context, hits)
        found = self._outcomes.get(matched)
        return self._settled(matched) if found is None else found

    def _carefully(self, proposal: Proposal, context: Mapping[str, Any], hits: list[RuleHit]) -> int:
        action, confidence = proposal.action, proposal.confidence
        shape = _shape(proposal.facts, context, proposal)
        swept = self._swept.get(shape)
        matched = None if swept is None else swept(proposal.facts, context, action, confidence, hits)
        if matched is not None:
            self._usual = swept
            return matched
        facts = self.factsheet.filled(proposal, context)
        told = {name: facts[name] for name in RUNTIME if name in facts}
        typed = {name: value for name, value in facts.items() if name not in OWN and name not in told}
        supplied = {**proposal.facts, **context}
        if any(value is None or value is not facts.get(name) for name, value in supplied.items() if name not in OWN):
            shape = _shape(typed, told, proposal)
        swept = self._swept.get(shape) or self._learned(shape)
        matched = None if swept is None else swept(typed, told, action, confidence, hits)
        return self.walked(facts, hits) if matched is None else matched

    def walked(self, facts: Mapping[str, Any], hits: list[RuleHit]) -> int:
        """The rules tested one by one on typed facts; what the written functions must agree with."""
        matched = self._doubts(facts) << 2 * len(self.steps)
        for number, one in enumerate(self.steps):
            holds = one.test(facts)
            if holds:
                matched += 1 << number
                hits.append(one.hit(facts))
            elif holds is None:
                matched += 1 << (len(self.steps) + number)
        return matched

    def _doubts(self, facts: Mapping[str, Any]) -> int:
        confidence, amount = facts.get("confidence"), facts.get("amount")
        found = Doubt(0) if confidence is not None and confidence >= self.floor else Doubt.UNSURE
        found |= Doubt.NEGATIVE if amount is not None and amount.amount < 0 else Doubt(0)
        return int(found | (Doubt.STOPPED if facts.get("stopped") else Doubt(0)))

    def _learned(self, shape: Shape) -> Sweep | None:
        seen = self._seen[shape] = self._seen.get(shape, 0) + 1
        if len(self._seen) > _MOST:
            self._seen.clear()
        if seen < _WORTH:
            return None
        if len(self._swept) >= _MOST:
            self._swept.clear()
        found = self._swept[shape] = sweep(self.steps, shape, self.factsheet.declared, floor=self.floor)
        return found

    def _settled(self, matched: int) -> Outcome:
        found = self._combined(matched)
        if len(self._outcomes) < _MOST * _MOST:
            self._outcomes[matched] = found
        return found

    def _combined(self, matched: int) -> Outcome:
        """Undecided rules ask for a person, and for as many as they might."""
        count = len(self.steps)
        hit = [one for number, one in enumerate(self.steps) if matched >> number & 1]
        unknown = [one for number, one in enumerate(self.steps) if matched >> (count + number) & 1]
        needed = (*hit, *unknown)
        allows = any(one.rank == 0 for one in hit)
        strictest = max((one.rank for one in hit), default=0)
        is_open, doubts = not allows and strictest == 0 and not unknown, Doubt(matched >> 2 * count)
        return Outcome(
            rank=max(strictest, 0 if allows and not unknown else 1),
            approvals=max((self.action.approvals, *(one.approvals for one in needed))),
            four_eyes=self.action.four_eyes or any(one.four_eyes for one in needed),
            unknown=tuple(unknown),
            looked_at=_looked_at(unknown),
            passed=tuple(one.id for number, one in enumerate(self.steps) if not (matched | matched >> count) >> number & 1),
            open=is_open,
            unsure=Doubt.UNSURE in doubts,
            negative=Doubt.NEGATIVE in doubts,
            stopped=Doubt.STOPPED in doubts,
            plain=not (is_open or doubts or unknown),
        )


def _looked_at(steps: Iterable[Step]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tested.leaf.field for one in steps for tested in one.leaves))


def _shape(facts: Mapping[str, Any], context: Mapping[str, Any], proposal: Proposal) -> Shape:
    has_amount, has_confidence = proposal.action.amount is not None, proposal.confidence is not None
    return Shape(facts=tuple(facts), context=tuple(context), amount=has_amount, confidence=has_confidence)


def plans(actions: Iterable[KnownAction], rules: Sequence[Rule], factsheet: Factsheet) -> Mapping[str, Plan]:
    """The compiled rules by kind of action."""
    steps = sorted((step(rule) for rule in rules), key=lambda one: -one.rank)
    return {action.kind: _plan(action, [one for one in steps if one.rule.covers(action.kind)], factsheet) for action in actions}


def _plan(action: KnownAction, steps: Sequence[Step], factsheet: Factsheet) -> Plan:
    allowing = tuple(one for one in steps if one.rank == 0)
    return Plan(
        action=action,
        steps=tuple(steps),
        factsheet=factsheet,
        floor=action.min_confidence,
        allowing=allowing,
        allowed_by=_looked_at(allowing),
    )
