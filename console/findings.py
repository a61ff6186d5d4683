"""What a decision rests on: evidence by source, the ticket as it came in, and what the worker did before it stopped."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.style import Style

from ..core.evidence import Evidence, Trust
from ..core.noun import plain
from .feed import Story
from .page import Page, Piece
from .palette import ACCENT, BLUE, BOLD, DIM, TEXT, WARN, span

_PLAIN = Style(bold=False)


def write_evidence(page: Page, evidence: Sequence[Evidence], now: datetime) -> None:
    """Numbered values under their source, with its age; what is not from a record is marked and quoted."""
    page.blank()
    outside = sum(one.trust is Trust.UNTRUSTED for one in evidence)
    note = f"{len(evidence)} values" + (f" · {outside} ⚠ from outside, not records" if outside else " · all from records")
    page.head("EVIDENCE", note, WARN if outside else DIM)
    shown = ""
    for number, one in enumerate(evidence, start=1):
        source = f"{one.source} · {span(now - one.read_at)} old"
        if source != shown:
            page.put((f" {source}", BLUE + _PLAIN))
            shown = source
        _write_value_read(page, number, one)


def _write_value_read(page: Page, number: int, one: Evidence) -> None:
    value, look = said(one.value), BOLD
    if one.trust is Trust.UNTRUSTED:
        value, look = f'⚠ "{value}"', WARN
    lead: list[Piece] = [(f" {number:>2} ", ACCENT), (f"{one.name}  ", TEXT)]
    used = sum(len(text) for text, _ in lead)
    if used + len(value) <= page.width and "\n" not in value:
        page.put(*lead, (value, look))
    else:
        page.put(*lead)
        page.text(value, look, indent=4)
    if one.note:
        page.text(one.note, DIM, indent=4)


def write_ticket(page: Page, story: Story) -> None:
    """The ticket of a case that no action is asked about, and what the worker did and found."""
    page.blank()
    page.head("TICKET", "⚠ from outside, not a record", WARN)
    page.text(f'⚠ "{story.item.subject}"', WARN)
    for name, value in story.item.payload.items():
        if value not in ("", None, [], {}):
            write_value(page, f"  {name}  ", value, WARN)
    if story.actions:
        page.blank()
        page.head("WHAT THE WORKER DID", f"{len(story.actions)} action{'s' if len(story.actions) > 1 else ''}")
        for action in story.actions:
            lead: list[Piece] = [(f" {action.state.value} ", BOLD)]
            page.text(action.summary(), TEXT, indent=len(action.state.value) + 2, first=lead)
            page.text(action.envelope.proposal.rationale, DIM, indent=4)
        write_evidence(page, story.actions[-1].envelope.evidence, story.read_at)
    elif story.findings:
        write_evidence(page, story.findings, story.read_at)


def write_value(page: Page, label: str, value: Any, look: Style) -> None:
    """A labelled value, whole."""
    page.text(said(value), look, indent=len(label), first=[(label, DIM)])


def said(value: Any) -> str:
    """A JSON value in plain words: text as it is, lists with commas, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(map(str, value)) or "–"
    return str(plain(value)) if not isinstance(value, dict | list | tuple) else json.dumps(plain(value), ensure_ascii=False)
