"""The inbox screen: the list of what waits, the decision beside it, and the keys that decide.

Every decision carries the id and digest that were painted when its key was pressed, never a place in the list.
"""

from functools import partial
from typing import Any, ClassVar

from sqlalchemy.exc import DBAPIError
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from ..core.approval import DecisionKind, Question, RequestState
from ..core.errors import AlreadyDecided, NotFound, ShiftleadError, StaleEnvelope
from ..guardrails.approvals import Answer, Outcome
from . import questions
from .bars import ActionBar, NewsBar, StatusBar, TabBar
from .decision import DecisionPane
from .desk import Desk, Opened
from .feed import Section
from .inbox import VirtualList
from .palette import BAD, DIM, GOOD, WARN
from .questions import Asked


class InboxScreen(Screen[None]):
    """What waits for a person, and the one they look at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("pagedown", "leap(1)", show=False),
        Binding("pageup", "leap(-1)", show=False),
        Binding("space", "read(1)", show=False),
        Binding("b", "read(-1)", show=False),
        Binding("g,home", "edge(-1)", show=False),
        Binding("G,end", "edge(1)", show=False),
        Binding("enter,right", "open", show=False),
        Binding("q,left", "back", show=False),
        Binding("full_stop", "merge", show=False),
        Binding("a", "approve", show=False),
        Binding("e", "edit", show=False),
        Binding("r", "reject", show=False),
        Binding("c", "respond", show=False),
        Binding("exclamation_mark", "escalate", show=False),
        Binding("h", "snooze", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.list = VirtualList(desk.feed)
        self.pane = DecisionPane()
        self.tabs = TabBar("inbox")
        self.bar = ActionBar()
        self._opened: Opened | None = None
        self._opening = False
        self._writing = False

    def compose(self) -> ComposeResult:
        """The bars, the list and the pane."""
        yield from (StatusBar(self.desk), self.tabs, NewsBar(self.desk))
        with Horizontal(id="inbox-body"):
            yield self.list
            yield self.pane
        yield self.bar

    def on_mount(self) -> None:
        """Show what waits."""
        self.list.border_title, self.pane.border_title = "Waiting for a person", "Decision"
        self.show_sections(self.desk.feed.sections())

    def on_screen_resume(self) -> None:
        """The figures may have changed behind another tab."""
        self.query_one(StatusBar).refresh()
        self.query_one(NewsBar).look()

    def show_sections(self, sections: list[Section]) -> None:
        """Show another list."""
        self.list.load(sections, self.desk.now)
        self._caption()
        self._follow()

    def arrived(self, sections: list[Section]) -> None:
        """Something changed in the ledger: count what is new, or show it at once where nothing was on screen."""
        if len(self.list):
            self.list.arrived(sections)
            self._caption()
        else:
            self.show_sections(sections)

    def on_virtual_list_moved(self) -> None:
        """The cursor is on another request."""
        self._caption()
        self._follow()

    def on_virtual_list_opened(self) -> None:
        """A click opens, like enter."""
        self.add_class("-detail")

    def on_resize(self) -> None:
        """Narrow or wide, the captions differ."""
        self._caption()

    @property
    def narrow(self) -> bool:
        """True where list and decision take turns."""
        return self.app.size.width < 100

    @property
    def _reading(self) -> bool:
        return not self.narrow or self.has_class("-detail")

    def _caption(self) -> None:
        total = len(self.list)
        here = f"{self.list.cursor + 1:,} of {total:,}" if total else "0 waiting"
        fresh = f"▲ {len(self.list.fresh):,} new · . to merge" if self.list.fresh else ""
        self.list.border_subtitle = " · ".join(part for part in (fresh, here, "enter opens" if self.narrow else "") if part)
        following = self.list.row_at(self.list.cursor + 1)
        after = f"next ▸ {following.ref} {following.party[:24]}".rstrip() if following else "last one"
        more = "space more ▾ · " if self.pane.more_below else ""
        self.pane.border_subtitle = f"{more}{after}{' · q list' if self.narrow else ''}"
        if self.narrow:
            self.pane.border_title = f"Decision {here}"

    def _follow(self) -> None:
        """Read the request under the cursor; keys that come faster than reading skip those in between."""
        if self.list.current is None:
            self._opened = None
            self.pane.clear("Nothing waits for a person. New requests show up here by themselves.")
            self._offer()
        elif not self._opening:
            self._opening = True
            self.run_worker(partial(self._read, self.list.current), thread=True, group="read", exit_on_error=False)

    def _read(self, wanted: str) -> None:
        opened, problem = None, ""
        try:
            opened = self.desk.opened(wanted)
        except (ShiftleadError, DBAPIError) as error:
            problem = str(error)
        self.app.call_from_thread(self._shown, wanted, opened, problem)

    def _shown(self, wanted: str, opened: Opened | None, problem: str) -> None:
        self._opening = False
        if self.list.current != wanted:
            self._follow()
            return
        self._opened = opened
        if opened:
            story = opened.story
            self.pane.show(story, self.desk.guide(story.case.worker), opened.why_not)
        else:
            self.pane.clear(problem)
        self._offer()
        self._caption()

    def _offer(self) -> None:
        if self._opened is None:
            self.bar.offer([("F9", "stop"), ("q", "quit")])
        else:
            why_not = self._opened.why_not
            self.bar.offer(questions.offered(self._opened.story.request.question, may_approve=not why_not), why_not)

    def action_move(self, by: int) -> None:
        """The next or previous request."""
        self.list.move(by)

    def action_leap(self, pages: int) -> None:
        """A page of the list, or of the decision where it stands alone."""
        if self.narrow and self._reading:
            self.action_read(pages)
        else:
            self.list.leap(pages)

    def action_read(self, pages: int) -> None:
        """Scroll the decision."""
        self.pane.page_by(pages)
        self._caption()

    def action_edge(self, end: int) -> None:
        """The first or the last request."""
        self.list.edge(end)

    def action_open(self) -> None:
        """On a narrow screen, turn between list and decision."""
        self.set_class(self.narrow and not self.has_class("-detail"), "-detail")

    async def action_back(self) -> None:
        """Back to the list, or out."""
        if self.narrow and self.has_class("-detail"):
            self.remove_class("-detail")
        else:
            await self.app.action_quit()

    def action_merge(self) -> None:
        """Show what has arrived."""
        self.show_sections(self.desk.feed.sections())
        self.tabs.say("merged", DIM)

    def _ready(self, *questions: Question) -> Opened | None:
        """What a decision would be about; None, with a word why, where there is nothing on screen to decide."""
        if self._writing:
            self.tabs.say("still writing the last decision; nothing was done", WARN)
        elif self._opened is None or self._opened.story.request.id != self.list.current:
            self.tabs.say("still reading this one; press again", WARN)
        elif not self._reading:
            self.add_class("-detail")
            self.tabs.say("read it first, then press again", DIM)
        elif questions and self._opened.story.request.question not in questions:
            self.tabs.say("not for this one: press c and say what you found", WARN)
        else:
            return self._opened
        return None

    def action_approve(self) -> None:
        """Approve what is painted."""
        if opened := self._ready(Question.APPROVE):
            if opened.why_not:
                self.tabs.say(opened.why_not, WARN)
            else:
                self._decide(opened.answer(DecisionKind.APPROVE, self.desk.now, shown=self.pane.shown))

    def action_reject(self) -> None:
        """Reject, with a reason from the playbook's list or in words."""
        if opened := self._ready(Question.APPROVE):
            self._ask(opened, DecisionKind.REJECT, questions.reject(self.desk, opened.story))

    def action_edit(self) -> None:
        """Change the proposed values; the action is then judged anew."""
        if opened := self._ready(Question.APPROVE):
            if asked := questions.edit(self.desk, opened.story):
                self._ask(opened, DecisionKind.EDIT, asked)
            else:
                kind = opened.story.request.action_kind
                self.tabs.say(f"{kind} has nothing that may be edited; reject it, or answer in words", WARN)

    def action_respond(self) -> None:
        """Answer in words; of a lost effect, say whether it happened."""
        if opened := self._ready():
            self._ask(opened, DecisionKind.RESPOND, questions.respond(self.desk, opened.story))

    def action_escalate(self) -> None:
        """Ask another role."""
        if opened := self._ready():
            self._ask(opened, DecisionKind.ESCALATE, questions.escalate(self.desk, opened.story))

    def action_snooze(self) -> None:
        """Put it off."""
        if opened := self._ready():
            self._ask(opened, DecisionKind.SNOOZE, questions.snooze(self.desk, opened.story))

    def _ask(self, opened: Opened, kind: DecisionKind, asked: Asked) -> None:
        shown = self.pane.shown

        def answered(result: Any) -> None:
            if result is not None:
                self._decide(opened.answer(kind, self.desk.now, shown=shown, **asked.said(result)))

        self.app.push_screen(asked.box, answered)

    def _decide(self, answer: Answer) -> None:
        self._writing = True
        self.tabs.say("writing…", DIM)
        self.run_worker(partial(self._write, answer), thread=True, group="decide", exit_on_error=False)

    def _write(self, answer: Answer) -> None:
        try:
            outcome = self.desk.approvals.decide(answer, self.desk.operator)
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing was written, and the next key must work
            self.app.call_from_thread(self._refused, answer, error)
        else:
            self.app.call_from_thread(self._decided, answer, outcome)

    def _refused(self, answer: Answer, error: Exception) -> None:
        self._writing = False
        self.tabs.say(f"✗ {error}" if isinstance(error, ShiftleadError) else f"✗ not written: {error}", BAD)
        if isinstance(error, AlreadyDecided | NotFound):
            self.list.take_out(answer.request_id)
        if isinstance(error, AlreadyDecided | NotFound | StaleEnvelope):
            self.list.recheck()
            self._caption()
            self._follow()

    def _decided(self, answer: Answer, outcome: Outcome) -> None:
        self._writing = False
        row = self.list.row_at(self.list.cursor)
        ref = row.ref if row and row.id == answer.request_id else answer.request_id
        self.tabs.say(f"✓ {ref} {outcome.message}", GOOD)
        if outcome.next_request:
            self.list.replace(answer.request_id, outcome.next_request)
        elif outcome.state is RequestState.PENDING and answer.kind is not DecisionKind.SNOOZE:
            self.list.move(1)
            self.list.recheck()
        else:
            self.list.take_out(answer.request_id)
        self._caption()
        self._follow()
