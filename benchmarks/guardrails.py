"""What the guardrails cost: verdicts per CPU second beside Cedar, import, the kill switch, and audit events per second.

Run `python benchmarks/guardrails.py [--json] [--proposals N] [--rounds N]`.

- 37 rules about one kind of action, and seeded proposals with 24 facts. Three sides judge the same proposals in the same run: our
  compiled policy, Cedar (through `cedarpy`, where it is installed), and a plain walk of the rules with nothing prepared. Ours and
  the walk answer with a whole verdict: every matched rule with reason, source, actual value, limit and distance in words, and
  every fact checked against its declared type. Cedar gets one request for each proposal against policies parsed before, with its
  context prepared outside the measured time, and answers with the policies that decided. The lanes of all three must agree, or
  the benchmark stops. The figure is the best round's.
- CPU seconds that a new interpreter needs to import the guard, and to read the house policy as well; beside them what pydantic
  takes alone, with one model.
- The kill switch: from the call of `killswitch.stop`, its commit included, until `switches.check` raises in another process.
- Audit events per second on a durable SQLite ledger (WAL, synchronous=FULL), one or a hundred to a transaction.

Over 300 lines since Cedar's rendering of the rules and the plain walk are peers that belong beside what they are measured against.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from shiftlead.core import switches
from shiftlead.core.action import Action, Proposal, Target
from shiftlead.core.errors import Stopped
from shiftlead.core.money import Money
from shiftlead.core.settings import Operator
from shiftlead.core.store import Ledger
from shiftlead.core.verdict import Lane, RuleHit, Verdict
from shiftlead.guardrails import killswitch
from shiftlead.guardrails.conditions import AllOf, AnyOf, Compare, Condition, Not, Op, leaves
from shiftlead.guardrails.facts import FactType
from shiftlead.guardrails.lanes import judge
from shiftlead.guardrails.policy import Policy, parse_policy
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
    return parse_policy(head + "".join(rules), origin="benchmarks/guardrails.py")


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


def cedar_text(policy: Policy) -> str:
    """The rules as Cedar: what allows is permitted, everything else is forbidden, ids and lanes stand in annotations."""
    return "\n".join(_statement(rule.id, rule.lane, _cedar(rule.when)) for rule in policy.every_rule)


def _statement(rule: str, lane: Lane, when: str) -> str:
    effect = "permit" if lane is Lane.ALLOWED else "forbid"
    return f'@id("{rule}")\n@lane("{lane}")\n{effect} (principal, action == Action::"run", resource) when {{ {when} }};'


_SIGNS = {Op.IS: "==", Op.IS_NOT: "!=", Op.ABOVE: ">", Op.AT_LEAST: ">=", Op.BELOW: "<", Op.AT_MOST: "<="}


def _cedar(condition: Condition | None) -> str:
    match condition:
        case None:
            return "true"
        case Compare(type=FactType.MONEY):
            by_currency = (
                f'(context.currency == "{code}" && {_sign(condition, limit)})' for code, limit in condition.value.items()
            )
            return "(" + " || ".join(by_currency) + ")"
        case Compare(op=Op.IN):
            return f"{json.dumps(list(condition.value))}.contains(context.{condition.field})"
        case Compare():
            return _sign(condition, condition.value)
        case Not():
            return f"!({_cedar(condition.never)})"
        case AllOf():
            return "(" + " && ".join(_cedar(part) for part in condition.every) + ")"
        case AnyOf():
            return "(" + " || ".join(_cedar(part) for part in condition.some) + ")"


def _sign(leaf: Compare, limit: Any) -> str:
    return f"context.{leaf.field} {_SIGNS[leaf.op]} {json.dumps(_whole(limit))}"


def _whole(value: Any) -> Any:
    """Cedar has whole numbers only: amounts and percents in hundredths, ratios in 10^-15."""
    if isinstance(value, float):
        return int(Decimal(str(value)) * 10**15)
    return int(value * 100) if isinstance(value, Decimal) else value


def cedar_requests(items: Sequence[Proposal]) -> list[dict[str, Any]]:
    """One request for each proposal."""
    return [_request(item) for item in items]


def _request(item: Proposal) -> dict[str, Any]:
    amount = item.action.amount
    assert amount is not None
    context = {name: _whole(value) for name, value in item.facts.items()}
    context |= {"amount": _whole(amount.amount), "currency": amount.currency}
    return {
        "principal": 'Worker::"w"',
        "action": 'Action::"run"',
        "resource": f'Kind::"{item.action.kind}"',
        "context": context,
    }


class Cedar:
    """The same rules in Cedar."""

    def __init__(self, policy: Policy) -> None:
        import cedarpy

        self._authorized, self._policies = cedarpy.is_authorized, cedarpy.PolicySet.from_str(cedar_text(policy))
        # Cedar names policies by their place.
        self.ranks = {f"policy{place}": rule.lane.rank for place, rule in enumerate(policy.every_rule)}

    def __call__(self, request: dict[str, Any]) -> tuple[int, list[str]]:
        """The rank of the lane and the policies that decided; what is neither permitted nor forbidden is reviewed."""
        found = self._authorized(request, self._policies, [])
        reasons: list[str] = found.diagnostics.reasons
        return max([self.ranks[one] for one in reasons], default=1), reasons


def rate(work: Callable[[Any], object], items: Sequence[Any], rounds: int) -> float:
    """The best round's items per CPU second."""
    best = 0.0
    for _ in range(rounds):
        start = time.process_time()
        for item in items:
            work(item)
        best = max(best, len(items) / (time.process_time() - start))
    return best


def agree(policy: Policy, items: Sequence[Proposal], cedar: Cedar | None) -> None:
    """Stop where two sides differ in a lane, or ours and the walk in a rule or what is told of it."""
    floor = policy.actions[0].min_confidence
    for item in items:
        ours, plain = judge(policy, item, context={}, now=NOW), walked(policy, item)
        hits = sorted(hit for hit in ours.hits if hit.rule.startswith("R-"))
        if ours.lane is not plain.lane or hits != sorted(plain.hits):
            raise SystemExit(f"The compiled policy and the plain walk differ: {ours} / {plain}")
        if cedar is not None:
            # How sure the brain is concerns the lane, not one rule; Cedar has no such step.
            rank = min(2, cedar(_request(item))[0] + (item.confidence < floor))
            if rank != ours.lane.rank:
                raise SystemExit(f"Cedar differs: {ours} / {rank}")


def verdicts(count: int, rounds: int) -> dict[str, Any]:
    """Verdicts per CPU second on the three sides."""
    policy, items = bench_policy(), proposals(count)
    try:
        cedar = Cedar(policy)
    except ImportError:
        cedar = None
    agree(policy, items, cedar)
    found = [judge(policy, item, context={}, now=NOW) for item in items]
    ours = rate(lambda item: judge(policy, item, context={}, now=NOW), items, rounds)
    theirs = rate(cedar, cedar_requests(items), max(1, rounds // 3)) if cedar else 0.0
    plain = rate(lambda item: walked(policy, item), items, max(1, rounds // 3))
    return {
        "rules": len(policy.every_rule),
        "proposals": count,
        "hits_per_verdict": round(sum(len(one.hits) for one in found) / count, 2),
        "allowed_share": round(sum(one.lane is Lane.ALLOWED for one in found) / count, 3),
        "verdicts_per_cpu_second": round(ours),
        "cedar_per_cpu_second": round(theirs) if cedar else None,
        "ratio_to_cedar": round(ours / theirs, 1) if cedar else None,
        "plain_walk_per_cpu_second": round(plain),
        "ratio_to_plain_walk": round(ours / plain, 1),
    }


_IMPORT = "import time; start = time.process_time(); {}; print(time.process_time() - start)"
_BARE = "import pydantic; pydantic.create_model('Bare', name=(str, ...))"
_GUARD = "import shiftlead.guardrails.lanes, shiftlead.guardrails.policy as policy"


def imports(rounds: int) -> dict[str, float]:
    """CPU seconds of an import in a new interpreter, above what that needs to start."""
    return {
        "guard_import_cpu_s": _imported(_GUARD, rounds),
        "guard_import_and_house_policy_cpu_s": _imported(f"{_GUARD}; policy.shipped_policy()", rounds),
        "pydantic_alone_cpu_s": _imported(_BARE, rounds),
    }


def _imported(code: str, rounds: int) -> float:
    command = [sys.executable, "-c", _IMPORT.format(code)]
    return round(min(float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(rounds)), 4)


_SCOPES = switches.scopes_of(worker="invoices", kind="invoice.post", party="S-1")


def watch(url: str) -> None:
    """The other process: asked on its input, it looks again and again until it is stopped, and answers with the moment."""
    ledger = Ledger.open(url)
    for _ in sys.stdin:
        print("looking", flush=True)
        print(_seen(ledger), flush=True)


def _seen(ledger: Ledger) -> float:
    while True:
        try:
            with ledger.reading() as session:
                switches.check(session, _SCOPES)
        except Stopped:
            return time.monotonic()


def stop_latency(folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds from the call of `stop` until another process may start no effect; the monotonic clock is one for both."""
    url = f"sqlite:///{folder / 'switch.db'}"
    ledger = Ledger.create(url)
    command = [sys.executable, __file__, "--watch", url]
    found: list[float] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        for _ in range(rounds):
            print("look", file=other.stdin, flush=True)
            other.stdout.readline()
            called = time.monotonic()
            killswitch.stop(ledger, "action:invoice.post", operator=Operator(name="ana"))
            found.append((float(other.stdout.readline()) - called) * 1000)
            with ledger.transaction() as tx:
                switches.throw(tx, "action:invoice.post", stopped=False, by="ana", reason="the next round")
        other.stdin.close()
    ledger.close()
    return {"stop_latency_ms": round(statistics.median(found), 2), "stop_latency_worst_ms": round(max(found), 2)}


def appends(folder: Path, seconds: float) -> dict[str, int]:
    """Audit events per second, each in a transaction of its own and a hundred in one."""
    ledger = Ledger.create(f"sqlite:///{folder / 'audit.db'}")
    return {
        "audit_appends_per_s": _appended(ledger, 1, seconds),
        "audit_batched_appends_per_s": _appended(ledger, 100, seconds),
    }


def _appended(ledger: Ledger, batch: int, seconds: float) -> int:
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        with ledger.transaction() as tx:
            for _ in range(batch):
                tx.audit(
                    "action.judged",
                    actor="worker:invoices",
                    case_id="case_1",
                    lane="reviewed",
                    rules=["R-1"],
                    policy_digest="0" * 64,
                )
        done += batch
    return round(done / (time.perf_counter() - start))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print all figures as one object on the last line")
    parser.add_argument("--proposals", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="how long audit events are written, for each of the two ways"
    )
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.watch:
        watch(given.watch)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = verdicts(given.proposals, given.rounds) | imports(max(3, given.rounds // 2))
        result |= stop_latency(folder, given.rounds) | appends(folder, given.seconds)
    for name, value in result.items():
        print(f"{name:40} {'-' if value is None else f'{value:,}':>12}")
    if given.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
