"""The guard suite: two public service-desk policies as YAML, tried with seeded violations and with the benchmarks' own writes.

Python reads facts and never decides: `guard_retail.yaml` and `guard_airline.yaml` do. A violation is stopped where it is not
allowed; a legitimate write is possible where it is not prohibited.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..core.action import Action, Proposal, Target
from ..core.money import Money
from ..core.verdict import Lane, Verdict
from ..guardrails.lanes import EVALUATION_ERROR, judge
from ..guardrails.policy import Policy, parse_policy
from .guard_airline import airline_amount, airline_facts, changed_airline
from .guard_airline_violations import airline_near_misses, airline_violations
from .guard_records import Airline, Call, GuardData, Script, Shop, shipped_data
from .guard_report import GuardReport, RuleCount, Violations, Writes, counted
from .guard_retail import changed_shop, retail_amount, retail_facts
from .guard_retail_violations import retail_near_misses, retail_violations
from .guard_source import derived_data
from .guard_violations import Scene, Violation
from .statistics import Share

R = TypeVar("R")

_FLOWN = "its flights of 13 and 14 May were flown by 15 May, and then a trip is not cancelled"
_SHORT = "21.10 USD are due and the gift card holds 17.00 USD"
BREAKS = {
    "retail/105.0": _SHORT,
    **dict.fromkeys(("run/26.0.3", "run/26.2.3", "run/27.1.3", "run/27.2.3"), _FLOWN),
}
"""Writes of successful conversations that break the policy's own text: the benchmark's solution does not see it either."""


@dataclass(frozen=True, slots=True)
class Domain(Generic[R]):
    """One business: its policy, and how its records answer for a call."""

    policy: Policy
    now: datetime
    facts: Callable[[R, Call], dict[str, Any]]
    amount: Callable[[R, Call], Money | None]
    changed: Callable[[R, Call], R]

    def verdict(self, records: R, call: Call, *, confidence: float | None = 1.0) -> Verdict:
        """The lane of a call on these records."""
        return judge(self.policy, self.proposal(records, call, confidence=confidence), context={}, now=self.now)

    def proposal(self, records: R, call: Call, *, confidence: float | None = 1.0) -> Proposal:
        """The call with its facts, as an agent would propose it."""
        named = call.arguments.get("order_id", call.arguments.get("reservation_id", call.arguments.get("user_id", "new")))
        action = Action(
            kind=call.tool,
            target=Target(system=self.policy.name, kind="record", id=str(named)),
            party=call.conversation.customer,
            arguments=call.arguments,
            amount=self.amount(records, call),
        )
        facts = self.facts(records, call)
        return Proposal(action=action, confidence=confidence, rationale="A call of the guard suite.", facts=facts)


def guard_policy(name: str) -> Policy:
    """The shipped policy of `retail` or `airline`."""
    text = files(__package__).joinpath(f"guard_{name}.yaml").read_text(encoding="utf-8")
    return parse_policy(text, origin=f"evals/guard_{name}.yaml")


def retail_domain(data: GuardData, policy: Policy | None = None) -> Domain[Shop]:
    """The shop, judged by the shipped policy or another."""
    return Domain(policy or guard_policy("retail"), data.airline.now, retail_facts, retail_amount, changed_shop)


def airline_domain(data: GuardData, policy: Policy | None = None) -> Domain[Airline]:
    """The airline, judged by the shipped policy or another."""
    policy = policy or guard_policy("airline")
    return Domain(policy, data.airline.now, airline_facts, lambda _, call: airline_amount(call), changed_airline)


def guard_data(folder: Path | None = None) -> GuardData:
    """The shipped records, or those in a folder with the benchmarks' files; raises BadInput where they cannot be read."""
    return shipped_data() if folder is None else derived_data(folder)


def run_retail(folder: Path | None = None, *, policy: Policy | None = None) -> GuardReport:
    """The shop's policy against its violations and the writes that solve the tasks."""
    data = guard_data(folder)
    domain = retail_domain(data, policy)
    gold = counted("writes of the tasks", judged(domain, data.shop, data.retail), BREAKS)
    return _report(domain, [*retail_violations(data.shop)], [*retail_near_misses(data.shop)], (gold,))


def run_airline(folder: Path | None = None, *, policy: Policy | None = None) -> GuardReport:
    """The airline's policy against its violations, the writes that solve the tasks, and those of recorded runs."""
    data = guard_data(folder)
    domain = airline_domain(data, policy)
    tried = partial(_tried, domain, data)
    gold = (
        tried("writes of the tasks", lambda script, _: script.origin == "tasks"),
        tried("of successful runs", lambda script, call: _ran(script, call) and script.reward),
    )
    others = (
        tried("of failed runs", lambda script, call: _ran(script, call) and not script.reward),
        tried("refused by the airline", lambda script, call: call.id in script.refused),
    )
    return _report(domain, [*airline_violations(data.airline)], [*airline_near_misses(data.airline)], gold, others)


def _ran(script: Script, call: Call) -> bool:
    return script.origin == "runs" and call.id not in script.refused


def _tried(domain: Domain[Airline], data: GuardData, name: str, wanted: Callable[[Script, Call], bool]) -> Writes:
    return counted(name, judged(domain, data.airline, data.flights, wanted), BREAKS)


def judged(
    domain: Domain[R],
    records: R,
    scripts: Iterable[Script],
    wanted: Callable[[Script, Call], bool] = lambda _script, _call: True,
) -> Iterator[tuple[str, str, Verdict]]:
    """Id, tool and verdict of every wanted call; each conversation starts afresh and each call meets what the last one left."""
    for script in scripts:
        state, changed = records, tuple[str, ...]()
        for call in script.calls:
            conversation = call.conversation.model_copy(update={"changed": changed})
            call = call.model_copy(update={"conversation": conversation})
            if wanted(script, call):
                yield call.id, call.tool, domain.verdict(state, call)
            if call.id not in script.refused:
                state = domain.changed(state, call)
                changed = (*changed, str(call.arguments.get("reservation_id", "")))


def _report(
    domain: Domain[R],
    made: list[Violation[R]],
    near: list[Violation[R]],
    gold: tuple[Writes, ...],
    others: tuple[Writes, ...] = (),
) -> GuardReport:
    broken = [(one, domain.verdict(one.broken.records, one.broken.call)) for one in made]
    kept = _of(domain, ((one.id, one.kept) for one in made))
    close = _of(domain, ((one.id, one.broken) for one in near))
    every = [*((one.id, verdict) for one, verdict in broken), *((name, verdict) for name, _, verdict in (*kept, *close))]
    return GuardReport(
        suite=domain.policy.name,
        policy=domain.policy.ref,
        digest=domain.policy.digest(),
        violations=_violations(broken),
        kept=counted("the same, unbroken", kept),
        near=counted("near misses", close),
        gold=gold,
        others=others,
        errors=tuple(name for name, verdict in every if _is_error(verdict)),
    )


def _of(domain: Domain[R], scenes: Iterable[tuple[str, Scene[R]]]) -> list[tuple[str, str, Verdict]]:
    return [(name, scene.call.tool, domain.verdict(scene.records, scene.call)) for name, scene in scenes]


def _is_error(verdict: Verdict) -> bool:
    return any(hit.rule == EVALUATION_ERROR for hit in verdict.hits)


def _violations(verdicts: list[tuple[Violation[R], Verdict]]) -> Violations:
    n, stopped, prohibited, named = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for one, verdict in verdicts:
        n[one.rule] += 1
        stopped[one.rule] += verdict.lane is not Lane.ALLOWED
        prohibited[one.rule] += verdict.lane is Lane.PROHIBITED
        named[one.rule] += any(hit.rule == one.rule for hit in verdict.hits)
    return Violations(
        stopped=Share(hits=stopped.total(), n=n.total()),
        prohibited=Share(hits=prohibited.total(), n=n.total()),
        named=Share(hits=named.total(), n=n.total()),
        leaked=tuple(one.id for one, verdict in verdicts if verdict.lane is Lane.ALLOWED),
        rules=tuple(
            RuleCount(rule=rule, n=n[rule], stopped=stopped[rule], prohibited=prohibited[rule], named=named[rule]) for rule in n
        ),
    )
