"""The review of a policy before it is used, and its verdicts explained for people."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ..core.action import Action, Proposal, Reversibility, Target
from ..core.noun import Noun
from ..core.verdict import Lane, Verdict
from .conditions import positive
from .lanes import judge
from .policy import Policy
from .rules import Example, Rule
from .wording import described

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

LEFT_OUT = (
    "Whether two rules overlap in their numbers, or a rule never decides because stricter ones cover it, is not computed.",
    "Contradictions between the branches of several `any` in one rule are not multiplied out.",
)
"""What `check` does not look at; it says so in its report."""


class Remark(Noun):
    """One thing the review found."""

    serious: bool
    """True where the policy should not be used like this."""
    rule: str
    """The rule's id, or the action's kind."""
    text: str


class Report(Noun):
    """What the review of a policy found."""

    policy: str
    digest: str
    rules: int
    actions: int
    examples: int
    remarks: tuple[Remark, ...] = ()
    left_out: tuple[str, ...] = LEFT_OUT

    @property
    def ok(self) -> bool:
        """Whether nothing serious was found."""
        return not any(remark.serious for remark in self.remarks)


def check(policy: Policy) -> Report:
    """Run every example and look for rules that are dead, doubled or too free; types were checked when it was loaded."""
    remarks = (*_examples(policy), *_twins(policy.every_rule), *_unshown(policy), *_open(policy.rules), *_actions(policy))
    return Report(
        policy=policy.ref,
        digest=policy.digest(),
        rules=len(policy.every_rule),
        actions=len(policy.actions),
        examples=sum(len(rule.examples) for rule in policy.rules),
        remarks=tuple(sorted(remarks, key=lambda remark: not remark.serious)),
    )


def verdict_of(policy: Policy, example: Example) -> Verdict:
    """The verdict on an example; where it does not say how sure the brain is, it is quite sure."""
    facts = {"confidence": 1.0} | example.facts
    action = Action(
        kind=example.action,
        target=Target(system="example", kind=facts.pop("target_kind", "record"), id="example"),
        amount=facts.pop("amount", None),
        reversibility=Reversibility(facts.pop("reversibility", Reversibility.IRREVERSIBLE)),
    )
    proposal = Proposal(action=action, confidence=facts.pop("confidence"), rationale="An example of the policy.", facts=facts)
    return judge(policy, proposal, context={}, now=_EPOCH)


def _examples(policy: Policy) -> Iterator[Remark]:
    for rule in policy.rules:
        for number, example in enumerate(rule.examples, 1):
            verdict = verdict_of(policy, example)
            if verdict.lane is not example.lane:
                told = (
                    f"example {number} ({example.action}) should be {example.lane}, but is {verdict.lane}: {verdict.because()}"
                )
                yield Remark(serious=True, rule=rule.id, text=told)


def _unshown(policy: Policy) -> Iterator[Remark]:
    for rule in policy.rules:
        shown = (hit.rule == rule.id for example in rule.examples for hit in verdict_of(policy, example).hits)
        if not rule.examples:
            yield Remark(serious=False, rule=rule.id, text="has no example, so nothing shows that it works")
        elif not any(shown):
            yield Remark(serious=True, rule=rule.id, text="matches in none of its examples; it may be dead")


def _twins(rules: Iterable[Rule]) -> Iterator[Remark]:
    first: dict[object, Rule] = {}
    for rule in rules:
        when = None if rule.when is None else positive(rule.when)
        twin = first.setdefault((rule.lane, frozenset(rule.actions), described(when)), rule)
        if twin is not rule:
            yield Remark(serious=True, rule=rule.id, text=f"says the same as {twin.id} for the same actions")


def _open(rules: Iterable[Rule]) -> Iterator[Remark]:
    for rule in rules:
        if rule.lane is Lane.ALLOWED and rule.when is None:
            yield Remark(serious="*" in rule.actions, rule=rule.id, text="allows without any condition")


def _actions(policy: Policy) -> Iterator[Remark]:
    for kind, plan in policy.plans.items():
        barred = next((step for step in plan.steps if step.rule.when is None and step.rule.lane is Lane.PROHIBITED), None)
        for step in plan.steps if barred else ():
            if step is not barred:
                told = f"never decides for {kind}, because {barred.rule.id} always prohibits it" if barred else ""
                yield Remark(serious=False, rule=step.rule.id, text=told)
        if not plan.steps:
            yield Remark(serious=False, rule=kind, text="no rule is about this action; it is always reviewed")


def explain(policy: Policy, verdict: Verdict) -> tuple[str, ...]:
    """A verdict in lines for a person: lane, every rule that matched with its distance, what is missing, who must say so."""
    lines = [f"{verdict.lane.value.capitalize()} by {verdict.policy}."]
    if verdict.policy_digest != policy.digest():
        lines.append(f"It was judged under another text of the policy than {policy.ref} as it is now.")
    for hit in verdict.hits:
        measured = (
            f" ({hit.field}: {hit.actual}; limit {hit.limit}{f'; {hit.distance}' if hit.distance else ''})" if hit.limit else ""
        )
        from_where = f" [{hit.source}; {hit.owner}]" if hit.source else ""
        lines.append(f"{hit.rule}, {hit.lane.value}: {hit.reason}{measured}{from_where}")
    if verdict.missing:
        lines.append(f"Missing: {', '.join(verdict.missing)}.")
    if verdict.lane is Lane.REVIEWED:
        people = "one person" if verdict.approvals == 1 else f"{verdict.approvals} people"
        makers = ", none of whom made or edited it" if verdict.four_eyes else ""
        lines.append(f"Needs {people}{makers}.")
    if verdict.passed:
        lines.append(f"Did not match: {', '.join(verdict.passed)}.")
    return tuple(lines)


def explain_rule(rule: Rule) -> str:
    """A rule in one line for a person: `R-002, reviewed, invoice.post: amount above 5,000.00 EUR`."""
    return f"{rule.id}, {rule.lane.value}, {', '.join(rule.actions)}: {described(rule.when)}"
