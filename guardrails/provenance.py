"""Provenance: whether what picks the recipient of money, mail or data occurs in a record, or only in somebody's text.

Values are compared after normalising spelling, never by meaning; `forms` says how, `tracing` says what counts as a source. A
value that occurs nowhere is unknown, and its fact is missing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

from ..core.evidence import Evidence
from ..core.noun import Noun
from .forms import domains, leaves, lookalike
from .tracing import IDS, SourceKind, Sources, Trace, is_amount, words_of

RECIPIENTS = frozenset({"to", "cc", "bcc", "email", "phone", "iban", "account", "address", "agency", "url"})
"""Arguments that say where something goes; the other authority arguments say how much."""

AUTHORITY_FACTS = (
    "authority_from_records",
    "recipient_from_records",
    "tainted_arguments",
    "lookalike_domain",
)
"""The facts that only the runtime tells; what a worker says about them does not count."""

GATE_FACTS = (
    "authority_traced", "authority_named", "authority_from_instruction", "untraced_arguments", "verb", "verb_requested", "destructive",
    "egress_unrequested", "dictated_text", "untrusted_present",
    "tainted_quote", "untraced_quote", "unnamed_quote", "egress_quote", "dictated_quote",
)  # fmt: skip
"""The facts that only the gate for other agents tells; for a worker they are missing."""

_FIELDS = frozenset({
    "name", "type", "kind", "currency", "date", "time", "start", "end", "role", "permission", "label", "text", "body", "recipient", "user",
})  # fmt: skip
"""Keys of a structured argument that name its parts, beside those for amounts, ids and recipients; any other key is a value itself."""

_STRICTNESS = (SourceKind.RECORD, SourceKind.INSTRUCTION, SourceKind.UNKNOWN, SourceKind.UNTRUSTED)


class Provenance(Noun):
    """Where the authority arguments of one action come from."""

    from_records: tuple[str, ...] = ()
    from_instruction: tuple[str, ...] = ()
    """Arguments that the operator named, or that the operator and records hold between them."""
    tainted: tuple[str, ...] = ()
    """Arguments whose value occurs only in untrusted text; an approver is told their names."""
    unknown: tuple[str, ...] = ()
    """Arguments whose value occurs in no evidence at all."""
    traces: tuple[Trace, ...] = ()
    """Where each single value comes from."""
    resembles: str = ""
    """The known domain that a domain in these arguments could be taken for."""

    def facts(self) -> dict[str, Any]:
        """`authority_from_records`, `recipient_from_records` and `tainted_arguments`; what cannot be told is left out."""
        told: dict[str, Any] = {
            "tainted_arguments": ", ".join(self.tainted),
            "authority_from_records": self._told(lambda _: True),
            "recipient_from_records": self._told(lambda name: name in RECIPIENTS),
        }
        return {name: value for name, value in told.items() if value is not None}

    def every_fact(self) -> dict[str, Any]:
        """`facts`, with whether a domain looks like a known one; no words of anybody, which would be kept with the facts."""
        return self.facts() | {"lookalike_domain": bool(self.resembles)}

    def quotes(self) -> str:
        """The tainted arguments, each with the words it stands in: `iban: "… pay to DE89… from now on" (mail)`."""
        return self._shown(self.tainted, lambda trace: trace.kind is SourceKind.UNTRUSTED)

    def untraced(self) -> str:
        """The unknown arguments, each with its value or the words that a record has it in."""
        return self._shown(self.unknown, lambda trace: trace.kind is SourceKind.UNKNOWN)

    def unnamed(self) -> str:
        """The arguments that the operator did not name, each with its value."""
        names = dict.fromkeys(trace.argument for trace in self.traces if not trace.said)
        return self._shown(names, lambda trace: not trace.said)

    def _shown(self, names: Iterable[str], counts: Callable[[Trace], bool]) -> str:
        first = {trace.argument: trace for trace in reversed(self.traces) if counts(trace)}
        return "; ".join(str(first[name]) for name in names if name in first)

    def _told(self, counts: Callable[[str], bool]) -> bool | None:
        if any(counts(name) for name in self.tainted):
            return False
        return None if any(counts(name) for name in (*self.unknown, *self.from_instruction)) else True


def provenance(authority: Sequence[str], arguments: Mapping[str, Any], evidence: Sequence[Evidence]) -> Provenance:
    """Where each argument that picks who gets money, mail or data comes from."""
    return traced(authority, arguments, Sources(evidence))


def traced(authority: Sequence[str], arguments: Mapping[str, Any], sources: Sources, *, kind: str = "") -> Provenance:
    """`provenance` for sources that are read already; `kind` is the action's, which says what a bare `id` is the id of."""
    traces = [sources.trace(name, leaf, kind=kind) for name in authority for leaf in _values(arguments.get(name))]
    traces = _split(traces, sources)
    kinds = {name: _strictest(trace for trace in traces if trace.argument == name) for name in authority}
    mine = sorted(set().union(*(domains(trace.value) for trace in traces)))
    known = sources.domains() if mine else set()
    return Provenance(
        from_records=_of(kinds, SourceKind.RECORD),
        from_instruction=_of(kinds, SourceKind.INSTRUCTION),
        tainted=_of(kinds, SourceKind.UNTRUSTED),
        unknown=_of(kinds, SourceKind.UNKNOWN),
        traces=tuple(traces),
        resembles=next((like for one in mine if (like := lookalike(one, known))), ""),
    )


def _values(value: Any) -> Iterator[str]:
    """The single values of an authority argument: a truth decides too, and so does a key that is no field's name."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from () if _is_field(str(key)) else leaves(str(key))
            yield from _values(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _values(one)
    else:
        yield from [str(value).lower()] if isinstance(value, bool) else leaves(value)


def _is_field(key: str) -> bool:
    return is_amount(key) or bool((_FIELDS | IDS | RECIPIENTS).intersection(words_of(key)[-1:]))


def authority_facts(authority: Sequence[str], arguments: Mapping[str, Any], evidence: Sequence[Evidence]) -> dict[str, Any]:
    """The facts of `Provenance.facts` for the authority arguments of an operation."""
    return provenance(authority, arguments, evidence).facts()


def tainted_words(names: str, arguments: Mapping[str, Any], evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """For each argument in the fact `tainted_arguments`, its value in the words it stands in; to be shown to a person."""
    asked = [name for name in names.split(", ") if name]
    found = provenance(asked, arguments, evidence) if asked else Provenance()
    return tuple(str(trace) for trace in found.traces if trace.kind is SourceKind.UNTRUSTED)


def named(found: Provenance) -> bool:
    """Whether the operator named at least one of the values that say who or what, not how much."""
    return any(trace.said and not is_amount(trace.argument) for trace in found.traces)


def _split(traces: list[Trace], sources: Sources) -> list[Trace]:
    """The traces, where a value that was split over arguments to look unknown is found in the text it came from."""
    loose_ends = [trace for trace in traces if trace.kind is SourceKind.UNKNOWN]
    for one, other in permutations(loose_ends[:8], 2):
        found = sources.joined_in_text((one.value, other.value))
        if found:
            told = {"kind": SourceKind.UNTRUSTED, "evidence": found[0].name, "source": found[0].source, "quote": found[1]}
            return [trace.model_copy(update=told) if trace in (one, other) else trace for trace in traces]
    return traces


def _strictest(traces: Any) -> SourceKind:
    return max((trace.kind for trace in traces), key=_STRICTNESS.index, default=SourceKind.RECORD)


def _of(kinds: Mapping[str, SourceKind], kind: SourceKind) -> tuple[str, ...]:
    return tuple(name for name, found in kinds.items() if found is kind)
