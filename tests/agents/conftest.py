"""A help desk on a ledger of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from blank_ledger import blank_ledger
from help_desk import HelpDesk

from shiftlead.core.clock import FrozenClock
from shiftlead.core.store import Ledger


@pytest.fixture
def desk(tmp_path: Path, clock: FrozenClock) -> Iterator[HelpDesk]:
    opened = Ledger.open(blank_ledger(tmp_path / "desk.db"), clock=clock, durable=False)
    yield HelpDesk(opened)
    opened.close()
