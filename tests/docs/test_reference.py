"""The tables of the reference are those of the code."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from textual.app import App
from textual.screen import ModalScreen, Screen

from shiftlead.agents.playbook import Playbook
from shiftlead.core import errors
from shiftlead.core.settings import Workspace
from shiftlead.guardrails.conditions import OPS
from shiftlead.guardrails.facts import FACTS
from shiftlead.guardrails.limits import GAUGES, Per, Within
from shiftlead.guardrails.rules import Rule

DOCS = Path(__file__).parents[2] / "docs"
FACTS_TABLE = re.compile(r"(?<=<!-- facts: begin -->\n).*?(?=<!-- facts: end -->)", re.DOTALL)


def facts_table() -> str:
    """Without the facts of limits, which are many and alike; docs/limits.md says how they are named."""
    counted = {gauge.fact.name for gauge in GAUGES}
    facts = [fact for name, fact in sorted(FACTS.items()) if name not in counted]
    rows = [f"| `{fact.name}` | {fact.type.value} | {fact.meaning} |" for fact in facts]
    return "\n".join(["| fact | type | meaning |", "|---|---|---|", *rows]) + "\n"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def first_cells(text: str) -> list[str]:
    """The first cell of every table row, without backticks."""
    return [row[0].strip().strip("`") for row in re.findall(r"^\|([^|]+)\|", text, re.MULTILINE) for row in [[row]]]


def test_the_facts_table_is_the_declared_facts():
    found = FACTS_TABLE.search(page("lanes.md"))
    assert found
    assert found[0] == facts_table(), "python tests/docs/test_reference.py writes it anew"


def test_every_scope_and_window_of_a_limit_is_in_the_reference():
    cells = first_cells(page("limits.md"))
    assert set(Per) | set(Within) <= set(cells)


def test_every_operator_is_in_the_reference():
    table = page("lanes.md").partition("### Operators")[2].partition("### Facts")[0]
    for kind, operators in OPS.items():
        assert f"| {kind.value} |" in table
        assert all(f"`{operator}`" in table for operator in operators)


def test_every_field_of_a_rule_is_in_the_reference():
    table = page("lanes.md").partition("## Rules")[2].partition("### Operators")[0]
    assert all(f"`{name}`" in table for name in Rule.model_fields)


def test_every_error_is_in_the_reference_with_its_code():
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ShiftleadError)]
    rows = dict(re.findall(r"^\| (SL\d{3}) \| (\w+) \|", page("errors.md"), re.MULTILINE))
    assert rows == {one.code: one.__name__ for one in classes}


def test_every_setting_is_in_the_reference():
    assert set(Workspace.model_fields) <= set(first_cells(page("workspace.md")))


def test_every_playbook_field_is_in_the_reference():
    assert set(Playbook.model_fields) <= set(first_cells(page("playbooks.md")))


def places() -> Iterator[type]:
    """The console's app and its screens; a box over a screen shows its own keys."""
    for module in sorted((DOCS.parent / "console").glob("*.py")):
        if module.stem.startswith(("cli", "_")):
            continue
        found = importlib.import_module(f"shiftlead.console.{module.stem}")
        for one in vars(found).values():
            if isinstance(one, type) and one.__module__ == found.__name__ and issubclass(one, App | Screen):
                yield one


def test_every_key_of_the_console_is_in_the_reference():
    text = page("operators.md")
    words = {"full_stop": ".", "exclamation_mark": "!", "question_mark": "?", "down": "↓", "up": "↑", "left": "←", "right": "→"}
    found = [place for place in places() if not issubclass(place, ModalScreen)]
    assert len(found) >= 3
    for place in found:
        for binding in place.BINDINGS:
            for key in binding.key.split(","):
                assert f"`{words.get(key, key)}`" in text, f"{place.__name__}: {key}"


if __name__ == "__main__":
    target = DOCS / "lanes.md"
    target.write_text(FACTS_TABLE.sub(lambda _: facts_table(), page("lanes.md")), encoding="utf-8")
