"""`shiftlead brain`: train the embedded text model on examples, and ask it about texts."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import BadInput
from .cli_problems import Problems
from .cli_session import Session, command, group

if TYPE_CHECKING:
    from ..agents.text_model import TextModel

app = group("The embedded text model: train it, and ask it about texts.")

_SHIPPED = "triage_model.npz"


@command(app, "train")
def train(
    session: Session,
    data: Annotated[Path, typer.Option(help="JSONL or CSV with text and label, intent or category.")],
    out: Annotated[Path, typer.Option(help="Where to write the model.")],
    validation: Annotated[
        Path | None, typer.Option(help="Examples to calibrate on; 15 % are held out if not given.", show_default=False)
    ] = None,
    task: Annotated[str, typer.Option(help="What the model is for.")] = "triage",
    seed: Annotated[int, typer.Option(help="Decides what is held out.")] = 0,
) -> None:
    """Train a text model on examples; lines that cannot be used are named, and the others are learnt."""
    from ..agents.text_data import ExampleSet, read_examples
    from ..agents.text_training import train as trained

    def read(path: Path) -> ExampleSet:
        found = read_examples(path)
        told = Problems(session.out)
        for problem in found.problems:
            told.add(problem)
        told.close()
        return found

    given = read(data)
    held_out = read(validation).examples if validation else None
    model = trained(given.examples, validation=held_out, seed=seed, task=task)
    model.save(out)
    meta = model.meta
    if session.out.as_json:
        session.out.data(
            {
                "model": str(out), "digest": model.digest, "labels": len(meta.labels), "examples": meta.examples,
                "problems": [str(one) for one in given.problems], "scores": meta.scores, "min_confidence": meta.min_confidence,
            }
        )  # fmt: skip
        return
    session.out.text(f"{out}: {meta.examples} examples of {len(meta.labels)} labels; digest {model.digest[:12]}.")
    session.out.table(("score", ">value"), [(name, f"{value:.4f}") for name, value in meta.scores.items()])


@command(app, "predict")
def predict(
    session: Session,
    source: Annotated[Path, typer.Option("--input", help="JSONL or CSV with text, and id where there is one.")],
    brain: Annotated[Path | None, typer.Option(help="A model; the shipped one if not given.", show_default=False)] = None,
    target: Annotated[
        Path | None, typer.Option("--output", help="Where to write; standard output if not given.", show_default=False)
    ] = None,
) -> None:
    """Label every text of a file: one {"id", "label", "confidence"} on each line."""
    model = _model(brain)
    told, good = Problems(session.out), 0

    def answers() -> Iterator[str]:
        nonlocal good
        for number, row in _rows(source):
            problem = row if isinstance(row, str) else _lack(row)
            if problem or isinstance(row, str):
                told.add(f"{source}, line {number}: {problem}.")
                continue
            good += 1
            found = model.predict(row["text"])
            known = row.get("id")
            identity = number if known is None or known == "" else known
            yield json.dumps(
                {"id": identity, "label": found.label, "confidence": round(found.confidence, 6)}, ensure_ascii=False
            )
        told.close()

    if target is None:
        for line in answers():
            typer.echo(line)
    else:
        _write(target, answers())
        session.out.say(
            f"{good} labelled, {told.count} line{'' if told.count == 1 else 's'} could not be read; written to {target}."
        )
    if not good:
        raise BadInput(f"{source}: no line could be used.", hint="Each line needs a text.")


def _model(path: Path | None) -> "TextModel":
    from importlib.resources import as_file, files

    from ..agents.text_model import TextModel

    if path is not None:
        return TextModel.load(path)
    rooms = __package__.rpartition(".")[0]
    with as_file(files(f"{rooms}.agents").joinpath(_SHIPPED)) as shipped:
        return TextModel.load(shipped)


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


def _write(path: Path, lines: Iterator[str]) -> None:
    """Write all lines or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in lines)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
