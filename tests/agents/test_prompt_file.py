"""The words a model is asked with are a file: whole, with a version, and refused with the line where they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.playbook import load_playbook, parse_playbook
from shiftlead.agents.prompt_file import PLACES, filled, load_prompt, parse_prompt, shipped_prompt
from shiftlead.core.errors import SettingsError

OURS = """\
name: house
version: 3
system: |
  You help {title}.
  {steps}
  {operations}
  Answer as JSON: {"action": "", "arguments": {}}
case: |
  {case} {records} {evidence}
  {outside}
again: "No: {problem}"
"""

PLAYBOOK = """\
name: bills
version: 1
title: Bills
purpose: Decide on bills.
owner: ap
steps: [{number: 1, text: Match it.}]
operations: [invoice.get]
prompt: words/house.yaml
"""


def test_a_prompt_has_a_name_a_version_and_a_digest():
    prompt = parse_prompt(OURS, origin="house.yaml")
    assert prompt.ref == "house@3"
    assert prompt.digest() == parse_prompt(OURS.replace("\n", "\n\n", 1), origin="elsewhere.yaml").digest()
    assert prompt.digest() != parse_prompt(OURS.replace("help", "assist"), origin="house.yaml").digest()


def test_places_are_filled_and_braces_of_json_are_left_alone():
    prompt = parse_prompt(OURS, origin="house.yaml")
    told = filled(prompt.system, {"title": "{steps}", "steps": "1. Look.", "operations": "none"})
    assert told == 'You help {steps}.\n1. Look.\nnone\nAnswer as JSON: {"action": "", "arguments": {}}'


@given(value=st.text())
def test_what_fills_a_place_is_never_taken_for_a_place(value):
    assert filled("<{problem}|", {"problem": value}) == f"<{value}|"


def test_the_shipped_prompt_has_every_place():
    shipped = shipped_prompt()
    assert shipped.ref == "case@1"
    for field, (must, may) in PLACES.items():
        assert all(f"{{{place}}}" in getattr(shipped, field) for place in must | may)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  {steps}\n", "  {stepz}\n", r"house\.yaml, line 5: system: \{stepz\} is no place; it has \{operations\}, \{purpose\}"),
        ("{outside}", "nothing", r"line 8: case: the place \{outside\} is missing"),
        ("{problem}", "{outside}", r"line 11: again: \{outside\} is no place"),
        ("version: 3", "version: three", r"line 2: version: Input should be a valid integer"),
        ("version: 3", "version: 0", r"line 2: version: .*greater than or equal to 1"),
        ("name: house", "name: The House", r"line 1: name: "),
        ("again:", "agian:", r"line 11: 'agian' is no field"),
        ("version: 3", "version: 3\nversion: 4", r"line 3: 'version' is written twice"),
        ("name: house", "name: [", r"line 3: expected"),
        ("name: house", "name: !house x", r"line 1: could not determine a constructor"),
        ("name: house", "name: &a [*a]", r"line 1: found unconstructable recursive node"),
        ("version: 3", "version: 2026-13-01", r"line 2: month must be in"),
        ('again: "No: {problem}"', "again: {problem: 1}", r"line 11: again: Input should be a valid string"),
    ],
    ids=["unknown place", "missing place", "place of another text", "word for a number", "version 0", "name", "misspelt", "twice",
         "no YAML", "a tag", "within itself", "no day", "mapping for text"],
)  # fmt: skip
def test_a_prompt_that_does_not_hold_together_is_refused_with_its_line(old, new, said):
    assert old in OURS
    with pytest.raises(SettingsError, match=said):
        parse_prompt(OURS.replace(old, new, 1), origin="house.yaml")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_what_is_no_mapping_is_no_prompt(text):
    with pytest.raises(SettingsError, match="line 1: a prompt is a mapping"):
        parse_prompt(text, origin="house.yaml")


@given(text=st.text(max_size=200) | st.text(alphabet="{}ab: \n|-&*!'\"", max_size=80))
def test_any_text_is_a_prompt_or_refused(text):
    with pytest.raises(SettingsError):
        parse_prompt(text, origin="house.yaml")


def test_a_playbook_names_a_prompt_beside_it(tmp_path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "house.yaml").write_text(OURS)
    (tmp_path / "bills.yaml").write_text(PLAYBOOK)
    prompt = load_playbook(tmp_path / "bills.yaml").prompt
    assert prompt is not None
    assert prompt.ref == "house@3"


def test_a_prompt_that_is_missing_stops_the_start(tmp_path):
    (tmp_path / "bills.yaml").write_text(PLAYBOOK)
    with pytest.raises(SettingsError, match=r"house\.yaml' cannot be read: No such file"):
        load_playbook(tmp_path / "bills.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_prompt(tmp_path / "latin.yaml")


def test_a_playbook_that_lies_nowhere_cannot_name_a_file():
    with pytest.raises(SettingsError, match="prompt"):
        parse_playbook(PLAYBOOK, origin="bills.yaml")
