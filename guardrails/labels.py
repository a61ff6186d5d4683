"""Labels: how far each field of one answer may be trusted, so that a sender counts as a record where a body does not."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from ..core.evidence import Evidence, Trust

Labels = Trust | Mapping[str, Trust]
"""One trust for the whole value, or one for each pattern of field names; what no pattern covers is untrusted."""


_FIELD = re.compile("[A-Za-z_][A-Za-z0-9_-]{0,39}")


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
            inside = (*path, str(key))
            if not _FIELD.fullmatch(str(key)):
                # No field's name: a mapping by address, or by whatever somebody wrote, holds text in its keys.
                yield inside, str(key)
            yield from _leaves(one, inside)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one, path)
    elif value is not None:
        yield path, value
