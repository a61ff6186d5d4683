"""The decision pane: one request on one page, updated in place and never mounted anew."""

from datetime import timedelta
from typing import Any

from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..core.action import Envelope, Reversibility
from ..core.actions import SealedAction
from ..core.approval import Question
from ..core.verdict import Lane, RuleHit
from ..guardrails.grounds import Grounds
from ..guardrails.provenance import tainted_words
from .feed import Story
from .findings import write_evidence, write_ticket, write_value
from .guide import Guide
from .history import write_history
from .page import Page, Piece, fit, strip
from .palette import (
    ACCENT,
    BAD,
    BLUE,
    BOLD,
    DIM,
    GOOD,
    GROUND_STYLE,
    OLD,
    TEXT,
    WARN,
    badge,
    clean,
    due,
    gauge,
    long_money,
)

_UNDO = {
    Reversibility.REVERSIBLE: ("can be undone", DIM),
    Reversibility.COMPENSABLE: ("can be made up for, not undone", WARN),
    Reversibility.IRREVERSIBLE: ("cannot be undone", BAD),
}
_ASKED = {
    Question.APPROVE: "May this run?",
    Question.HANDLE: "The worker stopped here. Please take this case.",
    Question.RECONCILE: "It was sent and the answer was lost. Please look in the system: did it happen?",
}


class DecisionPane(ScrollView, can_focus=False):
    """What the operator decides on; `story` is what is painted, and a decision carries its digest."""

    def __init__(self) -> None:
        super().__init__(id="decision")
        self.story: Story | None = None
        self._guide = Guide()
        self._notice = ""
        self._note = "Nothing waits."
        self._strips: list[Strip] = []
        self._seen = 0

    def show(self, story: Story, guide: Guide, notice: str) -> None:
        """Paint another request, from its top; `notice` says why this person may not approve it."""
        same = self.story is not None and self.story.request.id == story.request.id
        self.story, self._guide, self._notice = story, guide, notice
        self._compose_page(keep_place=same)

    def clear(self, note: str) -> None:
        """Paint that there is nothing to decide."""
        self.story, self._note = None, note
        self._compose_page(keep_place=False)

    def page_by(self, pages: int) -> None:
        """Scroll by some pages."""
        self.scroll_to(y=self.scroll_offset.y + pages * max(1, self.size.height - 2), animate=False, force=True)

    @property
    def shown(self) -> str:
        """What was painted of this page so far, down to the lowest line that was on screen."""
        return "\n".join(one.text.rstrip() for one in self._strips[: self._seen])

    @property
    def more_below(self) -> bool:
        """True where the page goes on below what is on screen."""
        return self.scroll_offset.y + self.size.height < len(self._strips)

    def on_resize(self, event: Resize) -> None:
        """Compose the page for the new width."""
        self._compose_page(keep_place=True)

    def _compose_page(self, *, keep_place: bool) -> None:
        page = Page(max(20, self.scrollable_content_region.width - 1), airy=self.size.height >= 28)
        if self.story is None:
            page.blank()
            page.text(self._note, DIM, indent=1)
        else:
            write_story(page, self.story, self._guide, self._notice)
        self._strips = page.strips()
        self.virtual_size = Size(page.width, len(self._strips))
        if not keep_place:
            self._seen = 0
            self.scroll_to(y=0, animate=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        line, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        self._seen = max(self._seen, line + 1)
        return self._strips[line].adjust_cell_length(width, GROUND_STYLE) if line < len(self._strips) else strip([], width)


def write_story(page: Page, story: Story, guide: Guide, notice: str = "") -> None:
    """The whole page: what it is, what changes, why a person, evidence, steps, history."""
    _write_head(page, story, notice)
    envelope = story.envelope
    if story.action and envelope:
        _write_changes(page, envelope)
        _write_why(page, story, story.action)
        write_evidence(page, envelope.evidence, story.read_at)
        _write_call(page, envelope)
        _write_steps(page, envelope, guide)
    else:
        write_ticket(page, story)
    page.blank()
    write_history(page, story)


def _write_head(page: Page, story: Story, notice: str) -> None:
    request, case = story.request, story.case
    left, urgent = due(story.read_at, request.due_at)
    sla: list[Piece] = [("due " if request.due_at and story.read_at <= request.due_at else "late ", DIM), (left, urgent)]
    if request.due_at:
        whole = max(request.due_at - request.created_at, timedelta(minutes=1))
        sla.insert(1, (_left_bar((request.due_at - story.read_at) / whole) + " ", urgent))
    sign = badge(request.question, story.action.lane if story.action else None, request.approvals_needed)
    title: list[Piece] = [(f"{sign} ", sign.style), (f"{case.external_id} ", BOLD)]
    room = page.width - sum(len(text) for text, _ in (*title, *sla)) - 2
    name = clean(f"{case.party} · {case.subject}" if case.party else case.subject)
    page.spread([*title, (fit(name, max(8, room)).rstrip(), TEXT)], sla if request.due_at else [("no due time", DIM)])
    maker = f"{story.envelope.playbook} · {story.envelope.brain}" if story.envelope else f"worker {case.worker}"
    page.text(f"{maker} · proposed {_clock(request.created_at)}", DIM)
    money = long_money(request.amount, request.currency)
    asked = request.summary or _ASKED[request.question]
    page.text(asked, BOLD)
    if money and money not in asked:
        page.put(("amount ", DIM), (money, BOLD))
    if story.envelope and story.envelope.proposal.rationale:
        page.text(story.envelope.proposal.rationale, TEXT)
    if request.question is not Question.APPROVE:
        page.text(_ASKED[request.question], WARN)
    if request.ladder or request.assigned_to:
        asked_of = request.assigned_to or request.role
        page.text(f"asked of {asked_of}{', reminded' if request.ladder else ''}; nobody has answered yet", WARN)
    if request.reason and not story.action:
        page.text(f"why: {request.reason}", TEXT)
    if notice:
        page.text(notice, WARN, indent=2, first=[("⊘ ", WARN)])


def _write_changes(page: Page, envelope: Envelope) -> None:
    action, changes = envelope.proposal.action, envelope.proposal.changes
    page.blank()
    page.head("WHAT CHANGES", *_UNDO[action.reversibility])
    shown = ""
    width = max((len(one.field) for one in changes), default=0) + 1
    for change in changes:
        if change.record != shown:
            page.put((change.record, BLUE))
            shown = change.record
        lead: list[Piece] = [(f"  {change.field:<{width}}", DIM), ("+ ", DIM)]
        if change.before:
            lead[1:] = [(change.before, OLD), (" → ", DIM)]
        used = sum(len(text) for text, _ in lead)
        if used + 12 > page.width:
            page.text(change.before, OLD, indent=width + 2, first=lead[:1])
            lead, used = [(" " * (width + 2), TEXT), ("→ ", DIM)], width + 4
        page.text(change.after or "empty", GOOD, indent=used, first=lead)


def _write_call(page: Page, envelope: Envelope) -> None:
    action = envelope.proposal.action
    page.blank()
    page.head("WILL SEND", action.kind)
    version = f", version {action.target.version}" if action.target.version else ""
    page.text(f"to {action.target}{version}", DIM, indent=2)
    names = list(action.arguments)
    width = max((len(name) for name in names), default=0) + 1
    for name in names:
        write_value(page, f"  {name:<{width}}", action.arguments[name], TEXT)


def _write_why(page: Page, story: Story, action: SealedAction) -> None:
    verdict, request = action.verdict, story.request
    sign = badge(request.question, verdict.lane, request.approvals_needed)
    page.blank()
    page.head("WHY A PERSON", f"{sign} · policy {verdict.policy}", sign.style)
    for hit in verdict.hits:
        _write_hit(page, hit)
    names, arguments = str(action.context.get("tainted_arguments") or ""), action.envelope.proposal.action.arguments
    for words in tainted_words(names, arguments, action.envelope.evidence):
        page.text(f"only in somebody's text: {clean(words)}", WARN, indent=3, first=[(" ⚠ ", WARN)])
    if verdict.missing:
        page.text(f"missing: {', '.join(verdict.missing)}", WARN, indent=3, first=[(" ? ", WARN)])
    if verdict.passed:
        page.text(f"did not match: {' '.join(verdict.passed)}", DIM, indent=3, first=[(" · ", DIM)])
    if request.approvals_needed > 1:
        given = sum(one.kind.value == "approve" and one.request_id == request.id for one in story.decisions)
        page.put((f" {given} of {request.approvals_needed} ", BOLD), ("approvals, by different people", DIM))
    if request.four_eyes and (people := [one for one in request.makers if not one.startswith("worker:")]):
        page.text(f"made or edited by {', '.join(people)}, so somebody else approves it", DIM, indent=1)
    confidence = action.envelope.proposal.confidence
    if confidence is None:
        page.put((" confidence ", DIM), ("the brain cannot say", WARN))
    else:
        page.put((" confidence ", DIM), (f"{confidence:.2f} ", BOLD), (gauge(confidence, 12), ACCENT))
    _write_grounds(page, story.grounds)
    if labels := action.envelope.proposal.labels:
        page.text(", ".join(labels), TEXT, indent=7, first=[(" found ", DIM)])


def _write_grounds(page: Page, grounds: Grounds) -> None:
    if grounds.worth:
        page.text(grounds.worth, TEXT, indent=12)
    if grounds.certificate:
        mark, look = ("✓ ", GOOD) if grounds.covered else ("– ", DIM)
        page.text(grounds.certificate, TEXT, indent=3, first=[(f" {mark}", look)])


def _write_hit(page: Page, hit: RuleHit) -> None:
    mark: Piece = {Lane.PROHIBITED: (" ■ ", BAD), Lane.REVIEWED: (" ✗ ", BAD), Lane.ALLOWED: (" ✓ ", GOOD)}[hit.lane]
    figures: list[Piece] = []
    if hit.actual:
        figures.append((hit.actual, TEXT))
    if hit.field and hit.actual == hit.limit:
        figures = [(f"{hit.field.replace('_', ' ')}: {hit.actual}", TEXT)]
    elif hit.limit:
        figures.append((f"  limit {hit.limit}" if hit.actual else f"limit {hit.limit}", DIM))
    if hit.distance:
        figures.append((f"  {hit.distance}", WARN))
    name: list[Piece] = [mark, (f"{hit.rule} ", BOLD)]
    used = sum(len(text) for text, _ in (*name, *figures))
    if figures and used + len(hit.reason) + 2 <= page.width:
        page.spread([*name, (hit.reason, TEXT)], figures)
        return
    page.text(hit.reason, TEXT, indent=len(hit.rule) + 4, first=name)
    indent = len(hit.rule) + 4
    if indent + sum(len(text) for text, _ in figures) > page.width:
        page.put((" " * indent, TEXT), *figures[:-1])
        figures = [(figures[-1][0].strip(), figures[-1][1])]
    if figures:
        page.put((" " * indent, TEXT), *figures)


def _write_steps(page: Page, envelope: Envelope, guide: Guide) -> None:
    if not envelope.proposal.steps:
        return
    page.blank()
    page.head("STEPS FOLLOWED", envelope.playbook)
    for number in envelope.proposal.steps:
        words = guide.steps.get(number, "")
        page.text(
            words or f"step {number} of {envelope.playbook}",
            TEXT if words else DIM,
            indent=4,
            first=[(f" {number:>2} ", ACCENT)],
        )


def _left_bar(share: float) -> str:
    full = round(max(0.0, min(1.0, share)) * 8)
    return "▰" * full + "▱" * (8 - full)


def _clock(moment: Any) -> str:
    return f"{moment.astimezone():%d %b %H:%M}"
