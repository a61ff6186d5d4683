"""What a language model answered: read as one JSON object, and held against the desk before it may become a proposal.

Nothing in an answer is believed: the operation must be one of the playbook's, the target and every id one of the records that
were read, and whoever gets money or mail must be the one that our own records name for this party.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, field_validator

from ..connectors.base import Operation
from ..connectors.records import RECORDS, Record
from ..core.action import Proposal
from ..core.errors import BadInput
from ..core.evidence import Evidence, Trust
from ..core.noun import Noun
from ..guardrails.provenance import RECIPIENTS, authority_facts, provenance
from ..guardrails.redaction import restore
from ..tools.desk import Desk
from .playbook import Playbook

MAX_RATIONALE = 800
"""How many characters of a model's reasons an approver is shown."""

RECORD_FACTS = frozenset({
    "overdue_amount", "late_probability", "price_effect", "price_variance_percent", "discount_percent", "contacts_last_7_days",
    "exceptions", "days_overdue", "days_since_bank_change", "days_dated_ahead", "days_since_last_contact",
    "match_type", "invoice_status", "segment",
    "bank_matches_master", "supplier_known", "supplier_blocked", "order_found", "receipt_complete", "totals_consistent",
    "duplicate_suspected", "instructions_in_text", "disputed", "promise_open", "promise_broken", "do_not_contact", "insolvent",
    "vulnerable", "key_account", "out_of_scope", "approved_discount",
})  # fmt: skip
"""Facts that hold for a record whatever an action's arguments are; all others are about the arguments they were computed for."""

_TRUSTED_FIELDS = {
    "customer": ("email", "phone"),
    "contact": ("email", "phone"),
    "supplier": ("iban", "email", "phone"),
    "ticket": ("requester",),
}
"""Where a recipient may come from; an account on an invoice is only what the invoice says."""

_TOKEN = re.compile(r"<[A-Z]+_\d+>")
_FENCE = re.compile(r"^```(?:json)?\s*|\s*```$")


class Answer(Noun):
    """One answer of a model, in its own words and not yet checked against anything."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    action: str = ""
    target_id: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    confidence: float | None = Field(default=None, ge=0, le=1)
    rationale: str = ""
    steps: tuple[int, ...] = ()
    question: str = ""

    @field_validator("action", "target_id", "rationale", "question", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return "" if value is None else value

    @field_validator("arguments", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return _loads(value) if value.strip() else {}
        return value or {}


def parse_answer(text: str) -> Answer:
    """The one JSON object in `text`; raises BadInput saying what is wrong with it."""
    bare = _FENCE.sub("", text.strip())
    start = bare.find("{")
    if start < 0:
        raise BadInput("The answer is empty." if not bare else "The answer holds no JSON object.")
    try:
        value, end = _DECODER.raw_decode(bare[start:])
        if "{" in bare[start + end :]:
            raise BadInput("The answer holds more than one JSON object.")
        answer = Answer.model_validate(value)
        json.dumps(answer.model_dump(), ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        # JSON can name half of one, which no ledger can keep.
        raise BadInput("The answer holds half a character.") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}.") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The answer is not JSON: {error}.") from error
    return answer


def restored(answer: Answer, tokens: Mapping[str, str]) -> Answer:
    """`answer` with the personal data in place of its tokens; raises BadInput where a token stands for nothing."""
    full = Answer.model_validate(_restored(answer.model_dump(), tokens))
    left = _TOKEN.search(f"{full.target_id} {json.dumps(full.arguments, default=str)}")
    if left:
        raise BadInput(f"{left[0]} stands for nothing that was shown.")
    return full


def proposed(answer: Answer, playbook: Playbook, desk: Desk, embedded: Sequence[Proposal]) -> Proposal:
    """The checked proposal of an answer that has an action; raises BadInput, Forbidden or NotFound where it may not be one."""
    operation = desk.operation(answer.action)
    if not operation.effect:
        raise BadInput(f"{answer.action!r} is a read; there is nothing to propose.")
    if not answer.rationale.strip():
        raise BadInput("rationale: is empty, so an approver would not know why.")
    if unknown := [number for number in answer.steps if not playbook.step(number)]:
        raise BadInput(f"steps: the playbook has no step {unknown[0]}.")
    record = _target(operation, answer.target_id, desk)
    # What a model says of itself opens no lane; what reviewed cases make of it is filled in by those who know them.
    proposal = desk.propose(
        answer.action, record, answer.arguments, confidence=None, rationale=_rationale(answer), steps=sorted(set(answer.steps))
    )
    twin = _twin(proposal, embedded)
    _check_ids(operation, proposal, desk)
    _check_recipients(operation, proposal, record, desk, twin)
    return proposal.model_copy(update={"facts": _facts(operation, proposal, desk, twin), "labels": twin.labels if twin else ()})


def _target(operation: Operation, target_id: str, desk: Desk) -> Record:
    exact = desk.records.get((operation.target, target_id))
    kind = RECORDS.get(operation.target, Record)
    alike = (one for one in desk.records.values() if one.id == target_id and isinstance(one, kind) and kind is not Record)
    found = exact or next(alike, None)
    if found is None:
        raise BadInput(f"target_id: no {operation.target} {target_id!r} was read in this case.")
    return found


def _check_ids(operation: Operation, proposal: Proposal, desk: Desk) -> None:
    """The record an effect names in its arguments is its target, and every other one it names was read."""
    target = proposal.action.target
    for name, value in proposal.action.arguments.items():
        kind, plural = re.sub("_ids?$", "", name), name.endswith("_ids")
        if kind == name or kind not in RECORDS or not value:
            continue
        for one in value if plural else (value,):
            if (kind, one) not in desk.records and one != target.id:
                raise BadInput(f"{name}: no {kind} {one!r} was read in this case.")
            if kind in (target.kind, operation.target) and one != target.id:
                raise BadInput(f"{name}: {one!r} is not the target {target.id!r}.")


def _check_recipients(operation: Operation, proposal: Proposal, record: Record, desk: Desk, twin: Proposal | None) -> None:
    names = [name for name in operation.authority if name in RECIPIENTS]
    known = [one for one in desk.records.values() if one is record or _party_of(one) == (proposal.action.party or None)]
    values = [getattr(one, name) for one in known for name in _TRUSTED_FIELDS.get(one.kind, ())]
    if twin is not None:
        values += [twin.action.arguments.get(name) for name in names]
    trusted = Evidence(name="", value=values, source="", trust=Trust.RECORD, read_at=desk.clock.now())
    if unknown := provenance(names, proposal.action.arguments, [trusted]).unknown:
        raise BadInput(f"{unknown[0]}: this value stands in none of our own records of this party.")


def _party_of(record: Record) -> str | None:
    if record.kind in ("customer", "supplier"):
        return record.id
    return getattr(record, "party_id", None) or getattr(record, "customer_id", None)


def _twin(proposal: Proposal, embedded: Sequence[Proposal]) -> Proposal | None:
    """What the worker's own reasoning proposes with the same operation on the same record."""
    same = (proposal.action.kind, proposal.action.target)
    return next((one for one in embedded if (one.action.kind, one.action.target) == same), None)


def _facts(operation: Operation, proposal: Proposal, desk: Desk, twin: Proposal | None) -> dict[str, Any]:
    """Facts computed from records by the worker, never by the model; what was computed for other arguments is left out."""
    if twin is not None and twin.action.arguments == proposal.action.arguments:
        return dict(twin.facts)
    held = {name: value for name, value in twin.facts.items() if name in RECORD_FACTS} if twin else {}
    told = authority_facts(operation.authority, proposal.action.arguments, desk.evidence)
    return held | {name: value for name, value in told.items() if value is False}


def _rationale(answer: Answer) -> str:
    text = " ".join(answer.rationale.split())
    return text if len(text) <= MAX_RATIONALE else text[: MAX_RATIONALE - 1] + "…"


def _restored(value: Any, tokens: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return restore(value, tokens)
    if isinstance(value, dict):
        return {restore(str(name), tokens): _restored(item, tokens) for name, item in value.items()}
    return [_restored(item, tokens) for item in value] if isinstance(value, list | tuple) else value


# Amounts come as JSON numbers from some models, however they are asked; as Decimals they stay exact.
_DECODER = json.JSONDecoder(parse_float=Decimal)


def _loads(text: str) -> Any:
    return _DECODER.decode(text)
