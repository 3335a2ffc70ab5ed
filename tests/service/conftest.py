"""A service for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.service.opened import opened

from segmentd.service.service import Service


@pytest.fixture
def service() -> Iterator[Service]:
    """A service on a database in memory."""
    found = opened()
    yield found
    found.close()
