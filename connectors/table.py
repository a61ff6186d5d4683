"""Records of one kind as a table, with every row that could not be read beside them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import BadInput, Unreachable
from ..core.noun import Noun, digest, plain
from .records import Record, Supplier

Stamp = tuple[tuple[str, int, int], ...]
"""Paths, times and sizes of the files a table was read from."""


class Problem(Noun):
    """A row, line or file that could not be read."""

    id: str
    """`customers.csv:7`, or the file's name."""
    text: str
    """Where it is, what was expected, what was found and what to do."""
    raw: dict[str, Any] = {}


class Table:
    """The records of one kind, by id and by field, and the rows that could not be read."""

    def __init__(self, records: Iterable[Record] = (), problems: Iterable[Problem] = ()) -> None:
        self.problems = list(problems)
        self.by_id: dict[str, Record] = {}
        self._indexes: dict[str, dict[str, list[Record]]] = {}
        for record in records:
            self._add(record)

    def _add(self, record: Record) -> None:
        if record.id in self.by_id:
            text = f"{record.kind} {record.id!r} appears twice; the first one is used. Remove one of them and export again."
            self.problems.append(Problem(id=f"{record.kind}:{record.id}", text=text, raw=plain(record)))
        else:
            self.by_id[record.id] = record

    def __iter__(self) -> Iterator[Record]:
        return iter(self.by_id.values())

    def matching(self, given: Mapping[str, str]) -> list[Record]:
        """The records that have every one of the given values, whatever the case of the letters; all where nothing is given.

        Raises BadInput where a row that could not be read might be one of them.
        """
        for field, value in given.items():
            self.refuse_doubt(field, value)
        if not given:
            return list(self)
        hits = [self._index(field).get(_folded(field, value), []) for field, value in given.items()]
        shared = set.intersection(*({record.id for record in found} for found in hits))
        return [record for record in hits[0] if record.id in shared]

    def _index(self, field: str) -> dict[str, list[Record]]:
        if field not in self._indexes:
            index: dict[str, list[Record]] = defaultdict(list)
            for record in self:
                for key in {_folded(field, text) for text in _values(record, field)} - {""}:
                    index[key].append(record)
            self._indexes[field] = dict(index)
        return self._indexes[field]

    def refuse_doubt(self, field: str, value: str) -> None:
        """Raise BadInput where an unreadable row has `value` in `field`: an answer without it would be wrong."""
        for problem in self.problems:
            if str(problem.raw.get(field, "")) == value:
                raise BadInput(problem.text)


def bare(text: str) -> str:
    """Letters and digits alone, so that `DE 123.456` and `de123456` are the same."""
    return "".join(char for char in text.casefold() if char.isalnum())


def _folded(field: str, text: str) -> str:
    return bare(text) if field in ("name", "tax_id") else text.strip().casefold()


def _values(record: Record, field: str) -> tuple[str, ...]:
    aliases = record.aliases if isinstance(record, Supplier) and field == "name" else ()
    return (str(getattr(record, field) or ""), *aliases)


def versioned(record: Record) -> Record:
    """The record with a digest of all it says as its version."""
    bare = record.model_copy(update={"version": None})
    return bare.model_copy(update={"version": digest(bare)[:16]})


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """What tells whether any of the files has changed; raises Unreachable where one went away meanwhile."""
    try:
        stats = [(str(path), path.stat()) for path in paths]
    except OSError as error:
        raise Unreachable(f"{error.filename!r} cannot be read: {error.strerror}.", hint="Try again.") from error
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
