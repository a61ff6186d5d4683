"""The house keeps its shape: sizes, names, one clock, and one tree of errors."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from shiftlead.core import errors

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "guardrails", "connectors", "tools", "agents", "evals", "console")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "__pycache__" not in path.parts)
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "lib"}
CLOCK = "core/clock.py"


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(path):
    return [(dotted(node.func), node) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


def test_there_are_modules_to_look_at():
    assert len(MODULES) > 100


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_says_in_one_line_what_it_is_for(path):
    if path.parent.name == "versions":
        return
    docstring = ast.get_docstring(tree(path))
    assert docstring, "a module docstring is missing"
    first = docstring.splitlines()[0]
    assert first.endswith("."), f"{first!r} does not end in a full stop"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_is_short_or_says_why_not(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    docstring = ast.get_docstring(tree(path)) or ""
    assert lines <= 300 or "over 300 lines" in docstring.lower(), f"{lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_only_the_clock_reads_the_wall_clock(path):
    if str(path.relative_to(ROOT)) == CLOCK:
        return
    forbidden = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.time|time_ns|localtime|gmtime)$")
    found = [f"line {node.lineno}: {name}()" for name, node in calls(path) if forbidden.search(name)]
    assert found == [], "take the time from a Clock"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_randomness_is_seeded(path):
    if str(path.relative_to(ROOT)) == CLOCK:
        return
    found = []
    imported = {alias.name for node in ast.walk(tree(path)) if isinstance(node, ast.Import) for alias in node.names}
    for name, node in calls(path):
        seeded = name in ("random.Random", "Random", "default_rng", "np.random.default_rng", "numpy.random.default_rng")
        if seeded and not (node.args or node.keywords):
            found.append(f"line {node.lineno}: {name}() without a seed")
        shared = re.match(r"^(random|secrets|uuid|np\.random|numpy\.random)\.", name)
        # A parameter may be called `random`; only the module is shared by everybody.
        if not seeded and shared and (shared.group(1) in imported or "." in shared.group(1)):
            found.append(f"line {node.lineno}: {name}()")
        if name in ("uuid4", "uuid1", "randint", "shuffle", "choice", "token_hex"):
            found.append(f"line {node.lineno}: {name}()")
    assert found == [], "take a seeded random.Random, or an id from core.clock"


def test_no_module_is_named_after_nothing():
    assert [name for path, name in zip(MODULES, NAMES, strict=True) if path.stem in FORBIDDEN_NAMES] == []


def test_rooms_are_flat():
    for room in ROOMS:
        folders = {path.name for path in (ROOT / room).iterdir() if path.is_dir() and list(path.glob("*.py"))}
        assert folders <= ({"migrations"} if room == "core" else set()), room


def test_the_root_holds_no_module_but_the_door():
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_door_is_small_and_has_no_logic(room):
    path = ROOT / room / "__init__.py"
    allowed = (ast.Expr, ast.ImportFrom, ast.Import, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.If)
    assert all(isinstance(node, allowed) for node in tree(path).body)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 120


def subclasses(kind):
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from subclasses(child)


EVERY = [errors.ShiftleadError, *subclasses(errors.ShiftleadError)]


def drawn():
    """Parent by name, as the tree in the docstring of core/errors.py draws them."""
    parents, above = {}, {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^([│├└─ ]*)([A-Z]\w+)( |$)", line)
        if match and (match.group(1) or match.group(2) == "ShiftleadError"):
            depth = len(match.group(1)) // 4
            above[depth] = match.group(2)
            parents[match.group(2)] = above[depth - 1] if depth else None
    return parents


def test_the_drawn_tree_is_the_tree():
    real = {kind.__name__: None if kind is errors.ShiftleadError else kind.__bases__[0].__name__ for kind in EVERY}
    assert drawn() == real


def test_every_error_has_a_code_of_its_own_and_says_what_it_is():
    codes = [kind.code for kind in EVERY]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"SL\d{3}", code) for code in codes)
    assert all(kind.__doc__ for kind in EVERY)


def test_our_errors_are_all_in_that_tree():
    outside = []
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                bases = {dotted(base).split(".")[-1] for base in node.bases}
                if bases & {kind.__name__ for kind in EVERY} and path.name != "errors.py":
                    outside.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert outside == []


@pytest.mark.parametrize("room", ["core", "guardrails", "connectors", "tools", "agents", "evals"])
def test_every_name_of_a_door_leads_somewhere(room):
    door = importlib.import_module(f"shiftlead.{room}")
    for name in door.__all__:
        assert getattr(door, name) is not None
    with pytest.raises(AttributeError):
        door.no_such_name  # noqa: B018 - the attribute is asked for on purpose
