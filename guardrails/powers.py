"""Who may say yes, and on what terms: what a new version of a policy changes besides its lanes."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..core.noun import Noun, canonical_json
from .policy import Policy
from .rules import KnownAction, Limit, Role, Rule, percent

_BY_LANES = frozenset({"name", "version", "owner", "facts", "actions", "rules", "limits", "rates_checked_on"})
"""What the comparison of lanes covers, and what decides about nothing."""

_HERE = frozenset(
    {
        "roles",
        "separation",
        "unsure",
        "expire_after_hours",
        "approval_valid_hours",
        "certificate_days",
        "escalate_to",
        "theorems",
        "packs",
        "ladder",
    }
)


_TIMES = {
    "expire_after_hours": "so long a request may be approved",
    "approval_valid_hours": "so long what was approved may still run",
    "certificate_days": "so long a certificate lets actions run alone",
}

PARTS: dict[type[Noun], frozenset[str]] = {
    KnownAction: frozenset({"kind", "min_confidence", "max_error", "quality_share", "slices", "approvals", "four_eyes"}),
    Rule: frozenset({"id", "lane", "actions", "when", "reason", "owner", "source", "approvals", "four_eyes", "examples"}),
    Limit: frozenset({"id", "actions", "per", "within", "amount", "count", "lane", "reason", "owner", "source"}),
    Role: frozenset({"name", "actions", "up_to"}),
}
"""What each part of a policy is made of, as far as the comparison knows; a test holds it against the parts themselves."""


class Power(Noun):
    """One change of who may decide, or how."""

    about: str
    loosens: bool
    text: str


def powers(old: Policy, new: Policy) -> Iterator[Power]:
    """Every such change; a setting whose meaning is not known here counts as a loosening."""
    yield from _settings(old, new)
    yield from _certificates(old, new)
    yield from _retention(old, new)
    yield from _roles(old, new)
    for name in type(new).model_fields:
        if name in _BY_LANES | _HERE:
            continue
        if canonical_json(getattr(old, name)) != canonical_json(getattr(new, name)):
            text = f"{name} changes; whether that loosens anything cannot be told, so it counts as a loosening."
            yield Power(about=name, loosens=True, text=text)


def _settings(old: Policy, new: Policy) -> Iterator[Power]:
    if old.separation != new.separation:
        looser = new.separation == "one_person"
        told = "one person may be maker and checker" if looser else "maker and checker are two people"
        yield Power(about="separation", loosens=looser, text=f"separation: {old.separation} -> {new.separation}; {told}.")
    if old.unsure != new.unsure:
        looser = new.unsure == "reviewed"
        told = "a person may approve what the brain is unsure of" if looser else "what the brain is unsure of goes one lane up"
        yield Power(about="unsure", loosens=looser, text=f"unsure: {old.unsure} -> {new.unsure}; {told}.")
    for name, told in _TIMES.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Power(about=name, loosens=after > before, text=f"{name}: {before} -> {after}; {told}.")
    if old.escalate_to != new.escalate_to:
        names = [role.name for role in new.roles]
        known = old.escalate_to in names and new.escalate_to in names
        looser = not known or names.index(new.escalate_to) < names.index(old.escalate_to)
        told = f"escalate_to: {old.escalate_to} -> {new.escalate_to}; expired and escalated requests go there."
        yield Power(about="escalate_to", loosens=looser, text=told)
    if old.ladder != new.ladder:
        yield Power(
            about="ladder", loosens=False, text="ladder: who is reminded and asked when changes; time approves nothing."
        )
    if old.theorems != new.theorems:
        told = f"theorems: {old.theorems or 'none'} -> {new.theorems or 'none'}; other claims are proved about it."
        yield Power(about="theorems", loosens=bool(old.theorems), text=told)


def _certificates(old: Policy, new: Policy) -> Iterator[Power]:
    before = {action.kind: action for action in old.actions}
    for now in new.actions:
        was = before.get(now.kind)
        if was is not None:
            yield from (
                Power(about=now.kind, loosens=looser, text=f"{now.kind}: {text}.") for looser, text in _certified(was, now)
            )


def _certified(was: KnownAction, now: KnownAction) -> Iterator[tuple[bool, str]]:
    if was.max_error is None or now.max_error is None:
        if now.max_error is not None:
            yield False, f"it runs alone only with a certificate that at most {percent(now.max_error)} are wrong"
        elif was.max_error is not None:
            yield True, f"it needs no certificate any more, until now one that at most {percent(was.max_error)} are wrong"
        return
    if was.max_error != now.max_error:
        text = f"at most {percent(now.max_error)} of what runs alone may be wrong, until now {percent(was.max_error)}"
        yield now.max_error > was.max_error, text
    if was.quality_share != now.quality_share:
        text = f"a person looks at {percent(now.quality_share)} of what would run alone, until now {percent(was.quality_share)}"
        yield now.quality_share < was.quality_share, text
    gone = [name for name in was.slices if name not in now.slices]
    more = [name for name in now.slices if name not in was.slices]
    if gone:
        yield True, f"one certificate covers every {', every '.join(gone)}, until now each value needed its own"
    if more:
        yield False, f"each value of {' and '.join(more)} needs a certificate of its own"


def _retention(old: Policy, new: Policy) -> Iterator[Power]:
    before, after = old.retention_years, new.retention_years
    if before != after:
        told = f"Its packs ask to keep records of contacts for {after} years, until now for {before}."
        yield Power(about="packs", loosens=after < before, text=told)


def _roles(old: Policy, new: Policy) -> Iterator[Power]:
    kinds = tuple(dict.fromkeys(action.kind for policy in (old, new) for action in policy.actions))
    before, after = {role.name: role for role in old.roles}, {role.name: role for role in new.roles}
    for name, role in after.items():
        was = before.get(name)
        about = f"role {name}"
        if was is None:
            yield Power(about=about, loosens=True, text=f"The role {name} is new; it may approve {_scope(role)}.")
        else:
            yield from (Power(about=about, loosens=looser, text=text) for looser, text in _role(was, role, kinds))
    for name in before:
        if name not in after:
            yield _gone(name, [*before], [*after])
    yield from _order([name for name in before if name in after], [name for name in after if name in before])


def _gone(name: str, before: list[str], after: list[str]) -> Power:
    if name != before[-1]:
        return Power(about=f"role {name}", loosens=False, text=f"The role {name} is gone.")
    heir = f"the role {after[-1]}" if after else "everybody"
    text = f"The role {name}, the highest, is gone; what only it might do is now up to {heir}."
    return Power(about=f"role {name}", loosens=True, text=text)


def _order(before: list[str], after: list[str]) -> Iterator[Power]:
    if before != after:
        text = f"The order of the roles changes from {', '.join(before)} to {', '.join(after)}; a later role decides more."
        yield Power(about="roles", loosens=True, text=text)


def _role(was: Role, now: Role, kinds: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    more = [kind for kind in kinds if now.covers(kind) and not was.covers(kind)]
    less = [kind for kind in kinds if was.covers(kind) and not now.covers(kind)]
    if more:
        yield True, f"The role {now.name} may now approve {', '.join(more)}."
    if less:
        yield False, f"The role {now.name} may not approve {', '.join(less)} any more."
    yield from _up_to(now.name, was.up_to, now.up_to)


def _up_to(name: str, was: dict[str, Decimal] | None, now: dict[str, Decimal] | None) -> Iterator[tuple[bool, str]]:
    if was is None or now is None:
        if was is not now:
            limited = now is not None
            yield not limited, f"The role {name} may approve {f'up to {_amounts(now)}' if limited else 'any amount'}."
        return
    for code in dict.fromkeys((*was, *now)):
        before, after = was.get(code), now.get(code)
        if before == after:
            continue
        # A currency without a limit may not be approved at all.
        looser = after is not None and (before is None or after > before)
        yield looser, f"The role {name} may approve {_limit(after, code)}, until now {_limit(before, code)}."


def _scope(role: Role) -> str:
    return f"{', '.join(role.actions)} {f'up to {_amounts(role.up_to)}' if role.up_to is not None else 'without a limit'}"


def _amounts(limits: Any) -> str:
    return " or ".join(f"{limit:,} {code}" for code, limit in limits.items()) or "nothing"


def _limit(limit: Decimal | None, code: str) -> str:
    return f"nothing in {code}" if limit is None else f"up to {limit:,} {code}"
