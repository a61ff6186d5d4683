"""Labels: how far each field of one answer may be trusted, so that a sender counts as a record where a body does not."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from ..core.evidence import Evidence, Trust

Labels = Trust | Mapping[str, Trust]
"""One trust for the whole value, or one for each pattern of field names; what no pattern covers is untrusted."""


def labelled(name: str, value: Any, labels: Labels, *, source: str, read_at: datetime) -> list[Evidence]:
    """`value` as evidence, one entry for each field where the labels differ by field.

    A pattern is matched with the field's own name (`sender`) and with its path (`messages.sender`); the first that matches
    counts. `*` stands for any letters.
    """
    if isinstance(labels, Trust):
        return [Evidence(name=name, value=value, source=source, trust=labels, read_at=read_at)]
    found: dict[tuple[str, ...], list[Any]] = {}
    for path, leaf in _leaves(value, ()):
        found.setdefault(path, []).append(leaf)
    return [
        Evidence(
            name=".".join((name, *path)),
            value=values[0] if len(values) == 1 else values,
            source=source,
            trust=trust_of(path, labels),
            read_at=read_at,
        )
        for path, values in found.items()
    ]


def trust_of(path: tuple[str, ...], labels: Mapping[str, Trust]) -> Trust:
    """How far the field at `path` may be trusted."""
    names = (path[-1] if path else "", ".".join(path))
    return next(
        (trust for pattern, trust in labels.items() if any(fnmatchcase(name, pattern) for name in names)), Trust.UNTRUSTED
    )


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _leaves(one, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one, path)
    elif value is not None:
        yield path, value
