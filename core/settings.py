"""The workspace: one file that says where the ledger is, which policy holds, and who may do what."""

import getpass
import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import Field, ValidationError, field_validator

from .errors import Forbidden, NotFound, SettingsError
from .keys import KeyFolder
from .lookalikes import CAPITALS, CONFUSABLE, without_invisible
from .model_settings import ModelSettings
from .noun import Noun
from .roster import Roster

if TYPE_CHECKING:
    from .clock import Clock
    from .store import Ledger

FILE_NAME = "shiftlead.yaml"
"""The workspace file, in the workspace folder."""

PLACE = "SHIFTLEAD_WORKSPACE"
"""The environment variable that names the workspace folder."""

WHO = "SHIFTLEAD_OPERATOR"
"""The environment variable that names the operator."""


class Operator(Noun):
    """A person who decides."""

    name: str
    role: str = "operator"
    """A role that the policy knows; it sets what this person may approve."""


class ConnectorSettings(Noun):
    """One connector that the workspace uses."""

    plugin: str = ""
    """The entry point's name; the connector's own name where empty."""
    settings: dict[str, Any] = {}
    """What the connector is set up with. Secrets are named by environment variable, never written here."""


class House(Noun):
    """Who writes to customers and suppliers: the name that messages are signed with, and how to reach it."""

    name: str = Field(min_length=1)
    email: str = Field(min_length=3)
    phone: str = Field(min_length=3)


class CheckpointSettings(Noun):
    """Where the ledger's signed checkpoints go, and how often one is made."""

    to: tuple[str, ...] = ()
    """Files on another host, relative to the workspace; each gets one JSON object on a line."""
    every_events: int = Field(default=1000, ge=1)
    every_minutes: int = Field(default=15, ge=1)


_NOBODY = ("system", "executor")
"""Who the audit chain says acted where no person and no worker did."""


class Workspace(Noun):
    """Everything that `shiftlead` needs to know before it starts."""

    ledger: str = "sqlite:///ledger.db"
    """`sqlite:///file` (relative to the workspace) or `postgresql://user:${PASSWORD}@host/name`, the secret in the environment."""
    tenant: str = "main"
    policy: str = ""
    """A policy file, relative to the workspace; the shipped house policy where empty."""
    brain: str = "embedded"
    """`embedded`, or `provider:model` for a LangChain chat model."""
    models: ModelSettings = ModelSettings()
    """What language models may cost, and how far they are asked."""
    checkpoints: CheckpointSettings = CheckpointSettings()
    """The second place for what proves that the audit chain was not rewritten."""
    recognisers: tuple[str, ...] = ()
    """What looks for personal data beside our own ways: `presidio`, or `module.path:factory` for one of your own."""
    house: House | None = None
    """Who messages come from; the playbooks' own house, which is that of the embedded company, where empty."""
    connectors: dict[str, ConnectorSettings] = {}
    workers: tuple[str, ...] = ("triage", "invoices", "collections")
    playbooks: dict[str, str] = {}
    """Playbook files by worker, relative to the workspace; the shipped ones where absent."""
    operators: dict[str, str] = Field(default_factory=dict)
    """Role by operator name; names that differ only in case, spaces or look-alike forms are refused."""

    @field_validator("operators")
    @classmethod
    def _distinct(cls, operators: dict[str, str]) -> dict[str, str]:
        # One person under two spellings would be maker and checker at once.
        first: dict[str, str] = {}
        for name in operators:
            if ":" in name or name.startswith("@"):
                # `worker:NAME`, `grant:ID` and `@ledger` are no people, and nobody may be taken for one of them.
                raise ValueError(f"{name!r} is no name of a person: it holds a colon or begins with @")
            if reader_key(name) in _NOBODY:
                raise ValueError(f"{name!r} is no name of a person: the audit chain uses it for the product itself")
            seen = first.setdefault(reader_key(name), name)
            if seen != name or not name.strip():
                raise ValueError(f"{name!r} and {seen!r} are one person to a reader" if name.strip() else "a name is empty")
        return operators


class Place(Noun):
    """A workspace with the folder it lies in."""

    folder: Path
    workspace: Workspace

    def path(self, name: str) -> Path:
        """A file named in the workspace, relative to its folder."""
        return (self.folder / name).resolve()

    def ledger_url(self) -> str:
        """The ledger's address, with a relative SQLite file resolved against the folder and `${NAME}` read from the environment.

        Raises SettingsError where such a variable is not set.
        """
        url = os.path.expandvars(self.workspace.ledger)
        if unset := re.search(r"\$\{?(\w+)", url):
            raise SettingsError(
                f"{self.folder / FILE_NAME}: ledger: the environment has no {unset.group(1)}.",
                hint="Set it, or mend the address.",
            )
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/"):
            return prefix + str(self.path(url.removeprefix(prefix)))
        return url

    def open_ledger(self, clock: "Clock | None" = None) -> "Ledger":
        """The existing ledger of the workspace; raises LedgerError where it is missing or cannot be used."""
        # Those who only read settings need no database library.
        from .store import Ledger

        return Ledger.open(self.ledger_url(), clock=clock, tenant=self.workspace.tenant)

    @property
    def keys(self) -> KeyFolder:
        """The keys that this workspace trusts, and the way to one's own."""
        return KeyFolder(self.folder)

    def roster(self) -> Roster:
        """The operators of this workspace and the keys it trusts; raises SettingsError where a key file holds none."""
        return Roster(operators=self.workspace.operators, keyring=self.keys.ring())

    def operator(self, name: str | None = None) -> Operator:
        """Who decides: `name`, else the environment's operator, else the system user.

        Raises Forbidden where the workspace does not list that person.
        """
        who = name or os.environ.get(WHO) or system_user()
        role = self.workspace.operators.get(who)
        if role is None:
            known = ", ".join(sorted(self.workspace.operators)) or "nobody"
            raise Forbidden(
                f"{who!r} is not an operator of this workspace.",
                hint=f"Known: {known}. Add them in {FILE_NAME}, or use --as NAME.",
            )
        return Operator(name=who, role=role)


def reader_key(name: str) -> str:
    """What is left of a name when case, spaces and look-alike forms are taken away: equal where a reader sees one person."""
    seen = without_invisible(unicodedata.normalize("NFKC", name)).translate(CAPITALS)
    return "".join(seen.casefold().translate(CONFUSABLE).split())


def system_user() -> str:
    """The name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


def locate(folder: Path | None = None) -> Place:
    """The workspace in `folder`, else in the environment's folder, else here or above.

    Raises NotFound where there is none, SettingsError where its file does not hold together.
    """
    if folder is None and (named := os.environ.get(PLACE)):
        folder = Path(named)
    candidates = [folder] if folder else [Path.cwd(), *Path.cwd().parents]
    for candidate in candidates:
        if (candidate / FILE_NAME).is_file():
            return Place(folder=candidate.resolve(), workspace=read_workspace(candidate / FILE_NAME))
    where = f"in {str(folder)!r}" if folder else "here or above"
    raise NotFound(f"There is no {FILE_NAME} {where}.", hint="Run `shiftlead init` to make a workspace.")


def read_workspace(path: Path) -> Workspace:
    """The workspace file at `path`; raises SettingsError naming the file, the field and what was expected."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {_cause(error)}.", hint="Mend the file.") from error
    return _workspace_in(text, path)


def _workspace_in(text: str, path: Path) -> Workspace:
    """The workspace in the text of the file at `path`; raises SettingsError."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{where} cannot be read: {_cause(error)}.", hint="Mend the file.") from error
    if not isinstance(raw, dict):
        raise SettingsError(f"{path} is not a mapping of settings.", hint="See docs/workspace.md.")
    try:
        return Workspace.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        known = ", ".join(Workspace.model_fields)
        raise SettingsError(f"{path}: {field}: {first['msg']}.", hint=f"Known settings: {known}.") from error


def write_workspace(folder: Path, workspace: Workspace) -> Path:
    """Write the workspace file; raises SettingsError where there is one already."""
    path = folder / FILE_NAME
    if path.exists():
        raise SettingsError(f"{path} exists already.", hint="Use another folder, or delete the old workspace yourself.")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(_bare(workspace), sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def add_operator(path: Path, name: str, role: str) -> None:
    """Write one more operator into a workspace file, and leave every other line of it as it is.

    Raises SettingsError where that person is in it already or the file would not hold together any more.
    """
    before, known = path.read_text(encoding="utf-8"), read_workspace(path).operators
    if not name.strip() or not name.isprintable():
        raise SettingsError(f"{name!r} is no name of a person.", hint="Give a name on one line.")
    if name in known:
        raise SettingsError(f"{name!r} is an operator of this workspace already.", hint=f"Change their role in {path}.")
    entry = yaml.safe_dump({name: role}, allow_unicode=True)
    block = re.compile(r"^operators:[ \t]*(#.*)?\n", re.MULTILINE)
    after = block.sub(lambda found: f"{found[0]}  {entry}", before, count=1)
    if after == before and not known:
        after = f"{before.rstrip()}\noperators:\n  {entry}"
    try:
        found = _workspace_in(after, path).operators
    except SettingsError as error:
        raise SettingsError(error.message, hint="Nothing was written.") from error
    if found != {**known, name: role}:
        raise SettingsError(f"{path} lists its operators in a way of its own.", hint=f"Add `{entry.strip()}` to it by hand.")
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(after, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _bare(workspace: Workspace) -> Mapping[str, Any]:
    dumped = workspace.model_dump(mode="json")
    dumped["connectors"] = {name: {k: v for k, v in one.items() if v} for name, one in dumped["connectors"].items()}
    dumped["models"] = workspace.models.model_dump(mode="json", exclude_defaults=True)
    dumped["checkpoints"] = workspace.checkpoints.model_dump(mode="json", exclude_defaults=True)
    return {name: value for name, value in dumped.items() if value not in ("", {}, [], None)}


def _cause(error: Exception) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "strerror", None) or error)
