"""Labelled texts: read from JSONL or CSV with every malformed line named, none of them fatal."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import BadInput
from ..core.noun import Noun, digest

LABEL_FIELDS = ("label", "intent", "category")
"""The names under which a label is looked for, in this order."""
_MAX_TEXT = 100_000
_FORMATS = (".jsonl", ".ndjson", ".csv")


class Example(Noun):
    """A text and what it is."""

    text: str
    label: str
    group: str = ""
    """What it was made from; examples of one group are held out together, lest a paraphrase of it is in the fit."""


class Problem(Noun):
    """One line that could not be used."""

    file: str
    line: int
    """Counted from 1, as editors do."""
    field: str
    """The field at fault; empty where the whole line is."""
    expected: str
    found: str = ""

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" + (f", field {self.field!r}" if self.field else "")
        return f"{where}: expected {self.expected}" + (f", found {self.found}" if self.found else "") + "."


class ExampleSet(Noun):
    """What a file of examples held."""

    examples: tuple[Example, ...]
    """In the order of the file; exact repetitions are left out."""
    problems: tuple[Problem, ...] = ()
    duplicates: int = 0
    """How many lines repeated an earlier text with the same label."""
    conflicts: int = 0
    """How many texts occur with more than one label; they are kept, since either may be right."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({example.label for example in self.examples}))

    @property
    def digest(self) -> str:
        """SHA-256 over the examples in order."""
        return data_digest(self.examples)


def data_digest(examples: Iterable[Example]) -> str:
    """SHA-256 over texts and labels in order."""
    return digest([[example.text, example.label] for example in examples])


def read_examples(path: Path) -> ExampleSet:
    """The examples in a `.jsonl` or `.csv` file with a `text` and a `label`, `intent` or `category`.

    Malformed lines become problems. Raises BadInput where the file cannot be read or has no usable line at all.
    """
    if path.suffix.lower() not in _FORMATS:
        raise BadInput(
            f"{path}: {path.suffix or 'no suffix'!r} is not a format for examples.", hint="Give a .jsonl or a .csv file."
        )
    text = _content(path)
    rows = _csv_rows(path, text) if path.suffix.lower() == ".csv" else _json_rows(path, text)
    examples: list[Example] = []
    problems: list[Problem] = []
    for row in rows:
        (examples if isinstance(row, Example) else problems).append(row)  # type: ignore[arg-type]
    if not examples:
        first = f" The first problem: {problems[0]}" if problems else " It is empty."
        raise BadInput(f"{path}: no usable example.{first}", hint="Each line needs a text and a label, intent or category.")
    return _deduplicated(examples, problems)


def check_trainable(examples: Iterable[Example]) -> None:
    """Raise BadInput unless there are two labels or more, each with two different texts or more."""
    counts = Counter(label for _, label in {(example.text, example.label) for example in examples})
    if len(counts) < 2:
        found = f"only {next(iter(counts))!r}" if counts else "none"
        raise BadInput(f"Training needs at least 2 labels; the examples have {found}.", hint="Add examples of another label.")
    thin = sorted(label for label, count in counts.items() if count < 2)
    if thin:
        names = ", ".join(repr(label) for label in thin[:5]) + (f" and {len(thin) - 5} more" if len(thin) > 5 else "")
        raise BadInput(
            f"Training needs at least 2 different texts of a label; too few of {names}.", hint="Add examples or merge labels."
        )


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8.", hint="Save the file as UTF-8.") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}.", hint="Give a file that exists and can be read.") from error


def _json_rows(path: Path, text: str) -> Iterator[Example | Problem]:
    # Not splitlines(): U+2028 and its kin are legal inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield Problem(file=str(path), line=number, field="", expected="a JSON object", found=_shown(line.strip()))
            continue
        if not isinstance(row, dict):
            yield Problem(file=str(path), line=number, field="", expected="a JSON object", found=_shown(line.strip()))
            continue
        yield _example(path, number, row)


def _csv_rows(path: Path, text: str) -> Iterator[Example | Problem]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        names = [name.strip().lower() for name in header]
        if "text" not in names or not set(LABEL_FIELDS) & set(names):
            raise BadInput(
                f"{path}, line 1: the header has {', '.join(header) or 'no columns'}.",
                hint="It needs a column `text` and one of `label`, `intent`, `category`, separated by commas.",
            )
        start = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(names):
                found = f"{len(cells)}"
                yield Problem(file=str(path), line=start, field="", expected=f"{len(names)} columns", found=found)
            elif cells:
                yield _example(path, start, dict(zip(names, cells, strict=True)))
            start = reader.line_num + 1
    except csv.Error as error:
        yield Problem(file=str(path), line=reader.line_num, field="", expected="well-formed CSV", found=str(error))


def _example(path: Path, number: int, row: Mapping[str, Any]) -> Example | Problem:
    label_field = next((name for name in LABEL_FIELDS if name in row), "label")
    for field in ("text", label_field):
        expected = "a non-empty string" if field == "text" else "a non-empty string (or `intent` or `category`)"
        if field not in row:
            return Problem(file=str(path), line=number, field=field, expected=expected, found="nothing")
        value = row[field]
        if not isinstance(value, str) or not value.strip() or not _encodable(value):
            return Problem(file=str(path), line=number, field=field, expected=expected, found=_shown(value))
        if len(value) > _MAX_TEXT:
            found = f"{len(value)} characters"
            return Problem(file=str(path), line=number, field=field, expected=f"at most {_MAX_TEXT} characters", found=found)
    return Example(text=row["text"], label=row[label_field].strip())


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _deduplicated(examples: list[Example], problems: list[Problem]) -> ExampleSet:
    unique = {(example.text, example.label): example for example in reversed(examples)}
    kept = tuple(reversed(unique.values()))
    texts = Counter(example.text for example in kept)
    return ExampleSet(
        examples=kept,
        problems=tuple(problems),
        duplicates=len(examples) - len(kept),
        conflicts=sum(count > 1 for count in texts.values()),
    )


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
