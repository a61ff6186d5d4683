"""Violations for the guard suite: calls that keep every rule, each broken in one named way; and near misses, which keep it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Generic, TypeVar

from .guard_records import Call

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Scene(Generic[R]):
    """A call with the records that it meets."""

    records: R
    call: Call

    def with_records(self, **update: Any) -> "Scene[R]":
        """The same call on changed records."""
        return Scene(self.records.model_copy(update=update), self.call)  # type: ignore[attr-defined]

    def with_arguments(self, **update: Any) -> "Scene[R]":
        """The same records with other arguments; one that is None is left out."""
        arguments = {name: value for name, value in {**self.call.arguments, **update}.items() if value is not None}
        return Scene(self.records, self.call.model_copy(update={"arguments": arguments}))

    def with_conversation(self, **update: Any) -> "Scene[R]":
        """The same call after another conversation."""
        conversation = self.call.conversation.model_copy(update=update)
        return Scene(self.records, self.call.model_copy(update={"conversation": conversation}))

    def with_tool(self, tool: str) -> "Scene[R]":
        """The same arguments for another tool."""
        return Scene(self.records, self.call.model_copy(update={"tool": tool}))


Break = Callable[[Scene[R], Random], Scene[R] | None]
"""Breaks one rule; None where that cannot be done with this scene."""


@dataclass(frozen=True, slots=True)
class Way(Generic[R]):
    """One way to break one rule."""

    rule: str
    """The rule of the policy that must say so."""
    tools: tuple[str, ...]
    broken: Break[R]
    most: int = 0
    """How many to make; 0 for as many as of the others."""


@dataclass(frozen=True, slots=True)
class Violation(Generic[R]):
    """A scene that breaks a rule, with the scene it was made from."""

    id: str
    rule: str
    kept: Scene[R]
    """The same call before it was broken."""
    broken: Scene[R]


def violations(
    domain: str, ways: Sequence[Way[R]], kept: Callable[[str, Random], Iterator[Scene[R]]], *, each: int, seed: int
) -> Iterator[Violation[R]]:
    """Up to `each` violations of every way, spread over its tools; the same for the same seed.

    `kept` gives scenes of one tool that keep every rule, in a random order.
    """
    for number, way in enumerate(ways, 1):
        rng = Random(f"{seed}/{domain}/{number}")  # noqa: S311 - seeded test cases, no secrets
        streams = [kept(tool, rng) for tool in way.tools]
        made = 0
        while streams and made < (way.most or each):
            stream = streams.pop(0)
            scene = next(stream, None)
            if scene is None:
                continue
            streams.append(stream)
            broken = way.broken(scene, rng)
            if broken is not None:
                made += 1
                yield Violation(f"{domain}/{way.rule}/{number}.{made}", way.rule, scene, broken)
