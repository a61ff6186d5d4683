"""The chain: whatever is changed, left out, added, swapped or cut off, `breaks` finds it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.audit import GENESIS, AuditEvent, breaks, link
from shiftlead.core.noun import canonical_json

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
DATA = st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5), st.none(), st.booleans()), max_size=3)


@st.composite
def chains(draw, least=1):
    events, previous = [], GENESIS
    for seq in range(1, draw(st.integers(least, 6)) + 1):
        fields = {
            "seq": seq,
            "at": AT + timedelta(seconds=draw(st.integers(0, 9))),
            "kind": draw(st.sampled_from(["case.opened", "effect.done"])),
            "case_id": draw(st.sampled_from([None, "case_1", "case_2"])),
            "actor": draw(st.sampled_from(["ana", "worker:invoices"])),
        }
        data = draw(DATA)
        previous = link(previous, **fields, data=canonical_json(data))
        events.append(AuditEvent(**fields, data=data, hash=previous))
    return events


def found(events, head):
    return list(breaks(events, head_seq=head.seq, head_hash=head.hash))


@given(chains())
def test_what_nobody_touched_holds(events):
    assert found(events, events[-1]) == []


def test_an_empty_chain_holds_and_an_emptied_one_does_not():
    assert list(breaks([], head_seq=0, head_hash=GENESIS)) == []
    assert list(breaks([], head_seq=3, head_hash="abc"))


CHANGES = {
    "at": AT + timedelta(days=1),
    "kind": "effect.refused",
    "case_id": "case_9",
    "actor": "eve",
    "data": {"amount": "9,999.00 EUR"},
    "hash": "f" * 64,
}


@given(chains(), st.data(), st.sampled_from(sorted(CHANGES)))
def test_a_changed_event_is_found_where_it_is(events, data, field):
    place = data.draw(st.integers(0, len(events) - 1))
    head = events[-1]
    events[place] = events[place].model_copy(update={field: CHANGES[field]})
    assert any(one.seq == place + 1 for one in found(events, head))


@given(chains(), st.data())
def test_a_changed_event_with_a_hash_made_to_fit_breaks_the_next_link(events, data):
    place = data.draw(st.integers(0, len(events) - 1))
    head = events[-1]
    event = events[place]
    previous = events[place - 1].hash if place else GENESIS
    fields = {"seq": event.seq, "at": event.at, "kind": event.kind, "case_id": event.case_id, "actor": "eve"}
    events[place] = event.model_copy(update={"actor": "eve", "hash": link(previous, **fields, data=canonical_json(event.data))})
    assert found(events, head)


@given(chains(least=2), st.data())
def test_a_missing_event_is_found(events, data):
    head = events[-1]
    del events[data.draw(st.integers(0, len(events) - 1))]
    assert found(events, head)


@given(chains(least=2), st.data())
def test_two_events_that_changed_places_are_found(events, data):
    head, place = events[-1], data.draw(st.integers(0, len(events) - 2))
    events[place], events[place + 1] = events[place + 1], events[place]
    assert found(events, head)


@given(chains(), st.data())
def test_an_event_that_was_put_in_is_found(events, data):
    head, place = events[-1], data.draw(st.integers(0, len(events)))
    events.insert(place, events[min(place, len(events) - 1)])
    assert found(events, head)


def test_a_link_cannot_be_read_in_two_ways():
    plain = {"seq": 1, "at": AT, "kind": "a", "case_id": None, "actor": "b", "data": "{}"}
    hashes = {link(GENESIS, **plain)}
    for changed in ({"kind": "a,b"}, {"actor": '","b'}, {"case_id": ""}, {"case_id": "null"}, {"data": '{"a":1}'}, {"seq": 11}):
        hashes.add(link(GENESIS, **(plain | changed)))
    assert len(hashes) == 7
