"""What a brain costs: milliseconds for a ticket, seconds until the first decision, megabytes on the disk."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import distribution, requires
from pathlib import Path

from brain_peer import Tfidf
from packaging.requirements import Requirement

import shiftlead
from shiftlead.agents.text_brain import TextBrain

WARM, SINGLE, BATCH = 20, 520, 256
"""Tickets before the clock counts, the last one by itself, and the size of a batch."""
_OURS = "from pathlib import Path\nfrom shiftlead.agents.text_brain import TextBrain\n{done}\nTextBrain.load(Path({file!r})).predict({text!r})"
_PEERS = (
    "import pickle, sklearn.linear_model, sklearn.svm, sklearn.pipeline, sklearn.feature_extraction.text\n{done}\n"
    "pickle.loads(open({file!r}, 'rb').read())['model'].decision_function([{text!r}])"
)
_CLOCK = "import json, time\nat = lambda: (time.perf_counter(), time.process_time())\nfirst = at()\n{code}\nprint(json.dumps([first, done, at()]))"


def started(file: Path, text: str, rounds: int) -> dict[str, float]:
    """What it costs a fresh process to import a system, and to decide its first ticket; the median."""
    code = (_PEERS if file.is_file() else _OURS).format(done="done = at()", file=str(file), text=text)
    command = [sys.executable, "-c", _CLOCK.format(code=code)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(rounds)]
    return {
        "import_cpu_s": statistics.median(done[1] - first[1] for first, done, _ in runs),
        "first_decision_s": statistics.median(last[0] - first[0] for first, _, last in runs),
        "first_decision_cpu_s": statistics.median(last[1] - first[1] for first, _, last in runs),
    }


def timed(file: Path, texts: Sequence[str]) -> dict[str, float]:
    """Milliseconds for a ticket by itself and in batches; CPU time is what it takes where nothing else runs on the core."""
    one: Tfidf | TextBrain = Tfidf.load(file) if file.is_file() else TextBrain.load(file)
    many = one.answers if isinstance(one, Tfidf) else one.predict_many
    for text in texts[:WARM]:
        one.predict(text)
    wall, cpu = [], []
    for text in texts[WARM:SINGLE]:
        began, worked = time.perf_counter(), time.process_time()
        one.predict(text)
        cpu.append(1000 * (time.process_time() - worked))
        wall.append(1000 * (time.perf_counter() - began))
    worked, count = time.process_time(), len(texts) // BATCH * BATCH
    for start in range(0, count, BATCH):
        many(texts[start : start + BATCH])
    return {
        "single_p50_ms": statistics.median(wall),
        "single_p95_ms": statistics.quantiles(wall, n=20)[-1],
        "single_p50_cpu_ms": statistics.median(cpu),
        "single_p95_cpu_ms": statistics.quantiles(cpu, n=20)[-1],
        f"batch_{BATCH}_cpu_ms_per_text": 1000 * (time.process_time() - worked) / count,
    }


def installed(names: Iterable[str]) -> float:
    """Megabytes of the packages called `names` and all that they require."""
    waiting, seen, size = list(names), set(), 0
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        size += sum(
            path.stat().st_size for one in distribution(name).files or () if (path := Path(str(one.locate()))).is_file()
        )
        needed = [Requirement(one) for one in requires(name) or ()]
        waiting += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return size / 1e6


def ours_installed() -> float:
    """Megabytes of our own package, as it is shipped, with the brains in it."""
    root = Path(shiftlead.__file__).parent
    rooms = [root / room for room in ("agents", "connectors", "console", "core", "evals", "guardrails", "tools")]
    files = (path for room in rooms for path in room.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files) / 1e6
