"""What a new version of a policy changes: each loosening with a case that shows it, and what it tightens.

With z3 the lanes of both versions are compared for every case at once. Without it the rules are compared as they are written,
and what cannot be told counts as a loosening.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ..core.noun import Noun, canonical_json
from ..core.verdict import Lane, Verdict
from .conditions import positive
from .formulas import Encoded
from .policy import Policy
from .powers import powers
from .review import because, lane_of
from .rules import KnownAction, Rule
from .solver import Undecided, World, available, solution
from .witnesses import Facts, Witness, judged, plain

CANNOT_TELL = "cannot be told, so it counts as a loosening"

WITHOUT_Z3 = (
    "z3 is not installed: rules were compared as they are written, not for every case. "
    "`pip install 'shiftlead[prove]'` installs it."
)


class Difference(Noun):
    """One thing that the new version does otherwise."""

    about: str
    """A kind of action, `role lead`, or a setting."""
    loosens: bool
    text: str
    """What changes, in one sentence."""
    example: str = ""
    """A case that shows it, in words."""
    facts: dict[str, str] = {}
    """The facts of that case; only those that matter."""
    before: str = ""
    """What the old version says about it, and by which rules."""
    after: str = ""

    def line(self) -> str:
        """The difference with its example, in one line."""
        return f"{self.text}; for instance {self.example}" if self.example else self.text


class Comparison(Noun):
    """Two versions of a policy side by side."""

    old: str
    old_digest: str
    new: str
    new_digest: str
    differences: tuple[Difference, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def loosenings(self) -> tuple[Difference, ...]:
        """What the new version lets through more easily."""
        return tuple(one for one in self.differences if one.loosens)

    @property
    def tightenings(self) -> tuple[Difference, ...]:
        """What it makes harder."""
        return tuple(one for one in self.differences if not one.loosens)

    @property
    def loosens(self) -> bool:
        """Whether anything is let through more easily than before."""
        return bool(self.loosenings)


def compare(old: Policy, new: Policy) -> Comparison:
    """Everything that `new` does otherwise than `old`; a loosening never goes unnoticed."""
    proving = available()
    found = [Difference(about=one.about, loosens=one.loosens, text=one.text) for one in powers(old, new)]
    return Comparison(
        old=old.ref,
        old_digest=old.digest(),
        new=new.ref,
        new_digest=new.digest(),
        differences=(*_lanes(old, new, proving=proving), *found),
        left_out=() if proving else (WITHOUT_Z3,),
    )


def _lanes(old: Policy, new: Policy, *, proving: bool) -> Iterator[Difference]:
    retyped = _retyped(old, new)
    if retyped:
        yield Difference(
            about=f"fact {retyped}", loosens=True, text=f"The type of {retyped} changes; what follows {CANNOT_TELL}."
        )
    yield from _vocabularies(old, new)
    world = World((old, new)) if proving and not retyped else None
    for kind in dict.fromkeys(action.kind for policy in (old, new) for action in policy.actions):
        if _written(old, kind) == _written(new, kind):
            continue
        if world is None:
            yield from _as_written(old, new, kind)
            continue
        try:
            yield from _Kind(world, old, new, kind).differences()
        except Undecided as error:
            yield Difference(about=kind, loosens=True, text=f"The solver gave up ({error}); the change {CANNOT_TELL}.")


def _retyped(old: Policy, new: Policy) -> str:
    before, after = old.known_facts, new.known_facts
    return next((name for name, fact in after.items() if name in before and before[name].type is not fact.type), "")


def _vocabularies(old: Policy, new: Policy) -> Iterator[Difference]:
    """Facts that may be more words than before: until now a case with another word was never judged, and so never ran."""
    for name, fact in new.known_facts.items():
        before = old.known_facts.get(name, fact).values
        if before and not (fact.values and set(fact.values) <= set(before)):
            more = ", ".join(word for word in fact.values if word not in before) or "any word"
            yield Difference(about=f"fact {name}", loosens=True, text=f"{name} may now be {more}; until now nothing ran then.")


def _written(policy: Policy, kind: str) -> Any:
    """Everything that decides about the lane of one kind of action, as it is written."""
    action = _action(policy, kind)
    terms = None if action is None else (action.min_confidence, action.approvals, action.four_eyes)
    return terms, policy.unsure, _rules(policy, kind)


def _action(policy: Policy, kind: str) -> KnownAction | None:
    return next((action for action in policy.actions if action.kind == kind), None)


def _rules(policy: Policy, kind: str) -> frozenset[tuple[Lane, str, int, bool]]:
    mine = (rule for rule in policy.every_rule if rule.covers(kind))
    return frozenset((rule.lane, _when(rule), rule.approvals, rule.four_eyes) for rule in mine)


def _when(rule: Rule) -> str:
    return canonical_json(None if rule.when is None else positive(rule.when))


def _as_written(old: Policy, new: Policy, kind: str) -> Iterator[Difference]:
    before, after = _action(old, kind), _action(new, kind)
    if after is None:
        yield Difference(about=kind, loosens=False, text=f"{kind} is not known any more, so it is prohibited.")
        return
    if before is None:
        yield Difference(about=kind, loosens=True, text=f"{kind} is new; until now it was prohibited.")
        return
    was, now = _rules(old, kind), _rules(new, kind)
    asked = after.approvals >= before.approvals and after.four_eyes >= before.four_eyes
    stricter = was <= now and all(rule[0] is not Lane.ALLOWED for rule in now - was)
    if after.min_confidence >= before.min_confidence and asked and stricter and old.unsure == new.unsure:
        yield Difference(about=kind, loosens=False, text=f"{kind}: rules were added or made stricter.")
        return
    yield Difference(about=kind, loosens=True, text=f"{kind}: its rules change; whether that lets more through {CANNOT_TELL}.")


class _Kind:
    """Both versions of one kind of action."""

    def __init__(self, world: World, old: Policy, new: Policy, kind: str) -> None:
        self.world, self.z3, self.kind = world, world.z3, kind
        self.policies = (old, new)
        self.old, self.new = Encoded(world, old, kind), Encoded(world, new, kind)

    def differences(self) -> Iterator[Difference]:
        """The freest loosening of the lane, loosenings of who must say so, and whether anything tightens."""
        old, new = self.old, self.new
        for before, after in ((Lane.PROHIBITED, Lane.ALLOWED), (Lane.REVIEWED, Lane.ALLOWED), (Lane.PROHIBITED, Lane.REVIEWED)):
            found = self._shown(
                self.z3.And(old.lane(before), new.lane(after)),
                lambda was, now, before=before, after=after: (was.lane, now.lane) == (before, after),  # type: ignore[misc]
                loosens=True,
            )
            if found is not None:
                yield found
                break
        yield from self._people()
        tighter = self.z3.Or(
            self.z3.And(new.prohibited, self.z3.Not(old.prohibited)), self.z3.And(old.allowed, self.z3.Not(new.allowed))
        )
        found = self._shown(tighter, lambda was, now: now.lane.rank > was.lane.rank, loosens=False)
        found = found or self._shown(
            self._more(new, old), lambda was, now: _fewer(now, was) or _dropped(now, was), loosens=False
        )
        if found is not None:
            yield found

    def _people(self) -> Iterator[Difference]:
        both = self.z3.And(self.old.reviewed, self.new.reviewed)
        fewer = self._shown(self.z3.And(both, self._asked_less()), _fewer, loosens=True)
        if fewer is not None:
            yield fewer
        dropped = self._shown(self.z3.And(both, self.old.four_eyes, self.z3.Not(self.new.four_eyes)), _dropped, loosens=True)
        if dropped is not None and (fewer is None or dropped.example != fewer.example):
            yield dropped

    def _asked_less(self) -> Any:
        return self.z3.Or([self.z3.And(self.old.approvals(n), self.z3.Not(self.new.approvals(n))) for n in range(2, 6)])

    def _more(self, new: Encoded, old: Encoded) -> Any:
        more = [self.z3.And(new.approvals(n), self.z3.Not(old.approvals(n))) for n in range(2, 6)]
        more.append(self.z3.And(new.four_eyes, self.z3.Not(old.four_eyes)))
        return self.z3.And(old.reviewed, new.reviewed, self.z3.Or(more))

    def _shown(self, asked: Any, shows: Callable[[Verdict, Verdict], bool], *, loosens: bool) -> Difference | None:
        facts = solution(self.world, asked)
        if facts is None:
            return None
        witness = plain(self.world, self.kind, facts, lambda one: shows(*self._judged(one)))
        if witness is None:
            # The formulas and the policy itself disagree, which must not make anything look harmless.
            text = f"The solver's case does not judge as it said; the change {CANNOT_TELL}."
            return Difference(about=self.kind, loosens=True, text=text)
        return self._told(witness, loosens=loosens)

    def _judged(self, facts: Facts) -> tuple[Verdict, Verdict]:
        old, new = self.policies
        return judged(old, self.kind, facts), judged(new, self.kind, facts)

    def _told(self, witness: Witness, *, loosens: bool) -> Difference:
        was, now = self._judged(witness.facts)
        return Difference(
            about=self.kind,
            loosens=loosens,
            text=f"{self.kind}: {lane_of(was)} -> {lane_of(now)}",
            example=witness.told(),
            facts=witness.shown,
            before=because(was),
            after=because(now),
        )


def _fewer(was: Verdict, now: Verdict) -> bool:
    return was.lane is now.lane is Lane.REVIEWED and now.approvals < was.approvals


def _dropped(was: Verdict, now: Verdict) -> bool:
    return was.lane is now.lane is Lane.REVIEWED and was.four_eyes and not now.four_eyes
