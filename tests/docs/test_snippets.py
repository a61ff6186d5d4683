"""Every snippet in README and docs is run, in the order of its page, in a folder of its own.

What a fence may hold:
    python            run, all of a page in one namespace.
    console           lines `$ shiftlead …` are run in a workspace of the page (also `$ mkdir DIR`, `$ cd DIR`, `$ cp -r A B`,
                      `$ export NAME=VALUE`); the lines under a command are what it prints (all of it, or only its standard output). `…` stands for any rest of a line,
                      a line `…` for any lines. Ids, moments, days and digests are compared by their shape only.
    yaml policy       a whole policy file; `yaml rules` one or more sections in place of those of the house policy;
                      `yaml mistake` likewise, and the next text fence is the message that refuses it.
    yaml theorems     a file of theorems about the house policy.
    yaml playbook     a whole playbook; `yaml workspace` a whole shiftlead.yaml.
    toml              parsed.   json: parsed.   sh, text: not run; every `make TARGET` in them is a target of the Makefile.
Comments of a page steer it: `<!-- snippets: workspace -->` starts it in a copy of a workspace that has worked,
`<!-- snippets: later 31s -->` moves the clock. A command may fail only where its page shows `error SL…` or says so by
`<!-- snippets: exit 1 -->` before the fence.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from shiftlead.agents.playbook import parse_playbook
from shiftlead.console.cli import app
from shiftlead.core.clock import SystemClock
from shiftlead.core.errors import PolicyError
from shiftlead.core.keys import Signer
from shiftlead.core.settings import FILE_NAME, read_workspace
from shiftlead.guardrails.policy import parse_policy, shipped_policy
from shiftlead.guardrails.theorems import parse_theorems

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for folder in (ROOT.glob("*.md"), (ROOT / "docs").glob("*.md"), (ROOT / "examples").rglob("*.md"))
    for page in folder
    if page.name != "cli.md"  # tests/console/cli/test_cli_docs.py runs that one
)
HOUSE = (ROOT / "guardrails" / "house.yaml").read_text(encoding="utf-8")
MAKE = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

FENCE = re.compile(r"^( *)```(.*?)\n(.*?)^\1```$|<!-- snippets: (.+?) -->", re.MULTILINE | re.DOTALL)
KNOWN = {
    "python", "console", "sh", "text", "toml", "json",
    "yaml policy", "yaml rules", "yaml mistake", "yaml theorems", "yaml playbook", "yaml workspace",
}  # fmt: skip
READ: dict[str, Callable[[str, str], object]] = {
    "yaml policy": lambda text, where: parse_policy(text, origin=where),
    "yaml rules": lambda text, where: parse_policy(with_sections(text), origin=where),
    "yaml theorems": lambda text, where: parse_theorems(text, shipped_policy(), origin=where),
    "yaml playbook": lambda text, where: parse_playbook(text, origin=where),
    "toml": lambda text, _: tomllib.loads(text),
    "json": lambda text, _: json.loads(text),
}
"""What is read and must hold together, by kind of fence."""
ANY_FAILURE = -1
SHAPES = (
    (re.compile(r"\b(case|req|act|dec|qua)_[0-9a-z]{16}\b"), r"<\1>"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "<digest>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?\b"), "<moment>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "<day>"),
)


@dataclass(frozen=True)
class Snippet:
    """One fence, or one steering comment."""

    line: int
    kind: str
    text: str


def snippets(page: str) -> list[Snippet]:
    found = []
    for match in FENCE.finditer(page):
        line = page.count("\n", 0, match.start()) + 1
        if match[4]:
            found.append(Snippet(line, "steer", match[4]))
        else:
            text = "\n".join(one.removeprefix(match[1]) for one in match[3].splitlines())
            found.append(Snippet(line, match[2].strip(), text))
    return found


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the workers have worked until they were idle; pages get copies of it."""
    folder = tmp_path_factory.mktemp("worked") / "workspace"
    with pytest.MonkeyPatch.context() as patch:
        # What is drawn for quality control hangs on the ledger's key, and the pages name tickets.
        patch.setattr(Signer, "fresh", _same_key)
        for line in (f"init {folder} --size 40 --as you", f"-w {folder} work --until-idle"):
            result = CliRunner().invoke(app, shlex.split(line))
            assert result.exit_code == 0, result.output
    return folder


def _same_key(name: str) -> Signer:
    """The same key for a name every time."""
    return Signer(name, Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


class Page:
    """One page while it is run."""

    def __init__(self, folder: Path, worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.worked, self.patch = folder, worked, monkeypatch
        self.namespace: dict[str, object] = {"__name__": "__page__"}
        self.ahead = timedelta()
        self.exit = 0
        now = SystemClock.now
        monkeypatch.setattr(SystemClock, "now", lambda clock: now(clock) + self.ahead)
        monkeypatch.chdir(folder)
        for name in ("SHIFTLEAD_WORKSPACE", "SHIFTLEAD_OPERATOR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("COLUMNS", "200")

    def run(self, found: list[Snippet], origin: str) -> None:
        for place, snippet in enumerate(found):
            try:
                self._one(snippet, found[place + 1 : place + 2], f"{origin}:{snippet.line}")
            except Exception as error:
                error.add_note(f"in the snippet at {origin}:{snippet.line}")
                raise

    def _one(self, snippet: Snippet, after: list[Snippet], where: str) -> None:
        match snippet.kind:
            case "steer":
                self._steer(snippet.text)
            case "python":
                # Blank lines before the code make tracebacks show the line of the page.
                code = "\n" * snippet.line + snippet.text
                exec(compile(code, where, "exec"), self.namespace)
            case "console":
                self._console(snippet.text)
            case "yaml mistake":
                with pytest.raises(PolicyError) as caught:
                    parse_policy(with_sections(snippet.text), origin="policy.yaml")
                assert after, "a mistake needs its message in a text fence behind it"
                said = f"error {caught.value.code}: {caught.value.message}\nhint: {caught.value.hint}"
                # Its line is counted in the house policy here, and in the reader's own file there.
                compare(re.sub(r"line \d+", "line N", after[0].text), re.sub(r"line \d+", "line N", said))
            case "yaml workspace":
                Path(FILE_NAME + ".snippet").write_text(snippet.text, encoding="utf-8")
                read_workspace(Path(FILE_NAME + ".snippet"))
            case kind if kind in READ:
                READ[kind](snippet.text, where)
            case "sh" | "text":
                unknown = set(re.findall(r"\bmake ([a-z][a-z-]*)", snippet.text)) - MAKE
                assert not unknown, f"no target of the Makefile: {unknown}"
            case other:
                pytest.fail(f"{where}: fences of the kind {other!r} are not known; use one of {sorted(KNOWN)}")

    def _steer(self, words: str) -> None:
        verb, _, rest = words.partition(" ")
        if verb == "workspace":
            shutil.copytree(self.worked, self.folder / "workspace")
            self.patch.chdir(self.folder / "workspace")
            self.patch.setenv("SHIFTLEAD_OPERATOR", "you")
        elif verb == "later":
            self.ahead += timedelta(seconds=int(rest.removesuffix("s")))
        elif verb == "exit":
            self.exit = int(rest)
        else:
            pytest.fail(f"no such steering: {words!r}")

    def _console(self, text: str) -> None:
        assert text.startswith("$ "), "a console fence begins with a command"
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, _, expected = part.partition("\n")
            allowed = self.exit or (ANY_FAILURE if "error SL" in expected else 0)
            everything, data = self._command(shlex.split(line, comments=True), allowed=allowed)
            if expected.strip() and not lets_through(expected, data):
                compare(expected.rstrip(), everything)
        self.exit = 0

    def _command(self, words: list[str], *, allowed: int) -> tuple[str, str]:
        """Run one command; what it printed, and what of it went to standard output."""
        match words:
            case ["shiftlead", *arguments]:
                result = CliRunner().invoke(app, arguments)
                if result.exception and not isinstance(result.exception, SystemExit):
                    raise result.exception
                fine = result.exit_code == allowed or (allowed == ANY_FAILURE and result.exit_code)
                assert fine, f"shiftlead {shlex.join(arguments)}: exit code {result.exit_code}\n{result.output}"
                return result.output, result.stdout
            case ["mkdir", name]:
                Path(name).mkdir(parents=True)
            case ["cd", name]:
                self.patch.chdir(name)
            case ["cp", "-r", source, target]:
                shutil.copytree(ROOT / source, target)
            case ["export", assignment]:
                self.patch.setenv(*assignment.split("=", 1))
            case _:
                pytest.fail(f"a console fence cannot run {shlex.join(words)!r}; use a sh fence")
        return "", ""


def with_sections(fragment: str) -> str:
    """The house policy with the sections of `fragment` in place of its own, and without its other rules and limits."""
    given = set(re.findall(r"^([a-z_]+):", fragment, re.MULTILINE))
    kept = [
        part
        for part in re.split(r"^(?=[a-z_]+:)", HOUSE, flags=re.MULTILINE)
        if part.partition(":")[0] not in given | {"rules", "limits"}
    ]
    return "".join(kept) + fragment


def shaped(line: str) -> str:
    for pattern, shape in SHAPES:
        line = pattern.sub(shape, line)
    return " ".join(line.split())


def compare(expected: str, printed: str) -> None:
    """Fail where `printed` is not what `expected` lets through."""
    if not lets_through(expected, printed):
        pytest.fail(f"expected\n\n{expected}\n\nbut it printed\n\n{printed}")


def lets_through(expected: str, printed: str) -> bool:
    lines = [shaped(one) for one in expected.splitlines() if one.strip()]
    pattern = ""
    for line in lines:
        pattern += r"(?:.*\n)*?" if line == "…" else ".*?".join(re.escape(one) for one in re.split(r" *… *", line)) + r" ?\n"
    got = "".join(f"{shaped(one)}\n" for one in printed.splitlines() if one.strip())
    return re.fullmatch(pattern, got) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_snippet_of_the_page_works(page, tmp_path, worked, monkeypatch):
    found = snippets(page.read_text(encoding="utf-8"))
    Page(tmp_path, worked, monkeypatch).run(found, str(page.relative_to(ROOT)))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("```python\n1 / 0\n```\n", "division by zero"),
        ("```console\n$ shiftlead policy check nowhere.yaml\n```\n", "exit code 2"),
        ("<!-- snippets: workspace -->\n```console\n$ shiftlead policy check\nall is lost\n```\n", "but it printed"),
        ("```console\n$ rm -r /\n```\n", "cannot run"),
        ("```yaml policy\nname: x\n```\n", "no kind of action is known"),
        ("```yaml rules\nrules:\n  - {id: X-1, lane: forbidden}\n```\n", "is no|actions is missing"),
        ("```yaml playbook\nname: x\n```\n", "version"),
        ("```yaml workspace\nledgers: here\n```\n", "ledgers"),
        ("```sh\nmake coffee\n```\n", "no target"),
        ("```ruby\nputs 1\n```\n", "not known"),
    ],
)
def test_a_broken_snippet_fails(broken, said, tmp_path, worked, monkeypatch):
    with pytest.raises((Exception, pytest.fail.Exception), match=said):
        Page(tmp_path, worked, monkeypatch).run(snippets(broken), "broken.md")


def test_shapes_and_wildcards():
    compare("Made in …\n…\nend req_aaaaaaaaaaaaaaaa", "Made in /tmp/x\n\none\ntwo\nend req_0123456789abcdef")
    with pytest.raises(pytest.fail.Exception):
        compare("one\ntwo", "one\nthree")


def test_yaml_is_the_language_of_yaml_fences():
    for page in PAGES:
        for snippet in snippets(page.read_text(encoding="utf-8")):
            if snippet.kind.startswith("yaml") and snippet.kind != "yaml mistake":
                assert isinstance(yaml.safe_load(snippet.text), dict), f"{page.name}:{snippet.line}"


def test_the_pages_are_found():
    assert {"README.md", "tutorial.md", "lanes.md"} <= {page.name for page in PAGES}
    assert os.environ.get("HOME") != str(ROOT)
