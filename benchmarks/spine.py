"""Cases per second from ticket to receipt, beside the same five-node graph on bare LangGraph with its SqliteSaver.

Both sides do the same work: read an invoice, propose to post it, judge the proposal with the same policy, stop for a person in
every second case, and post it once in the same kind of outside system. shiftlead also keeps a ledger, an outbox and a hash-chained
audit trail, durably (SQLite WAL, synchronous=FULL); the peer keeps its checkpoints, durably too (`durability="sync"`), and
nothing else.

Run it with `make bench`, or `make bench ARGS='--cases 200 --rounds 5 --json'`.
"""

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from shiftlead.agents.brain import EmbeddedBrain
from shiftlead.agents.crew import Crew
from shiftlead.agents.playbook import Playbook, Step
from shiftlead.agents.runner import Runner
from shiftlead.agents.worker import Assessment, Worker
from shiftlead.connectors.records import Invoice
from shiftlead.connectors.testing import MemoryConnector, MemoryQueue
from shiftlead.core import inbox
from shiftlead.core.approval import DecisionKind
from shiftlead.core.case import TicketItem
from shiftlead.core.clock import SystemClock
from shiftlead.core.keys import LEDGER_KEY, Keyring, Signer
from shiftlead.core.roster import Roster
from shiftlead.core.settings import Operator
from shiftlead.core.store import Ledger
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.approvals import Answer, Approvals
from shiftlead.guardrails.lanes import judge
from shiftlead.guardrails.policy import Policy, parse_policy
from shiftlead.tools.desk import Desk

Run = tuple[float, float, int]
"""Seconds, CPU seconds and bytes stored."""

POLICY = """
name: bench
version: 1
owner: benchmark
actions: {invoice.post: {min_confidence: 0.5}}
roles: {operator: {}, lead: {}}
rules:
  - {id: B-1, lane: allowed, actions: [invoice.post], when: {amount: {at_most: {EUR: 5000}}}, reason: small, owner: b, source: b}
  - {id: B-2, lane: reviewed, actions: [invoice.post], when: {amount: {above: {EUR: 5000}}}, reason: large, owner: b, source: b}
"""


class Poster(Worker):
    """Reads an invoice and proposes to post it."""

    name: ClassVar[str] = "poster"
    takes: ClassVar[frozenset[str]] = frozenset({"supplier_invoice"})

    @classmethod
    def default_playbook(cls) -> Playbook:
        return Playbook(
            name="poster",
            version=1,
            title="Poster",
            purpose="Posts.",
            owner="benchmark",
            steps=(Step(number=1, text="Post it."),),
            operations=("invoice.get", "invoice.post"),
        )

    def investigate(self, desk: Desk) -> object:
        invoice = desk.one("invoice.get", Invoice, id=str(desk.item.payload["ref"]))
        assert invoice is not None
        desk.cite("amount", invoice.payable, of=invoice)
        desk.cite("iban", invoice.iban, of=invoice)
        return invoice

    def assess(self, desk: Desk, findings: object) -> Assessment:
        assert isinstance(findings, Invoice)
        arguments = {
            "invoice_id": findings.id,
            "amount": findings.payable,
            "currency": findings.currency,
            "iban": findings.iban,
        }
        proposal = desk.propose("invoice.post", findings, arguments, confidence=0.99, rationale="It agrees.")
        return Assessment(proposals=(proposal,), summary="It agrees.")


def world(cases: int) -> MemoryConnector:
    """An outside system with `cases` invoices, every second one too large to run alone."""
    invoices, items = [], []
    for number in range(cases):
        amount = Decimal("9000.00") if number % 2 else Decimal("120.00")
        invoices.append(
            Invoice(
                id=f"I-{number}",
                number=f"R-{number}",
                party_id=f"S-{number % 50}",
                issue_date=date(2026, 9, 1),
                currency="EUR",
                net=amount,
                tax=Decimal(0),
                gross=amount,
                payable=amount,
                iban="DE02120300000000202051",
            )
        )
        items.append(
            TicketItem(
                source="memory.tickets",
                external_id=f"I-{number}",
                kind="supplier_invoice",
                subject=f"Invoice R-{number}",
                received_at=datetime(2026, 9, 1, tzinfo=UTC),
                payload={"ref": f"I-{number}"},
            )
        )
    return MemoryConnector(invoices, queues={"tickets": MemoryQueue(items)})


def ours(folder: Path, cases: int, policy: Policy, *, threads: int) -> Run:
    """Seconds, CPU seconds and bytes for `cases` cases through shiftlead, the decisions included."""
    file = folder / "ledger.db"
    ledger = Ledger.create(f"sqlite:///{file}")
    connector = world(cases)
    ana, own = Signer.fresh("ana"), Signer.fresh(LEDGER_KEY)
    roster = Roster(operators={"ana": "lead"}, keyring=Keyring.of([ana, own]))
    crew = Crew(
        ledger,
        connectors={"memory": connector},
        workers={"poster": Poster()},
        policy=policy,
        brain=EmbeddedBrain(),
        roster=roster,
        sealing=own,
    )
    crew.register_operations()
    runner, operator = Runner(crew), Operator(name="ana", role="lead")
    approvals = Approvals(ledger, policy, signer=ana, roster=roster)
    started, cpu = time.perf_counter(), time.process_time()
    for _ in crew.intake.pull(connector):
        pass
    runner.until_idle(concurrency=threads)
    with ledger.reading() as session:
        waiting = inbox.many(session, inbox.waiting_ids(session, now=ledger.clock.now()))
    for request in waiting:
        approvals.decide(Answer(request_id=request.id, digest=request.digest, kind=DecisionKind.APPROVE), operator)
    runner.until_idle(concurrency=threads)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    assert len(connector.journal) == cases, f"{len(connector.journal)} effects for {cases} cases"
    assert ledger.verify() == []
    crew.close()
    return seconds, used, file.stat().st_size


class State(TypedDict, total=False):
    """The peer's graph state."""

    ref: str
    invoice: dict[str, Any]
    proposal: dict[str, Any]
    lane: str
    answer: str
    receipt: str


def peer(folder: Path, cases: int, policy: Policy) -> Run:
    """Seconds, CPU seconds and bytes for the same work on bare LangGraph with SqliteSaver."""
    file, connector, worker = folder / "checkpoints.db", world(cases), Poster()
    clock = SystemClock()

    def classify(state: State) -> State:
        return {"ref": state["ref"]}

    def gather(state: State) -> State:
        desk = Desk(_item(state["ref"]), connector, operations=frozenset(worker.playbook.operations), clock=clock)
        return {"invoice": worker.investigate(desk).model_dump(mode="json")}  # type: ignore[attr-defined]

    def propose(state: State) -> State:
        desk = Desk(_item(state["ref"]), connector, operations=frozenset(worker.playbook.operations), clock=clock)
        assessment = worker.assess(desk, Invoice.model_validate(state["invoice"]))
        return {"proposal": assessment.proposals[0].model_dump(mode="json")}

    def gate(state: State) -> State:
        from shiftlead.core.action import Proposal

        proposal = Proposal.model_validate(state["proposal"])
        lane = judge(policy, proposal, context={}, now=clock.now()).lane
        return {"lane": lane.value, "answer": interrupt(state["proposal"]) if lane is Lane.REVIEWED else "allowed"}

    def act(state: State) -> State:
        from shiftlead.core.action import Action

        action = Action.model_validate(state["proposal"]["action"])
        receipt = connector.execute(action.kind, action.arguments, key=f"key-{state['ref']}", target=action.target)
        return {"receipt": receipt.key}

    with closing(sqlite3.connect(file, check_same_thread=False)) as connection:
        saver = SqliteSaver(connection)
        saver.setup()
        connection.execute("PRAGMA synchronous=FULL")
        graph = StateGraph(State)
        nodes: list[tuple[str, Callable[[State], State]]] = [
            ("classify", classify), ("gather", gather), ("propose", propose), ("gate", gate), ("act", act),
        ]  # fmt: skip
        for name, node in nodes:
            graph.add_node(name, node)  # type: ignore[call-overload]
        for one, other in zip([START, *(name for name, _ in nodes)], [*(name for name, _ in nodes), END], strict=True):
            graph.add_edge(one, other)
        app = graph.compile(checkpointer=saver)
        started, cpu = time.perf_counter(), time.process_time()
        waiting = []
        for number in range(cases):
            config: Any = {"configurable": {"thread_id": f"I-{number}"}}
            result = app.invoke({"ref": f"I-{number}"}, config, durability="sync")
            waiting += [(config, one.id) for one in result.get("__interrupt__", ())]
        for config, interrupt_id in waiting:
            app.invoke(Command(resume={interrupt_id: "approve"}), config, durability="sync")
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
    assert len(connector.journal) == cases
    return seconds, used, file.stat().st_size


def _item(ref: str) -> TicketItem:
    return TicketItem(
        source="memory.tickets",
        external_id=ref,
        kind="supplier_invoice",
        subject=ref,
        received_at=datetime(2026, 9, 1, tzinfo=UTC),
        payload={"ref": ref},
    )


def main() -> None:
    """Run both sides in turn and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200, help="cases per round (default 200)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the median counts (default 3)")
    parser.add_argument("--threads", type=int, default=8, help="threads of the second shiftlead row (default 8)")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    policy = parse_policy(POLICY, origin="benchmark policy")
    sides: dict[str, Callable[[Path], Run]] = {
        "shiftlead": lambda folder: ours(folder, options.cases, policy, threads=1),
        f"shiftlead_{options.threads}_threads": lambda folder: ours(folder, options.cases, policy, threads=options.threads),
        "langgraph": lambda folder: peer(folder, options.cases, policy),
    }
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, side in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                runs[name].append(side(Path(folder)))
    rows = {name: _figures(found, options.cases) for name, found in runs.items()}
    print(f"{'':24}{'cases/s':>10}{'CPU ms/case':>14}{'bytes/case':>12}")
    for name, row in rows.items():
        print(f"{name:24}{row['cases_per_s']:>10.1f}{row['cpu_ms_per_case']:>14.1f}{row['bytes_per_case']:>12,.0f}")
    peers = rows.pop("langgraph")
    ratios = {name: row["cases_per_s"] / peers["cases_per_s"] for name, row in rows.items()}
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f} times the cases per second of bare LangGraph with SqliteSaver (sync)")
    if options.json:
        told: dict[str, float] = dict(rows["shiftlead"])
        told["ratio_to_langgraph_sqlitesaver"] = ratios["shiftlead"]
        for name, ratio in list(ratios.items())[1:]:
            told |= {f"{key}_{name.removeprefix('shiftlead_')}": value for key, value in rows[name].items()}
            told[f"ratio_to_langgraph_sqlitesaver_{name.removeprefix('shiftlead_')}"] = ratio
        told |= {f"langgraph_{key}": value for key, value in peers.items()}
        print(
            json.dumps(
                {key: round(value, 3) for key, value in told.items()} | {"cases": options.cases, "rounds": options.rounds}
            )
        )


def _figures(runs: list[Run], cases: int) -> dict[str, float]:
    return {
        "cases_per_s": cases / statistics.median(seconds for seconds, _, _ in runs),
        "cpu_ms_per_case": 1000 * statistics.median(used for _, used, _ in runs) / cases,
        "bytes_per_case": statistics.median(size for _, _, size in runs) / cases,
    }


if __name__ == "__main__":
    main()
