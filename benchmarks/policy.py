"""Proof and what-if on the house policy: CPU seconds of check, diff and prove, and of judging many past cases at once.

    .venv/bin/python benchmarks/policy.py --cases 100000

The loop over columns stands beside the same cases judged one by one in the same run, and both must give the same lanes.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from typing import Any

from shiftlead.core.verdict import Lane
from shiftlead.guardrails.columns import Columns, Lanes
from shiftlead.guardrails.differences import compare
from shiftlead.guardrails.policy import Policy, parse_policy, policy_text, shipped_policy
from shiftlead.guardrails.review import check
from shiftlead.guardrails.theorems import house_theorems, prove
from shiftlead.guardrails.witnesses import judged

KIND = "invoice.post"


def seconds(work: Callable[[], Any]) -> float:
    """CPU seconds of one run."""
    began = time.process_time()
    work()
    return time.process_time() - began


def cases(policy: Policy, count: int, seed: int) -> list[dict[str, Any]]:
    """Facts of invoices: those of the rules' examples, mixed at random."""
    chance = random.Random(seed)
    examples = [one.facts for rule in policy.rules for one in rule.examples if one.action == KIND]
    names = sorted({name for facts in examples for name in facts})
    pool = {name: [facts[name] for facts in examples if name in facts] for name in names}
    made = [{name: chance.choice(pool[name]) for name in names if chance.random() < 0.97} for _ in range(count)]
    return [{**one, "currency": one["amount"].currency} if "amount" in one else one for one in made]


def main() -> None:
    """Print the figures as JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    house = shipped_policy()
    other = parse_policy(policy_text(None).replace("{EUR: 5000,", "{EUR: 15000,"), origin="changed")
    facts = cases(house, given.cases, seed=7)
    columns = Columns(facts, house.known_facts)
    few = facts[:2000]
    alone = [judged(house, KIND, one).lane.rank for one in few]
    assert alone == Lanes(house, KIND, Columns(few, house.known_facts)).ranks.tolist(), "the two ways differ"
    one_by_one = seconds(lambda: [judged(house, KIND, one) for one in few]) / len(few)
    at_once = min(seconds(lambda: Lanes(other, KIND, columns)) for _ in range(given.rounds)) / len(facts)
    found = {
        "rules": len(house.every_rule),
        "check_cpu_s": round(seconds(lambda: check(house)), 2),
        "diff_cpu_s": round(seconds(lambda: compare(house, other)), 2),
        "prove_cpu_s": round(seconds(lambda: prove(house, house_theorems(house))), 2),
        "what_if_ms_per_100k": round(at_once * 1e8, 1),
        "one_by_one_ms_per_100k": round(one_by_one * 1e8, 1),
        "times_faster": round(one_by_one / at_once),
        "lanes": {lane.value: alone.count(lane.rank) for lane in Lane},
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
