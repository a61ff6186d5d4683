"""What is imported pulls in only what it needs; each check runs in a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LOADED = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} | set(sys.modules))))
"""


def loaded(*names):
    ran = subprocess.run([sys.executable, "-c", LOADED, *names], capture_output=True, text=True, check=False, cwd="/")
    assert ran.returncode == 0, ran.stderr[-2000:]
    return set(json.loads(ran.stdout))


def modules(room):
    return [f"shiftlead.{room}.{path.stem}" for path in sorted((ROOT / room).glob("*.py")) if path.stem != "__init__"]


def but(left_out, names):
    return [name for name in names if name != left_out]


COLUMNS = "shiftlead.guardrails.columns"
"""Judges a whole past at once on numpy; what uses it imports it when it does."""

FRAMEWORKS = {"langgraph", "langchain_core", "textual", "typer"}

CASES = {
    "the nouns and the ledger": (modules("core"), FRAMEWORKS | {"httpx", "sklearn", "numpy", "openpyxl", "pypdf"}),
    "the connectors' door": (["shiftlead.connectors"], FRAMEWORKS | {"httpx", "sklearn"}),
    "every connector": (modules("connectors"), FRAMEWORKS | {"sklearn"}),
    "the guardrails": (
        ["shiftlead.guardrails", *but(COLUMNS, modules("guardrails"))],
        FRAMEWORKS | {"httpx", "sklearn", "numpy"},
    ),
    "judging under a policy": (
        ["shiftlead.guardrails.lanes", "shiftlead.guardrails.policy"],
        FRAMEWORKS | {"sqlalchemy", "sqlmodel", "alembic", "httpx", "cryptography", "z3", "phonenumbers", "stdnum", "asyncio"},
    ),
    "the tools": (["shiftlead.tools", *modules("tools")], FRAMEWORKS | {"sklearn"}),
    "the agents' door": (["shiftlead.agents"], {"textual", "sklearn", "langgraph"}),
    "the workers": (
        ["shiftlead.agents.runner", "shiftlead.agents.triage", "shiftlead.agents.invoices"],
        {"textual", "sklearn"},
    ),
    "the console": (["shiftlead.console.app"], {"langgraph", "langchain_core", "httpx", "sklearn", "numpy"}),
    "the command before it does anything": (
        ["shiftlead.console.cli"],
        {"langgraph", "langchain_core", "textual", "httpx", "sklearn"},
    ),
    "the fakes that plugins are tested with": (["shiftlead.connectors.testing"], FRAMEWORKS | {"httpx", "sklearn", "openpyxl"}),
}


@pytest.mark.parametrize("name", CASES)
def test_it_pulls_in_no_more_than_it_needs(name):
    imported, unwanted = CASES[name]
    assert loaded(*imported) & unwanted == set()


def test_no_import_reaches_up_the_floors():
    found = loaded(*modules("core"))
    rooms = {name.split(".")[1] for name in found if name.startswith("shiftlead.")}
    assert rooms == {"core"}
    found = loaded(*modules("guardrails"))
    assert {name.split(".")[1] for name in found if name.startswith("shiftlead.")} == {"core", "guardrails"}
    found = loaded(*modules("connectors"))
    assert {name.split(".")[1] for name in found if name.startswith("shiftlead.")} == {"core", "connectors"}


def test_nothing_of_ours_is_importable_under_a_neighbours_name():
    code = "import importlib.util, sys; print([n for n in sys.argv[1:] if importlib.util.find_spec(n)])"
    names = ["agents", "tools", "guardrails", "connectors", "evals", "console"]
    ran = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True, cwd="/")
    assert ran.stdout.strip() == "[]"


def test_names_of_plugins_are_known_without_importing_them():
    code = """
import sys
from shiftlead.connectors.registry import installed
names = list(installed())
assert "company" in names and "files" in names, names
assert "shiftlead.connectors.company" not in sys.modules
assert "shiftlead.connectors.files" not in sys.modules
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert ran.returncode == 0, ran.stderr
