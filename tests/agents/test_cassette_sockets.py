"""In a replay nothing in this process opens a connection, whichever library tries, and afterwards everything can again."""

import asyncio
import socket
import threading
import urllib.request
from contextlib import suppress

import httpx
import pytest

from shiftlead.agents.cassette import Cassette, Mode
from shiftlead.agents.no_sockets import no_sockets
from shiftlead.core.errors import CassetteError
from shiftlead.core.store import Ledger


@pytest.fixture
def port():
    """A port on loopback where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def by_tcp(port):
    with socket.socket() as one:
        one.connect(("127.0.0.1", port))


def by_connect_ex(port):
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", port))


def by_udp(port):
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", port))


def by_udp_message(port):
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendmsg([b"x"], [], 0, ("127.0.0.1", port))


def by_listening(port):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


def by_unix_path(port):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("/nowhere.sock")


def by_name(port):
    socket.getaddrinfo("localhost", port)


def by_old_name(port):
    socket.gethostbyname("localhost")


def by_httpx(port):
    httpx.get(f"http://127.0.0.1:{port}", timeout=1)


def by_awaited_httpx(port):
    async def get():
        async with httpx.AsyncClient() as client:
            await client.get(f"http://127.0.0.1:{port}", timeout=1)

    try:
        asyncio.run(get())
    except ExceptionGroup as several:
        # It tries all addresses of a host side by side, and tells of them together.
        raise several.exceptions[0] from None


def by_urllib(port):
    urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1)


WAYS = [by_tcp, by_connect_ex, by_udp, by_udp_message, by_listening, by_unix_path, by_name, by_old_name, by_httpx, by_awaited_httpx, by_urllib]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_way_out(way, port):
    with no_sockets(), pytest.raises(CassetteError, match="A replay opens no connection"):
        way(port)


def test_it_is_over_when_the_last_one_leaves(port):
    with no_sockets():
        with no_sockets():
            pass
        with pytest.raises(CassetteError):
            by_tcp(port)
    by_tcp(port)
    by_name(port)


def test_it_is_over_also_after_an_error(port):
    with suppress(ZeroDivisionError), no_sockets():
        _ = 1 / 0
    by_tcp(port)


def test_it_holds_for_every_thread(port):
    caught = []

    def attempt():
        try:
            by_tcp(port)
        except CassetteError as error:
            caught.append(error)

    with no_sockets():
        threads = [threading.Thread(target=attempt) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(caught) == 4


def test_a_connection_from_before_and_an_event_loop_go_on(port):
    with socket.create_connection(("127.0.0.1", port)) as before, no_sockets():
        assert before.send(b"x") == 1
        assert asyncio.run(asyncio.sleep(0, "done")) == "done"


def test_a_name_may_be_looked_up_only_where_everybody_lets_it(port):
    with no_sockets(resolving=["localhost"]):
        by_name(port)
        with pytest.raises(CassetteError, match=r"getaddrinfo ledger\.example"):
            socket.getaddrinfo("ledger.example", port)
        with pytest.raises(CassetteError):
            by_tcp(port)
        with no_sockets(), pytest.raises(CassetteError):
            by_name(port)


def test_the_ledger_works_on(ledger_url, clock):
    url = ledger_url.replace("127.0.0.1", "localhost")
    with no_sockets(resolving=["localhost"]):
        ledger = Ledger.create(url, clock=clock)
        with ledger.transaction() as tx:
            tx.audit("brain.replayed", actor="tests")
        assert ledger.verify() == []
        ledger.close()


@pytest.mark.parametrize(
    ("mode", "open_"), [(Mode.LIVE, True), (Mode.RECORD, True), (Mode.REPLAY, False), (Mode.STRICT, False)]
)
def test_only_replays_are_sealed(mode, open_, port, tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("format: 1\n", encoding="utf-8")
    with Cassette(path, mode).sealed():
        if open_:
            by_tcp(port)
        else:
            with pytest.raises(CassetteError):
                by_tcp(port)
