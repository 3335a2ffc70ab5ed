"""An engine in memory, driven by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.engine.driver import Driver


@pytest.fixture
def engine() -> Iterator[Driver]:
    """Clock at 0, nobody there."""
    driver = Driver()
    yield driver
    driver.close()
