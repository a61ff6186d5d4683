"""Datasets: cases and what is true of them, two JSONL files joined by id and checked before anything is scored."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..core.errors import BadInput
from ..core.money import Exact
from ..core.noun import Noun


class InvoiceTruth(Noun):
    """What is true of one invoice case."""

    id: str
    labels: tuple[str, ...]
    route: str
    amount_at_risk: Exact = Decimal(0)
    scenario: str = ""
    traps: tuple[str, ...] = ()


class Dataset(Noun):
    """Cases as they were written, with the truth of each, in the order of the cases."""

    lines: tuple[str, ...]
    """One JSON object each."""
    truths: tuple[InvoiceTruth, ...]

    def __len__(self) -> int:
        return len(self.truths)


def load_invoices(cases: Path, truth: Path) -> Dataset:
    """Cases with their truth.

    Raises BadInput, naming file, line and id, where an id is missing, repeated or without its other half.
    """
    lines: dict[str, str] = {}
    for number, text, raw in _objects(cases):
        _add(lines, raw, text, cases, number)
    truths: dict[str, InvoiceTruth] = {}
    for number, _, raw in _objects(truth):
        _add(truths, raw, _truth(raw, truth, number), truth, number)
    _whole(set(lines), set(truths), cases, truth)
    return Dataset(lines=tuple(lines.values()), truths=tuple(truths[case] for case in lines))


def _objects(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadInput(f"{str(path)!r} cannot be read: {cause}.", hint="Give the JSONL file of cases or of truth.") from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line, parse_float=Decimal)
        except ValueError as error:
            raise BadInput(f"{path}, line {number}: it is not JSON: {error}.", hint="Write one object per line.") from error
        if not isinstance(raw, dict):
            raise BadInput(f"{path}, line {number}: expected an object, found {type(raw).__name__}.", hint="Mend the line.")
        yield number, line, raw


def _add(found: dict[str, Any], raw: dict[str, Any], value: Any, path: Path, number: int) -> None:
    case = raw.get("id")
    if not isinstance(case, str) or not case:
        raise BadInput(f"{path}, line {number}: expected a non-empty id, found {case!r}.", hint="Give each line its id.")
    if case in found:
        raise BadInput(f"{path}, line {number}: the id {case!r} is there twice.", hint="Ids must be unique in a dataset.")
    found[case] = value


def _truth(raw: dict[str, Any], path: Path, number: int) -> InvoiceTruth:
    try:
        return InvoiceTruth.model_validate({name: raw[name] for name in InvoiceTruth.model_fields if name in raw})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}, line {number}: {where}: {first['msg']}.", hint="See docs/evals.md.") from error


def _whole(cases: set[str], truths: set[str], cases_path: Path, truth_path: Path) -> None:
    for lonely, path in ((cases - truths, truth_path), (truths - cases, cases_path)):
        if lonely:
            named = ", ".join(sorted(lonely)[:5])
            raise BadInput(
                f"{path} lacks {len(lonely)} ids that the other file has: {named}.", hint="Both must hold the same ids."
            )
    if not cases:
        raise BadInput(f"{cases_path} holds no cases.", hint="Give a file with at least one.")
