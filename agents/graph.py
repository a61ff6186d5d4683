"""The graph that every worker shares: screen, investigate, assess, judge, await_approval, execute, close.

The gate node holds nothing but `interrupt()`, since LangGraph runs a node from its first line again when it resumes. Graph state
holds the case's id only; everything else is in the run's context or in the ledger.
"""

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from ..core.noun import Noun
from .casework import Casework
from .checkpoints import CaseSaver
from .turns import Step

GRAPH_VERSION = "1"
"""Changes whenever a node is renamed, added or moved; a checkpoint of another version is not resumed but begun from the ledger."""


class Progress(TypedDict):
    """The state of one thread: a reference, nothing else."""

    case_id: str


class Answered(Noun):
    """What the gate is resumed with: the decision itself is in the ledger."""

    decided: bool


CaseGraph = CompiledStateGraph[Progress, Casework, Progress, Progress]


def build_graph(saver: CaseSaver) -> CaseGraph:
    """Compile the graph on `saver`."""
    graph = StateGraph(Progress, context_schema=Casework)
    graph.add_node(Step.SCREEN, _screen)
    graph.add_node("investigate", _investigate)
    graph.add_node("assess", _assess)
    graph.add_node("judge", _judge)
    graph.add_node(Step.AWAIT, _await_approval)
    graph.add_node("decided", _decided)
    graph.add_node(Step.EXECUTE, _execute)
    graph.add_node(Step.CLOSE, _close)
    graph.add_conditional_edges(START, _begin, _ways(Step.SCREEN))
    graph.add_edge(Step.SCREEN, "investigate")
    graph.add_edge("investigate", "assess")
    graph.add_edge("assess", "judge")
    graph.add_conditional_edges("judge", _turn, _ways())
    graph.add_edge(Step.AWAIT, "decided")
    graph.add_conditional_edges("decided", _turn, _ways(Step.SCREEN))
    graph.add_conditional_edges(Step.EXECUTE, _turn, _ways(Step.SCREEN))
    graph.add_edge(Step.CLOSE, END)
    return graph.compile(checkpointer=saver, name="shiftlead")


def run_case(graph: CaseGraph, saver: CaseSaver, work: Casework) -> bool:
    """Run one claimed case until it closes, rests or waits for a person; True where it waits."""
    case, stored = work.case, work.held.checkpoint
    config: Any = {"configurable": {"thread_id": case.id}, "recursion_limit": 60}
    start: Any = {"case_id": case.id}
    if stored and case.graph_version == GRAPH_VERSION and (interrupt_id := saver.load(case.id, stored)):
        start = Command(resume={interrupt_id: {"decided": True}})
    try:
        waiting = graph.invoke(start, config, context=work, durability="exit").get("__interrupt__", ())
        if waiting:
            work.wait(saver.dump(case.id, waiting[0].id), GRAPH_VERSION)
        return bool(waiting)
    finally:
        saver.delete_thread(case.id)


def _ways(*more: Step) -> list[str]:
    return [*(str(step) for step in (Step.AWAIT, Step.EXECUTE, Step.CLOSE, *more)), END]


def _begin(state: Progress, runtime: Runtime[Casework]) -> str:
    step = runtime.context.begin()
    return END if step is Step.PAUSE else str(step)


def _screen(state: Progress, runtime: Runtime[Casework]) -> None:
    runtime.context.at("screen")
    runtime.context.screen()


def _investigate(state: Progress, runtime: Runtime[Casework]) -> None:
    runtime.context.at("investigate")
    runtime.context.investigate()


def _assess(state: Progress, runtime: Runtime[Casework]) -> None:
    runtime.context.at("assess")
    runtime.context.assess()


def _judge(state: Progress, runtime: Runtime[Casework]) -> None:
    runtime.context.at("judge")
    runtime.context.judge()


def _await_approval(state: Progress) -> None:
    interrupt({"case_id": state["case_id"]}, response_schema=Answered)


def _decided(state: Progress, runtime: Runtime[Casework]) -> None:
    runtime.context.at("decided")
    runtime.context.next_step()


def _execute(state: Progress, runtime: Runtime[Casework]) -> None:
    runtime.context.at("execute")
    runtime.context.execute()


def _close(state: Progress, runtime: Runtime[Casework]) -> None:
    runtime.context.at("close")
    runtime.context.close()


def _turn(state: Progress, runtime: Runtime[Casework]) -> str:
    turn = runtime.context.turn
    if runtime.context.rest is not None or turn is None:
        return END
    return str(turn.step)
