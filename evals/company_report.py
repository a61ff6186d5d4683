"""What the company eval came to: how often each kind of action was right, by how sure the brain was, and what that proves."""

from collections.abc import Iterable
from typing import Any

from ..core.noun import Noun, plain
from ..core.outcomes import BINS
from ..guardrails.certification import Certification, certify
from .report import numbers
from .statistics import Share

KINDS = ("ticket.route", "ticket.reply")
"""The kinds of actions that are tried."""
_SHOWN = 8
"""How many faults the text names; the data names every wrong action."""


class Tried(Noun):
    """One action that the worker would take."""

    seed: int
    ticket: str
    kind: str
    confidence: float
    right: bool
    alone: bool
    """Whether the policy would let it run alone, were it certified."""
    found: str
    """What the brain took the ticket for."""
    truth: str
    """What the truth says of the ticket: its intent first."""
    fault: str = ""
    """In words, what is wrong with it."""
    subject: str = ""


class Bin(Noun):
    """The actions of one range of confidence."""

    low: float
    """From here on, up to the next bin; the last ends at 1."""
    right: Share


class KindReport(Noun):
    """One kind of action."""

    kind: str
    every: Share
    """How many were right of all that were proposed."""
    alone: Share
    """How many were right of those that would run alone, were they certified; the certificate rests on them."""
    bins: tuple[Bin, ...]
    """Those that would run alone, by how sure the brain was."""
    certification: Certification | None
    """What they prove; None where there are none."""
    wrong: tuple[Tried, ...]
    """Everything that was wrong; what would run alone comes first, then what the brain was surer of."""


class CompanyReport(Noun):
    """One run of the eval."""

    brain: str
    """As envelopes carry it."""
    tier: str
    """Which of the brain's tiers ran."""
    worker: str
    playbook: str
    policy: str
    seeds: tuple[int, ...]
    size: int
    """How many cases wait in each company."""
    tickets: int
    """Tickets that were routed or answered; the others were taken for a repeat, or cannot be read."""
    kinds: tuple[KindReport, ...]

    def text(self) -> str:
        """A table for people."""
        head = f"company: {self.playbook}, {self.brain}, {self.policy}; seeds {seeds_text(self.seeds)}, {self.tickets} tickets"
        return "\n".join([head, *(line for one in self.kinds for line in ("", *_lines(one)))])

    def as_data(self) -> dict[str, Any]:
        """The report as JSON types."""
        kinds = [
            {
                "kind": one.kind,
                "every": numbers(one.every),
                "alone": numbers(one.alone),
                "bins": [{"low": each.low, **numbers(each.right)} for each in one.bins],
                "certification": plain(one.certification),
                "wrong": plain(one.wrong),
            }
            for one in self.kinds
        ]
        return {**self.model_dump(mode="json", exclude={"kinds"}), "kinds": kinds}


def kind_report(kind: str, tried: Iterable[Tried], *, target: float, confidence: float) -> KindReport:
    """What was tried of one kind, and the lowest confidence from which on at most `target` of it is wrong."""
    every = [one for one in tried if one.kind == kind]
    alone = [one for one in every if one.alone]
    scored = [(one.confidence, one.right) for one in alone]
    wrong = sorted((one for one in every if not one.right), key=lambda one: (not one.alone, -one.confidence))
    return KindReport(
        kind=kind,
        every=_share(every),
        alone=_share(alone),
        bins=_bins(alone),
        certification=certify(scored, target=target, confidence=confidence) if scored else None,
        wrong=tuple(wrong),
    )


def seeds_text(seeds: tuple[int, ...]) -> str:
    """Seeds for people: `100-109`, or each one by itself where they do not follow one another."""
    if len(seeds) > 1 and seeds == tuple(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ", ".join(str(seed) for seed in seeds)


def _share(tried: Iterable[Tried]) -> Share:
    right = [one.right for one in tried]
    return Share(hits=sum(right), n=len(right))


def _bins(tried: list[Tried]) -> tuple[Bin, ...]:
    edges = zip(BINS, (*BINS[1:], 2.0), strict=True)
    made = [Bin(low=low, right=_share(one for one in tried if low <= one.confidence < high)) for low, high in edges]
    return tuple(one for one in made if one.right.n)


def _lines(one: KindReport) -> list[str]:
    proven = "nothing would run alone" if one.certification is None else one.certification.sentence()
    lines = [
        one.kind,
        f"  right of all           {one.every}",
        f"  of what may run alone  {one.alone}",
        *(f"    from {each.low:<4}            {each.right}" for each in one.bins),
        f"  proven                 {proven}",
    ]
    return lines + _faults(each for each in one.wrong if each.alone)


def _faults(wrong: Iterable[Tried]) -> list[str]:
    """The commonest faults, each with the ticket in which the brain was surest of it."""
    grouped: dict[str, list[Tried]] = {}
    for one in wrong:
        grouped.setdefault(one.fault, []).append(one)
    common = sorted(grouped.values(), key=lambda found: (-len(found), -found[0].confidence))
    return [
        f"  {len(found):4} wrong  {found[0].fault}; up to {found[0].confidence:.2f}: {found[0].subject!r}"
        for found in common[:_SHOWN]
    ]
