"""Versions of brains: a trained folder on its way into the ledger, and back out of it."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..core import brains
from ..core.brains import BrainVersion
from ..core.errors import BadInput, Conflict, ShiftleadError
from ..core.store import Ledger
from .brain_files import packed, read_folder, unpacked, write_folder
from .text_worker import TextWorker

if TYPE_CHECKING:
    from sqlmodel import Session

    from .text_brain import TextBrain


def opened(data: bytes) -> "TextBrain":
    """The brain in a packed folder; raises BadInput where it is damaged."""
    from .text_brain import TextBrain

    folder = unpacked(data)
    with TemporaryDirectory(prefix="shiftlead-brain-") as place:
        written = Path(place) / "brain"
        write_folder(written, *folder)
        return TextBrain.load(written)


def digests(brain: "TextBrain") -> frozenset[str]:
    """The digests of a brain in each of its tiers, whichever of them can run here."""
    from .text_heads import TIERS

    found: set[str] = set()
    for tier in TIERS:
        with suppress(KeyError):
            found.add(brain.in_tier(tier).digest)
    return frozenset(found)


def check_whole(session: "Session", version: BrainVersion) -> None:
    """Raise Conflict where the ledger's packed folder is not that of `version`: whoever signs for it would sign for another brain."""
    try:
        whole = version.digest in digests(opened(brains.packed(session, version.digest)))
    except ShiftleadError as error:
        raise Conflict(f"{version.name} cannot be used: {error.message}", hint="Nothing was changed; add it again.") from error
    if not whole:
        raise Conflict(f"What the ledger keeps as {version.name} is another brain.", hint="Nothing was changed.")


def add(
    ledger: Ledger, worker: TextWorker, brain: "TextBrain", *, by: str, learnt: Mapping[str, Any] | None = None
) -> BrainVersion:
    """Keep a brain in the ledger as a candidate of `worker`; `learnt` is what its card says about the decisions it was made from.

    Raises BadInput where it is trained for something else, Conflict where the ledger has it already.
    """
    _check_fit(worker, brain)
    with TemporaryDirectory(prefix="shiftlead-brain-") as place:
        written = Path(place) / "brain"
        brain.save(written)
        folder = read_folder(written)
    data = packed(folder)
    with ledger.transaction() as tx:
        version = BrainVersion(
            digest=brain.digest,
            worker=worker.name,
            task=worker.task,
            name=brain.name,
            card={**folder.card, **({"learnt": dict(learnt)} if learnt else {})},
            content=hashlib.sha256(data).hexdigest(),
            made_at=tx.now,
            made_by=by,
        )
        brains.add(tx, version, data)
    return version


def _check_fit(worker: TextWorker, brain: "TextBrain") -> None:
    from .text_brain import OUT_OF_SCOPE

    if brain.meta.task != worker.task:
        raise BadInput(
            f"The brain {brain.name} is trained for {brain.meta.task or 'nothing that it names'!r}; "
            f"the worker {worker.name!r} needs {worker.task!r}.",
            hint=f"Train one with `shiftlead brain train --task {worker.task}`.",
        )
    if brain.digest == worker.model.digest:
        raise BadInput(f"The brain {brain.name} is the one that {worker.name!r} has already.", hint="Nothing was kept.")
    if strange := sorted(set(brain.labels) - worker.labels - OUT_OF_SCOPE):
        raise BadInput(
            f"The brain {brain.name} knows labels that the worker {worker.name!r} does not: {', '.join(strange[:5])}.",
            hint=f"It knows: {', '.join(sorted(worker.labels))}.",
        )
