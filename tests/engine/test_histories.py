"""Random histories against an oracle that judges every user at every instant.

SEGMENTD_HISTORIES sets how many are tried of each kind; without it, some multiple of the profile's examples.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.dialect import Dialect, built_in_dialect, toy_dialect
from tests.engine.driver import Driver
from tests.engine.history import History
from tests.engine.together import only_arrays

from segmentd.plugins.host import load_plugins
from segmentd.service import aside

ASKED = int(os.environ.get("SEGMENTD_HISTORIES", "0"))
TAPES = st.binary(min_size=100, max_size=300)
PLUGINS = load_plugins()


@given(TAPES)
@settings(max_examples=ASKED or 15 * settings().max_examples)
def test_memberships_horizons_and_transitions_are_those_of_the_oracle(data: bytes) -> None:
    live_through(data, Driver(), toy_dialect())


@given(TAPES)
@settings(max_examples=ASKED or 2 * settings().max_examples)
def test_built_in_types_agree_with_the_oracle(data: bytes) -> None:
    live_through(data, Driver(plugins=PLUGINS), built_in_dialect())


def live_through(data: bytes, engine: Driver, dialect: Dialect) -> None:
    """A history with edits judged two users at a time; every other one without judging users one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "CHUNK", 2)
        if len(data) % 2:
            only_arrays(patch)
        try:
            History(data, engine, dialect).run()
        finally:
            engine.close()
