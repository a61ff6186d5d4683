"""Adopted packs: which packs a policy names, for whom their rules hold there, and what it tightens."""

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..core.noun import Noun, digest
from .authoring import Author
from .conditions import AllOf, AnyOf, Compare, Condition, Not, Op, positive
from .document import Block, nearest
from .facts import Fact, FactType
from .packs import Pack, Switch, load_pack, shipped_pack, shipped_packs
from .rules import Rule

_ENTRY = ("pack", "everyone", "tighten")


class AdoptedPack(Noun):
    """A pack as a policy has adopted it; the policy's digest covers it."""

    name: str
    title: str
    jurisdiction: str
    version: int
    checked_on: date
    digest: str
    """Of the pack with the parameters that hold here."""
    retention_years: int | None
    parameters: dict[str, int | Decimal]
    everyone: tuple[str, ...]
    """Rules that hold for every debtor here, also for those the pack is not about."""
    rules: tuple[str, ...]

    @property
    def ref(self) -> str:
        """Name and version: `us-reg-f@1`."""
        return f"{self.name}@{self.version}"


class Adoption(Noun):
    """What the packs of one policy bring in."""

    packs: tuple[AdoptedPack, ...] = ()
    rules: tuple[Rule, ...] = ()
    facts: tuple[Fact, ...] = ()


def packs_of(author: Author, kinds: Collection[str], folder: Path | None) -> Adoption:
    """What the section `packs` of a policy brings in; its facts become known to `author`."""
    entries = [_entry(author, raw) for raw in author.listed("packs")]
    packs = [_found(author, entry, folder) for entry in entries]
    for number, pack in enumerate(packs):
        if pack.name in {one.name for one in packs[:number]}:
            raise author.refuse(entries[number], "packs", f"{pack.name!r} is named twice", "Name each pack once.")
    facts = _own_facts(author, packs)
    switches = [(pack.name, switch) for pack in packs for switch in pack.switches]
    adopted, rules = [], []
    for pack, entry in zip(packs, entries, strict=True):
        everyone = _everyone(author, entry, pack)
        others = tuple(switch for name, switch in switches if name != pack.name)
        holds = None if pack.applies is None else _widened(positive(pack.applies), others, unknown=True)
        switched = [_switched(rule, others) for rule in pack.rules]
        mine = [found for rule in switched if (found := _scoped(pack, rule, None if rule.id in everyone else holds, kinds))]
        if not mine and not pack.switches:
            raise author.refuse(entry, "packs", f"{pack.name!r} is about no action of this policy", "Leave it out.")
        rules += mine
        adopted.append(_adopted(pack, everyone, mine))
    return Adoption(packs=tuple(adopted), rules=tuple(rules), facts=facts)


def _entry(author: Author, raw: Any) -> Block:
    if isinstance(raw, str):
        raw = Block({"pack": raw})
    entry = author.only(raw, _ENTRY, "packs")
    if not isinstance(entry.get("pack"), str) or not isinstance(entry.get("tighten", Block()), Block):
        raise author.refuse(entry, "packs", "an entry is a pack's name, or a mapping of pack, everyone and tighten")
    return entry


def _found(author: Author, entry: Block, folder: Path | None) -> Pack:
    name, _, wanted = entry["pack"].partition("@")
    tighten = entry.get("tighten") or {}
    if name.endswith(".yaml"):
        if folder is None:
            raise author.refuse(entry, "packs", f"{name!r} lies beside no policy file", "Save the policy to a file first.")
        if Path(name).name != name:
            raise author.refuse(entry, "packs", f"{name!r} does not lie beside the policy", "Put it into the same folder.")
        pack = load_pack(folder / name, tighten)
    else:
        shipped = shipped_pack(name, tighten)
        if shipped is None:
            hint = f"{nearest(name, tuple(shipped_packs()))} A file ends in .yaml."
            raise author.refuse(entry, "packs", f"{name!r} is no pack", hint)
        pack = shipped
    if wanted and wanted != str(pack.version):
        raise author.refuse(
            entry, "packs", f"{name!r} is there in version {pack.version}, not {wanted}", "Compare the two first."
        )
    return pack


def _own_facts(author: Author, packs: Iterable[Pack]) -> tuple[Fact, ...]:
    own: dict[str, Fact] = {}
    for fact in (fact for pack in packs for fact in pack.facts):
        if author.facts.get(fact.name, fact) != fact:
            raise author.refuse(None, "packs", f"the fact {fact.name!r} is declared twice, and differently", "Rename one.")
        author.facts[fact.name] = own[fact.name] = fact
    return tuple(own.values())


def _everyone(author: Author, entry: Block, pack: Pack) -> tuple[str, ...]:
    ids = tuple(rule.id for rule in pack.rules)
    named = entry.get("everyone", [])
    if named is True:
        return ids
    names = named if isinstance(named, list) else [named]
    for rule_id in names:
        if rule_id not in ids:
            raise author.refuse(
                entry, f"packs, {pack.name}, everyone", f"it has no rule {rule_id!r}", nearest(str(rule_id), ids)
            )
    return tuple(names)


def _switched(rule: Rule, switches: tuple[Switch, ...]) -> Rule:
    """The rule, true also for whom another pack says that they are protected alike."""
    if rule.when is None or not switches:
        return rule
    return rule.model_copy(update={"when": _widened(positive(rule.when), switches, unknown=False)})


def _widened(condition: Condition, switches: tuple[Switch, ...], *, unknown: bool) -> Condition:
    """`condition`, true also where another pack switches one of its flags on; with `unknown` also where a fact is missing."""
    if isinstance(condition, AllOf):
        return AllOf(every=tuple(_widened(part, switches, unknown=unknown) for part in condition.every))
    if isinstance(condition, AnyOf):
        return AnyOf(some=tuple(_widened(part, switches, unknown=unknown) for part in condition.some))
    assert not isinstance(condition, Not)
    some: list[Condition] = [condition]
    if unknown and condition.op is not Op.MISSING:
        some.append(Compare(field=condition.field, type=condition.type, op=Op.MISSING, value=True))
    if condition.type is FactType.FLAG and condition.op in (Op.IS, Op.IS_NOT) and condition.value is (condition.op is Op.IS):
        alike = (positive(one.when) for one in switches if one.fact == condition.field)
        some += [_widened(when, (), unknown=unknown) for when in alike]
    return condition if len(some) == 1 else AnyOf(some=tuple(some))


def _scoped(pack: Pack, rule: Rule, holds: Condition | None, kinds: Collection[str]) -> Rule | None:
    """The rule as it stands in the policy; None where it is about no action of it."""
    actions = tuple(kind for kind in pack.actions if kind in kinds and rule.covers(kind))
    if not actions:
        return None
    when = rule.when if holds is None else holds if rule.when is None else AllOf(every=(rule.when, holds))
    shown = tuple(one for one in rule.examples if one.action in actions)
    source = f"{rule.source}; pack {pack.ref}"
    return rule.model_copy(update={"actions": actions, "when": when, "examples": shown, "source": source})


def _adopted(pack: Pack, everyone: tuple[str, ...], rules: Iterable[Rule]) -> AdoptedPack:
    return AdoptedPack(
        name=pack.name, title=pack.title, jurisdiction=pack.jurisdiction, version=pack.version, checked_on=pack.checked_on, digest=digest(pack),
        retention_years=pack.retention_years, parameters={one.name: one.value for one in pack.parameters}, everyone=everyone,
        rules=tuple(rule.id for rule in rules),
    )  # fmt: skip
