"""Where brains come from: a folder, or the ones that ship."""

from collections.abc import Callable
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from ..core.errors import BadInput
from .brain_files import BrainFolder, read_folder
from .brain_purposes import check_task
from .lateness_brain import KIND as LATENESS
from .lateness_brain import LatenessBrain
from .own_words import own_words
from .text_brain import KIND as TEXT
from .text_brain import TextBrain

Brain = TextBrain | LatenessBrain
Prepare = Callable[[str], str]
"""What is done to a text before a brain reads it."""

_FOLDERS = {"triage": "brain_triage", "reply": "brain_reply"}


def load_brain(folder: Path) -> Brain:
    """The brain in `folder`, whichever kind it is; raises BadInput where it is missing, damaged or no brain."""
    kind = read_folder(folder).card.get("kind")
    if kind == LATENESS:
        return LatenessBrain.load(folder)
    if kind == TEXT:
        return TextBrain.load(folder)
    raise BadInput(f"{folder} holds {kind!r}, which is no kind of brain.", hint="Train one with `shiftlead brain train`.")


@cache
def shipped_brain(task: str) -> Brain:
    """The brain that ships for `task`; raises BadInput where there is no such task."""
    check_task(task)
    if task not in _FOLDERS:
        return LatenessBrain.shipped()
    with as_file(files(__package__).joinpath(_FOLDERS[task])) as folder:
        return TextBrain.load(folder)


def shipped_text_brain(task: str) -> TextBrain:
    """The text brain that ships for `task`; raises BadInput where none of texts does."""
    found = shipped_brain(task)
    if not isinstance(found, TextBrain):
        raise BadInput(f"The brain for {task!r} reads no texts.", hint=f"Tasks of texts: {', '.join(_FOLDERS)}.")
    return found


def shipped_content(task: str) -> BrainFolder:
    """What the folder of the shipped brain holds; raises BadInput where there is no such task."""
    check_task(task)
    if task not in _FOLDERS:
        return LatenessBrain.shipped().packed()
    with as_file(files(__package__).joinpath(_FOLDERS[task])) as folder:
        return read_folder(folder)


def prepare(task: str) -> Prepare:
    """How a text is prepared for this task: of a reply only what the customer wrote is read, any other text as it is."""
    return own_words if task == "reply" else str
