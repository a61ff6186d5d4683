"""Tracing: where one value of an action comes from: a record, the operator's instruction, or only somebody's text.

A record counts where a field of it is the value, never where a sentence holds it. The instruction counts where the value stands
in it between other words. A short number is an id only where an id-typed field of the right kind of record, or the instruction,
calls it one: `13` stands in many places.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

from ..core.evidence import Evidence, Trust
from ..core.lookalikes import CAPITALS, CONFUSABLE, without_invisible
from ..core.noun import Noun
from .forms import ambiguous, decoded, domains, folded, is_number, leaves, loose, normal, squeezed, without_marks, words
from .passages import Text, searched, stands_in

QUOTED = 160
"""The longest quote that is shown, in characters."""

AMOUNTS = frozenset({"amount", "total", "price", "sum", "value", "quantity", "fee", "limit", "balance", "credit", "discount"})
"""Words in the names of arguments that say how much."""
IDS = frozenset({"id", "ids", "no", "nr", "number", "key", "code", "ref", "reference", "uuid", "sku"})
"""Words at the end of a name that make it one of an identifier."""

_SHORT_ID = re.compile(r"^[a-z]?\d{1,4}$")
_IN_GROUPS = re.compile(r"^(?:[a-z]{2}\d{2}[a-z0-9]{11,30}|\d{6,})$")
"""Accounts and telephone numbers, which people write in groups."""
_SHORTEST_PIECE = 6
"""A value this long is also found inside other text, without its spaces."""
_NAME_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_RUN_ON = re.compile(r"(?<=[a-z0-9])\.(?=[A-Z][a-z])")


class SourceKind(StrEnum):
    """Where a value comes from."""

    RECORD = "record"
    INSTRUCTION = "instruction"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"
    """It stands in nothing that was read or said."""


class Trace(Noun):
    """Where one value of one argument comes from."""

    argument: str
    value: str
    kind: SourceKind
    evidence: str = ""
    """Name of the evidence that holds it; empty for the instruction."""
    source: str = ""
    """Where that evidence was read."""
    quote: str = ""
    """The words around it, for a person; empty where no text holds it."""
    said: bool = False
    """Whether the operator named it, also where a record holds it."""

    def __str__(self) -> str:
        """`recipient: "… send it to DE89… at once …" (bill.txt)`."""
        where = f" ({self.evidence})" if self.evidence else ""
        return f'{self.argument}: "{self.quote or self.value[:QUOTED]}"{where}'


class Sources:
    """What was read and said, ready to trace values to; evidence may be added while a run goes on."""

    def __init__(self, evidence: Iterable[Evidence] = (), *, instruction: str = "") -> None:
        self.instruction = folded(_RUN_ON.sub(". ", instruction))
        self._said = words(self.instruction)
        self._spelled_said, self._spelled_records = _as_spelled(instruction), set[str]()
        self._records: dict[str, list[tuple[Evidence, tuple[str, ...]]]] = {}
        self._record_fields: list[tuple[Evidence, str]] = []
        self._texts: list[tuple[Evidence, Text]] = []
        self._fields: dict[str, Evidence] = {}
        for one in evidence:
            self.add(one)

    def add(self, one: Evidence) -> None:
        """Take one more value that was read."""
        for path, leaf in _fields(one.value, ()):
            if one.trust is Trust.RECORD:
                self._records.setdefault(normal(leaf), []).append((one, path))
                self._record_fields.append((one, leaf))
                self._spelled_records.add(_as_spelled(leaf))
                continue
            self._fields.setdefault(normal(leaf), one)
            self._texts.append((one, searched(leaf)))

    @property
    def texts(self) -> Sequence[tuple[Evidence, Text]]:
        """Every untrusted text, also as decoded."""
        return [(one, seen) for one, text in self._texts for seen in (text, *text.hidden)]

    @property
    def records(self) -> Sequence[tuple[Evidence, Text]]:
        """Every field of a record."""
        return [(one, searched(leaf)) for one, leaf in self._record_fields]

    @property
    def any_text(self) -> bool:
        """Whether somebody's text was read."""
        return bool(self._texts)

    def trace(self, argument: str, leaf: str, *, kind: str = "") -> Trace:
        """Where `leaf`, a value of `argument` of an action of `kind`, comes from."""
        sure = not ambiguous(leaf) or self._spelled_so(leaf)
        said = sure and self.in_instruction(argument, leaf)
        if sure and (one := self.in_record(argument, normal(leaf), kind)) is not None:
            return _trace(argument, leaf, SourceKind.RECORD, one, said=said)
        if said:
            return Trace(argument=argument, value=leaf, kind=SourceKind.INSTRUCTION, said=True)
        if (found := self.in_text(leaf)) is not None:
            return _trace(argument, leaf, SourceKind.UNTRUSTED, found[0], quote=found[1])
        # A sentence in a record is nobody's field: it frees nothing, but the person sees where the value stands.
        if (found := _held(self.records, leaf)) is not None:
            return _trace(argument, leaf, SourceKind.UNKNOWN, found[0], quote=found[1])
        return Trace(argument=argument, value=leaf, kind=SourceKind.UNKNOWN)

    def _spelled_so(self, leaf: str) -> bool:
        own = _as_spelled(leaf)
        return own in self._spelled_records or stands_in(own, self._spelled_said)

    def in_record(self, argument: str, form: str, kind: str = "") -> Evidence | None:
        """The record one of whose fields is the value with this normal form, and may be it."""
        found = self._records.get(form, [])
        name = words_of(argument)
        if _is_amount(name):
            # A number of the right size is no amount where the field says that it is an id.
            return next((one for one, path in found if not _is_id(_field_words(one, path))), None)
        if not _SHORT_ID.match(form) or not _is_id(name):
            return found[0][0] if found else None
        about = {_stem(word) for word in (name[:-1] or words_of(kind))}
        fields = ((one, _field_words(one, path)) for one, path in found)
        return next((one for one, field in fields if _is_id(field) and about & set(map(_stem, field))), None)

    def in_instruction(self, argument: str, leaf: str) -> bool:
        """Whether the operator named the value, as a word, a number or a passage of its own."""
        form = normal(leaf)
        if not any(map(str.isalnum, form)) or not self.instruction:
            return False
        if _SHORT_ID.match(form) and _is_id(words_of(argument)):
            return self._called_an_id(argument, form)
        if is_number(leaf):
            return form in self._said
        if form in self._said or stands_in(folded(leaf), self.instruction):
            return True
        return bool(_IN_GROUPS.match(form)) and bool(re.search(_spaced(form), self.instruction))

    def _called_an_id(self, argument: str, form: str) -> bool:
        stems = "|".join(map(re.escape, {*words_of(argument), *IDS}))
        value = re.escape(form)
        return bool(re.search(rf"(?:\b(?:{stems})\b|#)\W{{0,4}}{value}\b|['\"]{value}['\"]", self.instruction))

    def in_text(self, leaf: str) -> tuple[Evidence, str] | None:
        """The untrusted text that holds the value, however it is disguised there or in the argument, with the words around it."""
        for spelled in (leaf, *decoded(leaf)):
            if (found := self._in_text(spelled)) is not None:
                return found
        return None

    def _in_text(self, leaf: str) -> tuple[Evidence, str] | None:
        if whole := self._fields.get(normal(leaf)):
            return whole, quoted(leaf, leaf)
        return _held(self.texts, leaf)

    def joined_in_text(self, parts: Iterable[str]) -> tuple[Evidence, str] | None:
        """The untrusted text that holds the parts as one value, when it was split over several arguments."""
        whole = "".join(squeezed(part) for part in parts)
        if len(whole) >= _SHORTEST_PIECE:
            for one, text in self.texts:
                if whole in text.bare:
                    return one, quoted(text.raw, whole)
        return None

    def domains(self) -> set[str]:
        """The domains that records and the operator name."""
        found = domains(self.instruction)
        for form in self._records:
            if "." in form:
                found |= domains(form)
        return found


def _as_spelled(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def _held(texts: Sequence[tuple[Evidence, Text]], leaf: str) -> tuple[Evidence, str] | None:
    form, bare, seen = normal(leaf), squeezed(leaf), loose(leaf)
    long = len(bare) >= _SHORTEST_PIECE
    for one, text in texts:
        if (long and bare in text.bare) or (not long and text.has_word(form, seen)):
            return one, quoted(text.raw, leaf)
    return None


def _trace(argument: str, value: str, kind: SourceKind, one: Evidence, *, quote: str = "", said: bool = False) -> Trace:
    return Trace(argument=argument, value=value, kind=kind, evidence=one.name, source=one.source, quote=quote, said=said)


def quoted(text: str, value: str) -> str:
    """At most 160 characters of `text` around `value`; its beginning where the value is not found as it is written."""
    clear = " ".join(without_invisible(unicodedata.normalize("NFKC", text)).split())
    low = without_marks(clear.translate(CAPITALS).lower().translate(CONFUSABLE))
    bare = squeezed(value)[:40]
    match = re.search(r"[\W_]{0,3}".join(map(re.escape, bare)), low) if bare else None
    if match is None or len(low) != len(clear):
        return clear[:QUOTED]
    room = max(0, QUOTED - 2 - (match.end() - match.start()))
    start = max(0, match.start() - room // 2)
    end = min(len(clear), start + QUOTED - 2)
    return f"{'…' if start else ''}{clear[start:end]}{'…' if end < len(clear) else ''}"


def is_amount(argument: str) -> bool:
    """Whether an argument of this name says how much."""
    return _is_amount(words_of(argument))


def _is_amount(name: tuple[str, ...]) -> bool:
    return bool(AMOUNTS.intersection(name))


def _is_id(name: tuple[str, ...]) -> bool:
    return bool(name) and name[-1] in IDS


def _field_words(one: Evidence, path: tuple[str, ...]) -> tuple[str, ...]:
    return words_of(" ".join((one.source, one.name, *path)))


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The words in the name of an argument or a field: `fileId` is `file`, `id`."""
    return tuple(word.lower() for word in _NAME_WORDS.findall(name))


def _stem(word: str) -> str:
    return word.removesuffix("es") if word.endswith(("sses", "xes")) else word.removesuffix("s")


def _fields(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        if value:
            yield path, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            # A mapping by name or address has its values in its keys.
            yield from ((path, leaf) for leaf in leaves(str(key)))
            yield from _fields(one, (*path, str(key)))
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _fields(one, path)
    else:
        yield from ((path, leaf) for leaf in leaves(value))


def _spaced(form: str) -> str:
    return r"(?<![a-z0-9])" + r"[ ./()-]{0,2}".join(map(re.escape, form)) + r"(?![a-z0-9])"
