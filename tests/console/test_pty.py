"""The console in a real terminal: it paints, it decides, and it leaves the terminal as it found it."""

import os
import pty
import select
import sys
import time

from shiftlead.core import inbox

_CHILD = """
import sys
from datetime import datetime
from shiftlead.console.app import ConsoleApp
from shiftlead.core.clock import FrozenClock
from shiftlead.core.keys import Signer
from shiftlead.core.roster import Roster
from shiftlead.core.settings import Operator
from shiftlead.core.store import Ledger
from shiftlead.guardrails.approvals import Approvals
from shiftlead.guardrails.policy import shipped_policy
ledger = Ledger.open(sys.argv[1], clock=FrozenClock(datetime.fromisoformat(sys.argv[2])))
policy, ana = shipped_policy(), Operator(name="ana", role="controller")
approvals = Approvals(ledger, policy, signer=Signer.fresh("ana"), roster=Roster(operators={"ana": "controller"}, keyring=None))
ConsoleApp(ledger, policy, operator=ana, approvals=approvals, title="prod").run()
assert not {"httpx", "langgraph", "pydantic_settings", "jsonschema"} & set(sys.modules), "the console opens lean"
"""


class Terminal:
    """A child on a pseudo-terminal of 120 by 36."""

    def __init__(self, *arguments: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "120", "LINES": "36"}
            os.execv(sys.executable, [sys.executable, "-c", *arguments])
        self.seen = ""

    def until(self, words: str, seconds: float = 30) -> None:
        start, deadline = len(self.seen), time.monotonic() + seconds
        while words not in self.seen[start:]:
            assert time.monotonic() < deadline, f"{words!r} never came: {self.seen[-2000:]}"
            self.read()

    def read(self) -> bool:
        if not select.select([self.fd], [], [], 0.2)[0]:
            return True
        try:
            self.seen += os.read(self.fd, 65536).decode("utf-8", "replace")
        except OSError:
            return False
        return True

    def send(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def ended(self) -> int:
        while self.read():
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_real_terminal_paints_decides_stops_and_is_given_back(build, ledger, clock):
    request = build.request("INV-1")
    build.request("INV-2")
    terminal = Terminal(_CHILD, ledger.url, clock.now().isoformat())
    terminal.until("1,284.50 EUR")
    terminal.send("a")
    terminal.until("approved")
    terminal.send("\x1b[20~")
    terminal.until("again within 2 s")
    terminal.send("\x1b[20~")
    terminal.until("STOPPED")
    terminal.send("q")
    assert terminal.ended() == 0
    assert "\x1b[?1049l" in terminal.seen, "the terminal's own screen comes back"
    with ledger.reading() as session:
        assert [one.operator for one in inbox.decisions(session, request_id=request.id)] == ["ana"]
