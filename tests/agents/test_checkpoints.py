"""The saver keeps the newest checkpoint only, hands it over as bytes, and never trips over bytes it cannot read."""

from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from shiftlead.agents.checkpoints import CaseSaver


class Count(TypedDict):
    number: int


def build(saver):
    graph = StateGraph(Count)
    graph.add_node("one", lambda state: {"number": state["number"] + 1})
    graph.add_node("gate", lambda state: {"number": state["number"] + interrupt("how many?")})
    graph.add_edge(START, "one")
    graph.add_edge("one", "gate")
    graph.add_edge("gate", END)
    return graph.compile(checkpointer=saver)


def config(thread="case_1"):
    return {"configurable": {"thread_id": thread}}


def waiting(saver, thread="case_1", number=1):
    graph = build(saver)
    graph.invoke({"number": number}, config(thread), durability="exit")
    return graph


def answered(graph, answer, thread="case_1"):
    (asked,) = graph.get_state(config(thread)).interrupts
    return graph.invoke(Command(resume={asked.id: answer}), config(thread))["number"]


def dumped(saver):
    graph = waiting(saver)
    (asked,) = graph.get_state(config()).interrupts
    return asked.id, saver.dump("case_1", asked.id)


def test_a_waiting_thread_goes_on_in_another_process():
    interrupt_id, stored = dumped(CaseSaver())
    other = CaseSaver()
    assert other.load("case_1", stored) == interrupt_id
    assert answered(build(other), 10) == 12


def test_what_was_dumped_is_forgotten():
    saver = CaseSaver()
    interrupt_id, stored = dumped(saver)
    assert stored
    assert saver.dump("case_1", interrupt_id) is None
    assert list(saver.list(None)) == []


def test_threads_do_not_mix():
    saver = CaseSaver()
    graph = waiting(saver, "case_1", 1)
    waiting(saver, "case_2", 100)
    assert answered(graph, 1, "case_2") == 102
    assert answered(graph, 1, "case_1") == 3


def test_only_the_newest_is_kept():
    saver = CaseSaver()
    for _ in range(5):
        waiting(saver)
    assert len(list(saver.list(None))) == 1
    assert len(list(saver.list(config()))) == 1
    assert len(list(saver.list(config("nobody")))) == 0


def test_a_deleted_thread_is_gone():
    saver = CaseSaver()
    waiting(saver)
    saver.delete_thread("case_1")
    saver.delete_thread("case_1")
    assert saver.get_tuple(config()) is None


@given(st.binary(max_size=200))
def test_bytes_that_cannot_be_read_are_refused_quietly(stored):
    saver = CaseSaver()
    assert saver.load("case_1", stored) is None
    assert saver.get_tuple(config()) is None


@given(st.data())
def test_a_damaged_checkpoint_is_refused_or_readable(data):
    stored = bytearray(dumped(CaseSaver())[1])
    for _ in range(data.draw(st.integers(1, 4))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    other = CaseSaver()
    if (found := other.load("case_1", bytes(stored))) is not None:
        assert other.dump("case_1", found)


def test_no_foreign_type_is_brought_to_life():
    """A checkpoint is read from a database; whoever writes there must not choose what is imported here."""
    import ormsgpack

    payload = ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(["subprocess", "getoutput", ["touch /tmp/owned"]])))
    assert CaseSaver().load("case_1", payload) is None
    assert "subprocess.getoutput" not in str(CaseSaver().serde.loads_typed(("msgpack", payload)))


@pytest.mark.parametrize("text", ["Erika Mustermann", "DE02120300000000202051"])
def test_nothing_of_the_ticket_is_in_the_bytes(tmp_path, clock, text):
    from stage import Stage

    stage = Stage.create(tmp_path, clock=clock)
    stage.open(amount="9000.00", body=f"Please pay {text}")
    stage.work()
    ((stored,),) = stage.rows("select checkpoint from case_")
    assert stored
    assert text.encode() not in bytes(stored)
    stage.close()
