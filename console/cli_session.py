"""What every command shares: the workspace, the operator and the ledger that its options name.

Modules of the command line import the rooms below inside their functions, so that `--help` costs next to nothing and a command
pulls in only what it uses.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from ..core.errors import ShiftleadError
from .cli_output import Output

if TYPE_CHECKING:
    from ..agents.playbook import Playbook
    from ..core.clock import Clock
    from ..core.settings import Operator, Place
    from ..core.store import Ledger
    from ..guardrails.enactment import InForce
    from ..guardrails.policy import Policy

P = ParamSpec("P")

Folder = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="The workspace's folder.", show_default=False, metavar="DIR")
]
Who = Annotated[str | None, typer.Option("--as", help="The operator who decides.", show_default=False, metavar="NAME")]
Url = Annotated[
    str | None, typer.Option("--ledger", help="Another ledger than the workspace's.", show_default=False, metavar="URL")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

_SHARED: dict[str, tuple[Any, Any]] = {"workspace": (Folder, None), "who": (Who, None), "url": (Url, None)}
_JSON: dict[str, tuple[Any, Any]] = {"as_json": (AsJson, False)}


class Session:
    """One command with what its options name, opened when it is asked for."""

    def __init__(
        self, *, workspace: Path | None = None, who: str | None = None, url: str | None = None, as_json: bool = False
    ) -> None:
        self.workspace = workspace
        self.who = who
        self.url = url
        self.out = Output(as_json=as_json)

    @cached_property
    def clock(self) -> "Clock":
        """The machine's clock."""
        from ..core.clock import SystemClock

        return SystemClock()

    @cached_property
    def place(self) -> "Place":
        """The workspace; raises NotFound or SettingsError."""
        from ..core.settings import locate

        found = locate(self.workspace)
        if self.url is None:
            return found
        return found.model_copy(update={"workspace": found.workspace.model_copy(update={"ledger": self.url})})

    def look_again(self) -> None:
        """Forget the workspace's file and keys, which somebody may have changed; they are read again when they are asked for."""
        for name in ("place", "operator", "anybody"):
            self.__dict__.pop(name, None)

    @cached_property
    def operator(self) -> "Operator":
        """Who gives the command; raises Forbidden where the workspace does not list that person."""
        return self.place.operator(self.who)

    @cached_property
    def anybody(self) -> "Operator":
        """Who gives the command, also where the workspace does not list that person: for what everybody may do."""
        import os

        from ..core.settings import WHO, Operator, system_user

        name = self.who or os.environ.get(WHO) or system_user()
        return Operator(name=name, role=self.place.workspace.operators.get(name, ""))

    @cached_property
    def policy(self) -> "Policy":
        """The policy in force in the workspace's ledger; raises PolicyError or LedgerError, and says where the file differs."""
        with self.ledger() as ledger:
            return self.in_force(ledger).policy

    def in_force(self, ledger: "Ledger", *, quiet: bool = False) -> "InForce":
        """The policy in force in `ledger`, with its signatures; says on standard error where the file is not what holds."""
        from ..guardrails.enactment import in_force

        found = in_force(ledger, self.place, self.place.keys.ring())
        for warning in () if quiet else found.warnings:
            self.out.say(f"warning: {warning}")
        return found

    def known_policy(self, ledger: "Ledger") -> "Policy | None":
        """The policy in force in `ledger`; None, and a complaint, where it cannot be used, for what must be told all the same."""
        from .cli_errors import complain

        try:
            return self.in_force(ledger, quiet=True).policy
        except ShiftleadError as error:
            complain(error)
            return None

    @contextmanager
    def ledger(self) -> "Iterator[Ledger]":
        """The workspace's ledger, closed afterwards; raises LedgerError."""
        ledger = self.place.open_ledger(self.clock)
        try:
            yield ledger
        finally:
            ledger.close()

    def playbook(self, worker: str) -> "Playbook":
        """The playbook of a worker in this workspace; raises SettingsError or PluginError."""
        from ..agents.playbook import load_playbook, shipped_playbook

        named = self.place.workspace.playbooks.get(worker)
        if named:
            return load_playbook(self.place.path(named))
        try:
            return shipped_playbook(worker)
        except FileNotFoundError:
            from ..agents.crew import WORKERS
            from ..agents.worker import Worker
            from ..connectors.registry import load_plugin

            return load_plugin(worker, Worker, WORKERS).default_playbook()  # type: ignore[no-any-return]

    def steps(self, worker: str) -> dict[int, str]:
        """The SOP steps of a worker in words; none, and a complaint, where its playbook cannot be read."""
        from .cli_errors import complain

        try:
            return {step.number: step.text for step in self.playbook(worker).steps}
        except ShiftleadError as error:
            # A case must be told even where its worker is not installed any more.
            complain(error)
            return {}


def command(
    app: typer.Typer, name: str, *, prints_data: bool = True
) -> Callable[[Callable[Concatenate[Session, P], None]], Callable[Concatenate[Session, P], None]]:
    """Register a function that takes a session first; the session's options are added to its own."""
    shared = _SHARED | (_JSON if prints_data else {})

    def register(function: Callable[Concatenate[Session, P], None]) -> Callable[Concatenate[Session, P], None]:
        def run(ctx: typer.Context, **given: Any) -> None:
            before: dict[str, Any] = ctx.obj or {}
            options = {key: given.pop(key) or before.get(key) for key in shared}
            as_json = bool(options.pop("as_json", False))
            function(Session(as_json=as_json, **options), **given)  # type: ignore[call-arg]

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        run.__name__, run.__doc__ = name, function.__doc__
        parameters = [
            inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
            *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own),
            *(
                inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
                for key, (kind, default) in shared.items()
            ),
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        app.command(name)(run)
        return function

    return register


def group(help: str) -> typer.Typer:  # noqa: A002 - the framework's word
    """A noun with commands under it."""
    return typer.Typer(help=help, no_args_is_help=True, rich_markup_mode=None)
