"""A service whose memberships are mapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mapping.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A service on a database in a file, and a reader beside it."""
    found = Site(tmp_path)
    yield found
    found.service.close()
