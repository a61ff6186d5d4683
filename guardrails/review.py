"""The review of a policy before it is used, and its verdicts explained for people."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ..core.action import Action, Proposal, Reversibility, Target
from ..core.noun import Noun
from ..core.verdict import Lane, RuleHit, Verdict
from .conditions import positive
from .coverage import Coverage, Remark
from .factsheet import RUNTIME
from .lanes import judge
from .policy import Policy
from .rules import Example, Rule, built_in
from .solver import Undecided, available
from .wording import described, shown_lane

_LONG = 110
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

LEFT_OUT = ("Facts are taken one by one: that two of them never occur together in the world is not known.",)
"""What `check` does not look at; it says so in its report."""

WITHOUT_Z3 = (
    (
        "z3 is not installed, so rules that never match or never decide are found only where they are written alike."
        " `pip install 'shiftlead[prove]'` installs it."
    ),
)
"""What it does not look at either where the solver is not there."""


class Report(Noun):
    """What the review of a policy found."""

    policy: str
    digest: str
    rules: int
    actions: int
    examples: int
    remarks: tuple[Remark, ...] = ()
    never_alone: tuple[str, ...] = ()
    """Kinds of action that no facts let run without a person."""
    only_explain: tuple[str, ...] = ()
    """Rules without which every verdict would be the same, since what no rule allows is reviewed anyway; they say why."""
    left_out: tuple[str, ...] = LEFT_OUT

    @property
    def ok(self) -> bool:
        """Whether nothing serious was found."""
        return not any(remark.serious for remark in self.remarks)


def check(policy: Policy, *, proving: bool = True) -> Report:
    """Run every example and look for rules that are dead, doubled or too free; types were checked when it was loaded.

    `proving` asks the solver too, where it is installed: which rules can never match, never decide, or are covered by others.
    """
    written = (
        *_examples(policy), *_twins(policy.every_rule), *_unshown(policy), *_open(policy.rules), *_actions(policy), *_certified(policy)
    )  # fmt: skip
    proved = _proved(policy) if proving and available() else None
    remarks = dict.fromkeys((*written, *(proved.remarks if proved else ())))
    return Report(
        policy=policy.ref,
        digest=policy.digest(),
        rules=len(policy.every_rule),
        actions=len(policy.actions),
        examples=sum(len(rule.examples) for rule in policy.rules),
        remarks=tuple(sorted(remarks, key=lambda remark: not remark.serious)),
        never_alone=proved.never_alone if proved else (),
        only_explain=proved.only_explain if proved else (),
        left_out=(*LEFT_OUT, *(proved.left_out if proved else WITHOUT_Z3 if proving else ())),
    )


class _Proved(Noun):
    """What the solver adds to a report."""

    remarks: tuple[Remark, ...] = ()
    never_alone: tuple[str, ...] = ()
    only_explain: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def _proved(policy: Policy) -> _Proved:
    coverage = Coverage(policy)
    try:
        remarks = tuple(coverage.remarks())
        told = {remark.rule for remark in remarks}
        explain_only = tuple(one for one in coverage.idle if one not in told)
        return _Proved(remarks=remarks, never_alone=coverage.never_alone, only_explain=explain_only)
    except Undecided as error:
        return _Proved(left_out=(f"The solver gave up on one question ({error}).",))


def verdict_of(policy: Policy, example: Example) -> Verdict:
    """The verdict on an example; where it does not say how sure the brain is, it is quite sure."""
    facts = {"confidence": 1.0} | example.facts
    told = {name: facts.pop(name) for name in RUNTIME if name in facts}
    action = Action(
        kind=example.action,
        target=Target(system="example", kind=facts.pop("target_kind", "record"), id="example"),
        amount=facts.pop("amount", None),
        reversibility=Reversibility(facts.pop("reversibility", Reversibility.IRREVERSIBLE)),
    )
    proposal = Proposal(action=action, confidence=facts.pop("confidence"), rationale="An example of the policy.", facts=facts)
    return judge(policy, proposal, context=told, now=_EPOCH)


def failed_examples(policy: Policy) -> tuple[Remark, ...]:
    """The examples that lead to another lane than they say."""
    return tuple(_examples(policy))


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
            if step is not barred and not built_in(step.id):
                told = f"never decides for {kind}, because {barred.rule.id} always prohibits it" if barred else ""
                yield Remark(serious=False, rule=step.rule.id, text=told)
        if all(built_in(step.id) for step in plan.steps):
            yield Remark(serious=False, rule=kind, text="no rule is about this action; it is always reviewed")


def _certified(policy: Policy) -> Iterator[Remark]:
    for kind, plan in policy.plans.items():
        if plan.action.max_error is None:
            continue
        if not plan.allowing:
            told = "has a max_error, but no rule allows it, so no certificate can let it run alone"
            yield Remark(serious=False, rule=kind, text=told)
        if not plan.action.quality_share:
            told = "has a quality_share of 0: nothing that runs alone is looked at, so its certificate cannot be renewed"
            yield Remark(serious=False, rule=kind, text=told)


def explain(policy: Policy, verdict: Verdict) -> tuple[str, ...]:
    """A verdict in lines for a person: lane, every rule that matched with its distance, what is missing, who must say so."""
    lines = [f"{verdict.lane.value.capitalize()} by {verdict.policy}."]
    if verdict.policy_digest != policy.digest():
        lines.append(f"It was judged under another text of the policy than {policy.ref} as it is now.")
    for hit in verdict.hits:
        measured = (
            f" ({hit.field}: {hit.actual or 'missing'}; limit {hit.limit}{f'; {hit.distance}' if hit.distance else ''})"
            if hit.limit
            else ""
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


def lane_of(verdict: Verdict) -> str:
    """The lane, with who is asked: `reviewed (2 approvals, four eyes)`."""
    return shown_lane(verdict.lane, verdict.approvals, four_eyes=verdict.four_eyes)


def because(verdict: Verdict) -> str:
    """The lane and the rules that decided it, each with its measure, in one line."""
    deciding = [hit for hit in verdict.hits if hit.lane is verdict.lane] or list(verdict.hits)
    return f"{lane_of(verdict)}: {'; '.join(_measured(hit) for hit in deciding[:3])}" if deciding else lane_of(verdict)


def _measured(hit: RuleHit) -> str:
    if hit.source or hit.limit:
        return (
            f"{hit.rule} ({hit.field} {hit.actual or 'missing'}; limit {hit.limit}{f'; {hit.distance}' if hit.distance else ''})"
            if hit.limit
            else hit.rule
        )
    reason = hit.reason.rstrip(".")
    return f"{hit.rule} ({reason if len(reason) <= _LONG else reason[:_LONG].rpartition(' ')[0] + ' …'})"
