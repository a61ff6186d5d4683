"""The edit form: only what may be edited, checked as it is typed in, judged anew when it is sent."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, Static, TextArea

from ..core.errors import BadInput
from .desk import Desk
from .dialogs import Dialog
from .fields import EditField
from .palette import BAD, BOLD, DIM, WARN, clean


class EditForm(Dialog[dict[str, Any]]):
    """One line, or one box, per argument that may be changed; answers with the changed ones only."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", show=False, priority=True),
        Binding("escape", "cancel", show=False),
    ]
    TITLE_TEXT = "Edit, then judged anew"
    KEYS_TEXT = "tab next · ctrl+s send · esc back"

    def __init__(self, desk: Desk, summary: str, fields: Sequence[EditField]) -> None:
        super().__init__(desk)
        self.summary, self.fields = summary, list(fields)

    def body(self) -> ComposeResult:
        """The fields in their order."""
        yield Static(Text(clean(self.summary), BOLD))
        with VerticalScroll(id="fields"):
            for field in self.fields:
                yield Static(Text.assemble((field.name, BOLD), (f"  {field.expected()}", DIM)), classes="label")
                if field.long:
                    yield TextArea(field.shown(), id=f"field-{field.name}", tab_behavior="focus")
                else:
                    yield Input(value=field.shown(), id=f"field-{field.name}", compact=True)
                yield Static("", id=f"wrong-{field.name}", classes="wrong")
        yield Static("", id="problem")

    def on_mount(self) -> None:
        """Begin with the first field."""
        self.query_one(f"#field-{self.fields[0].name}").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next field, and sends from the last one."""
        if event.input.id == f"field-{self.fields[-1].name}":
            self.action_send()
        else:
            self.focus_next()

    def action_send(self) -> None:
        """Answer with what was changed, or say beside each field what is wrong."""
        changes: dict[str, Any] = {}
        wrong = False
        for field in self.fields:
            problem = ""
            typed = self._typed(field)
            if typed != field.shown():
                try:
                    changes[field.name] = field.value(typed)
                except BadInput as error:
                    problem, wrong = f"✗ {error.message}", True
            self.query_one(f"#wrong-{field.name}", Static).update(Text(problem, BAD))
        if wrong:
            return
        if changes:
            self.dismiss(changes)
        else:
            self.query_one("#problem", Static).update(Text("Nothing was changed. Press esc to go back.", WARN))

    def _typed(self, field: EditField) -> str:
        widget = self.query_one(f"#field-{field.name}")
        return widget.text if isinstance(widget, TextArea) else widget.value if isinstance(widget, Input) else ""
