"""An engine in memory, driven by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from tests.engine.driver import Driver
from tests.engine.together import only_arrays

from segmentd.service import aside

if os.environ.get("SEGMENTD_NO_SHRINKING"):
    # That a mutant is caught is enough; a small example of it is not wanted.
    settings.register_profile("mutants", parent=settings(), phases=[Phase.generate], database=None)
    settings.load_profile("mutants")


@pytest.fixture(params=["one by one", "arrays"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """Clock at 0, nobody there; in both ways of judging few users."""
    if request.param == "arrays":
        only_arrays(monkeypatch)
    driver = Driver()
    yield driver
    driver.close()


@pytest.fixture
def chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits are judged two rows a step."""
    monkeypatch.setattr(aside, "CHUNK", 2)
