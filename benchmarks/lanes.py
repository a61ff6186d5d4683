"""Verdicts per CPU second with 37 rules, beside a plain walk of the same trees in the same run.

Run `python benchmarks/lanes.py [--json] [--proposals N] [--rounds N]`. Both sides give every matched rule with actual value,
limit and distance; they must agree on lane and rules for every proposal, or the benchmark stops.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shiftlead.core.action import Action, Proposal, Target
from shiftlead.core.money import Money
from shiftlead.core.verdict import Lane, RuleHit, Verdict
from shiftlead.guardrails.conditions import AllOf, AnyOf, Compare, Condition, Not, Op, leaves
from shiftlead.guardrails.facts import FactType
from shiftlead.guardrails.lanes import judge
from shiftlead.guardrails.policy import Policy, parse_policy, shipped_policy
from shiftlead.guardrails.wording import distance, shown, shown_limit

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)

_FLAGS = (
    "bank_matches_master", "supplier_known", "order_found", "receipt_complete", "totals_consistent", "authority_from_records",
    "supplier_blocked", "duplicate_suspected", "instructions_in_text", "disputed", "insolvent", "vulnerable",
)  # fmt: skip


def bench_policy() -> Policy:
    """A policy of 37 rules about one kind of action, of the shapes people write."""
    rules = [_rule(1, "allowed", _ALLOW)]
    rules += [
        _rule(10 + i, "reviewed", f"amount: {{above: {{EUR: {1000 * (i + 5)}, USD: {1100 * (i + 5)}}}}}") for i in range(6)
    ]
    rules += [_rule(20 + i, "prohibited", f"{name}: {str(i >= 6).lower()}") for i, name in enumerate(_FLAGS)]
    rules += [
        _rule(40 + i, "reviewed", f"all: [days_since_bank_change: {{at_most: {30 - i}}}, exceptions: {{above: {i}}}]")
        for i in range(6)
    ]
    rules += [
        _rule(50 + i, "reviewed", f"any: [price_variance_percent: {{above: {i + 4}.5}}, exceptions: {{above: {i + 3}}}]")
        for i in range(6)
    ]
    rules += [
        _rule(60 + i, "reviewed", f"all: [segment: {{in: [retail, public]}}, not: {{channel: {{is: {one}}}}}]")
        for i, one in enumerate(("email", "phone", "letter"))
    ]
    rules += [_rule(70 + i, "reviewed", f"late_probability: {{at_least: 0.{9 - i}5}}") for i in range(3)]
    head = "name: bench\nversion: 1\nowner: bench\nactions: {invoice.post: {min_confidence: 0.80}}\nrules:\n"
    return parse_policy(head + "".join(rules), origin="benchmarks/lanes.py")


_ALLOW = "{amount: {at_most: {EUR: 5000, USD: 5500}}, exceptions: {is: 0}, order_found: true, receipt_complete: true, bank_matches_master: true}"


def _rule(number: int, lane: str, when: str) -> str:
    body = when if when.startswith("{") else "{" + when + "}"
    return f"  - {{id: R-{number:03}, lane: {lane}, actions: [invoice.post], reason: because, owner: o, source: s, when: {body}}}\n"


def proposals(count: int, seed: int = 7) -> list[Proposal]:
    """Seeded proposals: mostly clean, like a working day."""
    dice = random.Random(seed)
    return [_proposal(dice) for _ in range(count)]


def _proposal(dice: random.Random) -> Proposal:
    facts: dict[str, Any] = {name: (dice.random() < 0.004) != (index < 6) for index, name in enumerate(_FLAGS)}
    facts |= {
        "days_since_bank_change": dice.randrange(5, 900),
        "exceptions": dice.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 5)),
        "price_variance_percent": Decimal(dice.randrange(0, 500)) / 100,
        "segment": dice.choice(("retail", *["wholesale"] * 19)),
        "channel": dice.choice(("email", "phone", "letter")),
        "late_probability": dice.random() ** 3 * 0.8,
        "local_hour": dice.randrange(24),
        "match_type": "3way",
        "language": "en",
        "key_account": False,
        "reminder_level": 0,
        "days_overdue": 3,
    }
    amount = Money.of(Decimal(int(dice.lognormvariate(7.2, 1.0) * 100)) / 100, dice.choice(("EUR", "EUR", "EUR", "USD")))
    action = Action(kind="invoice.post", target=Target(system="bench", kind="invoice", id="1"), amount=amount)
    return Proposal(action=action, confidence=0.78 + dice.random() * 0.22, rationale="bench", facts=facts)


def walked(policy: Policy, proposal: Proposal) -> Verdict:
    """The same verdict from a plain walk of the trees, with nothing prepared."""
    facts = policy.factsheet.filled(proposal, {})
    outcomes = [(rule, _walk(rule.when, facts)) for rule in policy.every_rule if rule.covers(proposal.action.kind)]
    matched = sorted((rule for rule, outcome in outcomes if outcome is True), key=lambda rule: -rule.lane.rank)
    unknown = [rule for rule, outcome in outcomes if outcome is None]
    rank = max([rule.lane.rank for rule in matched], default=0)
    rank = max(rank, 1) if unknown or not any(rule.lane is Lane.ALLOWED for rule in matched) else rank
    floor = next(one.min_confidence for one in policy.actions if one.kind == proposal.action.kind)
    rank = min(2, rank + (proposal.confidence is None or proposal.confidence < floor))
    return Verdict(
        lane=list(Lane)[rank],
        hits=tuple(_hit(rule, facts) for rule in matched),
        passed=tuple(rule.id for rule, outcome in outcomes if outcome is False),
        policy=policy.ref,
        policy_digest=policy.digest(),
        judged_at=NOW,
    )


def _hit(rule: Any, facts: Mapping[str, Any]) -> RuleHit:
    leaf = next((leaf for leaf in leaves(rule.when) if _walk(leaf, facts)), None)
    value = facts.get(leaf.field) if leaf else None
    told = {} if leaf is None else {
        "field": leaf.field,
        "actual": shown(value, leaf.type),
        "limit": shown_limit(leaf, value.currency if isinstance(value, Money) else ""),
        "distance": distance(leaf, value),
    }  # fmt: skip
    return RuleHit(rule=rule.id, lane=rule.lane, reason=rule.reason, owner=rule.owner, source=rule.source, **told)


def _walk(condition: Condition | None, facts: Mapping[str, Any]) -> bool | None:
    match condition:
        case None:
            return True
        case Compare():
            return _leaf(condition, facts.get(condition.field))
        case Not():
            inner = _walk(condition.never, facts)
            return None if inner is None else not inner
        case AllOf():
            every = [_walk(part, facts) for part in condition.every]
            return False if False in every else None if None in every else True
        case AnyOf():
            some = [_walk(part, facts) for part in condition.some]
            return True if True in some else None if None in some else False


def _leaf(leaf: Compare, value: Any) -> bool | None:
    if leaf.op is Op.MISSING:
        return value is None
    limit = leaf.value
    if value is not None and leaf.type is FactType.MONEY:
        limit, value = limit.get(value.currency), value.amount
    if value is None or limit is None:
        return None
    match leaf.op:
        case Op.IS:
            return bool(value == limit)
        case Op.IS_NOT:
            return bool(value != limit)
        case Op.IN:
            return value in limit
        case Op.NOT_IN:
            return value not in limit
        case Op.ABOVE:
            return bool(value > limit)
        case Op.AT_LEAST:
            return bool(value >= limit)
        case Op.BELOW:
            return bool(value < limit)
        case _:
            return bool(value <= limit)


def rate(work: Callable[[Proposal], object], items: Sequence[Proposal], rounds: int) -> float:
    """The best round's proposals per CPU second."""
    best = 0.0
    for _ in range(rounds):
        start = time.process_time()
        for item in items:
            work(item)
        best = max(best, len(items) / (time.process_time() - start))
    return best


def agree(policy: Policy, items: Sequence[Proposal]) -> None:
    """Stop where the two sides differ."""
    for item in items:
        ours, plain = judge(policy, item, context={}, now=NOW), walked(policy, item)
        rules = sorted(hit.rule for hit in ours.hits if hit.rule.startswith("R-"))
        if ours.lane is not plain.lane or rules != sorted(hit.rule for hit in plain.hits):
            raise SystemExit(f"The compiled policy and the plain walk differ: {ours} / {plain}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--proposals", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    policy, house, items = bench_policy(), shipped_policy(), proposals(given.proposals)
    agree(policy, items)
    ours = rate(lambda item: judge(policy, item, context={}, now=NOW), items, given.rounds)
    plain = rate(lambda item: walked(policy, item), items, given.rounds)
    at_home = rate(lambda item: judge(house, item, context={}, now=NOW), items, given.rounds)
    lanes = [judge(policy, item, context={}, now=NOW) for item in items]
    result = {
        "rules": len(policy.every_rule),
        "proposals": len(items),
        "hits_per_verdict": round(sum(len(one.hits) for one in lanes) / len(lanes), 2),
        "reviewed_share": round(sum(one.lane is Lane.REVIEWED for one in lanes) / len(lanes), 3),
        "allowed_share": round(sum(one.lane is Lane.ALLOWED for one in lanes) / len(lanes), 3),
        "verdicts_per_cpu_second": round(ours),
        "plain_walk_verdicts_per_cpu_second": round(plain),
        "ratio_to_plain_walk": round(ours / plain, 2),
        "house_verdicts_per_cpu_second": round(at_home),
    }
    for name, value in result.items():
        print(f"{name:40} {value:>12,}")
    if given.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
