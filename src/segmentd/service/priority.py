"""What a thread may take of a core that others want too."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

BEHIND_WORKERS: Final = 5
"""The niceness of the engine's thread beside workers: where all want the same core it gets a third of one of theirs."""


def yield_to_workers() -> None:
    """From now on this thread, and those that it starts, let workers go first."""
    if sys.platform == "linux":  # elsewhere it would be the priority of the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND_WORKERS)
