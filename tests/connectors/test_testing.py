"""The fake connector does what a real system would, and fails exactly as it is told to."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from shiftlead.connectors.faults import Fault, FaultKind, parse_faults
from shiftlead.connectors.operations import CANONICAL
from shiftlead.connectors.records import Activity, Customer, Invoice, Supplier, Ticket
from shiftlead.connectors.testing import FAULTS_VARIABLE, MemoryConnector, MemoryQueue
from shiftlead.core.action import Target
from shiftlead.core.case import TicketItem
from shiftlead.core.errors import BadInput, NotFound, OutcomeUnknown, Refused, SettingsError, StaleRecord, Unreachable
from shiftlead.core.receipt import Outcome

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
HOLD = {"invoice_id": "I-1", "reason": "goods not here"}


def invoice(id_="I-1", **fields):
    given = {
        "number": f"NW-{id_}", "party_id": "S-1", "order_id": "PO-1", "issue_date": date(2026, 9, 1), "currency": "EUR",
        "net": Decimal("100.00"), "tax": Decimal("19.00"), "gross": Decimal("119.00"), "payable": Decimal("119.00"),
    }  # fmt: skip
    return Invoice(id=id_, **(given | fields))


def target(version="1", id_="I-1"):
    return Target(system="memory", kind="invoice", id=id_, version=version)


def hold(connector, key="k1", version="1"):
    return connector.execute("invoice.hold", HOLD, key=key, target=target(version))


@pytest.fixture
def memory(clock):
    connector = MemoryConnector([invoice()], clock=clock)
    yield connector
    connector.close()


def faulty(memory, *kinds, **fields):
    memory.faults.add(*(Fault(kind=kind, **fields) for kind in kinds))
    return memory


def test_it_offers_every_canonical_operation(memory):
    assert set(memory.operations()) == set(CANONICAL)


@pytest.mark.parametrize("name", [name for name, one in CANONICAL.items() if not one.effect])
def test_every_canonical_read_answers(memory, name):
    arguments = dict.fromkeys(CANONICAL[name].arguments.model_fields, "nobody")
    if name.endswith(".get"):
        with pytest.raises(NotFound):
            memory.read(name, arguments)
    else:
        assert memory.read(name, arguments) == []


def test_a_read_matches_every_given_field_in_any_case(memory):
    memory.put(invoice("I-2", party_id="S-2"), Supplier(id="S-1", name="Delta Foods"), Supplier(id="S-2", name="Orion"))
    assert [one.id for one in memory.read("invoice.list", {"party_id": "S-2"})] == ["I-2"]
    assert [one.id for one in memory.read("invoice.list", {"order_id": "PO-1", "number": "nw-i-1"})] == ["I-1"]
    assert [one.id for one in memory.read("supplier.list", {"name": "delta foods"})] == ["S-1"]
    assert len(memory.read("supplier.list", {})) == 2


def test_an_id_is_matched_to_the_letter(memory):
    with pytest.raises(NotFound):
        memory.read("invoice.get", {"id": "i-1"})


def test_records_keep_their_order_and_activities_come_newest_first(memory):
    for hour in (1, 3, 2):
        at = AT.replace(hour=hour)
        memory.put(
            Activity(id=f"A-{hour}", party_id="C-1", type="note", at=at),
            Ticket(id=f"T-{hour}", subject="", requester="a@b.example", created_at=at),
        )
    memory.edit("ticket", "T-1", queue="billing")
    assert [one.id for one in memory.read("activity.list", {"party_id": "C-1"})] == ["A-3", "A-2", "A-1"]
    assert [one.id for one in memory.read("ticket.list", {"requester": "a@b.example"})] == ["T-1", "T-3", "T-2"]


def test_an_effect_moves_the_version_and_is_in_the_journal(memory, clock):
    receipt = hold(memory)
    assert (receipt.outcome, receipt.version, receipt.at) == (Outcome.DONE, "2", clock.now())
    assert memory.version(target()) == memory.get(Invoice, "I-1").version == "2"
    (entry,) = memory.journal
    assert (entry.key, entry.operation, entry.arguments["reason"]) == ("k1", "invoice.hold", "goods not here")
    assert memory.lookup("k1") == receipt
    assert memory.lookup("other") is None


def test_the_same_key_gets_the_first_receipt_again(memory):
    first = hold(memory)
    assert hold(memory) == first
    assert len(memory.journal) == 1
    assert memory.duplicates() == {}


def test_a_moved_record_is_refused_as_stale(memory):
    memory.edit("invoice", "I-1", status="held")
    with pytest.raises(StaleRecord, match="version '2'"):
        hold(memory)
    assert memory.journal == ()
    assert hold(memory, version=None).version == "3"


def test_edits_that_do_not_fit_change_nothing(memory):
    with pytest.raises(BadInput, match="I-1"):
        memory.edit("invoice", "I-1", gross=1.5)
    with pytest.raises(NotFound):
        memory.edit("invoice", "I-9")
    assert memory.get(Invoice, "I-1").version == "1"


def test_putting_again_moves_the_version_unless_one_is_given(memory):
    memory.put(invoice(status="held"), Customer(id="C-1", name="Lumen AB", version="e7"))
    assert memory.get(Invoice, "I-1").version == "2"
    assert memory.edit("customer", "C-1").version == "e7.1"


@pytest.mark.parametrize(
    ("operation", "arguments", "id_"),
    [
        ("invoice.hold", {"invoice_id": "I-1"}, "I-1"),
        ("invoice.explode", {}, "I-1"),
        ("invoice.hold", HOLD, "I-404"),
    ],
)
def test_what_a_system_would_not_do_is_refused(memory, operation, arguments, id_):
    with pytest.raises(Refused):
        memory.execute(operation, arguments, key="k1", target=target(id_=id_))
    assert memory.journal == ()


@pytest.mark.parametrize(
    ("kind", "error", "happened"),
    [
        (FaultKind.REFUSE, Refused, 0),
        (FaultKind.UNREACHABLE, Unreachable, 0),
        (FaultKind.LOST_REQUEST, OutcomeUnknown, 0),
        (FaultKind.LOST_ANSWER, OutcomeUnknown, 1),
    ],
)
def test_a_fault_happens_once_and_is_over(memory, kind, error, happened):
    faulty(memory, kind)
    with pytest.raises(error):
        hold(memory)
    assert len(memory.journal) == happened
    assert (memory.lookup("k1") is not None) is bool(happened)
    assert hold(memory).outcome is Outcome.DONE
    assert len(memory.journal) == 1


def test_a_fault_hits_only_the_operation_it_names(memory):
    faulty(memory, FaultKind.UNREACHABLE, operation="invoice.get")
    faulty(memory, FaultKind.UNREACHABLE, operation="lookup")
    hold(memory)
    with pytest.raises(Unreachable):
        memory.read("invoice.get", {"id": "I-1"})
    with pytest.raises(Unreachable):
        memory.lookup("k1")
    assert memory.read("invoice.get", {"id": "I-1"})
    assert memory.lookup("k1")


def test_an_unnamed_fault_leaves_reads_alone(memory):
    faulty(memory, FaultKind.REFUSE)
    assert memory.read("invoice.get", {"id": "I-1"})
    with pytest.raises(Refused):
        hold(memory)


def test_faults_of_one_kind_hit_one_call_each_for_as_long_as_they_last(memory):
    faulty(memory, FaultKind.UNREACHABLE, times=2)
    faulty(memory, FaultKind.UNREACHABLE)
    for _ in range(3):
        with pytest.raises(Unreachable):
            hold(memory)
    hold(memory)
    faulty(memory, FaultKind.REFUSE, times=9)
    memory.faults.clear()
    hold(memory)


def test_calls_run_around_the_effect(memory):
    seen = []
    faulty(memory, FaultKind.CALL_BEFORE, FaultKind.CALL_AFTER, call=lambda: seen.append(len(memory.journal)))
    hold(memory)
    assert seen == [0, 1]


def test_what_a_call_raises_comes_out(memory):
    def crash():
        raise KeyboardInterrupt

    faulty(memory, FaultKind.CALL_AFTER, call=crash)
    with pytest.raises(KeyboardInterrupt):
        hold(memory)
    assert len(memory.journal) == 1


def test_a_held_request_leaves_the_system_usable_until_it_is_released(memory):
    fault = Fault(kind=FaultKind.HOLD)
    memory.faults.add(fault)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(hold, memory)
        assert fault.reached.wait(10)
        assert memory.journal == ()
        memory.edit("invoice", "I-1")
        fault.release.set()
        with pytest.raises(StaleRecord):
            running.result(10)


def test_a_system_without_lookup_says_so(memory):
    faulty(memory, FaultKind.NO_LOOKUP)
    for _ in range(2):
        with pytest.raises(NotImplementedError):
            memory.lookup("k1")


def test_a_system_that_is_not_idempotent_does_the_same_thing_twice(memory):
    faulty(memory, FaultKind.NOT_IDEMPOTENT)
    assert not memory.operation("invoice.hold").idempotent
    assert memory.operation("invoice.get").idempotent
    hold(memory)
    hold(memory)
    hold(memory, key="k2", version="3")
    assert memory.duplicates() == {"k1": 2}


def test_many_threads_with_one_key_make_one_effect(memory):
    gate = threading.Barrier(8)

    def press():
        gate.wait()
        return hold(memory)

    with ThreadPoolExecutor(8) as pool:
        receipts = [done.result() for done in [pool.submit(press) for _ in range(8)]]
    assert all(receipt == receipts[0] for receipt in receipts)
    assert len(memory.journal) == 1


_PROCESS = """
import sys
from datetime import UTC, datetime
from shiftlead.core.clock import FrozenClock
from shiftlead.connectors.testing import MemoryConnector
from shiftlead.core.action import Target
connector = MemoryConnector.from_settings({"path": sys.argv[1]}, FrozenClock(datetime(2026, 9, 15, tzinfo=UTC)))
target = Target(system="memory", kind="invoice", id="I-1", version="1")
print(connector.execute("invoice.hold", {"invoice_id": "I-1", "reason": "r"}, key="k1", target=target).version)
"""


def in_another_process(path: Path, faults: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _PROCESS, str(path)],
        env={FAULTS_VARIABLE: faults, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("fault", "happened"), [("kill_before:invoice.hold", 0), ("kill_after", 1)])
def test_a_killed_process_leaves_what_really_happened(tmp_path, clock, fault, happened):
    path = tmp_path / "erp.db"
    memory = MemoryConnector([invoice()], path=path, clock=clock)
    killed = in_another_process(path, fault)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(memory.journal) == happened
    again = in_another_process(path)
    assert again.stdout.strip() == "2", again.stderr
    assert len(memory.journal) == 1
    memory.close()


def test_records_and_journal_survive_in_the_file(tmp_path, clock):
    first = MemoryConnector([invoice()], path=tmp_path / "erp.db", clock=clock)
    receipt = hold(first)
    first.close()
    second = MemoryConnector(path=tmp_path / "erp.db", clock=clock)
    assert second.lookup("k1") == receipt
    assert second.get(Invoice, "I-1").version == "2"
    second.close()


def test_settings_name_what_is_wrong(clock, tmp_path, monkeypatch):
    monkeypatch.delenv(FAULTS_VARIABLE, raising=False)
    with pytest.raises(SettingsError, match="'pth'"):
        MemoryConnector.from_settings({"pth": "x"}, clock)
    with pytest.raises(SettingsError, match="nowhere"):
        MemoryConnector.from_settings({"path": str(tmp_path / "nowhere" / "x.db")}, clock)
    with pytest.raises(BadInput, match="lost_everything"):
        MemoryConnector.from_settings({"faults": "lost_everything"}, clock)


def test_faults_are_written_as_kind_operation_times():
    lost, lookup = parse_faults("lost_answer:invoice.post:2, no_lookup")
    assert (lost.kind, lost.operation, lost.times) == (FaultKind.LOST_ANSWER, "invoice.post", 2)
    assert (lookup.kind, lookup.operation) == (FaultKind.NO_LOOKUP, "")
    for wrong in ("refuse:invoice.post:0", "refuse::x", "hold", "call_before"):
        with pytest.raises(BadInput):
            parse_faults(wrong)


def test_a_queue_yields_the_same_tickets_each_time():
    queue = MemoryQueue()
    for number in (1, 2):
        item = TicketItem(source="memory.tickets", external_id=f"T-{number}", kind="ticket", subject="", received_at=AT)
        queue.put(item, Ticket(id=f"T-{number}", subject="", created_at=AT))
    assert [one.external_id for one in queue.pull()] == [one.external_id for one in queue.pull()] == ["T-1", "T-2"]
    (first,) = queue.pull(limit=1)
    assert first.records[0][0] == "ticket"
    assert Ticket.model_validate(first.records[0][1]).id == "T-1"
    memory = MemoryConnector(queues={"tickets": queue})
    assert list(memory.sources()["tickets"].pull()) == list(queue.pull())
    memory.close()
