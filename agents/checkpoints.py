"""Checkpoints: the newest one of each running case, in memory while it runs and as bytes in the case's row while it waits.

The ledger is the truth. A checkpoint only spares the graph the way back to the gate: delete it and the case goes on all the same.
Graph state holds references only, so no personal data ends up in these bytes.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

_Write = tuple[str, str, Any]


class _Thread:
    """What is known about one thread: its newest checkpoint and the writes that wait on it."""

    __slots__ = ("checkpoint", "metadata", "writes")

    def __init__(self, checkpoint: Checkpoint, metadata: CheckpointMetadata) -> None:
        self.checkpoint = checkpoint
        self.metadata = metadata
        self.writes: dict[tuple[str, int], _Write] = {}


class CaseSaver(BaseCheckpointSaver[int]):
    """A LangGraph saver that keeps the newest checkpoint per case and hands its bytes over to the ledger.

    Its serializer is strict: it revives no type that is not on LangGraph's own list of safe ones.
    """

    def __init__(self) -> None:
        super().__init__(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self._threads: dict[str, _Thread] = {}
        self._lock = threading.Lock()

    def dump(self, case_id: str, interrupt_id: str) -> bytes | None:
        """The newest checkpoint of a case, with the interrupt it waits at, as bytes; it is forgotten here. None without one."""
        with self._lock:
            thread = self._threads.pop(case_id, None)
        if thread is None:
            return None
        writes = [[*key, *value] for key, value in thread.writes.items()]
        return self.serde.dumps_typed([interrupt_id, thread.checkpoint, thread.metadata, writes])[1]

    def load(self, case_id: str, stored: bytes) -> str | None:
        """Take a case's stored checkpoint up again: the interrupt to answer, or None where its bytes cannot be read."""
        try:
            interrupt_id, checkpoint, metadata, writes = self.serde.loads_typed(("msgpack", stored))
            thread = _Thread(checkpoint, metadata)
            thread.writes = {(task, index): (owner, channel, value) for task, index, owner, channel, value in writes}
        except Exception:  # noqa: BLE001 - unreadable bytes cost a few reads, never the case
            return None
        with self._lock:
            self._threads[case_id] = thread
        return str(interrupt_id)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The newest checkpoint of the config's thread."""
        thread_id = config["configurable"]["thread_id"]
        with self._lock:
            thread = self._threads.get(thread_id)
            if thread is None:
                return None
            return CheckpointTuple(
                config=_config(thread_id, thread.checkpoint["id"]),
                checkpoint=thread.checkpoint,
                metadata=thread.metadata,
                parent_config=None,
                pending_writes=list(thread.writes.values()),
            )

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the name is LangGraph's
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """The newest checkpoint of the config's thread, or of every thread; older ones are never kept."""
        with self._lock:
            known = list(self._threads) if config is None else [config["configurable"]["thread_id"]]
        for thread_id in known[:limit]:
            found = self.get_tuple({"configurable": {"thread_id": thread_id}})
            if found is not None:
                yield found

    def put(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        """Replace the thread's checkpoint by a newer one."""
        thread_id = config["configurable"]["thread_id"]
        with self._lock:
            self._threads[thread_id] = _Thread(checkpoint, metadata)
        return _config(thread_id, checkpoint["id"])

    def put_writes(self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = "") -> None:
        """Keep the writes that wait on the thread's checkpoint."""
        with self._lock:
            thread = self._threads.get(config["configurable"]["thread_id"])
            if thread is None:
                return
            for index, (channel, value) in enumerate(writes):
                key = (task_id, WRITES_IDX_MAP.get(channel, index))
                if key[1] < 0 or key not in thread.writes:
                    thread.writes[key] = (task_id, channel, value)

    def delete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        with self._lock:
            self._threads.pop(thread_id, None)

    def get_next_version(self, current: int | None, channel: None) -> int:
        """The version after `current`."""
        return 1 if current is None else current + 1


def _config(thread_id: str, checkpoint_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": "", "checkpoint_id": checkpoint_id}}
