"""Theorems: what must be true of a policy in every case, kept in a file and proved, or refuted by a case."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, StrictBool, StrictInt

from ..core.errors import PolicyError
from ..core.noun import Noun
from ..core.verdict import Lane, Verdict
from .authoring import Author
from .closures import condition_test
from .conditions import Condition, Mistake, parse_condition
from .contradictions import contradiction
from .document import read_document
from .formulas import Encoded
from .policy import Policy, shipped_policy
from .review import because
from .rules import matches
from .solver import Undecided, World, solution
from .witnesses import Facts, judged, plain

HOUSE = "house_theorems.yaml"
"""The theorems that ship with the house policy."""

_LANES = ("never", "always", "at_least")


class Theorem(Noun):
    """One claim about every case of some kinds of action."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9]*-[A-Za-z0-9]+$")
    claim: str = Field(min_length=1)
    """What it says, for the person who signs it."""
    actions: tuple[str, ...] = Field(min_length=1)
    given: Condition | None = None
    """Only cases in which this is true; every case where it is None."""
    unsure: StrictBool = False
    """Only cases in which the brain is below the action's own floor, or cannot say."""
    never: Lane | None = None
    """No such case is put into this lane."""
    always: Lane | None = None
    """Every such case is."""
    at_least: Lane | None = None
    """Every such case is put into this lane or a stricter one."""
    approvals: StrictInt = Field(default=1, ge=1, le=5)
    """So many people must say yes, wherever anybody may; nothing runs alone."""
    four_eyes: StrictBool = False
    """No maker may say yes."""
    owner: str = Field(min_length=1)
    source: str = Field(min_length=1)

    def covers(self, kind: str) -> bool:
        """Whether it speaks of actions of `kind`."""
        return any(matches(pattern, kind) for pattern in self.actions)

    def broken_by(self, verdict: Verdict) -> bool:
        """Whether this verdict is one that the theorem excludes."""
        return verdict.lane not in self.lanes or (
            verdict.lane is Lane.REVIEWED and (verdict.approvals < self.approvals or (self.four_eyes and not verdict.four_eyes))
        )

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes it leaves open."""
        people = self.approvals > 1 or self.four_eyes
        return tuple(
            lane
            for lane in Lane
            if lane is not self.never
            and self.always in (None, lane)
            and (self.at_least is None or lane.rank >= self.at_least.rank)
            and not (people and lane is Lane.ALLOWED)
        )


class Proof(Noun):
    """One theorem, and whether it holds."""

    theorem: str
    claim: str
    holds: bool
    kinds: int
    """For how many kinds of action it was tried; 0 where the policy knows none of them, and so prohibits them."""
    example: str = ""
    """The case that refutes it, in words."""
    action: str = ""
    facts: dict[str, str] = {}
    verdict: str = ""
    """How that case is judged, and why."""
    owner: str = ""
    source: str = ""


def parse_theorems(text: str, policy: Policy, *, origin: str, kinds: tuple[str, ...] = ()) -> tuple[Theorem, ...]:
    """The theorems in `text`, about the policy's kinds of action and `kinds`; raises PolicyError as a policy's mistakes do."""
    document = read_document(text, origin=origin)
    reader = _Reader(document, origin=origin)
    reader.facts = policy.known_facts
    reader.only(document, ("theorems",), "theorems")
    known = tuple(dict.fromkeys((*(action.kind for action in policy.actions), *kinds)))
    found = tuple(reader.theorem(block, known) for block in reader.listed("theorems"))
    if not found:
        raise PolicyError(f"{origin}: there are no theorems in it.", hint="Write `theorems:` and below it lines with `- id:`.")
    seen: set[str] = set()
    for one in found:
        if one.id in seen:
            raise reader.refuse(document, f"theorem {one.id!r}", "two theorems have this id", "Give one of them a new id.")
        seen.add(one.id)
    return found


def load_theorems(path: Path, policy: Policy) -> tuple[Theorem, ...]:
    """The theorems in a file; raises PolicyError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PolicyError(f"The theorems {str(path)!r} cannot be read: {problem}.", hint="Check the path.") from error
    return parse_theorems(text, policy, origin=str(path))


def house_theorems(policy: Policy) -> tuple[Theorem, ...]:
    """The shipped theorems, for the house policy or one that was made from it."""
    text = files(__package__).joinpath(HOUSE).read_text(encoding="utf-8")
    kinds = tuple(action.kind for action in shipped_policy().actions)
    return parse_theorems(text, policy, origin=f"guardrails/{HOUSE}", kinds=kinds)


def theorems_of(policy: Policy, folder: Path) -> tuple[Theorem, ...]:
    """The theorems that a policy names, looked for in `folder`; the shipped ones for a house policy that names none."""
    if policy.theorems:
        return load_theorems(folder / policy.theorems, policy)
    if policy.name == shipped_policy().name:
        return house_theorems(policy)
    raise PolicyError(
        f"The policy {policy.ref} names no theorems.", hint="Write `theorems: FILE` in it, or name a file: `policy prove FILE`."
    )


class _Reader(Author):
    """Reads the section `theorems`."""

    def theorem(self, block: Any, kinds: tuple[str, ...]) -> Theorem:
        """One theorem, checked."""
        where = self._named(block, "theorem")
        given = self.only(block, tuple(Theorem.model_fields), where)
        values = dict(given)
        values["actions"] = self.patterns(block, where, given.get("actions"), kinds)
        for name in _LANES:
            if name in given:
                values[name] = self._lane(block, where, given[name])
        if "given" in given:
            values["given"] = self._given(block, where, given["given"])
        found = self.made(Theorem, block, where, **values)
        if not any(name in given for name in (*_LANES, "approvals", "four_eyes")):
            known = "Write `never: allowed`, `always: prohibited`, `at_least: reviewed`, `approvals: 2` or `four_eyes: true`."
            raise self.refuse(block, where, "it claims nothing", known)
        if not found.lanes:
            raise self.refuse(block, where, "its claims leave no lane open", "Drop one of them.")
        if len(found.lanes) == len(Lane):
            raise self.refuse(
                block, where, "it is true of every policy", "`at_least: allowed` says nothing; name a stricter lane."
            )
        return found

    def _given(self, block: Any, where: str, raw: Any) -> Condition:
        try:
            found = parse_condition(raw, self.facts)
        except Mistake as mistake:
            raise self.refuse(block, where, mistake.message, mistake.hint, mistake.line) from mistake
        if clash := contradiction(found, self.facts):
            raise self.refuse(
                raw, where, f"no case is like this: {clash}", "Mend one of the two; the theorem would say nothing."
            )
        return found


def prove(policy: Policy, theorems: tuple[Theorem, ...]) -> tuple[Proof, ...]:
    """Each theorem proved for every case, or refuted by one. Raises PluginError where z3 is not installed."""
    world = World([policy], asked=[one.given for one in theorems if one.given is not None])
    encoded = {action.kind: Encoded(world, policy, action.kind) for action in policy.actions}
    return tuple(_proof(world, policy, encoded, theorem) for theorem in theorems)


def _proof(world: World, policy: Policy, encoded: dict[str, Encoded], theorem: Theorem) -> Proof:
    kinds = [kind for kind in encoded if theorem.covers(kind)]
    shared = {
        "theorem": theorem.id,
        "claim": theorem.claim,
        "owner": theorem.owner,
        "source": theorem.source,
        "kinds": len(kinds),
    }
    for kind in kinds:
        try:
            facts = solution(world, *_case(world, encoded[kind], theorem), _broken(world, encoded[kind], theorem))
        except Undecided as error:
            return Proof(holds=False, action=kind, verdict=f"The solver gave up: {error}.", **shared)
        if facts is not None:
            return Proof(holds=False, **_refuted(world, policy, encoded[kind], theorem, facts), **shared)
    return Proof(holds=True, **shared)


def _case(world: World, encoded: Encoded, theorem: Theorem) -> Iterator[Any]:
    if theorem.given is not None:
        yield world.holds(theorem.given, sure=True)
    if theorem.unsure:
        yield encoded.unsure


def _broken(world: World, encoded: Encoded, theorem: Theorem) -> Any:
    z3 = world.z3
    broken = [encoded.lane(lane) for lane in Lane if lane not in theorem.lanes]
    people = [z3.Not(encoded.approvals(theorem.approvals))] if theorem.approvals > 1 else []
    people += [z3.Not(encoded.four_eyes)] if theorem.four_eyes else []
    return z3.Or(*broken, z3.And(encoded.reviewed, z3.Or(people)) if people else False)


def _refuted(world: World, policy: Policy, encoded: Encoded, theorem: Theorem, facts: Facts) -> dict[str, Any]:
    kind = encoded.kind
    witness = plain(
        world,
        kind,
        facts,
        lambda one: _speaks_of(policy, kind, theorem, one) and theorem.broken_by(judged(policy, kind, one)),
    )
    if witness is None:
        return {"action": kind, "verdict": "The solver's case does not judge as it said; the theorem counts as refuted."}
    verdict = judged(policy, kind, witness.facts)
    return {"action": kind, "example": witness.told(), "facts": witness.shown, "verdict": because(verdict)}


def _speaks_of(policy: Policy, kind: str, theorem: Theorem, facts: Facts) -> bool:
    case = {"confidence": None, "target_kind": "record", "reversibility": "irreversible", **facts}
    case["currency"] = case["amount"].currency if case.get("amount") else None
    floor = next(action.min_confidence for action in policy.actions if action.kind == kind)
    sure = case["confidence"] is not None and case["confidence"] >= floor
    return (theorem.given is None or condition_test(theorem.given)(case) is True) and not (theorem.unsure and sure)
