"""The stream that consumers see is that of an oracle, whatever happens to users, definitions and the process.

SEGMENTD_HISTORIES sets how many histories are tried.
"""

from __future__ import annotations

import os

from hypothesis import Phase, settings
from tests.movement.machine import Movement

ASKED = int(os.environ.get("SEGMENTD_HISTORIES", "0"))
STEPS = int(os.environ.get("SEGMENTD_STEPS", "30"))

# That a mutant is caught is enough; a small example of it is not wanted.
PHASES = (Phase.generate,) if os.environ.get("SEGMENTD_NO_SHRINKING") else settings().phases

TestMovement = Movement.TestCase
TestMovement.settings = settings(
    max_examples=ASKED or settings().max_examples // 2, stateful_step_count=STEPS, phases=PHASES
)
