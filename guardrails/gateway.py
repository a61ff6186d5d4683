"""The gateway: one line about a proposed action in, one line with its lane out; for agents whose workers are not ours.

A line is judged by itself: what the agent was asked, what it read with the trust of each field, and what it wants to do. A line
that cannot be read is a verdict too: prohibited.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import Field, StrictInt, ValidationError

from ..core.action import Action, Proposal, Target
from ..core.clock import Clock
from ..core.errors import BadInput
from ..core.evidence import Trust
from ..core.money import Money
from ..core.noun import Noun
from ..core.verdict import Lane, RuleHit, Verdict
from .egress import carried
from .forms import folded, spelled
from .instruction import Verb, asked_for, own_words, verb_of
from .labels import labelled
from .lanes import EVALUATION_ERROR, judge
from .policy import Policy, parse_policy
from .provenance import RECIPIENTS, named, traced
from .screening import instructions_in_text
from .tracing import IDS, Sources, is_amount, words_of

BAD_INPUT = "bad-input"
"""The rule of a line that cannot be read."""

OUTWARD = frozenset({Verb.SEND, Verb.PAY, Verb.SHARE, Verb.EXPORT})
"""What always leaves the house; anything else does where it has a recipient."""

_ADDRESS = re.compile(
    r"^(?:[^\s@]++@(?=[^\s@]++$)[^\s@]+\.[^\s@]+|(?:[a-z][a-z0-9+.-]{1,15}:)?//\S+|www\.\S+|(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}/\S*"
    r"|[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?)$"
)
_WITH_NAME = re.compile(r"^[^<>@]{0,80}<[^\s@<>]+@[^\s@<>]+>$")
_SAYS_WHO = RECIPIENTS | {
    "recipient", "recipients", "receiver", "payee", "beneficiary", "participants", "attendees", "user", "channel", "link",
    "password", "secret", "token", "target",
}  # fmt: skip
_TEXT = frozenset({
    "body", "text", "message", "content", "contents", "subject", "title", "description", "note", "notes", "comment", "summary", "reason",
    "memo", "purpose", "html", "caption", "details", "remark", "greeting",
})  # fmt: skip
"""Names of arguments that hold free text."""
_TELLING = {
    "tainted_arguments": "tainted_quote",
    "untraced_arguments": "untraced_quote",
    "authority_named": "unnamed_quote",
    "authority_from_instruction": "unnamed_quote",
    "egress_unrequested": "egress_quote",
    "dictated_text": "dictated_quote",
    "authority_traced": "tainted_quote",
    "authority_from_records": "tainted_quote",
    "recipient_from_records": "tainted_quote",
}
"""The fact that says more about a rule's own, for its reason."""


class Call(Noun):
    """What the agent wants to do."""

    kind: str = Field(min_length=1)
    args: dict[str, Any] = Field(default_factory=dict)


class Read(Noun):
    """One value that the agent read; `trust` is one word, or a mapping from field patterns to it."""

    name: str
    value: Any
    source: str = ""
    trust: Trust | dict[str, Trust] = Trust.UNTRUSTED


class Amount(Noun):
    """The money at stake; `value` is a string or a whole number."""

    value: str | StrictInt
    currency: str


class Line(Noun):
    """One input line."""

    id: str
    worker: str = ""
    instruction: str = ""
    """What the operator, whom the agent works for, asked; never text that the agent read."""
    action: Call
    authority: tuple[str, ...] | None = None
    """The arguments that pick who gets money, mail or data, or which record is touched; None where nobody has said."""
    evidence: tuple[Read, ...] = ()
    confidence: float | None = Field(default=None, ge=0, le=1, strict=True)
    amount: Amount | None = None


def starter_policy() -> Policy:
    """The policy that knows the common verbs and no tool."""
    text = files(__package__).joinpath("starter.yaml").read_text(encoding="utf-8")
    return parse_policy(text, origin="guardrails/starter.yaml")


def judged_lines(policy: Policy, lines: Iterable[str], clock: Clock) -> Iterator[dict[str, Any]]:
    """The output line for each input line; blank lines are skipped."""
    for number, text in enumerate(lines, start=1):
        if text.strip():
            yield judged_text(policy, text, clock, number=number)


def judged_text(policy: Policy, text: str, clock: Clock, *, number: int = 1) -> dict[str, Any]:
    """The output line for one input line; one that cannot be read is prohibited by the rule `bad-input`."""
    given: Any = None
    try:
        given = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
        json.dumps(given, ensure_ascii=False, allow_nan=False).encode()
        line = Line.model_validate(given)
        sources = sources_of(line, clock)
        amount = None if line.amount is None else Money.of(line.amount.value, line.amount.currency)
    except (ValueError, RecursionError, BadInput) as error:
        found = given.get("id") if isinstance(given, Mapping) and not isinstance(error, UnicodeError) else None
        hit = RuleHit(rule=BAD_INPUT, lane=Lane.PROHIBITED, reason=f"Line {number}: {_problem(error)}")
        return _line(found if isinstance(found, str) else "", Lane.PROHIBITED, [hit], policy)
    try:
        return output(line.id, judged(policy, line, sources, clock, amount=amount), policy)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with one line, its action must not run
        hit = RuleHit(rule=EVALUATION_ERROR, lane=Lane.PROHIBITED, reason=f"Line {number}: {type(error).__name__}: {error}")
        return _line(line.id, Lane.PROHIBITED, [hit], policy)


def output(id_: str, verdict: Verdict, policy: Policy) -> dict[str, Any]:
    """A verdict as an output line."""
    return _line(id_, verdict.lane, verdict.hits, policy)


def judged(policy: Policy, line: Line, sources: Sources, clock: Clock, *, amount: Money | None = None) -> Verdict:
    """The verdict on one call; the reasons name what is tainted and quote the words it stands in."""
    verb = verb_of(line.action.kind)
    facts = gate_facts(line, sources)
    proposal = Proposal(
        action=Action(
            kind=known_kind(policy, line.action.kind),
            target=Target(system="gateway", kind=verb.value, id=line.id),
            arguments=line.action.args,
            amount=amount,
        ),
        confidence=line.confidence,
        rationale="",
    )
    verdict = judge(policy, proposal, context=facts, now=clock.now())
    return verdict.model_copy(update={"hits": tuple(_telling(hit, facts) for hit in verdict.hits)})


def known_kind(policy: Policy, kind: str) -> str:
    """The kind itself where the policy lists it, else its class of verb where that is listed."""
    verb = verb_of(kind).value
    return kind if kind in policy.plans or verb not in policy.plans else verb


def gate_facts(line: Line, sources: Sources) -> dict[str, Any]:
    """Every fact that the gate tells about one call."""
    verb, args = verb_of(line.action.kind), line.action.args
    authority = authority_of(line)
    found = traced(authority, args, sources, kind=line.action.kind)
    free = carried(args, authority, sources)
    outward = verb in OUTWARD or any(_is_address(trace.value) for trace in found.traces)
    told: dict[str, Any] = {"worker": line.worker or None, "verb": verb.value, **found.every_fact()}
    return told | {
        "tainted_quote": found.quotes(),
        "untraced_arguments": ", ".join(found.unknown),
        "untraced_quote": found.untraced(),
        "unnamed_quote": found.unnamed(),
        # What leaves the house goes to somebody, also where no argument says to whom.
        "authority_traced": not found.tainted and not found.unknown and (bool(found.traces) or verb not in OUTWARD),
        "authority_named": named(found),
        "authority_from_instruction": bool(found.traces) and all(trace.said for trace in found.traces),
        "verb_requested": verb in asked_for(own_words(line.instruction)),
        "destructive": verb in (Verb.DELETE, Verb.UNKNOWN),
        "egress_unrequested": outward and bool(free.literal or free.quotation),
        "egress_quote": (free.literal or free.quotation) if outward else "",
        "dictated_text": bool(free.quotation),
        "dictated_quote": free.quotation,
        "untrusted_present": sources.any_text,
        "instructions_in_text": any(_gives_orders(text.raw) for _, text in sources.texts),
    }


def authority_of(line: Line) -> tuple[str, ...]:
    """The arguments to trace: those that were declared, and those whose value is an address, a link or an account.

    Their names say which they are too, for what leaves the house always, for the rest where no declared one is there. Where nobody
    has declared any, every argument of what is no read counts that is not known to be text.
    """
    args, verb = line.action.args, verb_of(line.action.kind)
    declared = [name for name in line.authority or () if name in args]
    shaped = [name for name, value in args.items() if any(map(_is_address, _spelled_out(value)))]
    guessed = [name for name in args if _picks(name)] if verb in OUTWARD or not declared else []
    known = declared or shaped or guessed
    unsaid = (line.authority is None and verb is not Verb.READ) or (verb in OUTWARD and not known)
    others = [name for name in args if unsaid and not _TEXT.intersection(words_of(name)[-1:])]
    return tuple(dict.fromkeys((*declared, *shaped, *guessed, *others)))


def sources_of(line: Line, clock: Clock) -> Sources:
    """What a line says was read, and what the operator said."""
    now = clock.now()
    read = [
        entry for one in line.evidence for entry in labelled(one.name, one.value, one.trust, source=one.source, read_at=now)
    ]
    return Sources(read, instruction=own_words(line.instruction))


def _spelled_out(value: Any) -> Iterator[str]:
    """Every value and key, also of JSON in a text."""
    for leaf in spelled(value):
        yield leaf
        if leaf.lstrip()[:1] in ("{", "["):
            try:
                inside = json.loads(leaf)
            except (ValueError, RecursionError):
                continue
            yield from spelled(inside)


def _is_address(leaf: str) -> bool:
    """Whether `leaf` is an address, a link or an account, or a list of them."""
    pieces = [piece.strip() for piece in re.split("[,;]", folded(leaf)) if piece.strip()]
    return bool(pieces) and all(
        _ADDRESS.match(piece) or _WITH_NAME.match(piece) or all(map(_ADDRESS.match, piece.split())) for piece in pieces
    )


def _picks(name: str) -> bool:
    return is_amount(name) or bool((_SAYS_WHO | IDS).intersection(re.split(r"[^a-z]+", name.lower())))


def _telling(hit: RuleHit, facts: Mapping[str, Any]) -> RuleHit:
    if hit.lane is Lane.ALLOWED or hit.field not in _TELLING:
        return hit
    more = facts.get(_TELLING[hit.field])
    return hit.model_copy(update={"reason": f"{hit.reason} {more}"}) if more else hit


@lru_cache(maxsize=4096)
def _gives_orders(text: str) -> bool:
    return instructions_in_text(text) is not None


def _line(id_: str, lane: Lane, hits: Iterable[RuleHit], policy: Policy) -> dict[str, Any]:
    rules = [{"id": hit.rule, "reason": hit.reason, "actual": hit.actual, "limit": hit.limit} for hit in hits]
    return {"id": id_, "lane": lane.value, "rules": rules, "policy": f"{policy.ref} sha256:{policy.digest()}"}


def _no_key_twice(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Whoever carries out the line may take the other one.
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


def _problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg'].lower()}."
    if isinstance(error, UnicodeError):
        return "it is not UTF-8 text."
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON: {error.msg} at column {error.colno}."
    return str(error).rstrip(".") + "."
