"""Intake: each ticket becomes one case, each bad one goes to quarantine whole, and the rest of the batch goes on."""

from datetime import UTC, datetime, timedelta

import pytest
from stage import invoice, ticket

from shiftlead.connectors.base import Pulled
from shiftlead.connectors.contracts import DataContract
from shiftlead.connectors.intake import BATCH, Intake, Taken
from shiftlead.connectors.testing import MemoryConnector, MemoryQueue
from shiftlead.core import quarantine, queue
from shiftlead.core.errors import BadInput

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
WHO = "accounts payable (ap@house.example)"
CONTRACT = DataContract(
    record="invoice",
    owner="accounts payable",
    on_call="ap@house.example",
    required=("order_id",),
    allowed={"currency": ("EUR",)},
    fresh_within=timedelta(days=2),
)


@pytest.fixture
def intake(ledger):
    return Intake(ledger, {"supplier_invoice": "poster"}, lambda worker, item: item.received_at + timedelta(hours=8))


def pull(intake, *rows, contracts=()):
    source = MemoryQueue()
    for row in rows:
        source.put_pulled(row)
    connector = MemoryConnector(queues={"tickets": source}, contracts=contracts)
    try:
        return sum(intake.pull(connector), Taken())
    finally:
        connector.close()


def row(ref="I-1", *records, **fields):
    return Pulled(external_id=ref, item=ticket(ref).model_copy(update=fields), records=records)


def raw(**fields):
    good = {"order_id": "PO-1", "updated_at": (AT - timedelta(hours=1)).isoformat()}
    return ("invoice", {**invoice("I-1", "120.00").model_dump(mode="json"), **good, **fields})


def quarantined(ledger):
    with ledger.reading() as session:
        return quarantine.listed(session)


def cases(ledger):
    with ledger.reading() as session:
        return queue.listed(session, limit=1000)


def test_a_ticket_becomes_a_case_for_the_worker_that_takes_it(ledger, intake):
    assert pull(intake, row()) == Taken(opened=1)
    (case,) = cases(ledger)
    assert (case.worker, case.source, case.external_id) == ("poster", "memory.tickets", "I-1")
    assert case.due_at == AT + timedelta(hours=8)


def test_pulling_twice_opens_nothing_twice(ledger, intake):
    rows = [row(f"I-{number}") for number in range(3)]
    pull(intake, *rows)
    assert pull(intake, *rows) == Taken(known=3)
    assert pull(intake, rows[0], row("I-1", revision="2")) == Taken(known=1, opened=1)
    assert len(cases(ledger)) == 4


def test_more_than_a_batch(ledger, intake):
    assert pull(intake, *(row(f"I-{number}") for number in range(BATCH * 2 + 7))) == Taken(opened=BATCH * 2 + 7)


@pytest.mark.parametrize(
    ("bad", "says", "owner"),
    [
        (Pulled(external_id="X", problem="line 7: no amount", raw={"a": "1"}), "line 7: no amount", "connector owner"),
        (Pulled(external_id="X"), "holds no ticket", "connector owner"),
        (row("X", kind="postcard"), "no worker takes tickets of kind 'postcard'; known: supplier_invoice", "workspace owner"),
        (row("X", raw(currency="USD")), "invoice.currency: 'USD' is none of EUR", WHO),
        (row("X", raw(order_id="")), "invoice.order_id: is empty but required", WHO),
        (row("X", raw(gross="a lot")), "invoice.gross", WHO),
        (row("X", raw(gross=None)), "invoice.gross", WHO),
        (row("X", raw(surprise=1)), "invoice.surprise", WHO),
        (row("X", raw(updated_at=None)), "freshness is unknown", WHO),
        (row("X", raw(updated_at="2026-09-01T00:00:00")), "older than", WHO),
    ],
)
def test_a_bad_row_is_kept_whole_and_the_rest_goes_on(ledger, intake, bad, says, owner):
    assert pull(intake, row("I-1", raw()), bad, row("I-2"), contracts=[CONTRACT]) == Taken(opened=2, quarantined=1)
    (kept,) = quarantined(ledger)
    assert says in kept.problem
    assert (kept.owner, kept.external_id, kept.state) == (owner, "X", "open")
    if bad.raw or bad.records:
        assert kept.raw == (bad.raw or dict(bad.records))
    assert [event.kind for event in ledger.events()].count("intake.quarantined") == 1


def test_the_same_bad_row_is_kept_once_and_a_mended_one_becomes_a_case(ledger, intake):
    bad = row("I-1", raw(currency="USD"))
    assert pull(intake, bad, contracts=[CONTRACT]) == Taken(quarantined=1)
    assert pull(intake, bad, contracts=[CONTRACT]) == Taken(known=1)
    assert len(quarantined(ledger)) == 1
    assert pull(intake, row("I-1", raw()), contracts=[CONTRACT]) == Taken(opened=1)
    assert quarantined(ledger) == [], "what came in well since needs no mending any more"


ODD = {
    "zero byte": ({"subject": "a\x00b"}, False),
    "zero byte in its id": ({"external_id": "odd\x00"}, False),
    "zero byte inside": ({"payload": {"body": "a\x00b"}}, True),
    "half a character": ({"payload": {"body": "\ud800"}}, False),
    "half a character deep inside": ({"payload": {"a": [{"b\udfff": 1}]}}, False),
    "very long": ({"subject": "x" * 100_000}, True),
    "emoji": ({"subject": "🙂" * 50}, True),
    "quotes": ({"subject": "'; drop table case_; --"}, True),
    "turned around": ({"subject": "\u202eevil"}, True),
}


@pytest.mark.parametrize("name", ODD)
def test_one_strange_ticket_never_takes_the_others_down_with_it(ledger, intake, name):
    fields, storable = ODD[name]
    odd = Pulled(external_id=fields.get("external_id", "odd"), item=ticket("odd").model_copy(update=fields))
    assert pull(intake, row("I-1"), odd, row("I-2")) == Taken(opened=2 + storable, quarantined=not storable)
    assert {"I-1", "I-2"} <= {case.external_id for case in cases(ledger)}
    if storable:
        with ledger.reading() as session:
            assert odd.item in [queue.item_of(session, case.id) for case in cases(ledger)]
    else:
        (kept,) = quarantined(ledger)
        assert kept.raw["kind"] == "supplier_invoice", "it is kept whole"
    assert ledger.verify() == []


def test_a_source_that_breaks_off_keeps_what_it_gave(ledger, intake):
    class Breaks(MemoryQueue):
        def pull(self, *, limit=None):
            yield from (row(f"I-{number}") for number in range(BATCH))
            raise BadInput("page 2 is not JSON")

    connector = MemoryConnector(queues={"tickets": Breaks()})
    with pytest.raises(BadInput):
        list(intake.pull(connector))
    assert len(cases(ledger)) == BATCH
    connector.close()
