"""`shiftlead init`: a new workspace with its policy, its ledger and its first connector."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import BadInput
from .cli_session import Session, command

if TYPE_CHECKING:
    from ..core.clock import Clock
    from ..core.settings import ConnectorSettings, Place

LEDGER = "sqlite:///ledger.db"
COMPANY = "company"
POLICY = "policy.yaml"
ROLES = ("operator", "lead", "controller")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "init")
    def init(
        session: Session,
        folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to make it.")] = Path(),
        connector: Annotated[str, typer.Option(help="The first connector: company, files, or one of a plugin.")] = COMPANY,
        exports: Annotated[
            Path | None, typer.Option("--folder", help="For files: the folder with the exports.", show_default=False)
        ] = None,
        size: Annotated[int, typer.Option(min=4, help="For the company: how many cases wait in it.")] = 340,
        seed: Annotated[int, typer.Option(help="For the company: which company it is.")] = 7,
    ) -> None:
        """Make a workspace: settings, policy, ledger, and the embedded company or a folder of exports."""
        from ..core.settings import system_user

        place = make_workspace(
            session.workspace or folder,
            clock=session.clock,
            who=session.who or system_user(),
            ledger=session.url or LEDGER,
            connector=connector,
            exports=exports,
            size=size,
            seed=seed,
        )
        people = [f"{name} ({role})" for name, role in place.workspace.operators.items()]
        if session.out.as_json:
            session.out.data({"folder": str(place.folder), "ledger": _shown(place), "operators": place.workspace.operators})
        else:
            session.out.text(f"Made a workspace in {place.folder}.", f"Operators: {', '.join(people)}.")
        session.out.say("Next: `shiftlead work --until-idle`, then `shiftlead inbox list`.")


def make_workspace(
    folder: Path,
    *,
    clock: "Clock",
    who: str,
    ledger: str = LEDGER,
    connector: str = COMPANY,
    exports: Path | None = None,
    size: int = 340,
    seed: int = 7,
) -> "Place":
    """A new workspace in `folder`; raises SettingsError or BadInput, and writes nothing, where something is there already."""
    from ..core.settings import FILE_NAME, Place, Workspace, write_workspace
    from ..core.store import Ledger

    _free(
        folder, (FILE_NAME, POLICY, *([COMPANY] if connector == COMPANY else []), *(["ledger.db"] if ledger == LEDGER else []))
    )
    workspace = Workspace(
        ledger=ledger,
        policy=POLICY,
        connectors={connector: _connector(connector, exports)},
        operators={"ana": "lead", "ben": "operator", who: "lead"} if connector == COMPANY else {who: "lead"},
    )
    place = Place(folder=folder.resolve(), workspace=workspace)
    folder.mkdir(parents=True, exist_ok=True)
    Ledger.create(place.ledger_url(), clock=clock, tenant=workspace.tenant).close()
    if connector == COMPANY:
        _company(place.path(f"{COMPANY}/{COMPANY}.db"), clock=clock, size=size, seed=seed)
    place.path(POLICY).write_text(_house_policy(), encoding="utf-8")
    write_workspace(folder, workspace)
    return place


def _free(folder: Path, names: tuple[str, ...]) -> None:
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{str(folder)!r} is a file.", hint="Name a folder.")
    taken = next((name for name in names if (folder / name).exists()), None)
    if taken:
        raise BadInput(f"{str(folder / taken)!r} exists already; nothing was written.", hint="Use another folder.")


def _connector(name: str, exports: Path | None) -> "ConnectorSettings":
    from ..connectors.registry import installed
    from ..core.settings import ConnectorSettings

    if name not in installed():
        raise BadInput(f"No connector {name!r} is installed.", hint=f"Installed: {', '.join(installed())}.")
    if name == COMPANY:
        return ConnectorSettings(settings={"path": f"{COMPANY}/{COMPANY}.db"})
    if name != "files":
        return ConnectorSettings()
    if exports is None or not exports.is_dir():
        found = "--folder is missing" if exports is None else f"{str(exports)!r} is no folder"
        raise BadInput(f"The files connector needs a folder of exports; {found}.", hint="Give --folder DIR.")
    return ConnectorSettings(settings={"folder": str(exports.resolve())})


def _company(path: Path, *, clock: "Clock", size: int, seed: int) -> None:
    from ..connectors.company import Company
    from ..core.clock import today

    path.parent.mkdir(parents=True, exist_ok=True)
    Company.create(path, seed=seed, size=size, today=today(clock), clock=clock).close()


def _house_policy() -> str:
    rooms = __package__.rpartition(".")[0]
    return files(f"{rooms}.guardrails").joinpath("house.yaml").read_text(encoding="utf-8")


def _shown(place: "Place") -> str:
    from sqlalchemy import make_url

    return make_url(place.ledger_url()).render_as_string(hide_password=True)
