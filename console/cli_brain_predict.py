"""`shiftlead brain predict`: what a brain makes of every line of a file."""

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import BadInput
from .cli_problems import Problems
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..agents.brain_shelf import Brain
    from ..agents.lateness_brain import LatenessBrain
    from ..agents.text_brain import TextBrain

_BATCH = 256
"""Texts that are labelled together, which is much faster than one by one."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "predict")
    def predict(
        session: Session,
        source: Annotated[
            Path, typer.Option("--input", help="JSONL or CSV with text (or invoices), and id where there is one.")
        ],
        brain: Annotated[
            Path | None, typer.Option(help="The folder of a brain; the shipped one if not given.", show_default=False)
        ] = None,
        target: Annotated[
            Path | None, typer.Option("--output", help="Where to write; standard output if not given.", show_default=False)
        ] = None,
        task: Annotated[str, typer.Option(help="Which shipped brain: triage, reply or lateness.", show_default=False)] = "",
    ) -> None:
        """Label every text of a file: one {"id", "label", "confidence"} on each line.

        A lateness brain is given invoices, and answers {"id", "p_late", "expected_days_late"}.
        """
        from ..agents.text_brain import TextBrain

        if target is not None and target.resolve() == source.resolve():
            raise BadInput(f"--output is the very file that is read, {source}.", hint="Give another place for the answers.")
        chosen = chosen_brain(brain, task)
        if chosen.announcement:
            session.out.say(chosen.announcement)
        told = Problems(session.out)
        answers = _labels(chosen, source, told) if isinstance(chosen, TextBrain) else _forecasts(chosen, source, told)
        good = _written(target, answers)
        told.close()
        if target is not None:
            lines = f"{told.count} line{'' if told.count == 1 else 's'}"
            session.out.say(f"{good} answered, {lines} could not be read; written to {target}.")
        if not good:
            raise BadInput(f"{source}: no line could be used.", hint="Each line needs a text.")


def chosen_brain(folder: Path | None, task: str) -> "Brain":
    """The brain in `folder`, or the one that ships for `task`; raises BadInput where the folder's is for another task."""
    from ..agents.brain_purposes import check_task
    from ..agents.brain_shelf import load_brain, shipped_brain

    if task:
        check_task(task)
    if folder is None:
        return shipped_brain(task or "triage")
    found = load_brain(folder)
    if task and found.meta.task != task:
        raise BadInput(f"{folder} is a brain for {found.meta.task!r}, not for {task!r}.", hint="Leave --task out.")
    return found


def _labels(brain: "TextBrain", source: Path, told: Problems) -> Iterator[dict[str, Any]]:
    from ..agents.brain_shelf import prepare

    rows, prepared = _usable(source, told), prepare(brain.meta.task)
    while batch := list(islice(rows, _BATCH)):
        found = brain.predict_many([prepared(text) for _, text in batch])
        for (identity, _), one in zip(batch, found, strict=True):
            yield {"id": identity, "label": one.label, "confidence": round(one.confidence, 6)}


def _forecasts(brain: "LatenessBrain", source: Path, told: Problems) -> Iterator[dict[str, Any]]:
    from ..agents.lateness_rows import read_bills

    given = read_bills(source)
    for problem in given.problems:
        told.add(problem)
    for one in brain.forecast(given.bills):
        yield {"id": one.id, "p_late": round(one.p_late, 6), "expected_days_late": round(one.expected_days_late, 4)}


def _written(target: Path | None, answers: Iterable[dict[str, Any]]) -> int:
    """How many answers there were; a file is written whole or not at all."""
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for one in answers:
            count += 1
            yield json.dumps(one, ensure_ascii=False)

    if target is None:
        for line in lines():
            typer.echo(line)
    else:
        write_whole(target, (f"{line}\n" for line in lines()))
    return count


def write_whole(path: Path, parts: Iterable[str]) -> None:
    """Write all parts or nothing; raises BadInput where it cannot be written."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # Half a character, as JSON allows it in an id, is written as JSON writes it.
        with part.open("w", encoding="utf-8", errors="backslashreplace") as out:
            out.writelines(parts)
        part.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}.", hint="Give a file in a folder that can be written.") from error
    finally:
        part.unlink(missing_ok=True)


def _usable(source: Path, told: Problems) -> Iterator[tuple[str | int, str]]:
    """Id and text of each line that has one."""
    for number, row in _rows(source):
        problem = row if isinstance(row, str) else _lack(row)
        if problem or isinstance(row, str):
            told.add(f"{source}, line {number}: {problem}.")
            continue
        known = row.get("id")
        yield number if known is None or known == "" else known, row["text"]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Each line with its number, counted from 1: the object on it, or what is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from _csv_rows(path, lines) if path.suffix.lower() == ".csv" else _json_rows(lines)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8.", hint="Save the file as UTF-8.") from error


def _json_rows(lines: Any) -> Iterator[tuple[int, dict[str, Any] | str]]:
    from ..connectors.row_record import no_json

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"expected a JSON object, found {no_json(error)}"
            continue
        yield number, row if isinstance(row, dict) else "expected a JSON object"


def _csv_rows(path: Path, lines: Any) -> Iterator[tuple[int, dict[str, Any] | str]]:
    import csv

    reader = csv.reader(lines)
    names = [name.strip().lower() for name in next(reader, [])]
    if "text" not in names:
        raise BadInput(f"{path}, line 1: the header has no column `text`.", hint="It needs `text`, and may have `id`.")
    start = reader.line_num + 1
    try:
        for cells in reader:
            if cells:
                whole = len(cells) == len(names)
                yield (
                    start,
                    dict(zip(names, cells, strict=True)) if whole else f"expected {len(names)} columns, found {len(cells)}",
                )
            start = reader.line_num + 1
    except csv.Error as error:
        yield reader.line_num, f"expected well-formed CSV, found {error}"


def _lack(row: dict[str, Any]) -> str:
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        return f"field 'text': expected a non-empty string, found {ascii(text)[:60]}"
    return "" if isinstance(row.get("id"), str | int | None) else "field 'id': expected a string or a whole number"
