"""Fixtures that every room uses."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shiftlead.core.clock import FrozenClock
from shiftlead.core.keys import SECRETS
from shiftlead.core.store import Ledger

# `stage` is the small crew that tests of several rooms share with the child processes they start.
sys.path.insert(0, str(Path(__file__).parent / "scenarios"))

from blank_ledger import blank_ledger

# How fast examples come says something about the machine and nothing about the code.
settings.register_profile("shiftlead", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shiftlead")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(__file__).parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the development data folder is not beside this checkout")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _nobodys_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys that tests make go into a folder of their own, and never into somebody's home."""
    before = os.environ.get(SECRETS)
    os.environ[SECRETS] = str(tmp_path_factory.mktemp("secret-keys"))
    yield
    if before is None:
        del os.environ[SECRETS]
    else:
        os.environ[SECRETS] = before


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 9, 15, 9, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, without a database name; skips where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    on_path = shutil.which("pg_ctl")
    if not found and not on_path:
        pytest.skip("PostgreSQL is not installed")
    binaries = found[-1].parent if found else Path(str(on_path)).resolve().parent
    as_user: dict[str, int] = {}
    home = Path(tempfile.mkdtemp(prefix="shiftlead-pg-"))
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
        as_user = {"user": account.pw_uid, "group": account.pw_gid}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = home / "data", home / "log"
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": home, **as_user}
    subprocess.run([binaries / "initdb", "-D", data, "-U", "shiftlead", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"], **run)
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home} -c fsync=off -c max_connections=200"
    )
    subprocess.run([binaries / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start"], **run)
    try:
        yield f"postgresql://shiftlead@127.0.0.1:{port}"
    finally:
        subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], **run)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_blank(postgres_server: str) -> str:
    """The name of a database with a ledger in which nothing has happened, to be copied."""
    import psycopg

    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute("create database blank template template0")
    Ledger.create(f"{postgres_server}/blank").close()
    return "blank"


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind; where the test asks for `ledger` too, of that one."""
    begun = "ledger" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "ledger.db"
        return blank_ledger(path) if begun else f"sqlite:///{path}"
    import psycopg

    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_blank") if begun else "template0"
    name = "t_" + tmp_path.name.lower().replace("[", "_").replace("]", "_").replace("-", "_")[:40] + f"_{os.getpid()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}"')
        connection.execute(f'create database "{name}" template {template}')
    return f"{server}/{name}"


@pytest.fixture
def ledger(ledger_url: str, clock: FrozenClock) -> Iterator[Ledger]:
    """An empty ledger on each database."""
    opened = Ledger.open(ledger_url, clock=clock)
    yield opened
    opened.close()
