"""The prompt of a language model: the SOP, what may be proposed, and the case with every value's trust.

Its words are those of a prompt file. Whatever somebody outside wrote stands between two fence lines as JSON, so that it can
neither end its own string nor guess the fence; and personal data is replaced by tokens before any of it leaves the process.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..connectors.base import Operation
from ..connectors.records import Invoice, InvoiceKind, Record
from ..core.errors import Forbidden, NotFound
from ..core.evidence import Trust
from ..core.lookalikes import without_invisible
from ..core.noun import Noun, canonical_json, digest, plain
from ..guardrails.redaction import Redactor
from ..tools.desk import Desk
from .parties import known_values
from .playbook import Playbook
from .prompt_file import PromptFile, filled, shipped_prompt

MAX_RECORDS = 25
"""How many records a prompt shows in full; those that evidence cites come first, the others are only named."""

MAX_NAMES = 60
"""How many of the other records a prompt names."""

MAX_TEXT = 6000
"""How many characters of one text a prompt shows."""

ANSWER_SCHEMA: dict[str, Any] = {
    "title": "answer",
    "description": "The one answer to the case.",
    "type": "object",
    "properties": {
        "action": {"type": "string", "description": "The operation to propose; empty for none."},
        "target_id": {"type": "string", "description": "Id of the record it would change."},
        "arguments": {"type": "string", "description": "The operation's arguments: one JSON object, written as text."},
        "confidence": {"type": "number", "description": "0 to 1: how sure you are that a person would decide the same."},
        "rationale": {"type": "string", "description": "One or two sentences for the approver."},
        "steps": {"type": "array", "items": {"type": "integer"}, "description": "Numbers of the steps you followed."},
        "question": {"type": "string", "description": "What a person should settle; empty where nothing is open."},
    },
    "required": ["action", "target_id", "arguments", "confidence", "rationale", "steps", "question"],
}
"""The answer's form for models with structured output; arguments are text since providers differ in what free objects they take."""


class Prompt(Noun):
    """What a model is sent, and what its tokens stand for."""

    words: PromptFile
    """The file that it was made from."""
    system: str
    case: str
    """The case with personal data replaced by tokens."""
    tokens: dict[str, str]
    """The personal data by token; it never leaves the process."""

    def text(self) -> str:
        """Both parts as one text."""
        return f"{self.system}\n{self.case}"


def build_prompt(playbook: Playbook, desk: Desk, redactor: Redactor | None = None) -> Prompt:
    """The prompt for the case on `desk`; `redactor` hides what stands in it, one of the case's own where none is given."""
    redactor = redactor or Redactor(known_values(desk))
    material = _material(desk)
    # Tokens that somebody wrote are kept apart from ours before the first of ours is given out.
    _mapped(material, redactor.reserve)
    # Redacted before it becomes JSON: an escaped line break would hide the beginning of a number from the patterns.
    clean = _mapped(material, redactor.hide)
    words = playbook.prompt or shipped_prompt()
    return Prompt(words=words, system=_system(words, playbook, desk), case=_written(words, clean), tokens=dict(redactor.tokens))


def proposable(playbook: Playbook, desk: Desk) -> Iterator[Operation]:
    """The effects that the playbook lists and the connector offers."""
    for name in playbook.operations:
        try:
            operation = desk.operation(name)
        except (Forbidden, NotFound):
            continue
        if operation.effect:
            yield operation


def _system(words: PromptFile, playbook: Playbook, desk: Desk) -> str:
    told = {
        "title": playbook.title,
        "purpose": playbook.purpose,
        "steps": "\n".join(f"{step.number}. {step.text}" for step in playbook.steps),
        "operations": "\n".join(_described(operation) for operation in proposable(playbook, desk)),
    }
    return filled(words.system, told)


def _described(operation: Operation) -> str:
    schema = canonical_json(operation.arguments.model_json_schema())
    return f"- {operation.name} (target: {operation.target}): {operation.summary} Arguments: {schema}"


def _material(desk: Desk) -> dict[str, Any]:
    """Everything about the case as JSON types: what is known, and what somebody outside says."""
    item = desk.item
    claims: list[Any] = [
        {"from": f"ticket {item.external_id}", "subject": item.subject, "party": item.party, "payload": item.payload}
    ]
    records: list[Any] = []
    shown, named = _chosen(desk)
    for record in shown:
        facts, words = _split(record)
        records.append(facts)
        claims += [{"from": f"{record.kind}/{record.id}", **words}] * bool(words)
    evidence: list[Any] = []
    for one in desk.evidence:
        told = {"name": one.name, "value": one.value, "from": one.source, "note": one.note, "trust": one.trust}
        (evidence if one.trust is Trust.RECORD else claims).append(told)
    known = {
        "source": item.source,
        "id": item.external_id,
        "kind": item.kind,
        "received": item.received_at,
        "now": desk.clock.now(),
    }
    material: dict[str, Any] = _shortened(
        plain({"case": [known], "records": records, "named": named, "evidence": evidence, "claims": claims})
    )
    return material


def _written(words: PromptFile, material: Mapping[str, Any]) -> str:
    told = {
        "case": _lines(material["case"]),
        "records": _lines(material["records"]),
        "named": _names(material["named"]),
        "evidence": _lines(material["evidence"]),
        "outside": _fenced(_lines(material["claims"])),
    }
    return filled(words.case, told)


def _names(read: list[str]) -> str:
    more = f" and {len(read) - MAX_NAMES} more" if len(read) > MAX_NAMES else ""
    return f"{', '.join(read[:MAX_NAMES]) or 'nothing'}{more}"


def _chosen(desk: Desk) -> tuple[list[Record], list[str]]:
    cited = {one.source.partition(":")[2] for one in desk.evidence}
    read = sorted(desk.records.values(), key=lambda record: f"{record.kind}/{record.id}" not in cited)
    return read[:MAX_RECORDS], [f"{record.kind}/{record.id}" for record in read[MAX_RECORDS:]]


_WORDS = frozenset({"subject", "body", "note", "dispute_reason", "extra"})
"""Fields of any record in which somebody's own words may stand."""

_OURS = frozenset({"kind", "id", "status", "native", "direction", "party_id", "received_on", "paid"})
"""Fields of a supplier's invoice that our own system filled; the rest is what the supplier claims."""


def _split(record: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record's facts, and what somebody outside says in it."""
    data = {
        "kind": record.kind,
        "id": record.id,
        **record.model_dump(exclude={"id", "version", "updated_at"}, exclude_defaults=True),
    }
    claimed = isinstance(record, Invoice) and record.direction is InvoiceKind.SUPPLIER
    words = {name for name in data if (name not in _OURS if claimed else name in _WORDS)}
    return {k: v for k, v in data.items() if k not in words}, {k: v for k, v in data.items() if k in words}


def _fenced(text: str) -> str:
    # Nobody can write a text that contains its own digest, so no text can close its own fence.
    fence = f"UNTRUSTED-{digest(text)[:16]}"
    return f"{fence}\n{text}\n{fence}"


def _lines(values: list[Any]) -> str:
    return "\n".join(json.dumps(value, ensure_ascii=False).translate(_LINE_BREAKS) for value in values) or "none"


# JSON leaves these as they are, and a reader may take them for the end of a line.
_LINE_BREAKS = {ord(one): f"\\u{ord(one):04x}" for one in "\x85\u2028\u2029"}


def _shortened(value: Any) -> Any:
    """JSON types without what is empty, invisible or endless; a long number as text, since it may be one of a card."""
    if isinstance(value, dict):
        return {_shortened(name): _shortened(item) for name, item in value.items() if item not in (None, "")}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, int) and abs(value) >= 10**8:
        return str(value)
    if not isinstance(value, str):
        return value
    seen = without_invisible(value)
    return seen if len(seen) <= MAX_TEXT else f"{seen[:MAX_TEXT]} … ({len(seen) - MAX_TEXT} characters more)"


def _mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """`value` with every string changed, names too."""
    if isinstance(value, dict):
        return {change(name): _mapped(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
