"""The package: what it says it holds is what the tree holds, and what is built runs beside its neighbours."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import shiftlead
from shiftlead.connectors.base import Connector

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
ROOMS = ("agents", "connectors", "console", "core", "evals", "guardrails", "tools")
NOT_SHIPPED = {"__pycache__"}


def tree():
    """Every file of the rooms, as it should lie in the wheel."""
    found = {"shiftlead/__init__.py", "shiftlead/py.typed"}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            if path.is_file() and not NOT_SHIPPED & set(path.parts):
                found.add(f"shiftlead/{path.relative_to(ROOT)}")
    return found


def test_the_packages_are_the_folders_with_a_door():
    doors = {"shiftlead"}
    for room in ROOMS:
        for path in (ROOT / room).rglob("__init__.py"):
            doors.add(".".join(("shiftlead", *path.parent.relative_to(ROOT).parts)))
    assert set(SETUPTOOLS["packages"]) == doors
    assert SETUPTOOLS["package-dir"] == {"shiftlead": "."}
    assert len(SETUPTOOLS["packages"]) == len(doors), "one of them is listed twice"


def test_every_folder_with_modules_has_a_door():
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            assert (path.parent / "__init__.py").is_file(), path


def test_every_data_file_is_covered_by_the_package_data():
    covered = set()
    for package, patterns in SETUPTOOLS["package-data"].items():
        folder = ROOT.joinpath(*package.split(".")[1:])
        for pattern in patterns:
            files = {f"shiftlead/{path.relative_to(ROOT)}" for path in folder.glob(pattern)}
            assert files, f"{package}: {pattern!r} matches nothing"
            covered |= files
    data = {name for name in tree() if not name.endswith(".py")}
    assert data == covered


def test_every_entry_point_loads_and_is_what_its_group_wants():
    from shiftlead.agents.worker import Worker

    wanted = {"shiftlead.connectors": Connector, "shiftlead.workers": Worker}
    for group, base in wanted.items():
        declared = PROJECT["project"]["entry-points"][group]
        points = {point.name: point for point in entry_points(group=group) if point.value.startswith("shiftlead.")}
        assert {name: point.value for name, point in points.items()} == declared, "install it again: pip install -e ."
        assert all(issubclass(point.load(), base) for point in points.values())
    (command,) = entry_points(group="console_scripts", name="shiftlead")
    assert callable(command.load())


def test_the_lock_has_hashes_and_no_addresses():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9._-]+(?:\[[^]]*\])?)==", lock, re.MULTILINE | re.IGNORECASE)
    assert len(pins) > 50
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock)
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_everything_we_depend_on_is_in_the_lock():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower()
    for requirement in PROJECT["project"]["dependencies"]:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name
        assert re.search(rf"^{re.escape(name.group().lower())}(\[.*\])?==", lock, re.MULTILINE), requirement


def test_every_third_party_import_is_a_declared_dependency():
    import ast

    names = {"yaml": "pyyaml", "langchain_core": "langchain-core", "sklearn": "scikit-learn", "psycopg": "psycopg"}
    brought_along = {"scipy": "scikit-learn", "sqlalchemy": "sqlmodel", "rich": "textual", "click": "typer"}
    extras = [one for group in PROJECT["project"]["optional-dependencies"].values() for one in group]
    declared = {re.match(r"[A-Za-z0-9._-]+", one).group().lower() for one in (*PROJECT["project"]["dependencies"], *extras)}
    undeclared = set()
    for name in tree():
        if not name.endswith(".py"):
            continue
        path = ROOT / name.removeprefix("shiftlead/")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                imported = [node.module]
            for module in imported:
                top = module.split(".")[0]
                package = brought_along.get(top, names.get(top, top.replace("_", "-")))
                if top not in (*sys.stdlib_module_names, "shiftlead") and package not in declared:
                    undeclared.add(f"{name}: {module}")
    assert sorted(undeclared) == []


def test_the_version_is_one():
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]\d+|rc\d+|\.dev\d+)?", shiftlead.__version__)
    assert SETUPTOOLS["dynamic"]["version"] == {"attr": "shiftlead.__version__"}


def run(*command, cwd, **more):
    return subprocess.run([str(one) for one in command], cwd=cwd, capture_output=True, text=True, check=False, **more)


def needs_registry(ran):
    """Skip where nothing can be downloaded; fail where the step itself is wrong."""
    said = ran.stdout + ran.stderr
    if ran.returncode and re.search(
        r"No matching distribution|NewConnectionError|ConnectionError|Could not fetch|Temporary failure", said
    ):
        pytest.skip("the package registry cannot be reached")
    assert ran.returncode == 0, said[-3000:]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, and the wheel that is made of it, from a copy of the tree."""
    copy, out = tmp_path_factory.mktemp("source") / "tree", tmp_path_factory.mktemp("dist")
    skipped = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=skipped, symlinks=True)
    needs_registry(run(sys.executable, "-m", "build", "--outdir", out, copy, cwd="/"))
    (wheel,) = out.glob("*.whl")
    (sdist,) = out.glob("*.tar.gz")
    return wheel, sdist


@pytest.mark.slow
def test_the_wheel_holds_the_tree_and_nothing_else(built):
    wheel, _ = built
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert names == tree()
        (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        told = Parser().parsestr(archive.read(metadata).decode())
        licenses = [name for name in archive.namelist() if "/licenses/" in name]
    assert (told["Name"], told["Version"]) == ("shiftlead", shiftlead.__version__)
    assert told["Requires-Python"] == ">=3.11"
    assert told["License-Expression"] == "Apache-2.0"
    assert any(name.endswith("LICENSE") for name in licenses)
    assert told.get_payload().startswith("# ") or "shiftlead" in told.get_payload()[:400]


@pytest.mark.slow
def test_the_sdist_holds_no_leftovers(built):
    _, sdist = built
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert [name for name in names if "__pycache__" in name or name.startswith((".venv", "dist/", "build/"))] == []
    assert {"LICENSE", "README.md", "pyproject.toml"} <= set(names)


@pytest.mark.slow
def test_it_runs_in_a_clean_environment_beside_its_neighbours(built, tmp_path):
    """openai-agents and guardrails-ai own the top-level names `agents` and `guardrails`; ours must neither hide nor need them."""
    wheel, _ = built
    needs_registry(run(sys.executable, "-m", "venv", tmp_path / "env", cwd=tmp_path))
    python, command = tmp_path / "env" / "bin" / "python", tmp_path / "env" / "bin" / "shiftlead"
    needs_registry(
        run(python, "-m", "pip", "install", "--quiet", wheel, "openai-agents", "guardrails-ai", cwd=tmp_path, timeout=900)
    )
    version = run(command, "--version", cwd=tmp_path)
    assert version.returncode == 0, version.stderr
    assert shiftlead.__version__ in version.stdout
    code = """
import agents, hashlib, importlib.util, shiftlead.agents, shiftlead.guardrails
from base64 import urlsafe_b64encode
from importlib.metadata import files
from shiftlead.agents.runner import Runner
from shiftlead.connectors.registry import load_connectors
from shiftlead.guardrails.policy import shipped_policy
assert agents.Agent and shipped_policy().rules and set(load_connectors()) >= {"company", "files"}
for name in ("agents", "guardrails"):
    assert "shiftlead" not in importlib.util.find_spec(name).origin
for neighbour in ("openai-agents", "guardrails-ai"):
    for file in files(neighbour):
        if file.hash and file.suffix == ".py":
            found = urlsafe_b64encode(hashlib.new(file.hash.mode, file.read_binary()).digest()).decode().rstrip("=")
            assert found == file.hash.value, f"{file} of {neighbour} was overwritten"
"""
    imported = run(python, "-c", code, cwd=tmp_path)
    assert imported.returncode == 0, imported.stderr[-3000:]
    made = run(command, "init", "place", cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
