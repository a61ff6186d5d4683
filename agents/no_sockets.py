"""A guard under which this process opens no connection: for replays, whose answers must come from the file alone.

It listens to what the interpreter itself reports of sockets, so that no library gets around it that uses Python's sockets,
whenever it was imported. A ledger on PostgreSQL goes on working: its library connects in C, and only looks the server's name
up in Python, which is let through for that name alone. Connections that were open before stay open, an event loop may have its
pair of sockets, and other processes are not watched.
"""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..core.errors import CassetteError

_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_WATCHED = _LOOKUPS | {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getnameinfo"}

_lock = threading.Lock()
_guards: tuple[frozenset[str], ...] = ()
"""The names that each guard on duty lets through; replaced whole, so that it can be read without the lock."""
_listening = False


@contextmanager
def no_sockets(resolving: Iterable[str] = ()) -> Iterator[None]:
    """Within it every attempt in this process to connect, bind, send or look a name up raises CassetteError, on loopback too.

    It holds for all threads until the last of those who asked for it leaves. `resolving` are names of hosts that may be looked
    up, though not connected to: those of the ledger's server.
    """
    global _guards
    mine = frozenset(resolving)
    _listen()
    with _lock:
        _guards = (*_guards, mine)
    try:
        yield
    finally:
        with _lock:
            at = next(place for place, one in enumerate(_guards) if one is mine)
            _guards = _guards[:at] + _guards[at + 1 :]


def _listen() -> None:
    """Begin to hear of sockets; it cannot be taken back, and costs nothing worth saying while no guard is on duty."""
    global _listening
    with _lock:
        if not _listening:
            sys.addaudithook(_heard)
            _listening = True


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guards or event not in _WATCHED:
        return
    address = arguments[0] if event in _LOOKUPS or event == "socket.getnameinfo" else arguments[1]
    if address is None and event == "socket.sendmsg":
        # Over a connection that was open before.
        return
    if event in _LOOKUPS and all(_as_text(address) in allowed for allowed in _guards):
        return
    raise CassetteError(
        f"A replay opens no connection, and something tried to: {event.removeprefix('socket.')} {_as_text(address)}.",
        hint="Give the workspace connectors that need no network, or use --mode live.",
    )


def _as_text(address: Any) -> str:
    if isinstance(address, bytes):
        return address.decode(errors="replace")
    return ":".join(str(part) for part in address[:2]) if isinstance(address, tuple) else str(address)
