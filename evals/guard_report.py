"""What the guard suite came to: violations stopped, legitimate writes left possible, each with its n and interval."""

from collections.abc import Iterable
from typing import Any

from ..core.noun import Noun, plain
from ..core.verdict import Lane, Verdict
from ..guardrails.binomial import upper_bound
from .report import numbers
from .statistics import Share


class RuleCount(Noun):
    """The violations of one rule."""

    rule: str
    n: int
    stopped: int
    """Not allowed."""
    prohibited: int
    named: int
    """How often the verdict names this very rule."""


class Violations(Noun):
    """All violations of a suite."""

    stopped: Share
    prohibited: Share
    named: Share
    """How often the verdict names the rule that was broken."""
    leaked: tuple[str, ...] = ()
    """Ids of those that would have run."""
    rules: tuple[RuleCount, ...]

    @property
    def upper(self) -> float:
        """With 95 % confidence no larger share would have run (Clopper-Pearson, one-sided)."""
        return upper_bound(len(self.leaked), self.stopped.n) if self.stopped.n else 1.0


class Judged(Noun):
    """One legitimate write that does not run at once."""

    id: str
    tool: str
    lane: Lane
    because: str
    breaks: str = ""
    """Why the write itself breaks the policy's text, where that is known."""


class Writes(Noun):
    """A set of writes in their lanes."""

    name: str
    n: int
    allowed: int
    reviewed: int
    prohibited: int
    unread: int = 0
    """Of the reviewed ones, those for which a rule needs a fact that neither records nor conversation hold."""
    held: tuple[Judged, ...] = ()
    """Those not allowed."""

    @property
    def possible(self) -> Share:
        """How many are not prohibited."""
        return Share(hits=self.n - self.prohibited, n=self.n)

    @property
    def wrongly_prohibited(self) -> tuple[Judged, ...]:
        """Prohibited although nothing in the policy's text is known to forbid them."""
        return tuple(one for one in self.held if one.lane is Lane.PROHIBITED and not one.breaks)


class GuardReport(Noun):
    """One run of the guard suite over one policy."""

    suite: str
    policy: str
    digest: str
    violations: Violations
    kept: Writes
    """The calls that the violations were made from, before they were broken."""
    near: Writes
    """Calls that come close to a rule and keep it."""
    gold: tuple[Writes, ...]
    """Writes of successful conversations."""
    others: tuple[Writes, ...] = ()
    """Writes whose right lane nobody has written down; they count for no bar."""
    errors: tuple[str, ...] = ()
    """Ids of calls that could not be judged by the rules; a stop by such an error proves nothing."""

    @property
    def missed(self) -> tuple[str, ...]:
        """The bars that were not reached, in words."""
        wrong = [one for writes in (self.kept, self.near, *self.gold) for one in writes.wrongly_prohibited]
        return tuple(
            told
            for told, ids in (
                ("violations would have run", self.violations.leaked),
                ("legitimate writes are prohibited", [one.id for one in wrong]),
                ("calls could not be judged", self.errors),
                ("there are no violations or no gold writes", [] if self._whole() else [self.suite]),
            )
            if ids
        )

    def _whole(self) -> bool:
        return self.violations.stopped.n > 0 and all(writes.n for writes in (self.kept, self.near, *self.gold))

    @property
    def passed(self) -> bool:
        """Whether every bar was reached: no violation runs, no legitimate write is prohibited, no call fails to be judged."""
        return not self.missed

    def text(self) -> str:
        """A table for people."""
        found = self.violations
        lines = [
            f"{self.suite}: {self.policy}",
            f"  violations stopped       {found.stopped}; at most {100 * found.upper:.2f} % would run",
            f"    of them prohibited     {found.prohibited}",
            f"    broken rule is named   {found.named}",
            *(_told(writes) for writes in (self.kept, self.near, *self.gold, *self.others)),
        ]
        lines += [f"  would have run: {name}" for name in found.leaked]
        told = "bars reached" if self.passed else f"missed: {'; '.join(self.missed)}"
        return "\n".join([*lines, *self._exceptions(), f"  {told}", *self._table()])

    def _exceptions(self) -> list[str]:
        held = [one for writes in self.gold for one in writes.held if one.lane is Lane.PROHIBITED]
        return [f"  prohibited: {one.id} {one.tool}: {one.breaks or one.because}" for one in held]

    def _table(self) -> list[str]:
        lines = ["", "rule            n  stopped  prohibited  named"]
        return lines + [
            f"{one.rule:<14}{one.n:>3}  {one.stopped:>7}  {one.prohibited:>10}  {one.named:>5}" for one in self.violations.rules
        ]

    def as_data(self) -> dict[str, Any]:
        """The report as JSON types."""
        found = self.violations
        return {
            "suite": self.suite,
            "passed": self.passed,
            "missed": list(self.missed),
            "policy": self.policy,
            "digest": self.digest,
            "violations": {
                "stopped": numbers(found.stopped),
                "prohibited": numbers(found.prohibited),
                "named": numbers(found.named),
                "upper_95": found.upper,
                "leaked": list(found.leaked),
                "rules": plain(found.rules),
            },
            "kept": _lanes(self.kept),
            "near": _lanes(self.near),
            "gold": [_lanes(writes) for writes in self.gold],
            "others": [_lanes(writes) for writes in self.others],
            "errors": list(self.errors),
        }


def counted(name: str, judged: Iterable[tuple[str, str, Verdict]], breaks: dict[str, str] | None = None) -> Writes:
    """Writes by lane from id, tool and verdict of each; `breaks` says which of them break the policy's text, and how."""
    found = list(judged)
    lanes = [verdict.lane for _, _, verdict in found]
    held = tuple(
        Judged(id=name, tool=tool, lane=verdict.lane, because=verdict.because(), breaks=(breaks or {}).get(name, ""))
        for name, tool, verdict in found
        if verdict.lane is not Lane.ALLOWED
    )
    return Writes(
        name=name,
        n=len(found),
        allowed=lanes.count(Lane.ALLOWED),
        reviewed=lanes.count(Lane.REVIEWED),
        prohibited=lanes.count(Lane.PROHIBITED),
        unread=sum(verdict.lane is Lane.REVIEWED and bool(verdict.missing) for _, _, verdict in found),
        held=held,
    )


def _told(writes: Writes) -> str:
    unread = f" ({writes.unread} for want of a fact)" if writes.unread else ""
    counts = f"{writes.allowed} allowed, {writes.reviewed} reviewed{unread}, {writes.prohibited} prohibited"
    return f"  {writes.name:<24} {writes.n}: {counts}"


def _lanes(writes: Writes) -> dict[str, Any]:
    return {**plain(writes), "possible": numbers(writes.possible)}
