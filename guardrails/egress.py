"""Egress: what the free text of an action carries out that the operator did not ask to send, and whose words it repeats.

Codes, accounts, links and secrets are looked for the other way round: each one that was read is searched in the letters and digits
of all free-text arguments together, so that spaces, encodings and a split over two arguments hide none.
"""

import re
from collections.abc import Collection, Mapping
from itertools import groupby
from typing import Any

from ..core.noun import Noun
from .forms import spelled, squeezed
from .passages import RUN, line_of, searched
from .tracing import Sources, quoted

_ITEM = re.compile(r"\s*[-*•]\s")


class Carried(Noun):
    """What free text carries."""

    literal: str = ""
    """A code, account, link or secret that was read and not asked for, with where it stands; empty where there is none."""
    quotation: str = ""
    """A passage of somebody's text that the instruction does not hold, with where it stands; empty where there is none."""


def carried(arguments: Mapping[str, Any], authority: Collection[str], sources: Sources) -> Carried:
    """What the arguments that are not authority arguments carry."""
    free = [(name, leaf) for name, value in arguments.items() if name not in authority for leaf in spelled(value)]
    return Carried(literal=_literal(free, sources), quotation=_quotation(free, sources)) if free else Carried()


def _literal(free: list[tuple[str, str]], sources: Sources) -> str:
    texts = [text for _, leaf in free for text in (searched(leaf), *searched(leaf).hidden)]
    whole = "".join(searched(leaf).bare for _, leaf in free)
    backwards = "".join(searched(leaf).bare for _, leaf in reversed(free))
    asked = squeezed(sources.instruction)
    for one, text in (*sources.texts, *sources.records):
        for literal in sorted(text.literals):
            if literal in asked:
                continue
            if literal in whole or literal in backwards or any(literal in own.bare for own in texts):
                name = next((name for name, leaf in free if literal in searched(leaf).bare), free[0][0])
                return f'{name}: "{quoted(text.raw, literal)}" ({one.name})'
    return ""


def _quotation(free: list[tuple[str, str]], sources: Sources) -> str:
    allowed, texts = searched(sources.instruction), sources.texts
    for name, leaf in (*free, *_run_on(free)):
        for own in (searched(leaf), *searched(leaf).hidden):
            lines = [line for line in own.raw.splitlines() if line.strip()]
            for line in lines:
                sought = line_of(line, allowed, whole=len(lines) == 1)
                for one, text in texts:
                    if found := sought.in_text(text):
                        return f'{name}: "{quoted(text.raw, found)}" ({one.name})'
    return ""


def _run_on(free: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Short lines and pieces that follow each other in one argument as one line, so that breaks between the words hide none.

    The items of a list stay apart: a list of the same things is nobody's sentence.
    """
    lines = [(name, line) for name, leaf in free for line in leaf.splitlines()]
    groups = groupby(lines, key=lambda one: (one[0], len(one[1].split()) < RUN and not _ITEM.match(one[1])))
    return [(name, " ".join(line for _, line in group)) for (name, short), group in groups if short]
