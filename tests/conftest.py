"""Fixtures that every room uses."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shiftlead.core.clock import FrozenClock


@pytest.fixture
def shared_data() -> Path:
    folder = Path(__file__).parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the development data folder is not beside this checkout")
    return folder


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 9, 15, 9, 0, tzinfo=UTC))
