"""`shiftlead init`: a new workspace with its policy, its ledger and its first connector."""

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import BadInput
from .cli_session import Session, command

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.clock import Clock
    from ..core.settings import ConnectorSettings, House, Place
    from ..core.store import Ledger
    from ..guardrails.policy import Policy

LEDGER = "sqlite:///ledger.db"
COMPANY = "company"
POLICY = "policy.yaml"


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
        house: Annotated[str, typer.Option(help="Whose name messages are signed with.", show_default=False)] = "",
        email: Annotated[str, typer.Option(help="Where to write to that house.", show_default=False)] = "",
        phone: Annotated[str, typer.Option(help="Where to call that house.", show_default=False)] = "",
        size: Annotated[int, typer.Option(min=4, help="For the company: how many cases wait in it.")] = 340,
        seed: Annotated[int, typer.Option(help="For the company: which company it is.")] = 7,
    ) -> None:
        """Make a workspace: settings, policy, ledger, and the embedded company or a folder of exports."""
        from ..core.settings import system_user

        _connector(connector, exports)
        place = make_workspace(
            session.workspace or folder,
            clock=session.clock,
            who=session.who or system_user(),
            ledger=session.url or LEDGER,
            connector=connector,
            exports=exports,
            house=_house(connector, house, email, phone),
            size=size,
            seed=seed,
            say=session.out.say,
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
    house: "House | None" = None,
    size: int = 340,
    seed: int = 7,
    say: "Callable[[str], None]" = lambda _: None,
) -> "Place":
    """A new workspace in `folder`; raises SettingsError or BadInput, and writes nothing, where something is there already.

    `say` is told what runs alone in a made-up company by the track record of its brain.
    """
    from ..core.keys import LEDGER_KEY
    from ..core.settings import FILE_NAME, Place, Workspace, write_workspace
    from ..core.store import Ledger
    from ..guardrails.enactment import in_force
    from ..guardrails.policy import shipped_policy

    _no_secret(ledger)
    _free(
        folder, (FILE_NAME, POLICY, *([COMPANY] if connector == COMPANY else []), *(["ledger.db"] if ledger == LEDGER else []))
    )
    # With less than the highest role the only person of a new workspace could escalate to nobody.
    highest = shipped_policy().roles[-1].name
    workspace = Workspace(
        ledger=ledger,
        policy=POLICY,
        house=house,
        connectors={connector: _connector(connector, exports)},
        operators={**({"ana": "lead", "ben": "operator"} if connector == COMPANY else {}), who: highest},
    )
    place = Place(folder=folder.resolve(), workspace=workspace)
    address = place.ledger_url()
    folder.mkdir(parents=True, exist_ok=True)
    # The ledger comes first: where it cannot be made, or is another workspace's, nothing else is written.
    with closing(Ledger.create(address, clock=clock, tenant=workspace.tenant)) as made:
        _unused(made)
        if connector == COMPANY:
            _company(place.path(f"{COMPANY}/{COMPANY}.db"), clock=clock, size=size, seed=seed)
        place.keys.make(LEDGER_KEY, here=True)
        for name in workspace.operators:
            # The made-up colleagues are nobody's, so their keys lie in the workspace; whoever makes it keeps theirs.
            place.keys.make(name, here=name != who)
        place.path(POLICY).write_text(_house_policy(), encoding="utf-8")
        policy = in_force(made, place, place.keys.ring()).policy
        if connector == COMPANY:
            # Evidence from made-up companies is evidence for another one and for nothing else, and it counts once, at the beginning.
            say(_certified(made, place, policy, seed=seed))
    write_workspace(folder, workspace)
    return place


def _unused(ledger: "Ledger") -> None:
    """Raise BadInput where a policy is in force already, which only the keys of the workspace that made it can vouch for."""
    from ..core import policies

    if policies.held_in(ledger):
        raise BadInput(
            "The ledger is another workspace's: a policy is in force there.",
            hint="Name another ledger, or use that workspace's folder with its keys.",
        )


def _house(connector: str, name: str, email: str, phone: str) -> "House | None":
    """Who writes; raises BadInput where real customers would get messages without a name to answer to."""
    from ..core.settings import House

    if connector == COMPANY and not (name or email or phone):
        return None
    missing = [
        option for option, given in (("--house", name), ("--email", email), ("--phone", phone)) if len(given.strip()) < 3
    ]
    if missing:
        raise BadInput(
            f"Messages to customers and suppliers need a name and a way to answer; {', '.join(missing)} is missing.",
            hint="Give --house NAME --email ADDRESS --phone NUMBER.",
        )
    return House(name=name.strip(), email=email.strip(), phone=phone.strip())


def _no_secret(ledger: str) -> None:
    """Raise BadInput where the ledger's address holds a password in clear, which would then stand in the workspace file."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(ledger)
    except (ArgumentError, ValueError):
        return
    words = (url.password, *(url.query.get(name) for name in ("password", "sslpassword")))
    if any(word and not re.fullmatch(r"\$\{\w+\}|\$\w+", str(word)) for word in words):
        place = url.render_as_string(hide_password=True).partition("?")[0]
        raise BadInput(
            f"The address of the ledger holds a password, which would stand in shiftlead.yaml: {place}.",
            hint="Set it in the environment, for instance as LEDGER_PASSWORD, and write ${LEDGER_PASSWORD} in its place,"
            " with the address in single quotes.",
        )


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


def _certified(ledger: "Ledger", place: "Place", policy: "Policy", *, seed: int) -> str:
    from ..evals.track_record import issue

    return issue(ledger, policy, seed=seed, keyring=place.keys.ring(), sealing=place.keys.own())


def _house_policy() -> str:
    from importlib.resources import files

    rooms = __package__.rpartition(".")[0]
    return files(f"{rooms}.guardrails").joinpath("house.yaml").read_text(encoding="utf-8")


def _shown(place: "Place") -> str:
    from sqlalchemy import make_url

    return make_url(place.ledger_url()).render_as_string(hide_password=True)
