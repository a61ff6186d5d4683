"""How much CPU the console takes to open, move and decide with many requests waiting.

`python benchmarks/console.py [--rows 100000] [--json]`; each figure is CPU time of the console's own process, all threads.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


def child(url: str, decisions: int) -> None:
    from shiftlead.console.app import ConsoleApp
    from shiftlead.core.clock import FrozenClock
    from shiftlead.core.roster import Roster
    from shiftlead.core.settings import Operator
    from shiftlead.core.store import Ledger
    from shiftlead.guardrails.approvals import Approvals
    from shiftlead.guardrails.policy import shipped_policy

    policy = shipped_policy()
    imported = time.process_time()
    ledger = Ledger.open(url, clock=FrozenClock(datetime(2026, 9, 15, 9, 0, tzinfo=UTC)))
    ana = Operator(name="ana", role=policy.roles[-1].name)
    approvals = Approvals(ledger, policy, signer=None, roster=Roster(operators={"ana": ana.role}, keyring=None))
    app = ConsoleApp(ledger, policy, operator=ana, approvals=approvals, title="bench", lone=True)
    print(json.dumps({"import_cpu_s": round(imported, 3), **asyncio.run(drive(app, decisions))}))


async def drive(app, decisions: int) -> dict[str, float]:  # noqa: ANN001
    async with app.run_test(size=(120, 36)) as pilot:
        while app.screen.query_one("#decision").story is None:
            await pilot.pause()
        await pilot.pause()
        painted = time.process_time()
        figures = {"first_paint_cpu_s": round(painted, 3), "max_rss_mb": rss()}
        figures |= spread("move", await timed(app, pilot, "j", 60))
        began = time.process_time()
        spent = await timed(app, pilot, "a", decisions)
        figures |= spread("decide", spent)
        figures["decisions_per_cpu_minute"] = round(60 * decisions / (time.process_time() - began))
        return figures


async def timed(app, pilot, key: str, times: int) -> list[float]:  # noqa: ANN001
    spent = []
    for _ in range(times):
        before, shown = time.process_time(), app.screen.query_one("#decision").story.request.id
        await pilot.press(key)
        for _ in range(2000):
            if app.screen.query_one("#decision").story.request.id != shown:
                break
            await asyncio.sleep(0.001)
        await pilot.pause()
        spent.append((time.process_time() - before) * 1000)
    return spent


def spread(name: str, spent: list[float]) -> dict[str, float]:
    return {
        f"{name}_p50_ms": round(statistics.median(spent), 1),
        f"{name}_p95_ms": round(sorted(spent)[int(len(spent) * 0.95) - 1], 1),
    }


def rss() -> float:
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def fill(url: str, rows: int) -> None:
    """Cases, actions and requests in bulk, all waiting."""
    from sqlalchemy import insert

    from shiftlead.core.action import Action, Change, Envelope, Proposal, Target
    from shiftlead.core.clock import FrozenClock
    from shiftlead.core.evidence import Evidence, Trust
    from shiftlead.core.money import Money
    from shiftlead.core.noun import canonical_json
    from shiftlead.core.store import Ledger
    from shiftlead.core.tables import ActionRow, CaseRow, RequestRow
    from shiftlead.core.verdict import Lane, RuleHit, Verdict

    now = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
    ledger = Ledger.create(url, clock=FrozenClock(now), durable=False)
    evidence = tuple(
        Evidence(name=f"value {i}", value="90 of 100", source=f"company:goods_receipt/GR-{i}", trust=Trust.RECORD, read_at=now)
        for i in range(5)
    )
    hit = RuleHit(
        rule="R-014", lane=Lane.REVIEWED, reason="Larger amounts", actual="90.00 EUR", limit="50 EUR", distance="40.00 EUR over"
    )
    verdict = canonical_json(
        Verdict(lane=Lane.REVIEWED, hits=(hit,), passed=("R-1", "R-2"), policy="house@1", policy_digest="0" * 64, judged_at=now)
    )
    for start in range(0, rows, 5000):
        cases, sealed, requests = [], [], []
        for i in range(start, min(rows, start + 5000)):
            action = Action(kind="invoice.hold", target=Target(system="company", kind="invoice", id=f"INV-{i}", version="1"),
                            arguments={"invoice_id": f"INV-{i}", "reason": "no receipt"}, amount=Money.of("90.00", "EUR"))  # fmt: skip
            proposal = Proposal(action=action, confidence=0.8, rationale="No receipt yet.", changes=(Change(record=f"invoice INV-{i}", field="status", before="received", after="held"),))  # fmt: skip
            envelope = Envelope(tenant="main", case_id=f"case_{i}", action_id=f"act_{i}", worker="invoices", playbook="invoices@1", brain="embedded@1", proposal=proposal, evidence=evidence)  # fmt: skip
            digest = envelope.digest()
            item = {"source": "company.invoices", "external_id": f"INV-{i}", "kind": "supplier_invoice", "subject": "no receipt", "received_at": now.isoformat()}  # fmt: skip
            cases.append({"id": f"case_{i}", "tenant": "main", "worker": "invoices", "source": "company.invoices", "external_id": f"INV-{i}", "revision": "1", "subject": "no receipt", "party": f"Supplier {i % 997}", "priority": 3, "state": "waiting", "outcome": "", "received_at": now, "opened_at": now, "graph_version": "", "attempts": 0, "error": "", "summary": "", "human": False, "payload": json.dumps(item), "lease_owner": "", "fence": 1})  # fmt: skip
            sealed.append({"id": f"act_{i}", "case_id": f"case_{i}", "seq": 1, "round": 1, "kind": "invoice.hold", "connector": "company", "amount": action.amount.amount, "currency": "EUR", "confidence": 0.8, "summary": "", "state": "waiting", "lane": "reviewed", "digest": digest, "envelope": envelope.sealed(), "verdict": verdict, "facts": "{}", "makers": "[]", "created_at": now})  # fmt: skip
            requests.append({"id": f"req_{i:07}", "case_id": f"case_{i}", "action_id": f"act_{i}", "question": "approve", "state": "pending", "digest": digest, "action_kind": "invoice.hold", "summary": f"hold invoice INV-{i} 90.00 EUR", "reason": "", "amount": action.amount.amount, "currency": "EUR", "confidence": 0.8, "approvals_needed": 1, "four_eyes": False, "makers": "[]", "role": "operator", "created_at": now, "due_at": now + timedelta(seconds=(i * 7919) % 900000), "expires_at": now + timedelta(days=30), "round": 1})  # fmt: skip
        with ledger.transaction() as tx:
            for table, values in ((CaseRow, cases), (ActionRow, sealed), (RequestRow, requests)):
                tx.session.execute(insert(table), values)
    ledger.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--decisions", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.decisions)
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'ledger.db'}"
        fill(url, options.rows)
        ran = subprocess.run(
            [sys.executable, __file__, "--child", url, "--decisions", str(options.decisions)],
            capture_output=True,
            text=True,
            check=True,
        )
        figures = {"rows": options.rows, **json.loads(ran.stdout.splitlines()[-1])}
    for name, value in figures.items():
        print(f"{name:28} {value:>12,}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
